//! How a subject is told from a screen of one colour, or from a picture of the empty scene.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Result, backgrounds::color::parse_css};

/// What the models of the family `key` go by. Distances count as shares: 0 is the background itself, 1 is wholly another
/// colour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Key {
    /// The screen's colour for `chroma`: any CSS colour; `green` or `blue` for a screen of about that colour; `None` for
    /// the colour at the picture's border, of a clip at its first frame's.
    pub color: Option<String>,
    /// File of a picture of the empty scene, framed alike, for `difference`.
    pub plate: Option<PathBuf>,
    /// Distance up to which a pixel is background, 0 to 1.
    pub tolerance: f32,
    /// Further distance over which it becomes subject, 0 to 1.
    pub softness: f32,
}

impl Default for Key {
    fn default() -> Self {
        Self { color: None, plate: None, tolerance: 0.08, softness: 0.6 }
    }
}

/// What is known of a screen's colour beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyColor {
    /// Nothing: it is the saturated colour at the picture's border.
    Border,
    /// It is about this sRGB colour: what there is of that hue tells it exactly.
    About([u8; 3]),
    /// It is this sRGB colour.
    Exactly([u8; 3]),
}

/// Paints that screens are sold in: by name one of these is meant, not CSS's own green or blue.
const PAINTS: [(&str, [u8; 3]); 2] = [("green", [0, 177, 64]), ("blue", [0, 71, 187])];

impl Key {
    /// What is known of the screen's colour.
    ///
    /// # Errors
    /// [`Kind::BackgroundInvalid`](crate::Kind::BackgroundInvalid) when it is no CSS colour.
    pub fn known_color(&self) -> Result<KeyColor> {
        let Some(text) = self.color.as_deref() else { return Ok(KeyColor::Border) };
        match PAINTS.iter().find(|(name, _)| *name == text) {
            Some((_, paint)) => Ok(KeyColor::About(*paint)),
            None => Ok(KeyColor::Exactly(parse_css(text)?)),
        }
    }

    /// Adds what is wrong with these options for a model.
    pub(super) fn check(&self, model: &str, problems: &mut Vec<String>) {
        for (field, value) in [("tolerance", self.tolerance), ("softness", self.softness)] {
            if !(0.0..=1.0).contains(&value) {
                problems.push(format!("key.{field} is {value}, allowed is 0 to 1"));
            }
        }
        if self.known_color().is_err() {
            let color = self.color.as_deref().unwrap_or_default();
            problems.push(format!("key.color is {color:?}, allowed is green, blue or any opaque CSS colour"));
        }
        let (chroma, difference) = (crate::models::key::CHROMA, crate::models::key::DIFFERENCE);
        if self.color.is_some() && model != chroma {
            problems.push(format!("key.color is for the model {chroma}, and the model is {model}"));
        }
        if self.plate.is_some() && model != difference {
            problems.push(format!("key.plate is for the model {difference}, and the model is {model}"));
        }
        if self.plate.is_none() && model == difference {
            problems.push(format!("the model {difference} needs key.plate, a picture of the empty scene"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::options::Options;

    #[test]
    fn what_does_not_fit_the_model_is_told() {
        let cases = [
            ("chroma", r#"color = "green""#, ""),
            ("chroma", r##"color = "#00b140""##, ""),
            ("chroma", r#"color = "greenish""#, "key.color"),
            ("chroma", "tolerance = 1.5\nsoftness = -1", "key.tolerance is 1.5, allowed is 0 to 1; key.softness"),
            ("chroma", r#"plate = "empty.png""#, "key.plate is for the model difference"),
            ("difference", r#"plate = "empty.png""#, ""),
            ("difference", "", "needs key.plate"),
            ("u2net", r#"color = "blue""#, "key.color is for the model chroma"),
        ];
        for (model, key, expected) in cases {
            let options: Options = toml::from_str(&format!("model = {model:?}\n[key]\n{key}")).unwrap();
            let told = options.validate().err().map(|error| error.to_string()).unwrap_or_default();
            assert!(told.contains(expected) && told.is_empty() == expected.is_empty(), "{model} {key}: {told}");
        }
        assert!(toml::from_str::<Options>("[key]\ncolour = \"green\"").is_err());
    }
}

//! One colour behind the subject, in any CSS form.

use super::{Background, Scene};
use crate::{Error, Kind, Result, pixels::Rgb};

struct Color([u8; 3]);

impl Background for Color {
    fn paint(&self, scene: &Scene<'_>) -> Result<Rgb> {
        Ok(Rgb::filled(scene.canvas, self.0))
    }
}

/// Reads `#fff`, `tomato`, `rgb(1 2 3)`, `hsl(…)`, `oklch(…)` …
///
/// # Errors
/// [`Kind::BackgroundInvalid`] when it is no CSS colour.
pub fn parse(argument: &str) -> Result<Box<dyn Background>> {
    Ok(Box::new(Color(parse_css(argument)?)))
}

/// A CSS colour as 8-bit sRGB; one that is partly transparent is refused, for what would show through is unsaid.
///
/// # Errors
/// [`Kind::BackgroundInvalid`] when it is no opaque CSS colour.
pub fn parse_css(text: &str) -> Result<[u8; 3]> {
    let color = csscolorparser::parse(text)
        .map_err(|error| Error::new(Kind::BackgroundInvalid, format!("{text:?} is no CSS colour")).because(error))?;
    if color.a < 1.0 {
        return Err(Error::new(Kind::BackgroundInvalid, format!("the colour {text:?} is not opaque")));
    }
    let [red, green, blue, _] = color.to_rgba8();
    Ok([red, green, blue])
}

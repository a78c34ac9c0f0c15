//! What a caller may ask for: one options type for command line, API and stored jobs.

mod key;
mod margins;
mod notation;
mod shadow;
mod subject;

use serde::{Deserialize, Serialize};

pub use key::{Key, KeyColor};
pub use margins::Margins;
pub use notation::{Canvas, Length};
pub use shadow::{Shadow, ShadowKind};
pub use subject::{Point, Region, Subject, Verdict};

use crate::{
    Error, Kind, Result, backgrounds,
    engine::Device,
    models,
    steps::matting::{Method, closed_form::ClosedForm},
};

/// Everything about how one picture is cut out. Unknown fields are refused when read.
///
/// Presets are constructors: [`Options::preset`] gives a whole set, fields change single things.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The preset these options began as; recorded for billing and reports.
    pub preset: Preset,
    /// Name of the model variant, as `models list` shows it.
    pub model: String,
    /// Where the network runs.
    pub device: Device,
    /// Whose pre- and post-processing is reproduced.
    pub compat: Compat,
    /// What happens to transparency the picture brings along.
    pub existing_alpha: ExistingAlpha,
    /// How often the network may look at one picture: once at all of it, a second time closer at a small subject.
    pub looks: u8,
    /// Which of what is found is kept.
    pub subject: Subject,
    /// What keying goes by, for the models of the family `key`.
    pub key: Key,
    /// What is done to the matte's edge.
    pub edges: Edges,
    /// How alpha is found again where the matte is soft: hair, fur, fine structure.
    pub matting: Matting,
    /// Name of the variant whose network does the matting; `None` is the method's own choice. For
    /// [`Matting::VitMatte`] only.
    pub matting_model: Option<String>,
    /// How the subject's own colours are found where it is partly transparent.
    pub foreground: Foreground,
    /// What goes behind the subject, in the notation of [`backgrounds`]; `None` is transparent.
    pub background: Option<String>,
    /// Where the subject stands on the output.
    pub layout: Layout,
    /// A shadow behind the subject; `None` is none.
    pub shadow: Option<Shadow>,
}

/// How alpha is found again where the matte is soft. Written `none`, `closed-form`, `vitmatte`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matting {
    /// It is left as the refined edges are.
    #[default]
    None,
    /// From the picture's colours ([`ClosedForm`]).
    ClosedForm,
    /// By a network that looks at colours and trimap ([`VitMatte`](crate::models::VitMatte)).
    #[serde(rename = "vitmatte")]
    VitMatte,
}

/// A named set of options with a stated relative cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The network at a smaller input, its edge and colours not refined. Cost 1.
    Low,
    /// Refined edges and the subject's own colours. Cost 2.
    #[default]
    Medium,
    /// As `medium`, with a closer look at small subjects and closed-form matting in soft edges. Cost 5.
    High,
    /// As `high` until a finer way is there. Cost 10.
    Ultra,
}

/// Whose pre- and post-processing is reproduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compat {
    /// Our own: calibrated values, an empty picture gives an empty matte.
    #[default]
    None,
    /// rembg 2.0's, step by step, for comparing outputs. Edges and colours are left as the network gave them.
    Rembg,
}

/// What happens to transparency the picture brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExistingAlpha {
    /// What was transparent stays transparent: the new matte is multiplied by it.
    #[default]
    Keep,
    /// It is dropped, and the hidden colours come back into view of the network.
    Ignore,
}

/// What is done to the matte's edge, in this order: refine, solid, threshold, grow, feather.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edges {
    /// Follow the picture's edges at full resolution.
    pub refine: bool,
    /// What is partly transparent inside the subject, such as the windows of a car, becomes opaque; edges stay soft.
    pub solid: bool,
    /// Makes the matte hard: alpha at or above this becomes 1, the rest 0. Within 0 to 1.
    pub threshold: Option<f32>,
    /// Moves the edge outwards (positive) or inwards (negative).
    pub grow: Length,
    /// Softens the edge by a Gaussian of this standard deviation.
    pub feather: Length,
}

/// How the subject's own colours are found where it is partly transparent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Foreground {
    /// 0 keeps the picture's colours (a halo of the old background), 1 takes the estimated ones.
    pub strength: f32,
}

/// Where the subject stands on the output. All unset: where it was.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layout {
    /// Cut away what lies outside the subject's box.
    pub crop: bool,
    /// Room around the subject's box.
    pub margin: Margins,
    /// Size of the output; the subject is fitted into it.
    pub canvas: Option<Canvas>,
    /// How much of the output the subject fills along the tighter side, 0.01 to 1.
    pub scale: Option<f32>,
    /// Where the subject's box lies in the free room: 0 0 is top left, 0.5 0.5 the middle, 1 1 bottom right.
    pub position: Option<[f32; 2]>,
    /// Most pixels of the output: a larger one is made smaller, keeping its proportions.
    pub most_pixels: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self::preset(Preset::default())
    }
}

impl Default for Edges {
    fn default() -> Self {
        Self { refine: true, solid: false, threshold: None, grow: Length::default(), feather: Length::default() }
    }
}

impl Default for Foreground {
    fn default() -> Self {
        Self { strength: 1.0 }
    }
}

impl Matting {
    /// All ways, none first.
    pub const ALL: [Self; 3] = [Self::None, Self::ClosedForm, Self::VitMatte];

    /// The best that needs nothing more to be fetched.
    pub const BEST: Self = Self::ClosedForm;

    /// The name as written in options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClosedForm => "closed-form",
            Self::VitMatte => "vitmatte",
        }
    }

    /// The method itself; nothing for [`None`](Self::None) and for those with a network, which
    /// [`Catalog::matting`](crate::models::Catalog::matting) gives.
    #[must_use]
    pub fn method(self) -> Option<Box<dyn Method>> {
        match self {
            Self::None | Self::VitMatte => None,
            Self::ClosedForm => Some(Box::new(ClosedForm::default())),
        }
    }
}

impl Preset {
    /// All presets, cheapest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Ultra];

    /// Relative cost for billing.
    #[must_use]
    pub const fn cost(self) -> u32 {
        match self {
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 5,
            Self::Ultra => 10,
        }
    }

    /// The name as written in options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Ultra => "ultra",
        }
    }
}

impl Options {
    /// The whole set of options a preset stands for.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        let refined = preset != Preset::Low;
        let finest = matches!(preset, Preset::High | Preset::Ultra);
        Self {
            preset,
            model: if refined { models::DEFAULT } else { models::QUICK }.to_owned(),
            device: Device::Auto,
            compat: Compat::None,
            existing_alpha: ExistingAlpha::Keep,
            looks: if finest { 2 } else { 1 },
            subject: Subject::default(),
            key: Key::default(),
            edges: Edges { refine: refined, ..Edges::default() },
            matting: if finest { Matting::ClosedForm } else { Matting::None },
            matting_model: None,
            foreground: Foreground { strength: if refined { 1.0 } else { 0.0 } },
            background: None,
            layout: Layout::default(),
            shadow: None,
        }
    }

    /// Name of the variant whose network the matting needs, if it needs one.
    #[must_use]
    pub fn matting_network(&self) -> Option<&str> {
        let needed = self.matting == Matting::VitMatte && self.compat == Compat::None;
        needed.then(|| self.matting_model.as_deref().unwrap_or(models::vitmatte::DEFAULT))
    }

    /// Checks every field and reports all that is wrong at once.
    ///
    /// # Errors
    /// [`Kind::OptionInvalid`] naming each field, its value and what it allows;
    /// [`Kind::BackgroundInvalid`] when only the background's notation is wrong.
    pub fn validate(&self) -> Result<()> {
        if let Some(background) = &self.background {
            backgrounds::parse(background)?;
        }
        let problems = self.problems();
        if problems.is_empty() { Ok(()) } else { Err(Error::new(Kind::OptionInvalid, problems.join("; "))) }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut within = |field: &str, value: f32, low: f32, high: f32| {
            if !(low..=high).contains(&value) {
                problems.push(format!("{field} is {value}, allowed is {low} to {high}"));
            }
        };
        within("looks", f32::from(self.looks), 1.0, 2.0);
        within("edges.threshold", self.edges.threshold.unwrap_or(0.5), 0.0, 1.0);
        within("edges.grow", self.edges.grow.number(), -1000.0, 1000.0);
        within("edges.feather", self.edges.feather.number(), 0.0, 1000.0);
        within("foreground.strength", self.foreground.strength, 0.0, 1.0);
        for length in self.layout.margin.lengths() {
            within("layout.margin", length.number(), 0.0, 10_000.0);
        }
        within("layout.most_pixels", self.layout.most_pixels.unwrap_or(1) as f32, 1.0, 1e10);
        within("layout.scale", self.layout.scale.unwrap_or(1.0), 0.01, 1.0);
        for (axis, value) in ["x", "y"].iter().zip(self.layout.position.unwrap_or([0.5; 2])) {
            within(&format!("layout.position {axis}"), value, 0.0, 1.0);
        }
        if let Some(Canvas(size)) = self.layout.canvas {
            within("layout.canvas width", size.width as f32, 1.0, 65_535.0);
            within("layout.canvas height", size.height as f32, 1.0, 65_535.0);
        }
        if let Some(shadow) = &self.shadow {
            within("shadow.opacity", shadow.opacity, 0.0, 1.0);
            within("shadow.blur", shadow.blur.number(), 0.0, 1000.0);
            if backgrounds::color::parse_css(&shadow.color).is_err() {
                problems.push(format!("shadow.color is {:?}, allowed is any CSS colour", shadow.color));
            }
        }
        if let (Some(model), true) = (&self.matting_model, self.matting != Matting::VitMatte) {
            let name = self.matting.name();
            problems.push(format!("matting_model is {model:?}, and the matting {name} takes none"));
        }
        self.subject.check(&mut problems);
        self.key.check(&self.model, &mut problems);
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    #[test]
    fn presets_cost_what_the_design_says() {
        assert_eq!(Preset::ALL.map(Preset::cost), [1, 2, 5, 10]);
        for preset in Preset::ALL {
            assert!(Options::preset(preset).validate().is_ok(), "{}", preset.name());
        }
    }

    #[test]
    fn ways_of_matting_are_stored_under_their_names_and_one_has_a_network() {
        for matting in Matting::ALL {
            assert_eq!(serde_json::to_value(matting).unwrap(), matting.name());
            let model = Some("vitmatte-base-composition-1k".to_owned());
            let named = Options { matting, matting_model: model, ..Options::default() };
            let has_network = matting == Matting::VitMatte;
            assert_eq!((named.validate().is_ok(), named.matting_network().is_some()), (has_network, has_network));
            assert_eq!(matting.method().is_some(), matting == Matting::ClosedForm);
        }
        let own_choice = Options { matting: Matting::VitMatte, ..Options::default() };
        assert_eq!(own_choice.matting_network(), Some(models::vitmatte::DEFAULT));
        assert_eq!(Options { compat: Compat::Rembg, ..own_choice }.matting_network(), None);
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let mut options = Options::default();
        options.edges.threshold = Some(1.5);
        options.foreground.strength = -1.0;
        options.layout.scale = Some(2.0);
        options.shadow = Some(Shadow { color: "no such colour".into(), ..Shadow::default() });
        options.subject.points = vec!["120%,0".parse().unwrap()];
        options.subject.region = "0,0,0,5".parse().ok();
        let message = options.validate().unwrap_err().to_string();
        for field in
            ["edges.threshold", "foreground.strength", "layout.scale", "shadow.color", "points 1 x", "box width"]
        {
            assert!(message.contains(field), "{field} in {message}");
        }
    }

    #[test]
    fn options_survive_being_stored_and_refuse_unknown_fields() {
        let mut options = Options::preset(Preset::High);
        options.layout.canvas = Some(Canvas(Size::new(1200, 800)));
        options.edges.grow = Length::Percent(-0.5);
        options.shadow = Some(Shadow::default());
        options.subject.points = vec!["10,50%:drop".parse().unwrap()];
        options.subject.region = "1,2,30%,4".parse().ok();
        let text = toml::to_string(&options).unwrap();
        assert_eq!(toml::from_str::<Options>(&text).unwrap(), options);
        let wrong = toml::from_str::<Options>("modell = \"u2net\"").unwrap_err().to_string();
        assert!(wrong.contains("modell"), "{wrong}");
    }
}

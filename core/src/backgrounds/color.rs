//! One colour behind the subject, in any CSS form; it may be partly transparent.

use super::{Background, Scene};
use crate::{Error, Kind, Result, pixels::Rgb};

struct Color {
    color: [u8; 3],
    opacity: f32,
}

impl Background for Color {
    fn opacity(&self) -> f32 {
        self.opacity
    }

    fn paint(&self, scene: &Scene<'_>) -> Result<Rgb> {
        Ok(Rgb::filled(scene.canvas, self.color))
    }
}

/// Reads `#fff`, `tomato`, `rgb(1 2 3)`, `#81d4fa77`, `hsl(…)`, `oklch(…)` …
///
/// # Errors
/// [`Kind::BackgroundInvalid`] when it is no CSS colour.
pub fn parse(argument: &str) -> Result<Box<dyn Background>> {
    let (color, opacity) = read(argument)?;
    Ok(Box::new(Color { color, opacity }))
}

/// A CSS colour as 8-bit sRGB; one that is partly transparent is refused, for what would show through is unsaid.
///
/// # Errors
/// [`Kind::BackgroundInvalid`] when it is no opaque CSS colour.
pub fn parse_css(text: &str) -> Result<[u8; 3]> {
    match read(text)? {
        (color, 1.0) => Ok(color),
        _ => Err(Error::new(Kind::BackgroundInvalid, format!("the colour {text:?} is not opaque"))),
    }
}

fn read(text: &str) -> Result<([u8; 3], f32)> {
    let color = csscolorparser::parse(text)
        .map_err(|error| Error::new(Kind::BackgroundInvalid, format!("{text:?} is no CSS colour")).because(error))?;
    let [red, green, blue, _] = color.to_rgba8();
    Ok(([red, green, blue], color.a.clamp(0.0, 1.0)))
}

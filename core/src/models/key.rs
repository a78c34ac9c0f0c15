//! Models without a network: the subject is what has another colour than a screen, or than a picture of the empty scene.

mod chroma;
mod difference;
mod edge;
mod level;
mod screen;

use std::borrow::Cow;

use super::{Input, ModelCard, ModelUsed, Output, Segmenter};
use crate::{
    Error, Kind, Result,
    engine::{Device, Precision, artifacts::License},
    files::{self, Picture},
    pixels::Rgb,
};
pub use chroma::Chroma;
pub use difference::Difference;

/// The family's name.
pub(super) const FAMILY: &str = "key";
/// The variant that keys by a screen's colour.
pub const CHROMA: &str = "chroma";
/// The variant that keys by a picture of the empty scene.
pub const DIFFERENCE: &str = "difference";

/// The family's variants. They look at every pixel, so that what their cards say of an input means nothing.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    let card = |name: &str, about: &str| ModelCard {
        name: name.to_owned(),
        family: FAMILY,
        about: about.to_owned(),
        input: Input::square(1, ([0.0; 3], [1.0; 3])),
        output: Output::default(),
        memory_mb: Some(0),
        own: None,
    };
    vec![
        card(CHROMA, "Anything before a green or blue screen (--key-color); no network."),
        card(DIFFERENCE, "What a picture of the empty scene lacks (--key-plate); no network."),
    ]
}

/// The segmenter of a card of this family.
///
/// # Errors
/// [`Kind::DeviceUnavailable`] for another device than the processor.
pub(super) fn open(card: &ModelCard, device: Device) -> Result<Box<dyn Segmenter>> {
    if !matches!(device, Device::Auto | Device::Cpu) {
        let message = format!("{} has no network that could run on {device}", card.name);
        return Err(Error::new(Kind::DeviceUnavailable, message));
    }
    Ok(if card.name == DIFFERENCE { Box::new(Difference::default()) } else { Box::new(Chroma::default()) })
}

fn used(model: &str) -> ModelUsed {
    let none = || "none".to_owned();
    ModelUsed {
        model: model.to_owned(),
        file: none(),
        sha256: None,
        license: License { code: none(), weights: none(), data: None, commercial: true, note: None },
        device: Device::Cpu,
        precision: Precision::Fp32,
        passed_over: Vec::new(),
    }
}

/// A picture's colours in sRGB, which named colours and other pictures are compared in.
fn srgb(picture: &Picture) -> Result<Cow<'_, Rgb>> {
    let Some(profile) = &picture.profile else { return Ok(Cow::Borrowed(&picture.color)) };
    let mut color = picture.color.clone();
    files::to_srgb(&mut color, profile)?;
    Ok(Cow::Owned(color))
}

/// Alpha from a distance: 0 up to the tolerance, 1 from the softness beyond it on.
fn ramp(distance: f32, tolerance: f32, softness: f32) -> f32 {
    ((distance - tolerance) / softness.max(1e-3)).clamp(0.0, 1.0)
}

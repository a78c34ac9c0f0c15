//! MediaPipe selfie segmentation: people in front of a camera, in milliseconds (Google, Apache-2.0).

use super::{Input, InputSize, Layout, ModelCard, Output};

/// The family's variants.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    let card = |name: &str, width: u32, height: u32, about: &str| ModelCard {
        name: name.to_owned(),
        family: "selfie",
        about: about.to_owned(),
        input: Input { size: InputSize::Fixed { width, height }, layout: Layout::Nchw, mean: [0.0; 3], std: [1.0; 3] },
        output: Output::default(),
        memory_mb: Some(60),
        own: None,
    };
    vec![
        card("selfie", 256, 256, "One person facing the camera; a preview, not fine edges."),
        card("selfie-landscape", 256, 144, "As selfie, for wide pictures."),
    ]
}

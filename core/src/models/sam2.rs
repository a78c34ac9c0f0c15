//! Segment Anything 2.1 on single pictures (Ravi et al., 2024).

use super::{IMAGENET, Input, ModelCard, Output};

/// The family's variants.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    vec![ModelCard {
        name: "sam2.1-tiny".to_owned(),
        family: "sam2",
        about: "What points or a box show; the second generation.".to_owned(),
        input: Input::square(1024, IMAGENET),
        output: Output::default(),
        memory_mb: None,
        own: None,
    }]
}

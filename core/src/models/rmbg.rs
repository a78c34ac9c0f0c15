//! RMBG: Bria's networks, whose weights forbid commercial use without an agreement; never a default.

use super::{IMAGENET, Input, ModelCard, Output};

/// The family's variants.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    let card = |name: &str, normalisation, about: &str| ModelCard {
        name: name.to_owned(),
        family: "rmbg",
        about: about.to_owned(),
        input: Input::square(1024, normalisation),
        output: Output::default(),
        memory_mb: None,
        own: None,
    };
    vec![
        card("rmbg-2.0", IMAGENET, "Any subject; non-commercial weights."),
        card("rmbg-1.4", ([0.5; 3], [1.0; 3]), "Any subject; non-commercial weights, IS-Net's shape."),
    ]
}

//! IS-Net: dichotomous segmentation at 1024 × 1024 (Qin et al., ECCV 2022, github.com/xuebinqin/DIS).

use super::{IMAGENET, Input, ModelCard, Output};

/// The family's variants.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    let card = |name: &str, normalisation, about: &str| ModelCard {
        name: name.to_owned(),
        family: "isnet",
        about: about.to_owned(),
        input: Input::square(1024, normalisation),
        output: Output::default(),
        memory_mb: Some(1100),
        own: None,
    };
    vec![
        card("isnet-general-use", ([0.5; 3], [1.0; 3]), "Any subject; the default."),
        card("isnet-anime", (IMAGENET.0, [1.0; 3]), "Drawn characters."),
    ]
}

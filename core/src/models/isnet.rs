//! IS-Net: dichotomous segmentation at 1024 × 1024 or less (Qin et al., ECCV 2022, github.com/xuebinqin/DIS).

use super::{IMAGENET, Input, ModelCard, Output};

/// The family's variants.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    let card = |name: &str, side, normalisation, about: &str| ModelCard {
        name: name.to_owned(),
        family: "isnet",
        about: about.to_owned(),
        input: Input::square(side, normalisation),
        output: Output::default(),
        memory_mb: Some(if side < 1024 { 700 } else { 1100 }),
        own: None,
    };
    vec![
        card("isnet-general-use", 1024, ([0.5; 3], [1.0; 3]), "Any subject; the default."),
        card(
            "isnet-general-use-768",
            768,
            ([0.5; 3], [1.0; 3]),
            "The default's weights at 768 × 768: in half the time.",
        ),
        card("isnet-anime", 1024, (IMAGENET.0, [1.0; 3]), "Drawn characters."),
    ]
}

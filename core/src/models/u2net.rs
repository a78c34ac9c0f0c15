//! U²-Net: salient object detection at 320 × 320 (Qin et al., Pattern Recognition 2020, github.com/xuebinqin/U-2-Net).

use super::{IMAGENET, Input, ModelCard, Output};

/// The family's variants.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    let card = |name: &str, about: &str| ModelCard {
        name: name.to_owned(),
        family: "u2net",
        about: about.to_owned(),
        input: Input::square(320, IMAGENET),
        // The published graphs end in the sigmoid; of their seven outputs the first is the fused one.
        output: Output::default(),
        memory_mb: None,
        own: None,
    };
    vec![
        card("u2net", "Any subject, at low resolution."),
        card("u2netp", "Any subject, 4.6 MB, for small machines."),
        card("u2net-human-seg", "People, at low resolution."),
        card("silueta", "As u2net, pruned to 43 MB."),
    ]
}

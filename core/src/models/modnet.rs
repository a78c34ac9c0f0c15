//! MODNet: portrait matting in one pass (Ke et al., AAAI 2022, github.com/ZHKKKe/MODNet).

use super::{Input, InputSize, Layout, ModelCard, Output};

/// The family's variants.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    vec![ModelCard {
        name: "modnet".to_owned(),
        family: "modnet",
        about: "Portraits, quickly.".to_owned(),
        input: Input {
            size: InputSize::ShortSide { short_side: 512, multiple: 32 },
            layout: Layout::Nchw,
            mean: [0.5; 3],
            std: [0.5; 3],
        },
        output: Output::default(),
        memory_mb: None,
        own: None,
    }]
}

//! Segment Anything: networks that are asked by points and a box (Kirillov et al., ICCV 2023; MobileSAM: Zhang et al., 2023).

use super::{Input, InputSize, Layout, ModelCard, Output};

/// The family's variants: the encoder takes the picture as rows of samples 0 to 255 and normalises by itself.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    let card = |name: &str, about: &str| ModelCard {
        name: name.to_owned(),
        family: "sam",
        about: about.to_owned(),
        input: Input {
            size: InputSize::Fixed { width: 1024, height: 1024 },
            layout: Layout::Hwc,
            mean: [0.0; 3],
            std: [1.0 / 255.0; 3],
        },
        output: Output::default(),
        memory_mb: None,
        own: None,
    };
    vec![
        card("mobile-sam", "What points or a box show; small and quick."),
        card("sam-vit-b", "What points or a box show."),
        card("sam-vit-l", "What points or a box show; large and slow on a processor."),
    ]
}

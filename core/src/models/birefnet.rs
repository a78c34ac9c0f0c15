//! BiRefNet: bilateral reference segmentation and matting (Zheng et al., CAAI AIR 2024, github.com/ZhengPeng7/BiRefNet).

use super::{Activation, IMAGENET, Input, ModelCard, Output};

/// The family's variants. Each runs at the size it was trained for: off it, quality collapses.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    let card = |name: &str, side: u32, memory_mb: Option<u32>, about: &str| ModelCard {
        name: name.to_owned(),
        family: "birefnet",
        about: about.to_owned(),
        input: Input::square(side, IMAGENET),
        output: Output { activation: Activation::Sigmoid, ..Output::default() },
        memory_mb,
        own: None,
    };
    vec![
        card("birefnet-general", 1024, Some(7700), "Any subject, finest outlines; large and slow on a processor."),
        card("birefnet-general-lite", 1024, None, "Any subject, a quarter of the size."),
        card("birefnet-portrait", 1024, Some(7700), "People with hair."),
        card("birefnet-matting", 1024, Some(7700), "Soft edges: hair, fur, glass."),
        card("birefnet-dis", 1024, Some(7700), "Thin structures."),
        card("birefnet-hrsod", 1024, Some(7700), "High-resolution salient objects."),
        card("birefnet-cod", 1024, Some(7700), "Camouflaged objects."),
        card("birefnet-massive", 1024, Some(7700), "Any subject, trained on more data."),
        card("birefnet-hr", 2048, None, "Any subject at 2048 × 2048."),
        card("birefnet-hr-matting", 2048, None, "Soft edges at 2048 × 2048."),
        card("birefnet-512", 512, None, "Any subject, trained for 512 × 512."),
    ]
}

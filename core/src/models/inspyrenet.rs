//! InSPyReNet: inverse saliency pyramid (Kim et al., ACCV 2022, github.com/plemeri/InSPyReNet).

use super::{IMAGENET, Input, ModelCard, Output};

/// The family's variants. Its authors publish no ONNX file: export one, describe it as a custom
/// model, or put it into the store under the artifact's name.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    vec![ModelCard {
        name: "inspyrenet".to_owned(),
        family: "inspyrenet",
        about: "Any subject, Swin-B; bring your own export.".to_owned(),
        input: Input::square(1024, IMAGENET),
        output: Output::default(),
        memory_mb: None,
        own: None,
    }]
}

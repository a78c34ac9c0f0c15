//! BEN2: background erase network (Prama LLC, github.com/PramaLLC/BEN2).

use super::{Input, ModelCard, Output};

/// The family's variants. The published graph takes 0 to 1 as it is (its `onnx_run.py`) and gives half precision.
#[must_use]
pub fn cards() -> Vec<ModelCard> {
    vec![ModelCard {
        name: "ben2".to_owned(),
        family: "ben2",
        about: "Any subject, fine hair.".to_owned(),
        input: Input::square(1024, ([0.0; 3], [1.0; 3])),
        output: Output::default(),
        memory_mb: Some(4000),
        own: None,
    }]
}

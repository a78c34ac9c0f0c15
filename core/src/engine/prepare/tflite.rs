//! Networks in TensorFlow Lite's format as ONNX graphs: MediaPipe publishes its small ones in no other.
//!
//! In the file, pictures are `[1, height, width, channels]`; in the graph, inputs and outputs too, they are
//! `[1, channels, height, width]`, which is what the runtime is quick with: weights are put in order once, and nothing
//! is turned around while the network runs. Weights in half precision become single.

mod attributes;
mod flatbuffer;
mod making;
mod operators;
mod schema;
mod weights;

use crate::{
    Result,
    engine::onnx::{Model, OperatorSet},
};
use making::Making;
use schema::Network;

/// Whether a file of these first bytes is of this format.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"TFL3")
}

/// The ONNX graph that computes what the file's first graph does.
///
/// # Errors
/// [`crate::Kind::ModelMismatch`] when the file is damaged, computes in 8 bits, or has an operator or setting that is not
/// known here.
pub fn to_onnx(bytes: &[u8]) -> Result<Model> {
    let network = Network::read(bytes)?;
    let mut graph = Making::new(&network, bytes.len());
    for operator in &network.operators {
        operators::add(operator, &mut graph)?;
    }
    let opset_import = vec![OperatorSet { version: 13, ..OperatorSet::default() }];
    Ok(Model { ir_version: 8, graph: Some(graph.finish()?), opset_import, ..Model::default() })
}

//! Raises a graph to the operators that 8-bit forms need: version 13, the first with a scale for each channel.
//!
//! From 11 on little changed on the way: a few settings became inputs, and what softmax means (see "Changelog" of the
//! ONNX operators).

use crate::{
    Error, Kind, Result,
    engine::onnx::{Graph, Model, Node, TensorData, data_type},
};

/// The version that 8-bit forms need.
const NEEDED: i64 = 13;
/// The oldest version that can be raised; before it, enlarging meant something else.
const OLDEST: i64 = 11;

/// Raises the version of the graph's operators to 13 if it is older.
///
/// # Errors
/// [`Kind::ModelMismatch`] when the graph is older than 11, or has an operator that meant something else then.
pub fn raise(model: &mut Model) -> Result<()> {
    let unfit = |message: String| Error::new(Kind::ModelMismatch, message);
    let Some(set) = model.opset_import.iter_mut().find(|set| set.domain.is_empty()) else {
        return Err(unfit("the file does not say which ONNX operators it uses".into()));
    };
    if set.version >= NEEDED {
        return Ok(());
    }
    if set.version < OLDEST {
        let version = set.version;
        return Err(unfit(format!("the graph uses ONNX operators {version}; 8 bits need {OLDEST} or later")));
    }
    let graph = model.graph.as_mut().ok_or_else(|| unfit("the file holds no graph".into()))?;
    for index in 0..graph.node.len() {
        match graph.node[index].op_type.as_str() {
            "Softmax" | "LogSoftmax" | "Hardmax" => {
                let version = set.version;
                return Err(unfit(format!(
                    "{} of ONNX operators {version} cannot be raised",
                    graph.node[index].op_type
                )));
            }
            "Squeeze" | "Unsqueeze" | "ReduceSum" => setting_to_input(graph, index, "axes"),
            "Split" => setting_to_input(graph, index, "split"),
            _ => {}
        }
    }
    set.version = NEEDED;
    model.ir_version = model.ir_version.max(7);
    Ok(())
}

/// Makes a list of whole numbers that is a setting of a node its last input.
fn setting_to_input(graph: &mut Graph, index: usize, name: &str) {
    let node: &mut Node = &mut graph.node[index];
    let Some(position) = node.attribute.iter().position(|attribute| attribute.name == name) else { return };
    let numbers = node.attribute.remove(position).ints;
    let constant = format!("{}/{name}", node.output[0]);
    node.input.push(constant.clone());
    graph.initializer.push(TensorData {
        name: constant,
        dims: vec![numbers.len() as i64],
        data_type: data_type::INT64,
        raw_data: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
        ..TensorData::default()
    });
}

//! Frees a graph of convolutions from the one input size that it was published with.

use std::collections::HashMap;

use crate::engine::onnx::{Attribute, Dimension, DimensionValue, Graph, Node, Shape, TensorData, ValueInfo, data_type};

/// How many times smaller than the input a value is, across and down alike.
type Shrunk = i64;

/// Replaces each enlargement to a fixed size by one by a factor, and gives the input free sides.
///
/// Published files write sizes out because they were traced on one picture. A graph in which anything but convolutions,
/// pooling, joins and enlargements by whole factors stands between input and output is left as it is.
pub fn free(graph: &mut Graph) {
    let Some(factors) = factors(graph) else { return };
    for (&index, factor) in &factors {
        let name = format!("enlarge by {factor}");
        let node = &mut graph.node[index];
        // Operators before version 13 do not do without the second input, which nobody reads here.
        node.input.truncate(2);
        node.input.push(name.clone());
        if !graph.initializer.iter().any(|tensor| tensor.name == name) {
            graph.initializer.push(scales(name, *factor));
        }
    }
    for port in graph.input.iter_mut().chain(&mut graph.output) {
        for (dimension, name) in
            shape(port).into_iter().flat_map(|shape| shape.dim.iter_mut().skip(2)).zip(["rows", "columns"])
        {
            dimension.value = Some(DimensionValue::Parameter(name.to_owned()));
        }
    }
}

fn scales(name: String, factor: i64) -> TensorData {
    let scales = [1.0, 1.0, factor as f32, factor as f32];
    TensorData {
        name,
        dims: vec![4],
        data_type: data_type::FLOAT,
        raw_data: scales.iter().flat_map(|scale: &f32| scale.to_le_bytes()).collect(),
        ..TensorData::default()
    }
}

/// The factor of every enlargement, by the place of its node; `None` when the graph cannot be followed.
fn factors(graph: &mut Graph) -> Option<HashMap<usize, i64>> {
    let [input] = graph.input.as_mut_slice() else { return None };
    let name = input.name.clone();
    let side = match shape(input)?.dim.as_slice() {
        [_, _, height, width] if side(height)? == side(width)? => side(height)?,
        _ => return None,
    };
    let mut shrunk: HashMap<&str, Shrunk> = HashMap::from([(name.as_str(), 1)]);
    let mut factors = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        let Some(&before) = node.input.first().and_then(|name| shrunk.get(name.as_str())) else { continue };
        let after = match node.op_type.as_str() {
            "Conv" | "MaxPool" => before * stride(node)?,
            "Resize" => {
                let after = side / width(graph, node.input.get(3)?, side, &shrunk)?;
                if after == 0 || before % after != 0 {
                    return None;
                }
                factors.insert(index, before / after);
                after
            }
            "Relu" | "Sigmoid" | "Cast" | "BatchNormalization" => before,
            "Concat" | "Add" if node.input.iter().all(|name| shrunk.get(name.as_str()) == Some(&before)) => before,
            // Only the sizes that are written out anyway depend on it.
            "Shape" => continue,
            _ => return None,
        };
        shrunk.extend(node.output.iter().map(|name| (name.as_str(), after)));
    }
    let whole = graph.output.iter().all(|port| shrunk.contains_key(port.name.as_str()));
    (whole && !factors.is_empty()).then_some(factors)
}

fn stride(node: &Node) -> Option<i64> {
    match node.attribute.iter().find(|attribute| attribute.name == "strides") {
        None => Some(1),
        Some(Attribute { ints, .. }) => match ints.as_slice() {
            [down, across] if down == across => Some(*down),
            _ => None,
        },
    }
}

/// The last of a list of sizes: a constant, taken from another value's shape, or put together with such at its end.
fn width(graph: &Graph, name: &str, side: i64, shrunk: &HashMap<&str, Shrunk>) -> Option<i64> {
    if let Some(tensor) = graph.initializer.iter().find(|tensor| tensor.name == name) {
        return last_of(tensor);
    }
    let node = graph.node.iter().find(|node| node.output.iter().any(|output| output == name))?;
    match node.op_type.as_str() {
        "Constant" => last_of(node.attribute.iter().find_map(|attribute| attribute.t.as_ref())?),
        "Shape" => Some(side / shrunk.get(node.input.first()?.as_str())?),
        "Concat" => width(graph, node.input.last()?, side, shrunk),
        "Cast" | "Gather" | "Slice" | "Unsqueeze" => width(graph, node.input.first()?, side, shrunk),
        _ => None,
    }
}

fn last_of(tensor: &TensorData) -> Option<i64> {
    if tensor.data_type != data_type::INT64 {
        return None;
    }
    let raw = tensor.raw_data.last_chunk::<8>().map(|bytes| i64::from_le_bytes(*bytes));
    raw.or_else(|| tensor.int64_data.last().copied()).filter(|&number| number > 0)
}

fn shape(port: &mut ValueInfo) -> Option<&mut Shape> {
    port.r#type.as_mut()?.tensor_type.as_mut()?.shape.as_mut()
}

fn side(dimension: &Dimension) -> Option<i64> {
    match dimension.value {
        Some(DimensionValue::Value(length)) => Some(length),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::onnx::{TensorType, Type, attribute_type};

    fn node(op: &str, input: &[&str], output: &str) -> Node {
        Node {
            op_type: op.into(),
            input: input.iter().map(ToString::to_string).collect(),
            output: vec![output.into()],
            ..Node::default()
        }
    }

    fn port(name: &str, side: i64) -> ValueInfo {
        let dim = [1, 3, side, side]
            .map(|length| Dimension { value: Some(DimensionValue::Value(length)), ..Dimension::default() });
        let tensor_type = Some(TensorType { elem_type: data_type::FLOAT, shape: Some(Shape { dim: dim.to_vec() }) });
        ValueInfo { name: name.into(), r#type: Some(Type { tensor_type, ..Type::default() }), ..ValueInfo::default() }
    }

    /// Halves by a convolution, enlarges back to the 64 pixels that are written out.
    fn traced() -> Graph {
        let strides = Attribute {
            name: "strides".into(),
            r#type: attribute_type::INTS,
            ints: vec![2, 2],
            ..Attribute::default()
        };
        let sizes = TensorData {
            name: "sizes".into(),
            dims: vec![4],
            data_type: data_type::INT64,
            int64_data: vec![1, 3, 64, 64],
            ..TensorData::default()
        };
        Graph {
            node: vec![
                Node { attribute: vec![strides], ..node("Conv", &["x", "w"], "half") },
                node("Relu", &["half"], "cut"),
                node("Resize", &["cut", "", "", "sizes"], "y"),
            ],
            initializer: vec![sizes],
            input: vec![port("x", 64)],
            output: vec![port("y", 64)],
            ..Graph::default()
        }
    }

    #[test]
    fn written_out_sizes_become_factors_and_sides_free() {
        let mut graph = traced();
        free(&mut graph);
        assert_eq!(graph.node[2].input, ["cut", "", "enlarge by 2"]);
        let free_side = |port: &mut ValueInfo| side(&shape(port).unwrap().dim[3]).is_none();
        assert!(free_side(&mut graph.input[0]) && free_side(&mut graph.output[0]));
    }

    #[test]
    fn sizes_taken_from_another_value_become_factors_too() {
        let mut graph = traced();
        let resize = graph.node.pop().expect("the last node enlarges");
        graph.node.extend([
            node("Shape", &["x"], "shape"),
            node("Slice", &["shape"], "sides"),
            node("Concat", &["batch", "sides"], "taken"),
            Node { input: ["cut", "", "", "taken"].map(str::to_owned).to_vec(), ..resize },
        ]);
        free(&mut graph);
        assert_eq!(graph.node[5].input, ["cut", "", "enlarge by 2"]);
    }

    #[test]
    fn a_graph_that_cannot_be_followed_is_left_alone() {
        for op in ["MatMul", "Reshape"] {
            let mut graph = traced();
            graph.node[1].op_type = op.into();
            let before = graph.clone();
            free(&mut graph);
            assert_eq!(graph, before, "{op}");
        }
    }
}

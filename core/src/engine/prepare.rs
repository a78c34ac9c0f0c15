//! Turns a published file into the graph we run: ONNX, one output, single precision, any input size, nodes in order.
//!
//! Half-precision files are published to be small on the wire. Run as they are, the processor
//! widens every weight at each load and keeps both; widened once on disk they load leaner and run faster.

mod sizes;
mod spelling;
mod tflite;

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use half::f16;
use prost::Message;

use super::onnx::{Attribute, Graph, Model, Node, TensorData, ValueInfo, data_type};
use crate::{
    Error, Kind, Result,
    files::{IfExists, write_atomically},
};

/// Raised whenever this file would write another graph from the same bytes, so that older ones are made anew.
pub const VERSION: u32 = 3;

/// The form of `file` that is run: itself, or what is made of it now or lies in `folder` from before.
///
/// `key` names the file's content (its SHA-256); `output` is the one output that is kept when half precision is widened.
/// Files in TensorFlow Lite's format become ONNX graphs.
///
/// # Errors
/// [`Kind::ModelMismatch`] when the file is no graph that we can follow, or has no such output;
/// [`Kind::OutputUnwritable`] when the folder cannot be written.
pub fn prepared(file: &Path, key: &str, output: Option<&str>, folder: &Path) -> Result<PathBuf> {
    let unreadable =
        |error| Error::new(Kind::InputUnreadable, format!("cannot read {}", file.display())).because(error);
    let lite = is_tflite(file).map_err(unreadable)?;
    if output.is_none() && !lite {
        return Ok(file.to_owned());
    }
    let path = folder.join(format!("{}-v{VERSION}.onnx", &key[..key.len().min(16)]));
    if path.is_file() {
        return Ok(path);
    }
    let bytes = fs::read(file).map_err(unreadable)?;
    let mut model =
        if lite { tflite::to_onnx(&bytes) } else { read(&bytes) }.map_err(|error| error.on(file.display()))?;
    drop(bytes);
    if let Some(output) = output {
        trim_and_widen(&mut model, output).map_err(|error| error.on(file.display()))?;
    }
    let unwritable = |error: std::io::Error| {
        Error::new(Kind::OutputUnwritable, format!("cannot make {}", folder.display())).because(error)
    };
    fs::create_dir_all(folder).map_err(unwritable)?;
    write_atomically(&path, &model.encode_to_vec(), IfExists::Replace)?;
    Ok(path)
}

fn is_tflite(file: &Path) -> std::io::Result<bool> {
    let mut start = Vec::new();
    fs::File::open(file)?.take(8).read_to_end(&mut start)?;
    Ok(tflite::is_one(&start))
}

fn read(bytes: &[u8]) -> Result<Model> {
    Model::decode(bytes).map_err(|error| Error::new(Kind::ModelMismatch, "this is no ONNX graph").because(error))
}

/// Keeps one output and what it needs, widens half precision to single, frees the input's size, sorts the nodes.
fn trim_and_widen(model: &mut Model, output: &str) -> Result<()> {
    let graph = model.graph.as_mut().ok_or_else(|| Error::new(Kind::ModelMismatch, "the file holds no graph"))?;
    graph.output.retain(|port| port.name == output);
    if graph.output.is_empty() {
        return Err(Error::new(Kind::ModelMismatch, format!("the graph has no output {output:?}")));
    }
    spelling::settle(graph);
    widen(graph)?;
    drop_needless_casts(graph);
    graph.node = needed_in_order(std::mem::take(&mut graph.node), output)?;
    sizes::free(graph);
    // What only the written-out sizes needed is gone now.
    graph.node = needed_in_order(std::mem::take(&mut graph.node), output)?;
    let used: HashSet<&str> = graph.node.iter().flat_map(|node| &node.input).map(String::as_str).collect();
    graph.initializer.retain(|tensor| used.contains(tensor.name.as_str()));
    // Shapes of inner values are inferred again by the runtime; stale ones would only contradict.
    graph.value_info.clear();
    Ok(())
}

fn widen(graph: &mut Graph) -> Result<()> {
    for tensor in &mut graph.initializer {
        widen_tensor(tensor)?;
    }
    for port in graph.input.iter_mut().chain(&mut graph.output) {
        if let Some(tensor) = port.r#type.as_mut().and_then(|kind| kind.tensor_type.as_mut()) {
            widen_type(&mut tensor.elem_type);
        }
    }
    for node in &mut graph.node {
        let is_cast = node.op_type == "Cast";
        for attribute in &mut node.attribute {
            if is_cast && attribute.name == "to" && attribute.i == i64::from(data_type::FLOAT16) {
                attribute.i = i64::from(data_type::FLOAT);
            }
            if let Some(tensor) = &mut attribute.t {
                widen_tensor(tensor)?;
            }
        }
    }
    Ok(())
}

fn widen_type(kind: &mut i32) {
    if *kind == data_type::FLOAT16 {
        *kind = data_type::FLOAT;
    }
}

fn widen_tensor(tensor: &mut TensorData) -> Result<()> {
    if tensor.data_type != data_type::FLOAT16 {
        return Ok(());
    }
    if tensor.data_location != 0 {
        return Err(Error::new(Kind::ModelMismatch, format!("weights of {} lie in another file", tensor.name)));
    }
    let widened: Vec<u8> = if tensor.raw_data.is_empty() {
        // Without raw bytes the specification packs each half as the low 16 bits of an int32.
        let halves = std::mem::take(&mut tensor.int32_data);
        halves.iter().flat_map(|&bits| f16::from_bits(bits as u16).to_f32().to_le_bytes()).collect()
    } else {
        let halves = tensor.raw_data.chunks_exact(2);
        halves.flat_map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32().to_le_bytes()).collect()
    };
    tensor.raw_data = widened;
    tensor.data_type = data_type::FLOAT;
    Ok(())
}

/// Removes casts to single precision whose input is single precision already.
fn drop_needless_casts(graph: &mut Graph) {
    let mut single: HashSet<String> = graph
        .initializer
        .iter()
        .filter(|tensor| tensor.data_type == data_type::FLOAT)
        .map(|tensor| tensor.name.clone())
        .chain(graph.input.iter().filter(|port| is_single(port)).map(|port| port.name.clone()))
        .collect();
    // These operators give what they take; anything else keeps its cast, which is merely slower.
    const KEEP_TYPE: &[&str] = &[
        "Add",
        "AveragePool",
        "BatchNormalization",
        "Concat",
        "Conv",
        "Div",
        "MaxPool",
        "Mul",
        "Relu",
        "Resize",
        "Sigmoid",
        "Sub",
        "Upsample",
    ];
    for node in &graph.node {
        let to_single = node.op_type == "Cast"
            && node.attribute.iter().any(|a| a.name == "to" && a.i == i64::from(data_type::FLOAT));
        if to_single || KEEP_TYPE.contains(&node.op_type.as_str()) {
            single.extend(node.output.iter().cloned());
        }
    }
    spelling::pass_over(graph, |node| {
        let to_single = |a: &Attribute| a.name == "to" && a.i == i64::from(data_type::FLOAT);
        node.op_type == "Cast" && node.attribute.iter().any(to_single) && single.contains(&node.input[0])
    });
}

fn is_single(port: &ValueInfo) -> bool {
    let tensor = port.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    tensor.is_some_and(|tensor| tensor.elem_type == data_type::FLOAT)
}

/// The nodes that `output` depends on, each after all that it takes.
fn needed_in_order(nodes: Vec<Node>, output: &str) -> Result<Vec<Node>> {
    let mut maker: HashMap<String, usize> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        maker.extend(node.output.iter().map(|name| (name.clone(), index)));
    }
    let mut order = Vec::new();
    let mut state = vec![Visit::New; nodes.len()];
    // An explicit stack: graphs are deeper than call stacks should be trusted with.
    let mut stack: Vec<usize> = maker.get(output).copied().into_iter().collect();
    while let Some(&index) = stack.last() {
        if state[index] == Visit::Done {
            stack.pop();
            continue;
        }
        let waiting: Vec<usize> = nodes[index]
            .input
            .iter()
            .filter_map(|name| maker.get(name))
            .copied()
            .filter(|&i| state[i] != Visit::Done)
            .collect();
        if waiting.is_empty() {
            state[index] = Visit::Done;
            order.push(index);
            stack.pop();
        } else if state[index] == Visit::Open {
            return Err(Error::new(
                Kind::ModelMismatch,
                format!("the graph runs in a circle at {:?}", nodes[index].name),
            ));
        } else {
            state[index] = Visit::Open;
            stack.extend(waiting);
        }
    }
    let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|index| nodes[index].take()).collect())
}

#[derive(Clone, Copy, PartialEq)]
enum Visit {
    New,
    Open,
    Done,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::onnx::{TensorType, Type, attribute_type};

    fn node(op: &str, input: &[&str], output: &str) -> Node {
        Node {
            op_type: op.into(),
            name: output.into(),
            input: input.iter().map(ToString::to_string).collect(),
            output: vec![output.into()],
            ..Node::default()
        }
    }

    fn cast(input: &str, output: &str, to: i32) -> Node {
        let to = Attribute { name: "to".into(), r#type: attribute_type::INT, i: to.into(), ..Attribute::default() };
        Node { attribute: vec![to], ..node("Cast", &[input], output) }
    }

    fn port(name: &str) -> ValueInfo {
        let tensor_type = Some(TensorType { elem_type: data_type::FLOAT, shape: None });
        ValueInfo { name: name.into(), r#type: Some(Type { tensor_type, ..Type::default() }), ..ValueInfo::default() }
    }

    /// x → Cast half → Conv(w half) → Cast single → Relu → y, a side output, and the nodes in the wrong order.
    fn published() -> Model {
        let weights = TensorData {
            name: "w".into(),
            dims: vec![2],
            data_type: data_type::FLOAT16,
            raw_data: [f16::from_f32(0.5), f16::from_f32(-2.0)].iter().flat_map(|h| h.to_le_bytes()).collect(),
            ..TensorData::default()
        };
        let graph = Graph {
            node: vec![
                node("Relu", &["single"], "y"),
                node("Sigmoid", &["single"], "side"),
                cast("conv", "single", data_type::FLOAT),
                node("Conv", &["half", "w"], "conv"),
                cast("x", "half", data_type::FLOAT16),
            ],
            initializer: vec![weights],
            input: vec![port("x")],
            output: vec![port("y"), port("side")],
            ..Graph::default()
        };
        Model { graph: Some(graph), ..Model::default() }
    }

    #[test]
    fn keeps_one_output_without_casts_in_order_and_widened() {
        let mut model = published();
        trim_and_widen(&mut model, "y").unwrap();
        let graph = model.graph.unwrap();
        let operators: Vec<_> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
        assert_eq!(operators, ["Conv", "Relu"]);
        assert_eq!(graph.node[0].input, ["x", "w"]);
        assert_eq!(graph.output.len(), 1);
        let expected: Vec<u8> = [0.5_f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(graph.initializer[0].raw_data, expected);
    }

    #[test]
    fn an_output_that_is_not_there_and_a_circle_are_refused() {
        assert_eq!(trim_and_widen(&mut published(), "z").unwrap_err().kind(), Kind::ModelMismatch);
        let circle = vec![node("Relu", &["b"], "a"), node("Relu", &["a"], "b")];
        assert_eq!(needed_in_order(circle, "a").unwrap_err().kind(), Kind::ModelMismatch);
    }
}

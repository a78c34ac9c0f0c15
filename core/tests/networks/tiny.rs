//! Writes ONNX files of one layer that look from outside like a family's networks.

use backgroundfx_core::{
    engine::onnx::{
        Attribute, Dimension, DimensionValue, Graph, Model, Node, OperatorSet, Shape, TensorData, TensorType, Type,
        ValueInfo, attribute_type, data_type,
    },
    models::{Activation, InputSize, Layout, ModelCard},
};
use prost::Message;

/// A network whose matte is the picture's red channel, or a steep curve of it where the family gives logits.
pub struct Tiny {
    card: ModelCard,
    /// How many outputs the file has.
    pub outputs: usize,
}

/// How steep the curve of logits is.
const STEEPNESS: f32 = 8.0;

impl Tiny {
    /// A network with the signature of the card's.
    pub fn like(card: &ModelCard) -> Self {
        let outputs = match card.family {
            "u2net" => 7,
            "isnet" => 12,
            _ => 1,
        };
        Self { card: card.clone(), outputs }
    }

    /// The matte this network gives where the picture's red is `red`, 0 to 1.
    pub fn matte_of(&self, red: f32) -> f32 {
        match self.card.output.activation {
            Activation::None | Activation::Softmax => red,
            Activation::Sigmoid => 1.0 / (1.0 + (-STEEPNESS * (red - 0.5)).exp()),
        }
    }

    /// The file.
    pub fn encode(&self) -> Vec<u8> {
        let channels = self.card.output.channel + 1;
        let mut nodes = Vec::new();
        let mut last = "picture".to_owned();
        let mut then = |op: &str, extra: &[&str], attributes: Vec<Attribute>, output: &str| {
            let mut input = vec![last.clone()];
            input.extend(extra.iter().map(ToString::to_string));
            last = output.to_owned();
            nodes.push(Node {
                op_type: op.to_owned(),
                name: output.to_owned(),
                input,
                output: vec![output.to_owned()],
                attribute: attributes,
                ..Node::default()
            });
        };
        let nhwc = self.card.input.layout == Layout::Nhwc;
        if nhwc {
            then("Transpose", &[], vec![ints("perm", &[0, 3, 1, 2])], "planes");
        }
        then("Conv", &["weights", "bias"], vec![ints("kernel_shape", &[1, 1])], "found");
        if nhwc {
            then("Transpose", &[], vec![ints("perm", &[0, 2, 3, 1])], "turned");
        }
        let half = self.card.family == "ben2";
        let kind = if half { data_type::FLOAT16 } else { data_type::FLOAT };
        if half {
            then("Cast", &[], vec![int("to", i64::from(kind))], "narrowed");
        }
        let names: Vec<String> = (0..self.outputs).map(|index| format!("matte{index}")).collect();
        for name in &names {
            nodes.push(Node {
                op_type: "Identity".to_owned(),
                name: name.clone(),
                input: vec![last.clone()],
                output: vec![name.clone()],
                ..Node::default()
            });
        }
        let graph = Graph {
            node: nodes,
            name: "tiny".to_owned(),
            initializer: vec![self.weights(channels), self.bias(channels)],
            input: vec![port("picture", data_type::FLOAT, &self.input_shape())],
            output: names.iter().map(|name| port(name, kind, &[])).collect(),
            ..Graph::default()
        };
        encoded(graph)
    }

    /// `None` for a side that may have any length.
    fn input_shape(&self) -> Vec<Option<i64>> {
        let (width, height) = match self.card.input.size {
            InputSize::Fixed { width, height } => (Some(i64::from(width)), Some(i64::from(height))),
            InputSize::ShortSide { .. } | InputSize::AtMost { .. } => (None, None),
        };
        match self.card.input.layout {
            Layout::Nchw => vec![Some(1), Some(3), height, width],
            Layout::Hwc => vec![height, width, Some(3)],
            Layout::Nhwc => vec![Some(1), height, width, Some(3)],
        }
    }

    /// Undoes the normalisation of red; the other channels and all but the card's output channel count nothing.
    fn weights(&self, channels: usize) -> TensorData {
        let mut values = vec![0.0; channels * 3];
        values[(channels - 1) * 3] = self.card.input.std[0] * self.slope();
        tensor("weights", &[channels as i64, 3, 1, 1], &values)
    }

    fn bias(&self, channels: usize) -> TensorData {
        let mut values = vec![0.0; channels];
        let middle = if self.card.output.activation == Activation::Sigmoid { 0.5 } else { 0.0 };
        values[channels - 1] = (self.card.input.mean[0] - middle) * self.slope();
        tensor("bias", &[channels as i64], &values)
    }

    fn slope(&self) -> f32 {
        if self.card.output.activation == Activation::Sigmoid { STEEPNESS } else { 1.0 }
    }
}

fn encoded(graph: Graph) -> Vec<u8> {
    let model = Model {
        ir_version: 8,
        opset_import: vec![OperatorSet { domain: String::new(), version: 17 }],
        graph: Some(graph),
        ..Model::default()
    };
    model.encode_to_vec()
}

/// A file of these nodes, values, inputs and outputs.
pub fn file(nodes: Vec<Node>, values: Vec<TensorData>, inputs: Vec<ValueInfo>, outputs: Vec<ValueInfo>) -> Vec<u8> {
    let name = "tiny".to_owned();
    encoded(Graph { node: nodes, name, initializer: values, input: inputs, output: outputs, ..Graph::default() })
}

/// A node of one output.
pub fn node(op: &str, inputs: &[&str], output: &str, attributes: Vec<Attribute>) -> Node {
    Node {
        op_type: op.to_owned(),
        name: output.to_owned(),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.to_owned()],
        attribute: attributes,
        ..Node::default()
    }
}

pub fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.to_owned(), r#type: attribute_type::INT, i: value, ..Attribute::default() }
}

pub fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute { name: name.to_owned(), r#type: attribute_type::INTS, ints: values.to_vec(), ..Attribute::default() }
}

pub fn tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorData {
    TensorData {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: data_type::FLOAT,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..TensorData::default()
    }
}

pub fn port(name: &str, kind: i32, shape: &[Option<i64>]) -> ValueInfo {
    let dimension = |(index, length): (usize, &Option<i64>)| Dimension {
        value: Some(match length {
            Some(length) => DimensionValue::Value(*length),
            None => DimensionValue::Parameter(format!("side{index}")),
        }),
        ..Dimension::default()
    };
    let shape = (!shape.is_empty()).then(|| Shape { dim: shape.iter().enumerate().map(dimension).collect() });
    let tensor_type = Some(TensorType { elem_type: kind, shape });
    ValueInfo { name: name.to_owned(), r#type: Some(Type { tensor_type, ..Type::default() }), ..ValueInfo::default() }
}

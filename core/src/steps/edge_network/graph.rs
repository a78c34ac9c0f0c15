//! The network as a file of ONNX, for browsers, which have a runtime for that.

use std::{iter, vec};

use prost::Message;

use super::network::{self, Arithmetic, CHANNELS, Layer, MULTIPLE, layers};
use crate::engine::onnx::{
    Attribute, Dimension, DimensionValue, Graph, Model, Node, OperatorSet, Shape, TensorData, TensorType, Type,
    ValueInfo,
    attributes::{int, ints, text},
    data_type,
};

/// The network as ONNX: from `seen`, `[1, 5, height, width]` with sides that are multiples of 16 (red, green, blue, the
/// matte as it was found, the matte after the guided filter; 0 to 1, each less ½; 0 outside the area) and `area`,
/// `[1, 1, height / 16, width / 16]` (1 where something is to be found, else 0), to the correction, `[1, 1, height, width]`.
#[must_use]
pub fn graph() -> Vec<u8> {
    let mut writing = Writing { layers: layers().into_iter(), graph: Graph::default() };
    writing.numbers("twice", &[4], &[1.0, 1.0, 2.0, 2.0]);
    let area = Drawn { name: area_name(1), channels: 1, side: 1 };
    writing.areas();
    let seen = Drawn { name: "seen".to_owned(), channels: CHANNELS, side: MULTIPLE };
    let correction = network::correction(&mut writing, &seen);
    let mut graph = writing.graph;
    "edge network".clone_into(&mut graph.name);
    graph.input.extend([port(&seen), port(&area)]);
    graph.output.push(port(&correction));
    let opset_import = vec![OperatorSet { domain: String::new(), version: 17 }];
    Model { ir_version: 8, graph: Some(graph), opset_import, ..Model::default() }.encode_to_vec()
}

/// A value of the graph.
#[derive(Clone)]
struct Drawn {
    name: String,
    channels: usize,
    /// Pixels along a cell of the area.
    side: usize,
}

/// The area in cells of so many pixels.
fn area_name(side: usize) -> String {
    if side == 1 { "area".to_owned() } else { format!("area{side}") }
}

/// Writes the network down.
struct Writing {
    layers: vec::IntoIter<Layer>,
    graph: Graph,
}

impl Writing {
    fn numbers(&mut self, name: &str, dims: &[usize], values: &[f32]) {
        self.graph.initializer.push(TensorData {
            name: name.to_owned(),
            dims: dims.iter().map(|&length| length as i64).collect(),
            data_type: data_type::FLOAT,
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            ..TensorData::default()
        });
    }

    fn node(&mut self, operator: &str, inputs: &[&str], attribute: Vec<Attribute>, like: &Drawn) -> Drawn {
        let name = format!("value{}", self.graph.node.len());
        self.named(&name, operator, inputs, attribute);
        Drawn { name, ..like.clone() }
    }

    fn named(&mut self, name: &str, operator: &str, inputs: &[&str], attribute: Vec<Attribute>) {
        self.graph.node.push(Node {
            op_type: operator.to_owned(),
            name: name.to_owned(),
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![name.to_owned()],
            attribute,
            ..Node::default()
        });
    }

    /// The area at every scale.
    fn areas(&mut self) {
        for side in iter::successors(Some(2), |side| Some(side * 2)).take_while(|&side| side <= MULTIPLE) {
            let mode =
                [("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")];
            let attributes = mode.map(|(name, value)| text(name, value)).to_vec();
            self.named(&area_name(side), "Resize", &[&area_name(side / 2), "", "twice"], attributes);
        }
    }

    /// Outside the area nothing counts.
    fn inside(&mut self, values: &Drawn) -> Drawn {
        self.node("Mul", &[&values.name, &area_name(values.side)], Vec::new(), values)
    }

    fn beside(&mut self, first: &Drawn, second: &Drawn) -> Drawn {
        let like = Drawn { channels: first.channels + second.channels, ..second.clone() };
        self.node("Concat", &[&first.name, &second.name], vec![int("axis", 1)], &like)
    }
}

impl Arithmetic for Writing {
    type Values = Drawn;

    fn convolved(&mut self, values: &Drawn, step: usize) -> Drawn {
        let Layer { inputs, outputs, weights, bias } = self.layers.next().expect("a layer for every convolution");
        let names = ["weights", "bias"].map(|kind| format!("{kind}{}", self.graph.node.len()));
        self.numbers(&names[0], &[outputs, inputs, 3, 3], &weights);
        self.numbers(&names[1], &[outputs], &bias);
        let window = vec![ints("kernel_shape", &[3, 3]), ints("pads", &[1; 4]), ints("strides", &[step as i64; 2])];
        let like = Drawn { channels: outputs, side: values.side / step, ..values.clone() };
        let convolved = self.node("Conv", &[&values.name, &names[0], &names[1]], window, &like);
        self.inside(&convolved)
    }

    fn rectified(&mut self, values: Drawn) -> Drawn {
        self.node("Relu", &[&values.name], Vec::new(), &values)
    }

    fn sum(&mut self, first: Drawn, second: &Drawn) -> Drawn {
        self.node("Add", &[&first.name, &second.name], Vec::new(), &first)
    }

    fn doubled_beside(&mut self, coarse: &Drawn, fine: &Drawn) -> Drawn {
        let places = text("coordinate_transformation_mode", "half_pixel");
        let like = Drawn { side: fine.side, ..coarse.clone() };
        let doubled = self.node("Resize", &[&coarse.name, "", "twice"], vec![text("mode", "linear"), places], &like);
        let doubled = self.inside(&doubled);
        self.beside(&doubled, fine)
    }

    fn folded(&mut self, values: &Drawn) -> Drawn {
        let channels = values.channels;
        let like = Drawn { channels: channels * 4, side: values.side / 2, ..values.clone() };
        let folded = self.node("SpaceToDepth", &[&values.name], vec![int("blocksize", 2)], &like);
        // The operator has the square's places outside and the channels inside.
        let order = (0..channels * 4).flat_map(|to| ((to % 4 * channels + to / 4) as i64).to_le_bytes()).collect();
        let name = format!("order{}", self.graph.node.len());
        let (dims, data_type) = (vec![channels as i64 * 4], data_type::INT64);
        self.graph.initializer.push(TensorData {
            name: name.clone(),
            dims,
            data_type,
            raw_data: order,
            ..TensorData::default()
        });
        self.node("Gather", &[&folded.name, &name], vec![int("axis", 1)], &like)
    }

    fn unfolded_beside(&mut self, folded: &Drawn, other: &Drawn) -> Drawn {
        let squares = vec![int("blocksize", 2), text("mode", "CRD")];
        let like = Drawn { channels: folded.channels / 4, ..other.clone() };
        let unfolded = self.node("DepthToSpace", &[&folded.name], squares, &like);
        self.beside(&unfolded, other)
    }
}

fn port(values: &Drawn) -> ValueInfo {
    let [height, width] = ["height", "width"].map(|name| DimensionValue::Parameter(format!("{name}{}", values.side)));
    let shape = [DimensionValue::Value(1), DimensionValue::Value(values.channels as i64), height, width];
    let dim = shape.map(|value| Dimension { value: Some(value), ..Dimension::default() }).to_vec();
    let tensor_type = Some(TensorType { elem_type: data_type::FLOAT, shape: Some(Shape { dim }) });
    let kind = Type { tensor_type, ..Type::default() };
    ValueInfo { name: values.name.clone(), r#type: Some(kind), ..ValueInfo::default() }
}

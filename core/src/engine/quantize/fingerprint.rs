//! What stays of a graph when names, storage and the exporter's habits are taken away.
//!
//! Two files of one network agree in their operators and wiring exactly, but not in every bit of their weights: converters
//! to half precision also raise the smallest weights to 1e-7, and two exporters fold batch normalisation into weights
//! with other last digits. So the operators are compared by a digest, the weights by one sum each, within what
//! rounding to half precision can move it.

use std::{collections::HashMap, fmt::Write as _};

use sha2::{Digest, Sha256};

use super::weights;
use crate::engine::onnx::{Attribute, Graph, Node, TensorData, data_type};

/// The operators of a prepared graph (nodes in order of need), with its values by their place.
pub struct Structure<'a> {
    /// SHA-256 in hexadecimal over operators, settings, wiring and the shapes of weights.
    pub digest: String,
    /// Names of the values by place: inputs, then what each node makes.
    pub values: Vec<&'a str>,
    /// The weights in order of use.
    weights: Vec<&'a TensorData>,
}

impl<'a> Structure<'a> {
    /// Looks at a graph whose nodes stand in the order that [`prepared`](crate::engine::prepare::prepared) gives them.
    #[must_use]
    pub fn of(graph: &'a Graph) -> Self {
        let constants: HashMap<&str, &TensorData> =
            graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        let mut values: Vec<&str> = graph.input.iter().map(|port| port.name.as_str()).collect();
        let mut places: HashMap<&str, usize> = values.iter().enumerate().map(|(place, name)| (*name, place)).collect();
        let (mut hash, mut weights) = (Sha256::new(), Vec::new());
        for node in &graph.node {
            hash.update(format!("\n{}{}", node.op_type, settings(node)));
            for (index, name) in node.input.iter().enumerate() {
                match (places.get(name.as_str()), constants.get(name.as_str())) {
                    (Some(place), _) => hash.update(format!(" {place}")),
                    (None, Some(tensor)) if node.op_type == "Conv" && index > 0 => {
                        hash.update(format!(" weights{:?}", tensor.dims));
                        weights.push(*tensor);
                    }
                    // Older operators want an empty list where newer ones want nothing.
                    (None, Some(tensor)) if !tensor.dims.contains(&0) => add_constant(&mut hash, tensor),
                    _ => hash.update(" -"),
                }
            }
            for name in &node.output {
                places.insert(name, values.len());
                values.push(name);
            }
        }
        for port in &graph.output {
            hash.update(format!("\nresult {:?}", places.get(port.name.as_str())));
        }
        let digest = hash.finalize().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self { digest, values, weights }
    }

    /// A sum for each of the weights; zero where they are not in single precision inside the graph.
    #[must_use]
    pub fn sums(&self) -> Vec<Sum> {
        let single = |tensor: &TensorData| tensor.data_type == data_type::FLOAT && tensor.data_location == 0;
        let numbers = |tensor: &&TensorData| if single(tensor) { weights::numbers(tensor) } else { Vec::new() };
        self.weights.iter().map(|tensor| Sum::of(&numbers(tensor))).collect()
    }
}

fn add_constant(hash: &mut Sha256, tensor: &TensorData) {
    let TensorData { dims, data_type, float_data, int32_data, int64_data, raw_data, .. } = tensor;
    hash.update(format!(" {data_type}{dims:?}{float_data:?}{int32_data:?}{int64_data:?}"));
    hash.update(raw_data);
}

/// The settings that change what a node computes, in order of their names.
fn settings(node: &Node) -> String {
    let mut text = String::new();
    let mut settings: Vec<&Attribute> = node.attribute.iter().filter(|setting| !is_idle(node, setting)).collect();
    settings.sort_by(|a, b| a.name.cmp(&b.name));
    for Attribute { name, f, i, s, floats, ints, .. } in settings {
        // Differ only where the result is one pixel wide.
        let s = if s == b"pytorch_half_pixel" { b"half_pixel" } else { s.as_slice() };
        let _ = write!(text, " {name}={f} {i} {} {floats:?} {ints:?}", String::from_utf8_lossy(s));
    }
    text
}

/// Whether a setting says what holds without it.
fn is_idle(node: &Node, setting: &Attribute) -> bool {
    let all = |number: i64| setting.ints.iter().all(|&own| own == number);
    match (node.op_type.as_str(), setting.name.as_str()) {
        ("Conv" | "MaxPool", "dilations" | "strides") => all(1),
        ("Conv" | "MaxPool", "pads") => all(0),
        ("Conv" | "MaxPool", "auto_pad") => setting.s == b"NOTSET",
        // The weights have that shape.
        ("Conv", "kernel_shape") => true,
        ("Conv", "group") => setting.i == 1,
        ("MaxPool", "ceil_mode" | "storage_order") => setting.i == 0,
        // For other ways of enlarging.
        ("Resize", "cubic_coeff_a") => !has_mode(node, b"cubic"),
        ("Resize", "nearest_mode") => has_mode(node, b"linear"),
        _ => false,
    }
}

fn has_mode(node: &Node, mode: &[u8]) -> bool {
    node.attribute.iter().any(|setting| setting.name == "mode" && setting.s == mode)
}

/// A sum of weights with signs taken at random, the same ones every time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum {
    /// The sum.
    pub sum: f64,
    /// How far rounding to half precision and back may move it.
    pub slack: f64,
}

impl Sum {
    /// Half precision moves a weight by at most 2⁻¹¹ of itself, and by 2⁻²³ where it is tiny. With signs at random the
    /// moves add up like their squares, to less than 2⁻¹² of the weights' length; four times as much is beyond chance.
    fn of(numbers: &[f32]) -> Self {
        let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
        for (block, numbers) in numbers.chunks(64).enumerate() {
            let signs = random_bits(block as u64);
            for (bit, &number) in numbers.iter().enumerate() {
                let number = f64::from(number);
                sum += if signs >> bit & 1 == 1 { number } else { -number };
                squares += number * number;
            }
        }
        let slack = squares.sqrt() / 1024.0 + (numbers.len() as f64).sqrt() / 8_388_608.0;
        Self { sum, slack }
    }

    /// Whether another sum may be of the same weights.
    #[must_use]
    pub fn is_near(self, other: f64) -> bool {
        (self.sum - other).abs() <= self.slack
    }
}

/// 64 bits that look random, by number (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
fn random_bits(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

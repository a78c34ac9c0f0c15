//! The last convolution as sums of whole numbers, which stay whole: 8 bits in, but no code for what comes out.
//!
//! Logits reach from -900 to 20 and only those near zero matter, so that they get no code. In single precision the
//! one convolution that makes them takes 5 % of the time, because it fills one of sixteen lanes. A convolution of one output
//! channel is also a product of the pixels' channels with each place of the kernel, and the sum of those
//! products, each shifted by its place.

use super::weights;
use crate::engine::onnx::{Attribute, Node, TensorData, attribute_type, data_type};

/// Nodes and constants that take the place of a convolution.
pub struct Sums {
    /// In order.
    pub nodes: Vec<Node>,
    /// What they need.
    pub constants: Vec<TensorData>,
}

/// A value in 8 bits, by the names of its code, scale and zero.
pub struct CodedInput<'a> {
    /// Unsigned 8-bit, `[1, channels, rows, columns]`.
    pub coded: &'a str,
    /// Name of the constant that is the code of zero.
    pub zero: &'a str,
    /// What a step of the code stands for.
    pub scale: f32,
}

/// Rewrites a convolution over a coded value; `None` unless it has one output channel and gives a value of its input's
/// size. `kernel` are its weights, `[1, channels, rows, columns]` in single precision.
pub fn sums(node: &Node, input: &CodedInput<'_>, kernel: &TensorData) -> Option<Sums> {
    let [1, channels, rows, columns] = kernel.dims.as_slice() else { return None };
    let pads = padding(node, *rows, *columns)?;
    let own = |name: &str| format!("{}/{name}", node.output[0]);
    let places = usize::try_from(rows * columns).ok()?;
    let numbers = weights::numbers(kernel);
    if places == 0 || Some(numbers.len()) != usize::try_from(*channels).ok().map(|channels| channels * places) {
        return None;
    }
    let by_place: Vec<f32> =
        (0..places).flat_map(|place| numbers.iter().skip(place).step_by(places).copied()).collect();
    let coded = weights::code(&by_place, places, None, 1.0);
    let channels = *channels as usize;
    let product: Vec<u8> =
        (0..channels * places).map(|i| coded.weights[i % places * channels + i / places] as u8).collect();
    let scales: Vec<f32> = coded.scales.iter().map(|scale| scale * input.scale).collect();
    let mut constants = vec![
        constant(own("kernel"), &[channels as i64, places as i64], data_type::INT8, product),
        constant(
            own("scales"),
            &[places as i64, 1, 1],
            data_type::FLOAT,
            scales.iter().flat_map(|s| s.to_le_bytes()).collect(),
        ),
        list(own("frame"), &[0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]]),
        list(own("axes"), &[1, 2, 3]),
    ];
    let mut nodes = vec![
        made("Transpose", &[input.coded], own("pixels"), Some(order(&[0, 2, 3, 1]))),
        made("MatMulInteger", &[&own("pixels"), &own("kernel"), input.zero], own("products"), None),
        made("Cast", &[&own("products")], own("whole"), Some(to_single())),
        made("Transpose", &[&own("whole")], own("planes"), Some(order(&[0, 3, 1, 2]))),
        // After turning, for then each scale is for a whole plane, which takes 0.3 ms instead of 2.4.
        made("Mul", &[&own("planes"), &own("scales")], own("scaled"), None),
        made("Pad", &[&own("scaled"), &own("frame")], own("framed"), None),
    ];
    let mut shifted = Vec::with_capacity(places);
    for place in 0..(rows * columns) {
        let (down, across) = (place / columns, place % columns);
        let (start, end, output) =
            (own(&format!("{place}/start")), own(&format!("{place}/end")), own(&format!("{place}")));
        constants.push(list(start.clone(), &[place, down, across]));
        constants.push(list(end.clone(), &[place + 1, end_of(down, *rows), end_of(across, *columns)]));
        nodes.push(made("Slice", &[&own("framed"), &start, &end, &own("axes")], output.clone(), None));
        shifted.push(output);
    }
    let shifted: Vec<&str> = shifted.iter().map(String::as_str).collect();
    match node.input.get(2) {
        Some(bias) => {
            nodes.push(made("Sum", &shifted, own("sum"), None));
            nodes.push(made("Add", &[&own("sum"), bias], node.output[0].clone(), None));
        }
        None => nodes.push(made("Sum", &shifted, node.output[0].clone(), None)),
    }
    Some(Sums { nodes, constants })
}

/// Where a slice that begins at `start` ends, so that all of a kernel's places give equally many.
fn end_of(start: i64, length: i64) -> i64 {
    if start + 1 == length { i64::MAX } else { start + 1 - length }
}

/// The frame of zeros around the input: top, left, bottom, right; `None` where the output has another size than the input.
fn padding(node: &Node, rows: i64, columns: i64) -> Option<[i64; 4]> {
    let ints = |name: &str| node.attribute.iter().find(|a| a.name == name).map(|a| a.ints.as_slice());
    let alone = |name: &str| ints(name).is_none_or(|ints| ints.iter().all(|&step| step == 1));
    let named = node.attribute.iter().any(|a| a.name == "auto_pad" && a.s != b"NOTSET");
    let pads: [i64; 4] = ints("pads").unwrap_or(&[0; 4]).try_into().ok()?;
    let same = pads[0] + pads[2] == rows - 1 && pads[1] + pads[3] == columns - 1;
    (alone("strides") && alone("dilations") && !named && same).then_some(pads)
}

fn made(operator: &str, input: &[&str], output: String, attribute: Option<Attribute>) -> Node {
    Node {
        op_type: operator.into(),
        name: output.clone(),
        input: input.iter().map(ToString::to_string).collect(),
        output: vec![output],
        attribute: attribute.into_iter().collect(),
        ..Node::default()
    }
}

fn order(ints: &[i64]) -> Attribute {
    Attribute { name: "perm".into(), r#type: attribute_type::INTS, ints: ints.to_vec(), ..Attribute::default() }
}

fn to_single() -> Attribute {
    let i = data_type::FLOAT.into();
    Attribute { name: "to".into(), r#type: attribute_type::INT, i, ..Attribute::default() }
}

fn list(name: String, numbers: &[i64]) -> TensorData {
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    constant(name, &[numbers.len() as i64], data_type::INT64, bytes)
}

fn constant(name: String, dims: &[i64], data_type: i32, raw_data: Vec<u8>) -> TensorData {
    TensorData { name, dims: dims.to_vec(), data_type, raw_data, ..TensorData::default() }
}

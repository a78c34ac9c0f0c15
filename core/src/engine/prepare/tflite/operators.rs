//! From an operator of a `.tflite` graph to ONNX nodes.

use super::{
    making::{Activation, Making},
    schema::{Operator, wrong},
};
use crate::{
    Result,
    engine::onnx::{
        Attribute,
        attributes::{int, ints, text},
    },
};

/// Adds what an operator does to the graph.
///
/// # Errors
/// [`crate::Kind::ModelMismatch`] for an operator or a setting that is not known here, naming it.
pub fn add(operator: &Operator<'_>, graph: &mut Making<'_>) -> Result<()> {
    let added = match operator.name {
        "DEQUANTIZE" => widen(operator, graph),
        "CONV_2D" => convolution(operator, graph),
        "DEPTHWISE_CONV_2D" => depthwise_convolution(operator, graph),
        "Convolution2DTransposeBias" => transposed_convolution(operator, graph),
        "AVERAGE_POOL_2D" => average_pool(operator, graph),
        "MEAN" => mean(operator, graph),
        "RESIZE_BILINEAR" => resize(operator, graph),
        "ADD" => arithmetic("Add", operator, graph),
        "MUL" => arithmetic("Mul", operator, graph),
        "RELU" => activation(Activation::Relu, operator, graph),
        "RELU6" => activation(Activation::Relu6, operator, graph),
        "LOGISTIC" => activation(Activation::Sigmoid, operator, graph),
        "HARD_SWISH" => activation(Activation::HardSwish, operator, graph),
        _ => Err(wrong("this operator of TensorFlow Lite is not known here")),
    };
    // A name of the file's own may be of any length.
    added.map_err(|error| error.on(operator.name.chars().take(60).collect::<String>()))
}

/// Weights in half precision are widened where they are used.
fn widen(operator: &Operator<'_>, graph: &mut Making<'_>) -> Result<()> {
    let [half] = inputs(operator)?;
    graph.widen(half, operator.output)
}

/// Where dimensions of weights lie that are `[outputs, height, width, inputs]` in the file, for `Conv`.
const OUTPUTS_FIRST: [usize; 4] = [0, 3, 1, 2];
/// The same for `ConvTranspose`; and for weights of each channel alone, `[1, height, width, channels]`.
const INPUTS_FIRST: [usize; 4] = [3, 0, 1, 2];

fn convolution(operator: &Operator<'_>, graph: &mut Making<'_>) -> Result<()> {
    let [input, kernel, bias] = inputs(operator)?;
    let attributes = window(operator, [5, 4], graph.sides(input)?, graph.sides(kernel)?)?;
    let input = vec![graph.value(input)?, graph.weights(kernel, Some(OUTPUTS_FIRST))?, graph.weights(bias, None)?];
    graph.push("Conv", operator, input, attributes, fused(operator, 3)?);
    Ok(())
}

fn depthwise_convolution(operator: &Operator<'_>, graph: &mut Making<'_>) -> Result<()> {
    let [input, kernel, bias] = inputs(operator)?;
    let mut attributes = window(operator, [6, 5], graph.sides(input)?, graph.sides(kernel)?)?;
    attributes.push(int("group", graph.picture(input)?[3]));
    let input = vec![graph.value(input)?, graph.weights(kernel, Some(INPUTS_FIRST))?, graph.weights(bias, None)?];
    graph.push("Conv", operator, input, attributes, fused(operator, 4)?);
    Ok(())
}

/// MediaPipe's own operator. Its settings are three numbers: the padding (1 is `SAME`), the strides across and down.
fn transposed_convolution(operator: &Operator<'_>, graph: &mut Making<'_>) -> Result<()> {
    let [input, kernel, bias] = inputs(operator)?;
    let (&[same, across, down], []) = operator.custom.as_chunks() else {
        return Err(wrong("its settings are not three numbers"));
    };
    let [same, across, down] = [same, across, down].map(i32::from_le_bytes);
    if same != 1 {
        return Err(wrong("only the padding SAME is known here"));
    }
    let (strides, kernel_sides) = ([positive(down)?, positive(across)?], graph.sides(kernel)?);
    let (before, after) = (graph.sides(input)?, graph.sides(operator.output)?);
    let excess = [0, 1].map(|i| (before[i] - 1) * strides[i] + kernel_sides[i] - after[i]);
    if excess.iter().any(|excess| *excess < 0) {
        return Err(wrong(format!("{before:?} cannot become {after:?}")));
    }
    let attributes =
        vec![ints("kernel_shape", &kernel_sides), ints("strides", &strides), ints("pads", &halves(excess))];
    let input = vec![graph.value(input)?, graph.weights(kernel, Some(INPUTS_FIRST))?, graph.weights(bias, None)?];
    graph.push("ConvTranspose", operator, input, attributes, Activation::None);
    Ok(())
}

fn average_pool(operator: &Operator<'_>, graph: &mut Making<'_>) -> Result<()> {
    let [input] = inputs(operator)?;
    let filter = [operator.options.int(4, 0)?, operator.options.int(3, 0)?].map(i64::from);
    if filter != graph.sides(input)? || graph.sides(operator.output)? != [1, 1] {
        return Err(wrong("only the average of the whole picture is known here"));
    }
    let input = vec![graph.value(input)?];
    graph.push("GlobalAveragePool", operator, input, vec![], fused(operator, 5)?);
    Ok(())
}

fn mean(operator: &Operator<'_>, graph: &mut Making<'_>) -> Result<()> {
    let [input, axes] = inputs(operator)?;
    if graph.pair(axes)? != [1, 2] || operator.options.byte(0)? == 0 {
        return Err(wrong("only the mean over rows and columns, which keeps both as 1, is known here"));
    }
    let input = vec![graph.value(input)?];
    graph.push("GlobalAveragePool", operator, input, vec![], Activation::None);
    Ok(())
}

fn resize(operator: &Operator<'_>, graph: &mut Making<'_>) -> Result<()> {
    let [input, size] = inputs(operator)?;
    let (before, after) = (graph.sides(input)?, graph.pair(size)?);
    if graph.sides(operator.output)? != after || [0, 1].iter().any(|&i| after[i] % before[i] != 0) {
        return Err(wrong(format!("from {before:?} to {after:?}: only whole factors are known here")));
    }
    let places = match (operator.options.byte(2)? != 0, operator.options.byte(3)? != 0) {
        (false, true) => "half_pixel",
        (true, false) => "align_corners",
        (false, false) => "asymmetric",
        (true, true) => return Err(wrong("corners and centres of pixels cannot both be aligned")),
    };
    let attributes = vec![text("mode", "linear"), text("coordinate_transformation_mode", places)];
    let [down, across] = [0, 1].map(|i| after[i] / before[i]);
    let scales = graph.constant(format!("scales {down} {across}"), vec![4], &[1.0, 1.0, down as f32, across as f32]);
    let input = vec![graph.value(input)?, String::new(), scales];
    graph.push("Resize", operator, input, attributes, Activation::None);
    Ok(())
}

fn arithmetic(name: &str, operator: &Operator<'_>, graph: &mut Making<'_>) -> Result<()> {
    let [left, right] = inputs(operator)?;
    let input = vec![graph.value(left)?, graph.value(right)?];
    graph.push(name, operator, input, vec![], fused(operator, 0)?);
    Ok(())
}

fn activation(activation: Activation, operator: &Operator<'_>, graph: &mut Making<'_>) -> Result<()> {
    let [input] = inputs(operator)?;
    let input = graph.value(input)?;
    let output = graph.name(operator.output);
    graph.activate(input, output, activation);
    Ok(())
}

fn inputs<const N: usize>(operator: &Operator<'_>) -> Result<[usize; N]> {
    let inputs = operator.inputs.as_slice().try_into();
    inputs.map_err(|_| wrong(format!("{} inputs; {N} are known here", operator.inputs.len())))
}

/// The settings of a convolution. `dilations` are the fields of its settings with the dilations down and across;
/// before them, all convolutions have their padding and their strides.
fn window(operator: &Operator<'_>, dilations: [usize; 2], sides: [i64; 2], kernel: [i64; 2]) -> Result<Vec<Attribute>> {
    let options = operator.options;
    let strides = [positive(options.int(2, 0)?)?, positive(options.int(1, 0)?)?];
    let dilations = [positive(options.int(dilations[0], 1)?)?, positive(options.int(dilations[1], 1)?)?];
    let excess = match options.byte(0)? {
        SAME => [0, 1].map(|i| {
            let steps = (sides[i] - 1) / strides[i];
            (steps * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - sides[i]).max(0)
        }),
        VALID => [0, 0],
        other => return Err(wrong(format!("there is no padding of number {other}"))),
    };
    Ok(vec![
        ints("kernel_shape", &kernel),
        ints("strides", &strides),
        ints("dilations", &dilations),
        ints("pads", &halves(excess)),
    ])
}

/// Numbers of paddings.
const SAME: u8 = 0;
const VALID: u8 = 1;

/// Excess rows and columns shared out to top, left, bottom and right; an odd one goes to the end, as TensorFlow has it.
fn halves(excess: [i64; 2]) -> [i64; 4] {
    let [down, across] = excess;
    [down / 2, across / 2, down - down / 2, across - across / 2]
}

fn positive(number: i32) -> Result<i64> {
    // More than any side: it keeps products within bounds.
    let fits = (1..=1 << 16).contains(&number);
    if fits { Ok(number.into()) } else { Err(wrong(format!("a stride or dilation of {number}"))) }
}

/// The activation that a field of the operator's settings names.
fn fused(operator: &Operator<'_>, field: usize) -> Result<Activation> {
    match operator.options.byte(field)? {
        0 => Ok(Activation::None),
        1 => Ok(Activation::Relu),
        3 => Ok(Activation::Relu6),
        other => Err(wrong(format!("the activation of number {other} is not known here"))),
    }
}

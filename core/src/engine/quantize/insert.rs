//! Puts the codes into a graph: pairs of quantise and dequantise, and weights as whole numbers.

use std::collections::HashMap;

use super::{
    plan::{Plan, data_inputs},
    raise::raise,
    ranges::{Range, Ranges},
    sums::{CodedInput, sums},
    weights,
};
use crate::{
    Error, Kind, Result,
    engine::onnx::{Attribute, Graph, Model, Node, TensorData, attribute_type, data_type},
};

/// Rewrites a graph of single precision so that the runtime computes in 8 bits what the ranges cover.
///
/// # Errors
/// [`Kind::ModelMismatch`] when the graph's operators are too old, when weights lie in another file, when a value that
/// needs a code has no range, or when nothing in it could be computed in 8 bits.
pub fn quantize(model: &mut Model, ranges: &Ranges) -> Result<()> {
    let unfit = |message: String| Error::new(Kind::ModelMismatch, message);
    raise(model)?;
    let graph = model.graph.as_mut().ok_or_else(|| unfit("the file holds no graph".into()))?;
    if let Some(tensor) = graph.initializer.iter().find(|tensor| tensor.data_location != 0) {
        return Err(unfit(format!("the weights {:?} lie in another file", tensor.name)));
    }
    let plan = Plan::of(graph);
    if !plan.active.contains(&true) {
        return Err(unfit("no operator of the graph has an 8-bit form".into()));
    }
    let codes = codes(&plan, ranges)?;
    let weights: HashMap<String, TensorData> =
        graph.initializer.drain(..).map(|tensor| (tensor.name.clone(), tensor)).collect();
    let mut written = Written { graph: Graph::default(), weights, codes };
    let inputs: Vec<String> = graph.input.iter().map(|port| port.name.clone()).collect();
    inputs.iter().filter(|name| plan.coded.contains(*name)).for_each(|name| written.pair(name));
    for (index, (mut node, active)) in std::mem::take(&mut graph.node).into_iter().zip(&plan.active).enumerate() {
        if plan.last.contains(&index) && plan.made_coded.contains(&node.input[0]) && written.last(&node) {
            continue;
        }
        if *active && node.op_type == "Conv" {
            written.convolution(&mut node)?;
        }
        let data = data_inputs(&node);
        for (index, name) in node.input.iter_mut().enumerate() {
            let coded = plan.made_coded.contains(name) || (*active && index < data && plan.coded.contains(name));
            if coded {
                *name = dequantised(name);
            }
        }
        let outputs = node.output.clone();
        written.graph.node.push(node);
        outputs.iter().filter(|name| plan.coded.contains(*name)).for_each(|name| written.pair(name));
    }
    graph.node = written.graph.node;
    graph.initializer = written.graph.initializer;
    let used: std::collections::HashSet<&str> =
        graph.node.iter().flat_map(|node| &node.input).map(String::as_str).collect();
    graph.initializer.extend(written.weights.into_values().filter(|tensor| used.contains(tensor.name.as_str())));
    graph.initializer.sort_by(|a, b| a.name.cmp(&b.name));
    graph.value_info.clear();
    Ok(())
}

/// The code of every value that gets one.
fn codes(plan: &Plan, ranges: &Ranges) -> Result<HashMap<String, (f32, u8)>> {
    let code = |name: &String| {
        let range: Option<&Range> = ranges.values.get(plan.code_of(name));
        let missing = || Error::new(Kind::ModelMismatch, format!("no range is known of the graph's value {name:?}"));
        Ok((name.clone(), range.ok_or_else(missing)?.code()))
    };
    plan.coded.iter().map(code).collect()
}

fn dequantised(name: &str) -> String {
    format!("{name}/dequantised")
}

/// The graph as it grows.
struct Written {
    graph: Graph,
    weights: HashMap<String, TensorData>,
    codes: HashMap<String, (f32, u8)>,
}

impl Written {
    /// Adds the pair that turns the value into its code and back.
    fn pair(&mut self, name: &str) {
        let (scale, zero) = self.codes[name];
        let (coded, scale_name, zero_name) = (format!("{name}/coded"), format!("{name}/scale"), format!("{name}/zero"));
        self.add(&scale_name, &[], data_type::FLOAT, scale.to_le_bytes().to_vec());
        self.add(&zero_name, &[], data_type::UINT8, vec![zero]);
        let node = |operator: &str, input: &str, output: String| Node {
            op_type: operator.into(),
            name: output.clone(),
            input: vec![input.into(), scale_name.clone(), zero_name.clone()],
            output: vec![output],
            ..Node::default()
        };
        self.graph.node.push(node("QuantizeLinear", name, coded.clone()));
        self.graph.node.push(node("DequantizeLinear", &coded, dequantised(name)));
    }

    /// Writes a convolution whose output gets no code as sums of whole numbers; false where that is not possible.
    fn last(&mut self, node: &Node) -> bool {
        let name = &node.input[0];
        let (coded, zero) = (format!("{name}/coded"), format!("{name}/zero"));
        let input = CodedInput { coded: &coded, zero: &zero, scale: self.codes[name].0 };
        let kernel = node.input.get(1).and_then(|name| self.weights.get(name));
        let kernel = kernel.filter(|kernel| kernel.data_type == data_type::FLOAT);
        let Some(sums) = kernel.and_then(|kernel| sums(node, &input, kernel)) else { return false };
        self.graph.node.extend(sums.nodes);
        self.graph.initializer.extend(sums.constants);
        true
    }

    /// Puts whole numbers in place of a convolution's weights and bias.
    fn convolution(&mut self, node: &mut Node) -> Result<()> {
        let missing = |name: &str| Error::new(Kind::ModelMismatch, format!("the graph lacks the weights {name:?}"));
        let tensor = self.weights.get(&node.input[1]).ok_or_else(|| missing(&node.input[1]))?;
        let dims = tensor.dims.clone();
        let numbers = weights::numbers(tensor);
        let channels = dims.first().map_or(0, |&length| usize::try_from(length).unwrap_or(0));
        if channels == 0 || !numbers.len().is_multiple_of(channels) {
            return Err(missing(&node.input[1]));
        }
        let bias =
            node.input.get(2).map(|name| self.weights.get(name).map(weights::numbers).ok_or_else(|| missing(name)));
        let bias = bias.transpose()?;
        if bias.as_ref().is_some_and(|bias| bias.len() != channels) {
            return Err(missing(&node.input[2]));
        }
        let input_scale = self.codes[&node.input[0]].0;
        let coded = weights::code(&numbers, channels, bias.as_deref(), input_scale);
        // Named by the node: two of them may share weights but not the scale of the bias.
        let own = node.output[0].clone();
        let bytes = coded.weights.iter().map(|weight| *weight as u8).collect();
        node.input[1] = self.per_channel(&format!("{own}/weights"), &dims, data_type::INT8, bytes, &coded.scales);
        if let Some(bias) = coded.bias {
            let scales: Vec<f32> = coded.scales.iter().map(|scale| scale * input_scale).collect();
            let bytes = bias.iter().flat_map(|number| number.to_le_bytes()).collect();
            let dims = [channels as i64];
            node.input[2] = self.per_channel(&format!("{own}/bias"), &dims, data_type::INT32, bytes, &scales);
        }
        Ok(())
    }

    /// Adds constants of one scale a channel, and the node that gives their numbers back; its output's name.
    fn per_channel(&mut self, name: &str, dims: &[i64], kind: i32, bytes: Vec<u8>, scales: &[f32]) -> String {
        let channels = [scales.len() as i64];
        let width = if kind == data_type::INT32 { 4 } else { 1 };
        let inputs = [format!("{name}/coded"), format!("{name}/scales"), format!("{name}/zeros")];
        self.add(&inputs[0], dims, kind, bytes);
        self.add(
            &inputs[1],
            &channels,
            data_type::FLOAT,
            scales.iter().flat_map(|scale| scale.to_le_bytes()).collect(),
        );
        self.add(&inputs[2], &channels, kind, vec![0; scales.len() * width]);
        let axis = Attribute { name: "axis".into(), r#type: attribute_type::INT, i: 0, ..Attribute::default() };
        let output = dequantised(name);
        self.graph.node.push(Node {
            op_type: "DequantizeLinear".into(),
            name: output.clone(),
            input: inputs.to_vec(),
            output: vec![output.clone()],
            attribute: vec![axis],
            ..Node::default()
        });
        output
    }

    fn add(&mut self, name: &str, dims: &[i64], kind: i32, bytes: Vec<u8>) {
        self.graph.initializer.push(TensorData {
            name: name.into(),
            dims: dims.to_vec(),
            data_type: kind,
            raw_data: bytes,
            ..TensorData::default()
        });
    }
}

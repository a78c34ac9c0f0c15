//! Which operators of a graph are computed in 8 bits, and which of its values get a code.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::engine::onnx::{Graph, Node, TensorData, data_type};

/// What happens to each operator and value of a graph.
pub struct Plan {
    /// For each node, whether it is computed in 8 bits.
    pub active: Vec<bool>,
    /// Values with a code of their own.
    pub coded: BTreeSet<String>,
    /// Values that share the code of another: what is only picked from or mixed of other values keeps their range.
    pub same_code: HashMap<String, String>,
    /// Values that are quantised where an active node makes them, so that everybody reads the coded form.
    pub made_coded: HashSet<String>,
    /// The last convolutions before the results.
    pub last: Vec<usize>,
}

impl Plan {
    /// Decides for a graph whose nodes stand in order.
    pub fn of(graph: &Graph) -> Self {
        let data = data_values(graph);
        let weights: HashMap<&str, &TensorData> =
            graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut makers: HashMap<&str, usize> = HashMap::new();
        for (index, node) in graph.node.iter().enumerate() {
            node.input.iter().for_each(|name| readers.entry(name).or_default().push(index));
            makers.extend(node.output.iter().map(|name| (name.as_str(), index)));
        }
        let results: HashSet<&str> = graph.output.iter().map(|port| port.name.as_str()).collect();
        let mut active: Vec<bool> = graph.node.iter().map(|node| fits(node, &data, &weights)).collect();
        let last = leave_ends(graph, &makers, &mut active);
        // A rectifier has no 8-bit form: it disappears into the code of what it cuts off, or stays as it is.
        let mut joined = HashSet::new();
        for (index, node) in graph.node.iter().enumerate().filter(|(_, node)| node.op_type == "Relu") {
            let maker = makers
                .get(node.input[0].as_str())
                .copied()
                .filter(|&maker| active[maker] && matches!(graph.node[maker].op_type.as_str(), "Conv" | "Add"));
            let alone = readers[node.input[0].as_str()].len() == 1 && !results.contains(node.input[0].as_str());
            active[index] = active[index] && maker.is_some() && alone;
            if active[index] {
                joined.insert(node.input[0].clone());
            } else if let Some(maker) = maker {
                // Its own code would waste half the steps on what the rectifier drops.
                active[maker] &= !alone;
            }
        }
        let mut plan =
            Self { active, coded: BTreeSet::new(), same_code: HashMap::new(), made_coded: HashSet::new(), last };
        for (node, _) in graph.node.iter().zip(plan.active.clone()).filter(|(_, active)| *active) {
            let inputs = node.input[..data_inputs(node)].iter().filter(|name| !joined.contains(*name));
            plan.coded.extend(inputs.cloned());
            for output in node.output.iter().filter(|name| !joined.contains(*name)) {
                plan.coded.insert(output.clone());
                plan.made_coded.insert(output.clone());
                if matches!(node.op_type.as_str(), "MaxPool" | "Resize") {
                    plan.same_code.insert(output.clone(), node.input[0].clone());
                }
            }
        }
        plan.join_codes(graph, &readers);
        plan
    }

    /// Lets values that only a join reads have the join's code, so that they are rounded once, not twice.
    fn join_codes(&mut self, graph: &Graph, readers: &HashMap<&str, Vec<usize>>) {
        let alone = |name: &str| readers[name].len() == 1;
        for (node, active) in graph.node.iter().zip(&self.active) {
            if node.op_type != "Concat" || !active {
                continue;
            }
            for input in &node.input {
                let (mut value, mut only_here) = (input.clone(), alone(input));
                while let Some(source) = self.same_code.get(&value) {
                    value.clone_from(source);
                    only_here &= alone(&value);
                }
                if only_here {
                    self.same_code.insert(value, node.output[0].clone());
                }
            }
        }
    }

    /// The value whose code `name` has.
    pub fn code_of<'a>(&'a self, mut name: &'a str) -> &'a str {
        while let Some(source) = self.same_code.get(name) {
            name = source;
        }
        name
    }
}

/// Takes out the last convolution before each result, and what follows it: logits reach from -900 to 20, and only
/// those near zero matter. Gives those convolutions, which become sums of whole numbers where they can (`sums.rs`).
fn leave_ends(graph: &Graph, makers: &HashMap<&str, usize>, active: &mut [bool]) -> Vec<usize> {
    let mut last = Vec::new();
    for port in &graph.output {
        let mut value = port.name.as_str();
        while let Some(&maker) = makers.get(value) {
            active[maker] = false;
            let node = &graph.node[maker];
            if node.op_type == "Conv" {
                last.push(maker);
            }
            if node.op_type == "Conv" || node.input.is_empty() {
                break;
            }
            value = &node.input[0];
        }
    }
    last
}

/// How many of a node's inputs carry data; the rest are weights and settings.
pub fn data_inputs(node: &Node) -> usize {
    match node.op_type.as_str() {
        "Concat" | "Add" => node.input.len(),
        _ => 1,
    }
}

/// The values that carry picture data, as opposed to shapes and constants.
fn data_values(graph: &Graph) -> HashSet<&str> {
    const KEEP: &[&str] = &[
        "Add",
        "AveragePool",
        "BatchNormalization",
        "Clip",
        "Concat",
        "Conv",
        "Div",
        "MaxPool",
        "Mul",
        "Relu",
        "Resize",
        "Sigmoid",
        "Sub",
    ];
    let mut data: HashSet<&str> = graph.input.iter().map(|port| port.name.as_str()).collect();
    for node in &graph.node {
        if KEEP.contains(&node.op_type.as_str()) && data.contains(node.input[0].as_str()) {
            data.extend(node.output.iter().map(String::as_str));
        }
    }
    data
}

/// Whether the runtime has this operator in 8 bits, all it takes being at hand.
fn fits(node: &Node, data: &HashSet<&str>, weights: &HashMap<&str, &TensorData>) -> bool {
    let carried = |name: &String| data.contains(name.as_str());
    let single = |name: &String| {
        weights.get(name.as_str()).is_some_and(|tensor| {
            tensor.data_type == data_type::FLOAT && (!tensor.raw_data.is_empty() || !tensor.float_data.is_empty())
        })
    };
    match node.op_type.as_str() {
        "Conv" => carried(&node.input[0]) && node.input[1..].iter().all(single),
        "Concat" | "Add" => node.input.iter().all(carried),
        "Relu" => carried(&node.input[0]),
        "MaxPool" => carried(&node.input[0]) && node.output.len() == 1,
        "Resize" => carried(&node.input[0]) && is_plain_resize(node),
        _ => false,
    }
}

fn is_plain_resize(node: &Node) -> bool {
    let mode = node.attribute.iter().find(|attribute| attribute.name == "mode");
    mode.is_none_or(|mode| mode.s == b"linear" || mode.s == b"nearest")
}

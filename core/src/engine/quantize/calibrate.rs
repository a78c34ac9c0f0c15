//! A graph that gives samples of its inner values instead of its result.

use super::plan::Plan;
use crate::engine::onnx::{
    Attribute, Graph, Model, Node, TensorData, TensorType, Type, ValueInfo, attribute_type, data_type,
};

/// A graph that gives samples of inner values.
pub struct Observed {
    /// The graph: the input of the one it was made from, one output.
    pub model: Model,
    /// The values it looks at.
    pub names: Vec<String>,
}

/// Of a value's rows and columns, every this many is looked at.
const STEP: i64 = 3;

impl Observed {
    /// Name of the graph's output: for each value how many samples there are, then the samples.
    pub const OUTPUT: &'static str = "backgroundfx_samples";

    /// The samples of each value in an output of the graph.
    pub fn samples<'a>(&'a self, output: &'a [f32]) -> impl Iterator<Item = (&'a str, &'a [f32])> {
        let (counts, mut rest) = output.split_at(self.names.len().min(output.len()));
        self.names.iter().zip(counts).map(move |(name, &count)| {
            let (samples, after) = rest.split_at((count as usize).min(rest.len()));
            rest = after;
            (name.as_str(), samples)
        })
    }
}

/// The graph that looks at every value of `model` that would get a code of its own.
#[must_use]
pub fn observing(model: &Model) -> Observed {
    let mut model = model.clone();
    let graph = model.graph.get_or_insert_default();
    let plan = Plan::of(graph);
    let names: Vec<String> = plan.coded.iter().filter(|name| !plan.same_code.contains_key(*name)).cloned().collect();
    let constants = [
        ("start", vec![0, 0]),
        ("end", vec![i64::MAX; 2]),
        ("axes", vec![2, 3]),
        ("step", vec![STEP; 2]),
        ("row", vec![-1]),
        ("one", vec![1]),
    ];
    graph.initializer.extend(constants.map(|(name, numbers)| constant(name, &numbers)));
    let own = |name: &str| format!("{}/{name}", Observed::OUTPUT);
    let (mut counts, mut rows) = (Vec::new(), Vec::new());
    for (index, name) in names.iter().enumerate() {
        let part = |what: &str| own(&format!("{what}/{index}"));
        let slice = [name.clone(), own("start"), own("end"), own("axes"), own("step")];
        graph.node.push(node("Slice", &slice, &part("few"), None));
        graph.node.push(node("Reshape", &[part("few"), own("row")], &part("row"), None));
        graph.node.push(node("Size", &[part("row")], &part("size"), None));
        graph.node.push(node("Cast", &[part("size")], &part("number"), Some(("to", i64::from(data_type::FLOAT)))));
        graph.node.push(node("Reshape", &[part("number"), own("one")], &part("count"), None));
        counts.push(part("count"));
        rows.push(part("row"));
    }
    counts.extend(rows);
    graph.node.push(node("Concat", &counts, Observed::OUTPUT, Some(("axis", 0))));
    graph.output = vec![port()];
    drop_unused(graph);
    Observed { model, names }
}

fn constant(name: &str, numbers: &[i64]) -> TensorData {
    TensorData {
        name: format!("{}/{name}", Observed::OUTPUT),
        dims: vec![numbers.len() as i64],
        data_type: data_type::INT64,
        raw_data: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
        ..TensorData::default()
    }
}

fn port() -> ValueInfo {
    let tensor_type = Some(TensorType { elem_type: data_type::FLOAT, shape: None });
    ValueInfo {
        name: Observed::OUTPUT.into(),
        r#type: Some(Type { tensor_type, ..Type::default() }),
        ..ValueInfo::default()
    }
}

fn node(operator: &str, input: &[String], output: &str, attribute: Option<(&str, i64)>) -> Node {
    let whole = |(name, i): (&str, i64)| Attribute {
        name: name.into(),
        r#type: attribute_type::INT,
        i,
        ..Attribute::default()
    };
    Node {
        op_type: operator.into(),
        name: output.into(),
        input: input.to_vec(),
        output: vec![output.into()],
        attribute: attribute.map(whole).into_iter().collect(),
        ..Node::default()
    }
}

/// Removes nodes whose results nobody reads any more, from the end on.
fn drop_unused(graph: &mut Graph) {
    let mut used: std::collections::HashSet<String> = graph.output.iter().map(|port| port.name.clone()).collect();
    let mut kept = Vec::with_capacity(graph.node.len());
    while let Some(node) = graph.node.pop() {
        if node.output.iter().any(|name| used.contains(name)) {
            used.extend(node.input.iter().cloned());
            kept.push(node);
        }
    }
    kept.reverse();
    graph.node = kept;
}

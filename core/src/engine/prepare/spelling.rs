//! One spelling for what exporters write in several ways: constants are initialisers, and nothing is merely passed on.

use std::collections::{HashMap, HashSet};

use crate::engine::onnx::{Graph, Node, TensorData};

/// Makes `Constant` nodes that hold a tensor initialisers, and takes out every `Identity`.
pub fn settle(graph: &mut Graph) {
    let mut constants: Vec<TensorData> = Vec::new();
    graph.node.retain_mut(|node| {
        if node.op_type != "Constant" || node.output.len() != 1 {
            return true;
        }
        let Some(tensor) = node.attribute.iter_mut().find_map(|attribute| attribute.t.take()) else { return true };
        constants.push(TensorData { name: node.output[0].clone(), ..tensor });
        false
    });
    graph.initializer.extend(constants);
    pass_over(graph, |node| node.op_type == "Identity");
}

/// Takes out nodes that only pass their input on: who read them reads their source. Where one made a result, its source
/// is called like the result from now on; it stays where the source is no node's.
pub fn pass_over(graph: &mut Graph, only_passes_on: impl Fn(&Node) -> bool) {
    let results: HashSet<&str> = graph.output.iter().map(|port| port.name.as_str()).collect();
    let passing = |node: &&Node| node.input.len() == 1 && node.output.len() == 1 && only_passes_on(node);
    let mut sources: HashMap<String, String> = HashMap::new();
    for node in graph.node.iter().filter(passing).filter(|node| !results.contains(node.output[0].as_str())) {
        sources.insert(node.output[0].clone(), node.input[0].clone());
    }
    let made: HashSet<&String> =
        graph.node.iter().filter(|node| !passing(node)).flat_map(|node| &node.output).collect();
    let mut called: HashMap<String, String> = HashMap::new();
    for node in graph.node.iter().filter(passing).filter(|node| results.contains(node.output[0].as_str())) {
        let source = source_of(&node.input[0], &sources);
        if made.contains(source) && !results.contains(source.as_str()) && !called.contains_key(source) {
            called.insert(source.clone(), node.output[0].clone());
        }
    }
    let renamed: HashSet<String> = called.values().cloned().collect();
    graph.node.retain(|node| {
        let output = node.output.first();
        !passing(&node) || !output.is_some_and(|name| sources.contains_key(name) || renamed.contains(name))
    });
    for node in &mut graph.node {
        for name in node.input.iter_mut().chain(&mut node.output) {
            let source = source_of(name, &sources);
            let own = called.get(source).unwrap_or(source).clone();
            *name = own;
        }
    }
}

fn source_of<'a>(mut name: &'a String, sources: &'a HashMap<String, String>) -> &'a String {
    // As many steps as there are, for a damaged file may pass on in a circle.
    for _ in 0..sources.len() {
        let Some(source) = sources.get(name) else { break };
        name = source;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::onnx::{Attribute, Node, ValueInfo};

    fn node(op: &str, input: &[&str], output: &str) -> Node {
        Node {
            op_type: op.into(),
            input: input.iter().map(ToString::to_string).collect(),
            output: vec![output.into()],
            ..Node::default()
        }
    }

    #[test]
    fn constants_are_initialisers_and_what_is_passed_on_is_read_at_its_source() {
        let value =
            Attribute { t: Some(TensorData { dims: vec![2], ..TensorData::default() }), ..Attribute::default() };
        let mut graph = Graph {
            node: vec![
                Node { attribute: vec![value], ..node("Constant", &[], "w") },
                node("Identity", &["w"], "same"),
                node("Identity", &["same"], "still"),
                node("Conv", &["x", "still"], "made"),
                node("Identity", &["made"], "y"),
            ],
            output: vec![ValueInfo { name: "y".into(), ..ValueInfo::default() }],
            ..Graph::default()
        };
        settle(&mut graph);
        let operators: Vec<_> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
        assert_eq!(operators, ["Conv"]);
        assert_eq!(
            (graph.node[0].input.as_slice(), graph.node[0].output.as_slice()),
            (["x", "w"].map(str::to_owned).as_slice(), ["y".to_owned()].as_slice())
        );
        assert_eq!((graph.initializer[0].name.as_str(), graph.initializer[0].dims.as_slice()), ("w", [2].as_slice()));
    }

    #[test]
    fn a_result_that_is_the_input_passed_on_stays() {
        let mut graph = Graph {
            node: vec![node("Identity", &["x"], "y")],
            output: vec![ValueInfo { name: "y".into(), ..ValueInfo::default() }],
            ..Graph::default()
        };
        let before = graph.clone();
        settle(&mut graph);
        assert_eq!(graph, before);
    }

    #[test]
    fn a_circle_of_passing_on_ends() {
        let mut graph = Graph {
            node: vec![node("Identity", &["b"], "a"), node("Identity", &["a"], "b"), node("Relu", &["a"], "y")],
            ..Graph::default()
        };
        settle(&mut graph);
        assert_eq!(graph.node.len(), 1);
    }
}

//! Ranges that hold for a network whatever file it comes in: by the place of values, with the network they are of.

use std::fmt::Write as _;

use super::{
    fingerprint::{Structure, Sum},
    ranges::{Range, Ranges},
};
use crate::{Error, Kind, Result, engine::onnx::Graph};

/// Ranges of a network's inner values, and by what the network is recognised.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Digest of its operators and wiring.
    structure: String,
    /// The sum of each of its weights, signs at random.
    sums: Vec<f64>,
    /// By place, counted from 0: inputs, then what each node makes.
    ranges: Ranges,
}

impl Table {
    /// The table of a prepared graph of whose values the ranges are known by name.
    #[must_use]
    pub fn of(graph: &Graph, named: &Ranges) -> Self {
        let structure = Structure::of(graph);
        let places = structure.values.iter().enumerate();
        let ranges = places.filter_map(|(place, name)| Some((place.to_string(), *named.values.get(*name)?)));
        Self {
            ranges: Ranges { values: ranges.collect() },
            sums: structure.sums().iter().map(|sum| sum.sum).collect(),
            structure: structure.digest,
        }
    }

    /// The ranges by the names of a graph, if it is the network that the table is of.
    #[must_use]
    pub fn named(&self, graph: &Graph) -> Option<Ranges> {
        let structure = Structure::of(graph);
        if structure.digest != self.structure || !are_near(&structure.sums(), &self.sums) {
            return None;
        }
        let name = |(place, range): (&String, &Range)| {
            Some(((*structure.values.get(place.parse::<usize>().ok()?)?).to_owned(), *range))
        };
        Some(Ranges { values: self.ranges.values.iter().map(name).collect::<Option<_>>()? })
    }

    /// The table as text: `structure DIGEST`, a line `sum NUMBER` for each of the weights, then `PLACE LOW HIGH` a value.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("structure {}\n", self.structure);
        for sum in &self.sums {
            let _ = writeln!(text, "sum {sum:.6}");
        }
        let mut ranges: Vec<_> = self.ranges.values.iter().collect();
        ranges.sort_by_key(|(place, _)| place.parse::<usize>().unwrap_or(usize::MAX));
        for (place, Range { low, high }) in ranges {
            let _ = writeln!(text, "{place} {low} {high}");
        }
        text
    }

    /// Reads such a text; lines that begin with `#` are comments.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] naming the first line that is not understood.
    pub fn from_text(text: &str) -> Result<Self> {
        let (mut structure, mut sums, mut rest) = (String::new(), Vec::new(), String::new());
        for line in text.lines() {
            let wrong = || Error::new(Kind::ModelMismatch, format!("{line:?} is no line of a table of ranges"));
            match line.split_once(' ') {
                Some(("structure", digest)) => digest.clone_into(&mut structure),
                Some(("sum", sum)) => sums.push(sum.parse::<f64>().map_err(|error| wrong().because(error))?),
                _ => rest.extend([line, "\n"]),
            }
        }
        Ok(Self { structure, sums, ranges: Ranges::from_text(&rest)? })
    }
}

fn are_near(found: &[Sum], known: &[f64]) -> bool {
    found.len() == known.len() && found.iter().zip(known).all(|(found, known)| found.is_near(*known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::onnx::{Attribute, Node, TensorData, ValueInfo, attribute_type, data_type};

    fn node(op: &str, input: &[&str], output: &str, attribute: Vec<Attribute>) -> Node {
        let input = input.iter().map(ToString::to_string).collect();
        Node { op_type: op.into(), input, output: vec![output.into()], attribute, ..Node::default() }
    }

    fn ints(name: &str, ints: &[i64]) -> Attribute {
        Attribute { name: name.into(), r#type: attribute_type::INTS, ints: ints.to_vec(), ..Attribute::default() }
    }

    fn port(name: &str) -> ValueInfo {
        ValueInfo { name: name.into(), ..ValueInfo::default() }
    }

    /// A convolution of weights between −1 and 1, each times `scale`, and a rectifier.
    fn network(scale: f32) -> Graph {
        let numbers = (0..180).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0) * scale);
        let weights = TensorData {
            name: "w".into(),
            dims: vec![4, 5, 3, 3],
            data_type: data_type::FLOAT,
            float_data: numbers.collect(),
            ..TensorData::default()
        };
        Graph {
            node: vec![
                node("Conv", &["x", "w"], "c", vec![ints("strides", &[2, 2])]),
                node("Relu", &["c"], "y", vec![]),
            ],
            initializer: vec![weights],
            input: vec![port("x")],
            output: vec![port("y")],
            ..Graph::default()
        }
    }

    fn table() -> Table {
        let named = Ranges { values: [("y".to_owned(), Range { low: 0.0, high: 6.0 })].into() };
        Table::of(&network(1.0), &named)
    }

    #[test]
    fn the_network_is_recognised_under_other_names_and_its_values_are_named() {
        let mut other = network(1.0 + 1.0 / 8192.0);
        other.node[0] = node("Conv", &["p", "q"], "r", vec![ints("pads", &[0; 4]), ints("strides", &[2, 2])]);
        other.node[1] = node("Relu", &["r"], "s", vec![]);
        (other.initializer[0].name, other.input[0].name, other.output[0].name) = ("q".into(), "p".into(), "s".into());
        let named = table().named(&other).unwrap();
        assert_eq!(named.values.iter().collect::<Vec<_>>(), [(&"s".to_owned(), &Range { low: 0.0, high: 6.0 })]);
    }

    #[test]
    fn other_networks_are_not() {
        type Change = fn(&mut Graph);
        let changed: [(&str, Change); 5] = [
            ("weights", |graph| *graph = network(1.01)),
            ("a stride", |graph| graph.node[0].attribute[0] = ints("strides", &[1, 1])),
            ("an operator", |graph| graph.node[1].op_type = "Sigmoid".into()),
            ("wiring", |graph| graph.node[1].input[0] = "x".into()),
            ("the result", |graph| graph.output[0].name = "c".into()),
        ];
        for (what, change) in changed {
            let mut graph = network(1.0);
            change(&mut graph);
            assert!(table().named(&graph).is_none(), "{what}");
        }
        assert!(table().named(&network(1.0)).is_some());
    }

    #[test]
    fn a_table_is_read_back_as_written_and_what_is_none_is_refused() {
        let text = table().to_text();
        assert_eq!(Table::from_text(&text).unwrap().to_text(), text);
        for wrong in ["sum x", "sum 1 2", "0 1"] {
            assert_eq!(Table::from_text(wrong).unwrap_err().kind(), Kind::ModelMismatch, "{wrong}");
        }
    }
}

//! 8-bit forms of a small network through the real runtime, against the same network in single precision.

use std::{collections::BTreeMap, path::Path};

use backgroundfx_core::{
    engine::{
        Device, Engine, EngineOptions, Network, Tensor,
        onnx::{
            Attribute, Dimension, DimensionValue, Graph, Model, Node, OperatorSet, Shape, TensorData, TensorType, Type,
            ValueInfo, attribute_type, data_type,
        },
        quantize::{Histogram, Observed, Ranges, observing, quantize},
    },
    progress::Silent,
};
use prost::Message;

const SIDE: usize = 32;

/// Numbers of −1 to 1 that are the same every time.
fn numbers(count: usize, mut seed: u32) -> Vec<f32> {
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn node(operator: &str, input: &[&str], output: &str, attribute: Vec<Attribute>) -> Node {
    Node {
        op_type: operator.into(),
        name: output.into(),
        input: input.iter().map(ToString::to_string).collect(),
        output: vec![output.into()],
        attribute,
        ..Node::default()
    }
}

fn ints(name: &str, ints: &[i64]) -> Attribute {
    Attribute { name: name.into(), r#type: attribute_type::INTS, ints: ints.to_vec(), ..Attribute::default() }
}

fn tensor(name: &str, dims: &[i64], numbers: &[f32]) -> TensorData {
    let raw_data = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    TensorData {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: data_type::FLOAT,
        raw_data,
        ..TensorData::default()
    }
}

fn port(name: &str, channels: i64) -> ValueInfo {
    let length = |length| Dimension { value: Some(DimensionValue::Value(length)), ..Dimension::default() };
    let dim = [1, channels, SIDE as i64, SIDE as i64].map(length).to_vec();
    let tensor_type = Some(TensorType { elem_type: data_type::FLOAT, shape: Some(Shape { dim }) });
    ValueInfo { name: name.into(), r#type: Some(Type { tensor_type, ..Type::default() }), ..ValueInfo::default() }
}

/// A picture network in small: convolve, rectify, pool, convolve, enlarge, join, add, convolve, squash.
fn network(version: i64) -> Model {
    let whole = || ints("pads", &[1; 4]);
    let axis = Attribute { name: "axis".into(), r#type: attribute_type::INT, i: 1, ..Attribute::default() };
    let linear = Attribute {
        name: "mode".into(),
        r#type: attribute_type::STRING,
        s: b"linear".to_vec(),
        ..Attribute::default()
    };
    let graph = Graph {
        node: vec![
            node("Conv", &["x", "w1", "b1"], "c1", vec![whole()]),
            node("Relu", &["c1"], "r1", vec![]),
            node("MaxPool", &["r1"], "p", vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])]),
            node("Conv", &["p", "w2", "b2"], "c2", vec![whole()]),
            node("Relu", &["c2"], "r2", vec![]),
            node("Resize", &["r2", "", "scales"], "u", vec![linear]),
            node("Concat", &["u", "r1"], "j", vec![axis]),
            node("Conv", &["j", "w3", "b3"], "c3", vec![whole()]),
            node("Relu", &["c3"], "r3", vec![]),
            node("Add", &["r3", "r1"], "a", vec![]),
            node("Conv", &["a", "w4", "b4"], "logits", vec![whole()]),
            node("Sigmoid", &["logits"], "y", vec![]),
        ],
        initializer: vec![
            tensor("w1", &[8, 3, 3, 3], &numbers(216, 1)),
            tensor("b1", &[8], &numbers(8, 2)),
            tensor("w2", &[8, 8, 3, 3], &numbers(576, 3)),
            tensor("b2", &[8], &numbers(8, 4)),
            tensor("scales", &[4], &[1.0, 1.0, 2.0, 2.0]),
            tensor("w3", &[8, 16, 3, 3], &numbers(1152, 5)),
            tensor("b3", &[8], &numbers(8, 6)),
            tensor("w4", &[1, 8, 3, 3], &numbers(72, 7).iter().map(|w| w * 0.02).collect::<Vec<_>>()),
            tensor("b4", &[1], &[0.1]),
        ],
        name: "small".into(),
        input: vec![port("x", 3)],
        output: vec![port("y", 1)],
        ..Graph::default()
    };
    let opset_import = vec![OperatorSet { version, ..OperatorSet::default() }];
    Model { ir_version: 8, graph: Some(graph), opset_import, ..Model::default() }
}

fn load(engine: &Engine, folder: &Path, name: &str, model: &Model) -> std::sync::Arc<dyn Network> {
    let file = folder.join(name);
    std::fs::write(&file, model.encode_to_vec()).expect("the folder can be written");
    engine.network(&file, Device::Cpu, &Silent).expect("the graph can be loaded").network
}

fn picture(seed: u32) -> Tensor {
    Tensor::new(vec![1, 3, SIDE, SIDE], numbers(3 * SIDE * SIDE, seed))
}

#[test]
#[ignore = "needs the runtime"]
fn eight_bits_stay_near_single_precision_on_a_picture_not_used_for_the_ranges() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(EngineOptions { threads: Some(2), ..EngineOptions::default() }).unwrap();
    let plain = network(13);
    let observed = observing(&plain);
    let watching = load(&engine, folder.path(), "watching.onnx", &observed.model);
    let mut histograms = BTreeMap::<String, Histogram>::new();
    for seed in 10..20 {
        let samples = watching.run(&[picture(seed)], Observed::OUTPUT).unwrap();
        for (name, samples) in observed.samples(&samples.values) {
            assert!(!samples.is_empty(), "{name}");
            histograms.entry(name.to_owned()).or_default().add(samples);
        }
    }
    let ranges = Ranges { values: histograms.into_iter().map(|(name, seen)| (name, seen.range())).collect() };
    let mut model = plain.clone();
    quantize(&mut model, &ranges).unwrap();
    let exact = load(&engine, folder.path(), "plain.onnx", &plain).run(&[picture(99)], "y").unwrap();
    let coarse = load(&engine, folder.path(), "int8.onnx", &model).run(&[picture(99)], "y").unwrap();
    let differences = exact.values.iter().zip(&coarse.values).map(|(a, b)| (a - b).abs());
    let mean = differences.clone().sum::<f32>() / exact.values.len() as f32;
    let spread = exact.values.iter().fold((1.0_f32, 0.0_f32), |(low, high), &v| (low.min(v), high.max(v)));
    assert!(spread.1 - spread.0 > 0.2, "the network says nothing: {spread:?}");
    assert!(mean > 0.0 && mean < 0.01, "mean difference {mean}");
}

#[test]
fn what_cannot_be_computed_in_eight_bits_is_refused() {
    let ranges = Ranges::default();
    assert!(quantize(&mut network(13), &ranges).unwrap_err().to_string().contains("no range is known"));
    assert!(quantize(&mut network(11), &ranges).unwrap_err().to_string().contains("ONNX operators 11"));
    let mut bare = network(13);
    bare.graph.as_mut().unwrap().node.retain(|node| node.op_type == "Sigmoid");
    assert!(quantize(&mut bare, &ranges).unwrap_err().to_string().contains("no operator"));
}

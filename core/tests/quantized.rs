//! 8-bit forms of a small network through the real runtime, against the same network in single precision.

use std::path::Path;

use backgroundfx_core::{
    Kind,
    engine::{
        Device, Engine, EngineOptions, Network, Precision, Tensor, Weights,
        artifacts::StoreOptions,
        onnx::{
            Attribute, Dimension, DimensionValue, Graph, Model, Node, OperatorSet, Shape, TensorData, TensorType, Type,
            ValueInfo, attribute_type, data_type,
        },
        quantize::{Range, Ranges, observing, quantize},
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
///
/// Before version 13 it also takes the matte apart and puts it together again, with the settings of that time.
fn network(version: i64) -> Model {
    let whole = || ints("pads", &[1; 4]);
    let axis = Attribute { name: "axis".into(), r#type: attribute_type::INT, i: 1, ..Attribute::default() };
    let linear = Attribute {
        name: "mode".into(),
        r#type: attribute_type::STRING,
        s: b"linear".to_vec(),
        ..Attribute::default()
    };
    let old = version < 13;
    let to_and_fro = [
        node("Unsqueeze", &["squashed"], "apart", vec![ints("axes", &[0])]),
        node("Squeeze", &["apart"], "y", vec![ints("axes", &[0])]),
    ];
    let graph = Graph {
        node: vec![
            node("Conv", &["x", "w1", "b1"], "c1", vec![whole()]),
            node("Relu", &["c1"], "r1", vec![]),
            node("MaxPool", &["r1"], "p", vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])]),
            node("Conv", &["p", "w2", "b2"], "c2", vec![whole()]),
            node("Relu", &["c2"], "r2", vec![]),
            node("Resize", &["r2", "roi", "scales"], "u", vec![linear]),
            node("Concat", &["u", "r1"], "j", vec![axis]),
            node("Conv", &["j", "w3", "b3"], "c3", vec![whole()]),
            node("Relu", &["c3"], "r3", vec![]),
            node("Add", &["r3", "r1"], "a", vec![]),
            node("Conv", &["a", "w4", "b4"], "logits", vec![whole()]),
            node("Sigmoid", &["logits"], if old { "squashed" } else { "y" }, vec![]),
        ],
        initializer: vec![
            tensor("w1", &[8, 3, 3, 3], &numbers(216, 1)),
            tensor("b1", &[8], &numbers(8, 2)),
            tensor("w2", &[8, 8, 3, 3], &numbers(576, 3)),
            tensor("b2", &[8], &numbers(8, 4)),
            tensor("roi", &[0], &[]),
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
    let graph = Graph { node: graph.node.into_iter().chain(to_and_fro.into_iter().filter(|_| old)).collect(), ..graph };
    let opset_import = vec![OperatorSet { version, ..OperatorSet::default() }];
    Model { ir_version: 8, graph: Some(graph), opset_import, ..Model::default() }
}

fn picture(seed: u32) -> Tensor {
    Tensor::new(vec![1, 3, SIDE, SIDE], numbers(3 * SIDE * SIDE, seed))
}

/// An engine whose store is the folder, with the runtime of the usual one.
fn engine(folder: &Path, precision: Precision) -> Engine {
    let usual = Engine::open(EngineOptions::default()).expect("the store can be opened");
    let (_, library) = usual.runtime(&Silent).expect("the runtime is there");
    let store = StoreOptions { folder: Some(folder.to_owned()), ..StoreOptions::default() };
    Engine::open(EngineOptions {
        store,
        runtime: Some(library),
        threads: Some(2),
        precision,
        ..EngineOptions::default()
    })
    .expect("the store can be opened")
}

#[test]
#[ignore = "needs the runtime"]
fn a_file_of_the_users_own_stays_near_single_precision_on_a_picture_not_used_for_the_ranges() {
    for version in [11, 13] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.onnx");
        std::fs::write(&file, network(version).encode_to_vec()).unwrap();
        let (exact, coarse) = (engine(folder.path(), Precision::Fp32), engine(folder.path(), Precision::Int8));
        let refused = coarse.model(Weights::Own(&file), Device::Cpu, &Silent).err().expect("no ranges are known yet");
        assert_eq!(refused.kind(), Kind::PrecisionUnavailable);
        let pictures = (10..20).map(|seed| Ok(picture(seed)));
        exact.calibrate(Weights::Own(&file), pictures, &Silent).unwrap();
        let run = |engine: &Engine, precision| {
            let (found, loaded) = engine.model(Weights::Own(&file), Device::Cpu, &Silent).unwrap();
            assert_eq!((loaded.precision, found.sha256.map(|digest| digest.len())), (precision, Some(64)));
            loaded.network.run(&[picture(99)], "y").unwrap()
        };
        let (exact, coarse) = (run(&exact, Precision::Fp32), run(&coarse, Precision::Int8));
        let differences = exact.values.iter().zip(&coarse.values).map(|(a, b)| (a - b).abs());
        let mean = differences.sum::<f32>() / exact.values.len() as f32;
        let spread = exact.values.iter().fold((1.0_f32, 0.0_f32), |(low, high), &v| (low.min(v), high.max(v)));
        assert!(spread.1 - spread.0 > 0.2, "the network says nothing: {spread:?}");
        assert!(mean > 0.0 && mean < 0.01, "operators {version}: mean difference {mean}");
        let kept = |ending: &str| {
            let entries = std::fs::read_dir(folder.path().join("prepared")).unwrap().map(|entry| entry.unwrap().path());
            entries.filter(|path| path.to_string_lossy().contains(ending)).collect::<Vec<_>>()
        };
        assert_eq!(kept("-int8-").len(), 1);
        // Ranges that do not fit are left aside by those who do not insist on them.
        std::fs::write(&kept(".ranges")[0], Ranges::default().to_text()).unwrap();
        let auto = engine(folder.path(), Precision::Auto).model(Weights::Own(&file), Device::Cpu, &Silent).unwrap().1;
        assert_eq!(auto.precision, Precision::Fp32);
        let insisting = engine(folder.path(), Precision::Int8);
        let refused = insisting.model(Weights::Own(&file), Device::Cpu, &Silent).err().expect("they do not fit");
        assert_eq!(refused.kind(), Kind::PrecisionUnavailable);
        insisting.calibrate(Weights::Own(&file), [Ok(picture(1))].into_iter(), &Silent).unwrap();
        assert_eq!(kept("-int8-").len(), 0, "graphs of older ranges are removed");
    }
}

#[test]
#[ignore = "needs the runtime"]
fn a_graph_to_be_given_away_computes_what_this_one_computes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.onnx");
    std::fs::write(&file, network(13).encode_to_vec()).unwrap();
    let given = |precision| engine(folder.path(), precision).portable(Weights::Own(&file), &Silent);
    assert_eq!(given(Precision::Int8).unwrap_err().kind(), Kind::PrecisionUnavailable);
    let plain = given(Precision::Auto).unwrap();
    assert_eq!(plain.precision, Precision::Fp32);
    let pictures = (10..20).map(|seed| Ok(picture(seed)));
    engine(folder.path(), Precision::Fp32).calibrate(Weights::Own(&file), pictures, &Silent).unwrap();
    let coarse = given(Precision::Auto).unwrap();
    assert_eq!((coarse.precision, given(Precision::Fp32).unwrap().file), (Precision::Int8, plain.file.clone()));
    // Whichever is fast on this processor, and again from what was made.
    assert_eq!(given(Precision::Int8).unwrap().file, coarse.file);
    for (graph, precision) in [(plain.file, Precision::Fp32), (coarse.file, Precision::Int8)] {
        let here = engine(folder.path(), precision).model(Weights::Own(&file), Device::Cpu, &Silent).unwrap().1;
        let there = engine(folder.path(), Precision::Fp32).network(&graph, Device::Cpu, &Silent).unwrap();
        let run = |network: &dyn Network| network.run(&[picture(99)], "y").unwrap();
        assert_eq!(run(&*here.network), run(&*there.network), "{precision}");
    }
}

#[test]
fn the_last_convolution_becomes_sums_of_whole_numbers() {
    let mut model = network(13);
    let count = |model: &Model, operator: &str| {
        model.graph.as_ref().unwrap().node.iter().filter(|node| node.op_type == operator).count()
    };
    let before = count(&model, "Conv");
    let range = Range { low: -4.0, high: 4.0 };
    let ranges = Ranges { values: observing(&model).names.into_iter().map(|name| (name, range)).collect() };
    quantize(&mut model, &ranges).unwrap();
    let [left, products, shifted] = ["Conv", "MatMulInteger", "Slice"].map(|name| count(&model, name));
    assert_eq!((left, products, shifted), (before - 1, 1, 9));
}

#[test]
fn what_cannot_be_computed_in_eight_bits_is_refused() {
    let ranges = Ranges::default();
    assert!(quantize(&mut network(13), &ranges).unwrap_err().to_string().contains("no range is known"));
    assert!(quantize(&mut network(10), &ranges).unwrap_err().to_string().contains("ONNX operators 10"));
    let mut apart = network(13);
    apart.graph.as_mut().unwrap().initializer[0].data_location = 1;
    assert!(quantize(&mut apart, &ranges).unwrap_err().to_string().contains("another file"));
    let mut softened = network(12);
    softened.graph.as_mut().unwrap().node.push(node("Softmax", &["logits"], "s", vec![]));
    assert!(quantize(&mut softened, &ranges).unwrap_err().to_string().contains("Softmax"));
    let mut bare = network(13);
    bare.graph.as_mut().unwrap().node.retain(|node| node.op_type == "Sigmoid");
    assert!(quantize(&mut bare, &ranges).unwrap_err().to_string().contains("no operator"));
}

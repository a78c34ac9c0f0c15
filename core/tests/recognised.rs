//! The default network in another exporter's spelling: recognised, so that it computes in 8 bits too, and nothing else is.

use std::path::{Path, PathBuf};

use backgroundfx_core::{
    Kind,
    engine::{
        Device, Engine, EngineOptions, Network, Precision, Tensor, Weights,
        artifacts::{Manifest, StoreOptions},
        onnx::{Attribute, DimensionValue, Graph, Model, Node, TensorData, attribute_type, data_type},
    },
    files::{self, ReadOptions},
    models::{Catalog, DEFAULT},
    progress::Silent,
    tensor,
};
use half::f16;
use prost::Message;

/// Numbers from −1 to 1 that are the same every time.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 8_388_608.0 - 1.0
    }
}

fn engine(folder: Option<PathBuf>, precision: Precision) -> Engine {
    let usual = Engine::open(EngineOptions::default()).expect("the store can be opened");
    let (_, library) = usual.runtime(&Silent).expect("the runtime is there");
    let store = StoreOptions { folder, ..StoreOptions::default() };
    Engine::open(EngineOptions { store, runtime: Some(library), precision, ..EngineOptions::default() })
        .expect("the store can be opened")
}

/// The default network's file as it is in the store, and the name of its output.
fn published() -> (Model, String) {
    let (artifact, file) =
        engine(None, Precision::Fp32).store().obtain(Manifest::built_in(), DEFAULT, &Silent).expect("it is there");
    let output = artifact.network["widen"].as_str().expect("it names its output").to_owned();
    (Model::decode(std::fs::read(file).expect("it can be read").as_slice()).expect("it is a graph"), output)
}

/// The same network as an older exporter writes it: single precision with the digits that half precision lost, operators of
/// version 11, other names, weights in another order, as constants and passed on, no casts, free batch.
fn respelled(mut model: Model, output: &str, noise: f32) -> Model {
    let graph = model.graph.as_mut().expect("there is a graph");
    let mut random = Noise(7);
    graph.initializer.iter_mut().for_each(|tensor| to_single(tensor, &mut random, noise));
    for node in &mut graph.node {
        node.attribute.iter_mut().filter_map(|a| a.t.as_mut()).for_each(|t| to_single(t, &mut random, noise));
        if node.op_type == "Cast" {
            node.op_type = "Identity".into();
            node.attribute.clear();
        }
        if node.op_type == "Resize" {
            node.input[1..3].fill("nothing".into());
            node.attribute
                .iter_mut()
                .filter(|a| a.s == b"half_pixel")
                .for_each(|a| a.s = b"pytorch_half_pixel".to_vec());
        }
        node.attribute.reverse();
        node.attribute.retain(|a| !(node.op_type == "MaxPool" && a.name == "pads"));
        node.doc_string = "where it was written".into();
    }
    graph.initializer.push(TensorData {
        name: "nothing".into(),
        dims: vec![0],
        data_type: data_type::FLOAT,
        ..TensorData::default()
    });
    for port in graph.input.iter_mut().chain(&mut graph.output) {
        let shape = port.r#type.as_mut().and_then(|t| t.tensor_type.as_mut()).and_then(|t| t.shape.as_mut());
        shape.expect("ports have shapes").dim[0].value = Some(DimensionValue::Parameter("batch_size".into()));
    }
    rename(graph, output);
    scatter(graph);
    model.opset_import[0].version = 11;
    model
}

/// Half precision to single, each number moved by `noise` times what rounding may have taken.
fn to_single(tensor: &mut TensorData, random: &mut Noise, noise: f32) {
    if tensor.data_type != data_type::FLOAT16 {
        return;
    }
    let moved = tensor.raw_data.chunks_exact(2).flat_map(|pair| {
        let half = f16::from_le_bytes([pair[0], pair[1]]);
        let step = f16::from_bits(half.to_bits() + 1).to_f32() - half.to_f32();
        (half.to_f32() + step / 2.0 * noise * random.next()).to_le_bytes()
    });
    tensor.raw_data = moved.collect();
    tensor.data_type = data_type::FLOAT;
}

/// Numbers instead of names, but for the ports that the list of files names.
fn rename(graph: &mut Graph, output: &str) {
    let input = graph.input[0].name.clone();
    let mut numbers = std::collections::HashMap::from([
        (String::new(), String::new()),
        (input, "input_image".to_owned()),
        (output.to_owned(), "output_image".to_owned()),
    ]);
    let mut renamed = |name: &mut String| {
        let next = (numbers.len() * 7919 % 10_007).to_string();
        let old = std::mem::take(name);
        name.clone_from(numbers.entry(old).or_insert(next));
    };
    graph.node.iter_mut().for_each(|node| {
        node.name.clear();
        node.input.iter_mut().chain(&mut node.output).for_each(&mut renamed);
    });
    graph.initializer.iter_mut().for_each(|tensor| renamed(&mut tensor.name));
    graph.input.iter_mut().chain(&mut graph.output).for_each(|port| renamed(&mut port.name));
}

/// Weights from last to first, every third in a node of its own, every fifth behind one that passes it on.
fn scatter(graph: &mut Graph) {
    let mut weights = std::mem::take(&mut graph.initializer);
    weights.reverse();
    for (index, mut tensor) in weights.into_iter().enumerate() {
        let name = tensor.name.clone();
        if index % 5 == 0 {
            tensor.name = format!("shared.{index}");
            let input = vec![tensor.name.clone()];
            graph.node.push(Node { op_type: "Identity".into(), input, output: vec![name], ..Node::default() });
        }
        if index % 3 == 0 {
            let output = vec![std::mem::take(&mut tensor.name)];
            let value = Attribute {
                name: "value".into(),
                r#type: attribute_type::TENSOR,
                t: Some(tensor),
                ..Attribute::default()
            };
            graph.node.push(Node { op_type: "Constant".into(), output, attribute: vec![value], ..Node::default() });
        } else {
            graph.initializer.push(tensor);
        }
    }
}

/// A list of one file, which lies in the folder.
fn listed(model: &Model, folder: &Path) -> Manifest {
    std::fs::write(folder.join("public.onnx"), model.encode_to_vec()).expect("there is room");
    let digest = engine(None, Precision::Fp32).store().digest(&folder.join("public.onnx")).expect("it can be read");
    let text = format!(
        "[[artifact]]\nid = \"public/fp32\"\nprovides = \"public\"\nfile = \"public.onnx\"\nsha256 = \"{digest}\"\n\
         license = {{ code = \"MIT\", weights = \"MIT\", commercial = true }}\nsources = []\n\
         network = {{ input = \"input_image\", outputs = [\"output_image\"], widen = \"output_image\" }}\n"
    );
    Manifest::from_toml(&text).expect("the list is valid")
}

/// A scene as the default model's network takes it.
fn scene(name: &str) -> Tensor {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../testdata/scenes/{name}.jpg"));
    let picture = files::read(&file, &ReadOptions::default()).expect("scenes can be read");
    let catalog = Catalog::built_in();
    let card = catalog.card(DEFAULT).expect("it is in the list");
    tensor::from_picture(&picture.color, picture.profile.as_ref(), &card.input).expect("it fits")
}

fn mean_difference(a: &dyn Network, b: &dyn Network, scene: &Tensor) -> f32 {
    let run = |network: &dyn Network| {
        let output = network.ports().1[0].name.clone();
        network.run(std::slice::from_ref(scene), &output).expect("it runs").values
    };
    let (a, b) = (run(a), run(b));
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

#[test]
#[ignore = "needs the runtime and weights"]
fn another_file_of_the_default_network_computes_in_eight_bits_as_well() {
    let (model, output) = published();
    let folder = tempfile::tempdir().unwrap();
    let manifest = listed(&respelled(model, &output, 0.99), folder.path());
    let load = |engine: &Engine, weights| engine.model(weights, Device::Cpu, &Silent).expect("it loads").1;
    let public = load(&engine(Some(folder.path().into()), Precision::Int8), Weights::Listed(&manifest, "public"));
    assert_eq!(public.precision, Precision::Int8);
    let known = engine(None, Precision::Int8);
    let known = load(&known, Weights::Listed(Manifest::built_in(), DEFAULT));
    let exact = load(&engine(None, Precision::Fp32), Weights::Listed(Manifest::built_in(), DEFAULT));
    for name in ["fox", "headphones"] {
        let scene = scene(name);
        let apart = mean_difference(public.network.as_ref(), known.network.as_ref(), &scene);
        let coarse = mean_difference(exact.network.as_ref(), known.network.as_ref(), &scene);
        println!("{name}: the two files in 8 bits {apart}, 8 bits and single precision {coarse}");
        // Weights that differ behind the digits of half precision round to other codes here and there.
        assert!(apart < 1.5 * coarse, "{name}: {apart} and {coarse}");
    }
}

#[test]
#[ignore = "needs the runtime and weights"]
fn other_weights_are_not_taken_for_the_default_networks() {
    let (model, output) = published();
    let folder = tempfile::tempdir().unwrap();
    // Sixteen times as far as rounding moves a weight: under one percent.
    let manifest = listed(&respelled(model, &output, 16.0), folder.path());
    let open = |precision| {
        engine(Some(folder.path().into()), precision).model(Weights::Listed(&manifest, "public"), Device::Cpu, &Silent)
    };
    assert_eq!(open(Precision::Int8).err().expect("no ranges are known").kind(), Kind::PrecisionUnavailable);
    for _ in ["found out", "noted"] {
        let loaded = open(Precision::Auto).expect("single precision is always there").1;
        assert_eq!(loaded.precision, Precision::Fp32);
    }
}

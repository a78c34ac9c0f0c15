//! What a loop asked its networks and what they answered: recording it, keeping it in a file, and answering again.
//!
//! The file is an ONNX graph that is never run: tensors are its initializers, each once; a call is a node whose operator is
//! the network's number and whose inputs and outputs read `port=tensor`. To keep it small, numbers are in half precision
//! (pixels in 8 bits); of large inputs that no network gave, every eighth number is kept; and what only travels from one
//! network to the next is one number that tells it from all others.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
};

use backgroundfx_core::{
    Error, Kind, Result,
    engine::{
        Network, Port, Tensor,
        onnx::{Graph, Model, Node, TensorData, data_type},
    },
    pixels::Size,
};
use half::f16;
use prost::Message;

/// How far an input may be from the recorded one, as a share of the greater of it and 1: half precision has 11 bits.
const TOLERANCE: f32 = 2e-3;

/// Inputs of more numbers are thinned.
const LARGE: usize = 4096;
/// What the loops hand on without looking at it.
const HANDED_ON: [&str; 13] = [
    "r1o",
    "r2o",
    "r3o",
    "r4o",
    "f8",
    "f4",
    "f2",
    "f1",
    "mem_readout",
    "high_res_feats_0",
    "high_res_feats_1",
    "first_image_embed",
    "image_embed_with_mem",
];

/// Values of a tensor; fewer than its shape says where only some are kept, at even distances.
#[derive(Clone)]
pub struct Kept {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Kept {
    /// How far a tensor is from this one.
    fn distance(&self, given: &Tensor) -> f32 {
        let apart = |(a, b): (&f32, &f32)| (a - b).abs() / a.abs().max(1.0);
        let step = given.values.len() / self.values.len();
        self.values.iter().zip(given.values.iter().step_by(step)).map(apart).fold(0.0, f32::max)
    }

    fn tensor(&self) -> Tensor {
        Tensor::new(self.shape.clone(), self.values.clone())
    }
}

pub struct Record {
    tensors: HashMap<String, Kept>,
    calls: Vec<Call>,
}

#[derive(Clone)]
struct Call {
    network: usize,
    inputs: Vec<(String, String)>,
    outputs: Vec<(String, String)>,
}

impl Record {
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let graph = Model::decode(bytes.as_slice()).unwrap().graph.unwrap();
        let tensors = graph.initializer.iter().map(|data| (data.name.clone(), kept(data))).collect();
        let split = |text: &String| {
            let (port, tensor) = text.split_once('=').unwrap();
            (port.to_owned(), tensor.to_owned())
        };
        let call = |node: &Node| Call {
            network: node.op_type.parse().unwrap(),
            inputs: node.input.iter().map(split).collect(),
            outputs: node.output.iter().map(split).collect(),
        };
        Self { tensors, calls: graph.node.iter().map(call).collect() }
    }

    pub fn tensor(&self, name: &str) -> Option<&Kept> {
        self.tensors.get(name)
    }

    /// Size of its frames.
    pub fn size(&self) -> Size {
        let shape = &self.tensors["frames"].shape;
        Size::new(shape[2] as u32, shape[1] as u32)
    }
}

fn kept(data: &TensorData) -> Kept {
    let shape = data.dims.iter().map(|&length| length as usize).collect();
    let bytes = &data.raw_data;
    let values = match data.data_type {
        data_type::UINT8 => bytes.iter().map(|&byte| f32::from(byte)).collect(),
        data_type::FLOAT16 => bytes.as_chunks().0.iter().map(|pair| f16::from_le_bytes(*pair).to_f32()).collect(),
        _ => bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
    };
    Kept { shape, values }
}

/// The tensor as it is written: in 8 bits, or in half precision and thinned.
fn data(name: &str, tensor: &Kept, pixels: bool, thinned: bool) -> TensorData {
    let step = if thinned && tensor.values.len() > LARGE { 8 } else { 1 };
    let values = tensor.values.iter().step_by(step);
    TensorData {
        name: name.to_owned(),
        dims: tensor.shape.iter().map(|&length| length as i64).collect(),
        data_type: if pixels { data_type::UINT8 } else { data_type::FLOAT16 },
        raw_data: if pixels {
            values.map(|&value| value as u8).collect()
        } else {
            values.flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect()
        },
        ..TensorData::default()
    }
}

/// Notes down what networks are asked.
#[derive(Default)]
pub struct Recorder(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    /// What is kept of each tensor, and the tensor.
    tensors: Vec<(Noted, Tensor)>,
    calls: Vec<Call>,
}

struct Noted {
    /// Whether a network gave it.
    answer: bool,
    handed_on: bool,
}

impl Notes {
    fn note(&mut self, port: &str, tensor: &Tensor, answer: bool) -> (String, String) {
        let known = self.tensors.iter().position(|(_, known)| known == tensor);
        let index = known.unwrap_or_else(|| {
            let noted = Noted { answer, handed_on: answer && HANDED_ON.contains(&port) };
            self.tensors.push((noted, tensor.clone()));
            self.tensors.len() - 1
        });
        (port.to_owned(), format!("t{index}"))
    }

    fn data(&self) -> impl Iterator<Item = TensorData> {
        self.tensors.iter().enumerate().map(|(index, (noted, tensor))| {
            let kept = if noted.handed_on {
                Kept { shape: vec![1], values: vec![index as f32] }
            } else {
                Kept { shape: tensor.shape.clone(), values: tensor.values.clone() }
            };
            data(&format!("t{index}"), &kept, false, !noted.answer)
        })
    }
}

impl Recorder {
    /// The network, its calls noted down under this number.
    pub fn around(&self, number: usize, network: Arc<dyn Network>) -> Arc<dyn Network> {
        Arc::new(Recorded { number, network, notes: self.0.clone() })
    }

    /// Writes the notes with the frames, the question and the official mattes of `record`.
    pub fn write(&self, record: &Record, path: &Path) {
        let notes = self.0.lock().unwrap();
        let given = ["frames", "expected", "mask", "points"];
        let given = given.iter().filter_map(|name| Some(data(name, record.tensor(name)?, *name == "frames", false)));
        let join = |(port, tensor): &(String, String)| format!("{port}={tensor}");
        let node = |call: &Call| Node {
            op_type: call.network.to_string(),
            input: call.inputs.iter().map(join).collect(),
            output: call.outputs.iter().map(join).collect(),
            ..Node::default()
        };
        let graph = Graph {
            name: "recording".into(),
            node: notes.calls.iter().map(node).collect(),
            initializer: given.chain(notes.data()).collect(),
            ..Graph::default()
        };
        std::fs::write(path, Model { graph: Some(graph), ..Model::default() }.encode_to_vec()).unwrap();
    }
}

struct Recorded {
    number: usize,
    network: Arc<dyn Network>,
    notes: Arc<Mutex<Notes>>,
}

impl Network for Recorded {
    fn ports(&self) -> (&[Port], &[Port]) {
        self.network.ports()
    }

    fn run_all(&self, inputs: &[Tensor], outputs: &[&str]) -> Result<Vec<Tensor>> {
        let made = self.network.run_all(inputs, outputs)?;
        let mut notes = self.notes.lock().unwrap();
        let ports = self.network.ports().0.iter().zip(inputs);
        let inputs = ports.map(|(port, tensor)| notes.note(&port.name, tensor, false)).collect();
        let outputs = outputs.iter().zip(&made).map(|(port, tensor)| notes.note(port, tensor, true)).collect();
        notes.calls.push(Call { network: self.number, inputs, outputs });
        Ok(made)
    }
}

/// Networks that know the answers to the recorded questions, in their order, and to no others.
pub struct Replay {
    tensors: Arc<HashMap<String, Kept>>,
    calls: Arc<Vec<Call>>,
    next: Arc<Mutex<usize>>,
}

impl Replay {
    pub fn of(record: &Record) -> Self {
        assert!(!record.calls.is_empty(), "nothing was asked");
        let (tensors, calls) = (Arc::new(record.tensors.clone()), Arc::new(record.calls.clone()));
        Self { tensors, calls, next: Arc::default() }
    }

    pub fn networks(&self) -> Vec<Arc<dyn Network>> {
        let count = self.calls.iter().map(|call| call.network).max().unwrap() + 1;
        (0..count).map(|number| Arc::new(self.network(number)) as Arc<dyn Network>).collect()
    }

    fn network(&self, number: usize) -> Answering {
        let call = self.calls.iter().find(|call| call.network == number).unwrap();
        let port = |(name, tensor): &(String, String)| Port {
            name: name.clone(),
            shape: self.tensors[tensor].shape.iter().map(|&length| Some(length)).collect(),
        };
        Answering {
            number,
            inputs: call.inputs.iter().map(port).collect(),
            outputs: call.outputs.iter().map(port).collect(),
            tensors: self.tensors.clone(),
            calls: self.calls.clone(),
            next: self.next.clone(),
        }
    }

    pub fn rewind(&self) {
        *self.next.lock().unwrap() = 0;
    }

    pub fn assert_at_end(&self, what: &str) {
        assert_eq!(*self.next.lock().unwrap(), self.calls.len(), "{what}: questions that were not asked");
    }
}

struct Answering {
    number: usize,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    tensors: Arc<HashMap<String, Kept>>,
    calls: Arc<Vec<Call>>,
    next: Arc<Mutex<usize>>,
}

impl Network for Answering {
    fn ports(&self) -> (&[Port], &[Port]) {
        (&self.inputs, &self.outputs)
    }

    fn run_all(&self, inputs: &[Tensor], outputs: &[&str]) -> Result<Vec<Tensor>> {
        let mut next = self.next.lock().unwrap();
        let wrong = |what: String| Error::new(Kind::InferenceFailed, format!("question {}: {what}", *next));
        let call = self.calls.get(*next).ok_or_else(|| wrong("one too many".into()))?;
        if call.network != self.number {
            return Err(wrong(format!("it is for network {}, not {}", call.network, self.number)));
        }
        for ((port, name), given) in call.inputs.iter().zip(inputs) {
            let known = &self.tensors[name];
            if known.shape != given.shape {
                return Err(wrong(format!("{port} has the shape {:?}, not {:?}", given.shape, known.shape)));
            }
            let distance = known.distance(given);
            if distance > TOLERANCE {
                return Err(wrong(format!("{port} is {distance} away")));
            }
        }
        let answer = |wanted: &&str| {
            let found = call.outputs.iter().find(|(port, _)| port == wanted);
            found
                .map(|(_, name)| self.tensors[name].tensor())
                .ok_or_else(|| wrong(format!("{wanted} was not asked for")))
        };
        let answers = outputs.iter().map(answer).collect();
        *next += 1;
        answers
    }
}

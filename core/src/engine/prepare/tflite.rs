//! Networks in TensorFlow Lite's format as ONNX graphs: MediaPipe publishes its small ones in no other.
//!
//! In the file, pictures are `[1, height, width, channels]`; in the graph, inputs and outputs too, they are
//! `[1, channels, height, width]`, which is what the runtime is quick with: weights are put in order once, and nothing
//! is turned around while the network runs. Weights in half precision become single.

mod flatbuffer;
mod making;
mod operators;
mod schema;
mod weights;
#[cfg(test)]
mod written;

use crate::{
    Result,
    engine::onnx::{Model, OperatorSet},
};
use making::Making;
use schema::Network;

/// Whether a file of these first bytes is of this format.
pub fn is_one(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"TFL3")
}

/// The ONNX graph that computes what the file's first graph does.
///
/// # Errors
/// [`crate::Kind::ModelMismatch`] when the file is damaged, computes in 8 bits, or has an operator or setting that is not
/// known here.
pub fn to_onnx(bytes: &[u8]) -> Result<Model> {
    let network = Network::read(bytes)?;
    let mut graph = Making::new(&network, bytes.len());
    for operator in &network.operators {
        operators::add(operator, &mut graph)?;
    }
    let opset_import = vec![OperatorSet { version: 14, ..OperatorSet::default() }];
    Ok(Model { ir_version: 8, graph: Some(graph.finish()?), opset_import, ..Model::default() })
}

#[cfg(test)]
mod tests {
    use super::{
        written::{
            Fields,
            Value::{Byte, Data, Int, Ints, Table, Tables},
        },
        *,
    };
    use crate::{
        Kind,
        engine::{
            artifacts::{Manifest, Store, StoreOptions},
            onnx::{DimensionValue, Node},
        },
        progress::Silent,
    };
    use half::f16;

    fn tensor(name: &str, shape: &[i32], kind: u8, buffer: i32) -> Fields {
        let name = Data(name.as_bytes().to_vec());
        vec![(0, Ints(shape.to_vec())), (1, Byte(kind)), (2, Int(buffer)), (3, name)]
    }

    /// `x` of 5 × 4 pixels, convolved by weights in half precision with steps of two, cut off at 0 and 6, put through the
    /// operator of that number.
    fn small(operator: i32) -> Vec<u8> {
        let halves = (0..54).flat_map(|n| f16::from_f32(n as f32).to_le_bytes()).collect();
        let bias = [1.0_f32, -1.0].iter().flat_map(|n| n.to_le_bytes()).collect();
        let tensors = vec![
            tensor("x", &[1, 5, 4, 3], 0, 0),
            tensor("half", &[2, 3, 3, 3], 1, 1),
            tensor("single", &[2, 3, 3, 3], 0, 0),
            tensor("bias", &[2], 0, 2),
            tensor("inner", &[1, 3, 2, 2], 0, 0),
            tensor("y", &[1, 3, 2, 2], 0, 0),
        ];
        let settings = vec![(0, Byte(0)), (1, Int(2)), (2, Int(2)), (3, Byte(3))];
        let operators = vec![
            vec![(0, Int(0)), (1, Ints(vec![1])), (2, Ints(vec![2]))],
            vec![(0, Int(1)), (1, Ints(vec![0, 2, 3])), (2, Ints(vec![4])), (4, Table(settings))],
            vec![(0, Int(2)), (1, Ints(vec![4])), (2, Ints(vec![5]))],
        ];
        let graph = vec![(0, Tables(tensors)), (1, Ints(vec![0])), (2, Ints(vec![5])), (3, Tables(operators))];
        let codes = [6, 3, operator].map(|number| vec![(0, Byte(number as u8)), (3, Int(number))]);
        let buffers = vec![vec![], vec![(0, Data(halves))], vec![(0, Data(bias))]];
        written::file(&vec![
            (0, Int(3)),
            (1, Tables(codes.into_iter().collect())),
            (2, Tables(vec![graph])),
            (4, Tables(buffers)),
        ])
    }

    const LOGISTIC: i32 = 14;

    #[test]
    fn a_small_file_becomes_the_graph_it_describes() {
        let bytes = small(LOGISTIC);
        assert!(is_one(&bytes));
        let graph = to_onnx(&bytes).unwrap().graph.unwrap();
        let operators: Vec<_> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
        assert_eq!(operators, ["Conv", "Clip", "Sigmoid"]);
        let ints = |node: &Node, name: &str| node.attribute.iter().find(|a| a.name == name).unwrap().ints.clone();
        // An odd row or column more lies at the end.
        assert_eq!(ints(&graph.node[0], "pads"), [1, 0, 1, 1]);
        assert_eq!(ints(&graph.node[0], "strides"), [2, 2]);
        let kernel = &graph.initializer[0];
        assert_eq!(kernel.dims, [2, 3, 3, 3]);
        let second = f32::from_le_bytes(kernel.raw_data[4..8].try_into().unwrap());
        assert_eq!(second, 3.0, "the next column's first channel comes second");
        let shape = graph.input[0].r#type.clone().unwrap().tensor_type.unwrap().shape.unwrap();
        let sides: Vec<_> = shape.dim.into_iter().map(|side| side.value.unwrap()).collect();
        assert_eq!(sides, [1, 3, 5, 4].map(DimensionValue::Value));
        assert_eq!((graph.input[0].name.as_str(), graph.output[0].name.as_str()), ("x", "y"));
    }

    #[test]
    fn operators_that_are_not_known_are_named() {
        for (number, name) in [(25, "SOFTMAX"), (65, "SLICE"), (400, "unnamed")] {
            let error = to_onnx(&small(number)).unwrap_err();
            assert_eq!(error.kind(), Kind::ModelMismatch);
            assert!(error.to_string().starts_with(&format!("{name}: ")), "{error}");
        }
    }

    /// That a changed file gives a graph or a clear error; a panic fails the test by itself.
    fn answer(bytes: &[u8]) -> bool {
        match to_onnx(bytes) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), Kind::ModelMismatch, "{error}");
                false
            }
        }
    }

    #[test]
    fn a_file_cut_short_or_changed_anywhere_gives_a_graph_or_an_error() {
        let bytes = small(LOGISTIC);
        assert!(answer(&bytes));
        let whole = (0..bytes.len()).filter(|&length| answer(&bytes[..length])).count();
        assert_eq!(whole, 0, "a part of the file passes for all of it");
        let mut refused = 0;
        for place in 0..bytes.len() {
            for change in [1, 0x7f, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[place] ^= change;
                refused += usize::from(!answer(&changed));
            }
        }
        assert!(refused > bytes.len(), "{refused} of {} changes are refused", 4 * bytes.len());
    }

    #[test]
    #[ignore = "needs the weights"]
    fn published_files_with_changed_bytes_give_a_graph_or_an_error() {
        let store = Store::open(StoreOptions::default()).unwrap();
        for name in ["selfie", "selfie-landscape"] {
            let bytes = std::fs::read(store.obtain(Manifest::built_in(), name, &Silent).unwrap().1).unwrap();
            assert!(answer(&bytes));
            let mut random = 1_u32;
            let mut next = || {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (random >> 8) as usize
            };
            let mut refused = 0;
            for _ in 0..1000 {
                let mut changed = bytes.clone();
                for _ in 0..20 {
                    let place = next() % changed.len();
                    changed[place] = next() as u8;
                }
                refused += usize::from(!answer(&changed));
            }
            assert!(refused > 0, "{name}: no change is noticed");
        }
    }
}

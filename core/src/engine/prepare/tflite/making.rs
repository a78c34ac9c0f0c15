//! An ONNX graph in the making: values and weights of a `.tflite` graph under names, nodes one after the other.

use std::collections::{BTreeMap, HashMap};

use super::{
    schema::{Network, Operator, element, wrong},
    weights::Array,
};
use crate::{
    Result,
    engine::onnx::{
        Attribute, Dimension, DimensionValue, Graph, Node, Shape, TensorData, TensorType, Type, ValueInfo, data_type,
    },
};

/// What is done to values on their way out of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// Negative ones become 0.
    Relu,
    /// As `Relu`, and those above 6 become 6.
    Relu6,
    /// The logistic function.
    Sigmoid,
    /// x · relu6(x + 3) / 6 (Howard et al., MobileNetV3, 2019).
    HardSwish,
}

/// An ONNX graph in the making. What is `[1, height, width, channels]` in the file is `[1, channels, height, width]` in it.
pub struct Making<'a> {
    network: &'a Network<'a>,
    /// How many more numbers may be copied out of the file.
    allowance: usize,
    /// Which values are others widened, by their places.
    widened: HashMap<usize, usize>,
    nodes: Vec<Node>,
    weights: Vec<TensorData>,
    /// Numbers that are not in the file, by their names.
    constants: BTreeMap<String, TensorData>,
}

impl<'a> Making<'a> {
    /// Begins a graph whose weights may have `allowance` numbers: bytes that many weights share are copied for each.
    pub fn new(network: &'a Network<'a>, allowance: usize) -> Self {
        Self {
            network,
            allowance,
            widened: HashMap::new(),
            nodes: Vec::new(),
            weights: Vec::new(),
            constants: BTreeMap::new(),
        }
    }

    /// Takes note that `single` is `half` in single precision.
    ///
    /// # Errors
    /// [`crate::Kind::ModelMismatch`], as from all that follows; here when `half` is not in the file.
    pub fn widen(&mut self, half: usize, single: usize) -> Result<()> {
        if self.network.tensors[half].data.is_empty() {
            return Err(wrong("only weights can be widened"));
        }
        self.widened.insert(single, half);
        Ok(())
    }

    /// Adds a node that computes the operator's output, and what its activation takes.
    pub fn push(
        &mut self,
        name: &str,
        operator: &Operator<'_>,
        input: Vec<String>,
        attribute: Vec<Attribute>,
        activation: Activation,
    ) {
        let output = self.name(operator.output);
        let own = if activation == Activation::None { output.clone() } else { format!("{output} before") };
        self.nodes.push(node(name, input, own.clone(), attribute));
        self.activate(own, output, activation);
    }

    /// Adds the nodes of an activation; none when there is none.
    pub fn activate(&mut self, input: String, output: String, activation: Activation) {
        match activation {
            Activation::None => {}
            Activation::Relu => self.nodes.push(node("Relu", vec![input], output, vec![])),
            Activation::Relu6 => {
                let limits = [self.number(0.0), self.number(6.0)];
                let input = [input].into_iter().chain(limits).collect();
                self.nodes.push(node("Clip", input, output, vec![]));
            }
            Activation::Sigmoid => self.nodes.push(node("Sigmoid", vec![input], output, vec![])),
            Activation::HardSwish => self.nodes.push(node("HardSwish", vec![input], output, vec![])),
        }
    }

    /// What the value at a place is called: what the graph takes and gives as in the file, others by number.
    pub fn name(&self, place: usize) -> String {
        if self.network.inputs.contains(&place) || self.network.outputs.contains(&place) {
            return self.network.tensors[place].name.to_owned();
        }
        format!("value {place}")
    }

    /// The name of a picture that is computed.
    ///
    /// # Errors
    /// When it has no four dimensions, or lies in the file.
    pub fn value(&self, place: usize) -> Result<String> {
        self.picture(place)?;
        if self.widened.contains_key(&place) || !self.network.tensors[place].data.is_empty() {
            return Err(wrong("weights where only computed values are known here"));
        }
        Ok(self.name(place))
    }

    /// Dimensions of a value, `[1, height, width, channels]`.
    ///
    /// # Errors
    /// When it has others.
    pub fn picture(&self, place: usize) -> Result<[i64; 4]> {
        let tensor = &self.network.tensors[place];
        let shape = tensor.shape.as_slice().try_into().ok();
        shape.ok_or_else(|| wrong(format!("{:?} of shape {:?} is no picture", tensor.name, tensor.shape)))
    }

    /// Height and width of a value.
    ///
    /// # Errors
    /// As [`picture`](Self::picture).
    pub fn sides(&self, place: usize) -> Result<[i64; 2]> {
        let [_, height, width, _] = self.picture(place)?;
        Ok([height, width])
    }

    /// The name of weights, copied out of the file; of four dimensions these, in another order.
    ///
    /// # Errors
    /// When they are not in the file, of another type or shape, or more than is allowed.
    pub fn weights(&mut self, place: usize, order: Option<[usize; 4]>) -> Result<String> {
        let tensor = &self.network.tensors[self.widened.get(&place).copied().unwrap_or(place)];
        let array = Array::of(tensor)?;
        self.allowance = self.allowance.checked_sub(array.len()).ok_or_else(|| wrong("more weights than bytes"))?;
        let array = if let Some(order) = order { array.reordered(order)? } else { array };
        // With a number of its own: weights that two operators share may be in another order for each.
        let name = format!("weights {}", self.weights.len());
        self.weights.push(array.named(name.clone()));
        Ok(name)
    }

    /// The name of a number.
    fn number(&mut self, number: f32) -> String {
        self.constant(format!("number {number}"), vec![], &[number])
    }

    /// The name of numbers that are not in the file, added once.
    pub fn constant(&mut self, name: String, dims: Vec<i64>, numbers: &[f32]) -> String {
        let make = || TensorData {
            name: name.clone(),
            dims,
            data_type: data_type::FLOAT,
            raw_data: numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            ..TensorData::default()
        };
        self.constants.entry(name.clone()).or_insert_with(make);
        name
    }

    /// The whole graph.
    ///
    /// # Errors
    /// When what it takes or gives are no pictures.
    pub fn finish(self) -> Result<Graph> {
        let ports = |places: &[usize]| places.iter().map(|&place| self.port(place)).collect::<Result<Vec<_>>>();
        let (input, output) = (ports(&self.network.inputs)?, ports(&self.network.outputs)?);
        if input.is_empty() || output.is_empty() {
            return Err(wrong("the graph has no input or no output"));
        }
        let initializer = self.weights.into_iter().chain(self.constants.into_values()).collect();
        let name = "from TensorFlow Lite".to_owned();
        Ok(Graph { node: self.nodes, initializer, input, output, name, ..Graph::default() })
    }

    /// Two whole numbers that lie in the file.
    ///
    /// # Errors
    /// When there are not two.
    pub fn pair(&self, place: usize) -> Result<[i64; 2]> {
        let tensor = &self.network.tensors[place];
        match tensor.data.as_chunks::<4>() {
            ([first, second], []) if tensor.element == element::INT32 => {
                Ok([first, second].map(|four| i64::from(i32::from_le_bytes(*four))))
            }
            _ => Err(wrong(format!("{:?} is not two whole numbers in the file", tensor.name))),
        }
    }

    fn port(&self, place: usize) -> Result<ValueInfo> {
        let ([batch, height, width, channels], tensor) = (self.picture(place)?, &self.network.tensors[place]);
        if tensor.element != element::FLOAT32 {
            return Err(wrong(format!("{:?} is not in single precision", tensor.name)));
        }
        let length = |length| Dimension { value: Some(DimensionValue::Value(length)), ..Dimension::default() };
        let shape = Some(Shape { dim: [batch, channels, height, width].map(length).to_vec() });
        let tensor_type = Some(TensorType { elem_type: data_type::FLOAT, shape });
        let kind = Some(Type { tensor_type, ..Type::default() });
        Ok(ValueInfo { name: self.name(place), r#type: kind, ..ValueInfo::default() })
    }
}

fn node(operator: &str, input: Vec<String>, output: String, attribute: Vec<Attribute>) -> Node {
    let (op_type, name) = (operator.to_owned(), output.clone());
    Node { op_type, name, input, output: vec![output], attribute, ..Node::default() }
}

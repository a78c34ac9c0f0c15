//! Numbers that lie in a `.tflite` file: widened to single precision, in the order that ONNX has them.

use half::f16;

use super::schema::{Tensor, element, wrong};
use crate::{
    Result,
    engine::onnx::{TensorData, data_type},
};

/// An array of numbers, row-major.
#[derive(Debug, PartialEq)]
pub struct Array {
    shape: Vec<i64>,
    values: Vec<f32>,
}

impl Array {
    /// The numbers of a tensor.
    ///
    /// # Errors
    /// [`crate::Kind::ModelMismatch`] when they are no floating-point numbers, or not as many as its shape says.
    pub fn of(tensor: &Tensor<'_>) -> Result<Self> {
        let (bytes, name) = (tensor.data, tensor.name);
        let values: Vec<f32> = match tensor.element {
            element::FLOAT32 => bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
            element::FLOAT16 => bytes.as_chunks().0.iter().map(|two| f16::from_le_bytes(*two).to_f32()).collect(),
            other => {
                return Err(wrong(format!("the weights {name:?} are of type {other}, not single or half precision")));
            }
        };
        let count = tensor.shape.iter().try_fold(1_i64, |count, &side| count.checked_mul(side));
        if count != i64::try_from(values.len()).ok() {
            return Err(wrong(format!("the weights {name:?} are not of their shape {:?}", tensor.shape)));
        }
        Ok(Self { shape: tensor.shape.clone(), values })
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The same numbers with other dimensions outermost: dimension `order[i]` becomes dimension `i`.
    ///
    /// # Errors
    /// [`crate::Kind::ModelMismatch`] when there are not four dimensions.
    pub fn reordered(&self, order: [usize; 4]) -> Result<Self> {
        let &[a, b, c, d] = self.shape.as_slice() else {
            return Err(wrong(format!("weights of shape {:?} where four dimensions are needed", self.shape)));
        };
        let steps = [b * c * d, c * d, d, 1];
        let (sides, steps) = (order.map(|i| [a, b, c, d][i]), order.map(|i| steps[i]));
        let mut values = Vec::with_capacity(self.values.len());
        for i in 0..sides[0] {
            for j in 0..sides[1] {
                for k in 0..sides[2] {
                    let start = i * steps[0] + j * steps[1] + k * steps[2];
                    values.extend((0..sides[3]).map(|l| self.values[(start + l * steps[3]) as usize]));
                }
            }
        }
        Ok(Self { shape: sides.to_vec(), values })
    }

    /// As ONNX keeps it.
    pub fn named(self, name: String) -> TensorData {
        TensorData {
            name,
            dims: self.shape,
            data_type: data_type::FLOAT,
            raw_data: self.values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            ..TensorData::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_put_in_another_order() {
        let numbers: Vec<u8> = (0..24).flat_map(|n| (n as f32).to_le_bytes()).collect();
        let tensor = Tensor { name: "w", shape: vec![1, 2, 3, 4], element: element::FLOAT32, data: &numbers };
        let turned = Array::of(&tensor).unwrap().reordered([3, 0, 1, 2]).unwrap();
        assert_eq!(turned.shape, [4, 1, 2, 3]);
        let first: Vec<f32> = (0..6).map(|n| (n * 4) as f32).collect();
        assert_eq!(turned.values[..6], first);
        assert_eq!(turned.values[23], 23.0);
    }

    #[test]
    fn half_precision_is_widened_and_a_wrong_count_is_refused() {
        let halves: Vec<u8> = [0.5, -2.0].iter().flat_map(|&n| f16::from_f32(n).to_le_bytes()).collect();
        let tensor = |shape: Vec<i64>| Tensor { name: "w", shape, element: element::FLOAT16, data: &halves };
        assert_eq!(Array::of(&tensor(vec![2])).unwrap().values, [0.5, -2.0]);
        assert!(Array::of(&tensor(vec![3])).unwrap_err().to_string().contains("shape [3]"));
    }
}

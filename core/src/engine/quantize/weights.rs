//! Weights and biases of convolutions as whole numbers.

use crate::engine::onnx::{TensorData, data_type};

/// Greatest code of a weight: 7 bits, so that two products of 8 × 7 bits fit the 16-bit sums of older processors.
const GREATEST: f32 = 64.0;
/// Greatest code of a bias that leaves the sum of products room in 32 bits.
const GREATEST_BIAS: f32 = (1 << 30) as f32;

/// A convolution's weights and bias in whole numbers, with the scales that give them back.
pub struct Coded {
    /// Signed 8-bit, in the shape of the weights.
    pub weights: Vec<i8>,
    /// For each output channel, what one step of its weights stands for.
    pub scales: Vec<f32>,
    /// 32-bit, in steps of the input's scale times the channel's.
    pub bias: Option<Vec<i32>>,
}

/// Codes weights of `[output channels, …]` with one scale a channel, and the bias for an input of `input_scale`.
pub fn code(weights: &[f32], channels: usize, bias: Option<&[f32]>, input_scale: f32) -> Coded {
    let length = weights.len() / channels.max(1);
    let mut coded = Coded { weights: Vec::with_capacity(weights.len()), scales: Vec::new(), bias: None };
    for (channel, weights) in weights.chunks_exact(length.max(1)).enumerate() {
        let greatest = weights.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
        // A channel of nearly nothing but bias would need a bias beyond 32 bits.
        let for_bias = bias.map_or(0.0, |bias| bias[channel].abs() / (input_scale * GREATEST_BIAS));
        let scale = (greatest / GREATEST).max(for_bias).max(f32::MIN_POSITIVE * 1e6);
        coded.weights.extend(weights.iter().map(|weight| (weight / scale).round().clamp(-GREATEST, GREATEST) as i8));
        coded.scales.push(scale);
    }
    coded.bias = bias.map(|bias| {
        bias.iter().zip(&coded.scales).map(|(bias, scale)| (bias / (input_scale * scale)).round() as i32).collect()
    });
    coded
}

/// The numbers of a single-precision tensor.
pub fn numbers(tensor: &TensorData) -> Vec<f32> {
    debug_assert_eq!(tensor.data_type, data_type::FLOAT);
    if tensor.raw_data.is_empty() {
        return tensor.float_data.clone();
    }
    tensor.raw_data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_uses_all_its_codes_and_gives_its_numbers_back() {
        let weights = [0.5, -1.0, 0.25, 0.01, 0.02, -0.005];
        let coded = code(&weights, 2, Some(&[0.3, -4.0]), 0.1);
        assert_eq!((coded.weights[1], coded.weights[4]), (-64, 64));
        for (index, weight) in weights.iter().enumerate() {
            let scale = coded.scales[index / 3];
            assert!((f32::from(coded.weights[index]) * scale - weight).abs() <= scale / 2.0 + 1e-7);
        }
        let bias = coded.bias.unwrap();
        assert!((bias[1] as f32 * 0.1 * coded.scales[1] + 4.0).abs() < 1e-4);
    }

    #[test]
    fn a_channel_without_weights_keeps_its_bias() {
        let coded = code(&[0.0, 0.0], 1, Some(&[3.0]), 0.1);
        let bias = coded.bias.unwrap()[0];
        assert!((bias as f32 * 0.1 * coded.scales[0] - 3.0).abs() < 1e-3, "{bias}");
    }
}

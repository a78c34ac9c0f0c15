//! rembg's pre- and post-processing, step by step, so that outputs can be compared (rembg 2.0, `sessions/base.py`).
//!
//! It differs from ours in three ways that change results: the picture is scaled by its own
//! maximum, the output is stretched to its own minimum and maximum, and the mask is resized as 8-bit.

mod lanczos;

use super::{input_size, plane};
use crate::{
    Result,
    engine::Tensor,
    models::{Activation, Input, Layout, ModelCard},
    pixels::{Alpha, Rgb, Samples, Size, unit_to_u8},
};

/// A picture as rembg feeds it: 8 bit, Lanczos to the input's size, divided by its own maximum, normalised.
#[must_use]
pub fn from_picture(color: &Rgb, input: &Input) -> Tensor {
    let (from, to) = (color.size(), input_size(color.size(), input.size));
    let eight = eight_bit(color);
    let samples = lanczos::resize::<3>(&eight, sides(from), sides(to));
    let greatest = f64::from(samples.iter().copied().max().unwrap_or(0)).max(1e-6);
    // In double precision, as numpy does it.
    let value = |index: usize, c: usize| {
        let unit = f64::from(samples[index * 3 + c]) / greatest;
        ((unit - f64::from(input.mean[c])) / f64::from(input.std[c])) as f32
    };
    let area = to.area();
    let (width, height) = (to.width as usize, to.height as usize);
    match input.layout {
        Layout::Nchw => {
            let values = (0..area * 3).map(|i| value(i % area, i / area)).collect();
            Tensor::new(vec![1, 3, height, width], values)
        }
        Layout::Nhwc => Tensor::new(vec![1, height, width, 3], (0..area * 3).map(|i| value(i / 3, i % 3)).collect()),
        Layout::Hwc => Tensor::new(vec![height, width, 3], (0..area * 3).map(|i| value(i / 3, i % 3)).collect()),
    }
}

/// A network's output as rembg's mask: activated, stretched to 0 to 1, cut to 8 bit, Lanczos to `size`.
///
/// # Errors
/// [`crate::Kind::ModelMismatch`] when the output is not as the card says.
pub fn to_matte(output: Tensor, card: &ModelCard, size: Size) -> Result<Alpha> {
    let (mut values, small) = plane(output, card)?;
    if card.output.activation == Activation::Sigmoid {
        values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp()));
    }
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // numpy's `astype("uint8")` cuts off the fraction.
    let mask: Vec<u8> = values.iter().map(|value| ((value - low) / (high - low) * 255.0) as u8).collect();
    Ok(Alpha::from_u8(size, &lanczos::resize::<1>(&mask, sides(small), sides(size))))
}

fn sides(size: Size) -> [usize; 2] {
    [size.width as usize, size.height as usize]
}

fn eight_bit(color: &Rgb) -> std::borrow::Cow<'_, [u8]> {
    match color.samples() {
        Samples::Eight(samples) => samples.into(),
        Samples::Sixteen(samples) => {
            samples.iter().map(|&sample| unit_to_u8(f32::from(sample) / 65535.0)).collect::<Vec<_>>().into()
        }
    }
}

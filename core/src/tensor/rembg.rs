//! rembg's pre- and post-processing, step by step, so that outputs can be compared (rembg 2.0, `sessions/base.py`).
//!
//! It differs from ours in three ways that change results: the picture is scaled by its own
//! maximum, the output is stretched to its own minimum and maximum, and the mask is resized as 8-bit.

use fast_image_resize as fir;

use super::{input_size, normalise, plane, resize_rgb};
use crate::{
    Error, Kind, Result,
    engine::Tensor,
    models::{Activation, Input, ModelCard},
    pixels::{Alpha, Rgb, Samples, Size, unit_to_u8},
};

/// A picture as rembg feeds it: 8 bit, Lanczos to the input's size, divided by its own maximum, normalised.
///
/// # Errors
/// [`Kind::Internal`] when resizing fails.
pub fn from_picture(color: &Rgb, input: &Input) -> Result<Tensor> {
    let eight = eight_bit(color);
    let small = resize_rgb(&eight, input_size(color.size(), input.size))?;
    let Samples::Eight(samples) = small.samples() else { unreachable!("resizing keeps the depth") };
    let greatest = f32::from(samples.iter().copied().max().unwrap_or(0)).max(1e-6) / 255.0;
    Ok(normalise(&small, input, greatest))
}

/// A network's output as rembg's mask: activated, stretched to 0 to 1, cut to 8 bit, Lanczos to `size`.
///
/// # Errors
/// [`Kind::ModelMismatch`] when the output is not as the card says.
pub fn to_matte(output: Tensor, card: &ModelCard, size: Size) -> Result<Alpha> {
    let (mut values, small) = plane(output, card)?;
    if card.output.activation == Activation::Sigmoid {
        values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp()));
    }
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // numpy's `astype("uint8")` cuts off the fraction.
    let mask: Vec<u8> = values.iter().map(|value| ((value - low) / (high - low) * 255.0) as u8).collect();
    resize_mask(&mask, small, size)
}

fn eight_bit(color: &Rgb) -> std::borrow::Cow<'_, Rgb> {
    match color.samples() {
        Samples::Eight(_) => std::borrow::Cow::Borrowed(color),
        Samples::Sixteen(samples) => {
            let eight = samples.iter().map(|&sample| unit_to_u8(f32::from(sample) / 65535.0)).collect();
            std::borrow::Cow::Owned(Rgb::new(color.size(), Samples::Eight(eight)))
        }
    }
}

fn resize_mask(mask: &[u8], from: Size, to: Size) -> Result<Alpha> {
    if from == to {
        return Ok(Alpha::from_u8(to, mask));
    }
    let wrong = |error: &dyn std::fmt::Display| Error::new(Kind::Internal, format!("cannot resize the mask: {error}"));
    let source = fir::images::TypedImageRef::<fir::pixels::U8>::from_buffer(from.width, from.height, mask)
        .map_err(|e| wrong(&e))?;
    let mut out = vec![0_u8; to.area()];
    let mut target = fir::images::TypedImage::<fir::pixels::U8>::from_buffer(to.width, to.height, &mut out)
        .map_err(|e| wrong(&e))?;
    let options = fir::ResizeOptions::new().resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::Lanczos3));
    fir::Resizer::new().resize_typed(&source, &mut target, &options).map_err(|e| wrong(&e))?;
    drop(target);
    Ok(Alpha::from_u8(to, &out))
}

//! Picture → network input, network output → matte at the picture's size.

pub mod classes;
pub mod rembg;

use backgroundfx_resample as resample;
use rayon::prelude::*;

use crate::{
    Error, Kind, Result,
    engine::Tensor,
    files::{self, Profile},
    models::{Activation, IMAGENET, Input, InputSize, Layout, ModelCard},
    pixels::{Alpha, Rgb, Samples, Size, unit_to_u8},
};

/// A picture as a network's input: stretched to the input's size, converted to sRGB, normalised.
///
/// The tensor is `[1, 3, height, width]` or `[1, height, width, 3]` as the input says; before
/// normalising, values are 0 to 1.
///
/// # Errors
/// [`Kind::Internal`] when resizing fails.
pub fn from_picture(color: &Rgb, profile: Option<&Profile>, input: &Input) -> Result<Tensor> {
    let size = input_size(color.size(), input.size);
    let mut small = resize_rgb(color, size)?;
    // After shrinking: the profile's transform is costly and a million pixels are all the network sees.
    if let Some(profile) = profile {
        files::to_srgb(&mut small, profile)?;
    }
    Ok(normalise(&small, input))
}

/// A picture as the input of a network that keeps proportions: fitted into the input's size from the top left, the rest
/// filled with ImageNet's mean, which is 0 once normalised. The size says how much of it is picture.
///
/// # Errors
/// [`Kind::Internal`] when resizing fails.
pub fn from_fitted(color: &Rgb, profile: Option<&Profile>, input: &Input) -> Result<(Tensor, Size)> {
    let (frame, size) = (fixed_size(input), color.size());
    let scale = (f64::from(frame.width) / f64::from(size.width)).min(f64::from(frame.height) / f64::from(size.height));
    let side = |length: u32, most: u32| ((f64::from(length) * scale).round() as u32).clamp(1, most);
    let seen = Size::new(side(size.width, frame.width), side(size.height, frame.height));
    let mut small = resize_rgb(color, seen)?;
    if let Some(profile) = profile {
        files::to_srgb(&mut small, profile)?;
    }
    let mut samples = IMAGENET.0.map(unit_to_u8).repeat(frame.area());
    for (index, pixel) in samples.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let (x, y) = (index as u32 % frame.width, index as u32 / frame.width);
        if x < seen.width && y < seen.height {
            *pixel = small.unit((y * seen.width + x) as usize).map(unit_to_u8);
        }
    }
    Ok((normalise(&Rgb::new(frame, Samples::Eight(samples)), input), seen))
}

/// The size of a network's input; of one with proportions of the picture, that of a square picture, and where pictures
/// keep their size, the largest.
#[must_use]
pub fn fixed_size(input: &Input) -> Size {
    match input.size {
        InputSize::AtMost { longer_side, shorter_side } => Size::new(longer_side, shorter_side),
        size => input_size(Size::new(1, 1), size),
    }
}

/// A network's output as a matte of `size`: the card's channel, activated, clamped to 0 to 1, enlarged.
///
/// # Errors
/// [`Kind::ModelMismatch`] when the output is not `[…, channels, height, width]` (or `[…, height, width,
/// channels]` for networks of that layout) with the card's channel.
pub fn to_matte(output: Tensor, card: &ModelCard, size: Size) -> Result<Alpha> {
    let (plane, small) = plane(output, card)?;
    let values = activate(plane, card.output.activation).map(|value| value.clamp(0.0, 1.0)).collect();
    resize_alpha(&Alpha::new(small, values), size)
}

/// Resizes a matte; values stay in 0 to 1.
///
/// # Errors
/// [`Kind::Internal`] when resizing fails.
pub fn resize_alpha(alpha: &Alpha, size: Size) -> Result<Alpha> {
    if alpha.size() == size {
        return Ok(alpha.clone());
    }
    let mut values =
        resample::gray_f32(alpha.values(), alpha.size().sides(), size.sides(), resample::Filter::CatmullRom)
            .map_err(|error| internal("matte", &error))?;
    // Catmull-Rom overshoots at steps.
    values.par_iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
    Ok(Alpha::new(size, values))
}

/// Resizes values of any range; at steps they may leave it a little.
///
/// # Errors
/// [`Kind::Internal`] when resizing fails.
pub fn resize_plane(values: &[f32], from: Size, to: Size) -> Result<Vec<f32>> {
    if from == to {
        return Ok(values.to_vec());
    }
    resample::gray_f32(values, from.sides(), to.sides(), resample::Filter::CatmullRom)
        .map_err(|error| internal("output", &error))
}

/// Resizes a colour picture with a Lanczos filter of three lobes; depth is kept.
///
/// # Errors
/// [`Kind::Internal`] when resizing fails.
pub fn resize_rgb(color: &Rgb, size: Size) -> Result<Rgb> {
    if color.size() == size {
        return Ok(color.clone());
    }
    let (from, to, filter) = (color.size().sides(), size.sides(), resample::Filter::Lanczos3);
    let samples = match color.samples() {
        Samples::Eight(samples) => resample::rgb_u8(samples, from, to, filter).map(Samples::Eight),
        Samples::Sixteen(samples) => resample::rgb_u16(samples, from, to, filter).map(Samples::Sixteen),
    };
    let samples = samples.map_err(|error| internal("picture", &error))?;
    Ok(Rgb::new(size, samples))
}

fn internal(what: &str, error: &str) -> Error {
    Error::new(Kind::Internal, format!("cannot resize the {what}: {error}"))
}

fn input_size(picture: Size, size: InputSize) -> Size {
    match size {
        InputSize::Fixed { width, height } => Size::new(width, height),
        InputSize::ShortSide { short_side, multiple } => {
            let scale = f64::from(short_side) / f64::from(picture.width.min(picture.height));
            let side = |length: u32| {
                let steps = (f64::from(length) * scale / f64::from(multiple)).round() as u32;
                steps.max(1) * multiple
            };
            Size::new(side(picture.width), side(picture.height))
        }
        InputSize::AtMost { longer_side, shorter_side } => {
            let share = |most: u32, side: u32| f64::from(most) / f64::from(side);
            let (width, height) = picture.sides();
            let scale = share(longer_side, width.max(height)).min(share(shorter_side, width.min(height))).min(1.0);
            let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
            Size::new(side(width), side(height))
        }
    }
}

/// Scales samples to 0 to `1`, subtracts the mean, divides by the deviation, orders the dimensions.
fn normalise(color: &Rgb, input: &Input) -> Tensor {
    let value = |unit: f32, c: usize| (unit - input.mean[c]) / input.std[c];
    let values = match color.samples() {
        Samples::Eight(samples) => {
            // All that 256 samples of a channel can become, so that nothing is divided for each pixel.
            let tables: [[f32; 256]; 3] =
                std::array::from_fn(|c| std::array::from_fn(|sample| value(sample as f32 / 255.0, c)));
            ordered(samples, input.layout, |sample, c| tables[c][usize::from(sample)])
        }
        Samples::Sixteen(samples) => ordered(samples, input.layout, |sample, c| value(f32::from(sample) / 65535.0, c)),
    };
    let size = color.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let shape = match input.layout {
        Layout::Nchw => vec![1, 3, height, width],
        Layout::Nhwc => vec![1, height, width, 3],
        Layout::Hwc => vec![height, width, 3],
    };
    Tensor::new(shape, values)
}

/// Interleaved samples, each put through `value` with its channel, in the order of the dimensions.
fn ordered<T: Copy>(samples: &[T], layout: Layout, value: impl Fn(T, usize) -> f32) -> Vec<f32> {
    let pixels = samples.as_chunks::<3>().0;
    match layout {
        Layout::Nchw => {
            let mut values = Vec::with_capacity(samples.len());
            for c in 0..3 {
                values.extend(pixels.iter().map(|pixel| value(pixel[c], c)));
            }
            values
        }
        Layout::Nhwc | Layout::Hwc => pixels.iter().flat_map(|pixel| [0, 1, 2].map(|c| value(pixel[c], c))).collect(),
    }
}

fn activate(values: Vec<f32>, activation: Activation) -> impl Iterator<Item = f32> {
    values.into_iter().map(move |value| match activation {
        // A softmax is over all channels: `classes` does it.
        Activation::None | Activation::Softmax => value,
        Activation::Sigmoid => 1.0 / (1.0 + (-value).exp()),
    })
}

/// The card's channel as one plane, with its size. NaN, which no comparison catches later, becomes 0.
fn plane(output: Tensor, card: &ModelCard) -> Result<(Vec<f32>, Size)> {
    let wrong = || {
        let message = format!("{} gives an output of shape {:?}", card.name, output.shape);
        Error::new(Kind::ModelMismatch, message)
    };
    let mut shape = output.shape.clone();
    while shape.len() > 3 && shape[0] == 1 {
        shape.remove(0);
    }
    if shape.len() == 2 {
        shape.insert(if card.input.layout == Layout::Nchw { 0 } else { 2 }, 1);
    }
    let &[first, second, third] = shape.as_slice() else { return Err(wrong()) };
    let (channels, height, width) = match card.input.layout {
        Layout::Nchw => (first, second, third),
        Layout::Nhwc | Layout::Hwc => (third, first, second),
    };
    let channel = card.output.channel;
    if channel >= channels || width == 0 || height == 0 {
        return Err(wrong());
    }
    let area = width * height;
    let mut plane: Vec<f32> = match card.input.layout {
        Layout::Nchw => output.values[channel * area..(channel + 1) * area].to_vec(),
        Layout::Nhwc | Layout::Hwc => output.values.iter().skip(channel).step_by(channels).copied().collect(),
    };
    plane.iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = 0.0);
    Ok((plane, Size::new(width as u32, height as u32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_both_depths_are_normalised_in_every_order() {
        let size = Size::new(2, 1);
        let eight = Rgb::new(size, Samples::Eight(vec![0, 51, 255, 102, 0, 204]));
        let sixteen = Rgb::new(size, Samples::Sixteen(vec![0, 51 * 257, 65535, 102 * 257, 0, 204 * 257]));
        let interleaved = [-0.5, 0.1, 1.5, -0.1, 0.0, 1.1];
        let planes = [-0.5, -0.1, 0.1, 0.0, 1.5, 1.1];
        let cases = [
            (Layout::Nchw, vec![1, 3, 1, 2], planes),
            (Layout::Nhwc, vec![1, 1, 2, 3], interleaved),
            (Layout::Hwc, vec![1, 2, 3], interleaved),
        ];
        for (layout, shape, expected) in cases {
            let fixed = InputSize::Fixed { width: 2, height: 1 };
            let input = Input { size: fixed, layout, mean: [0.5, 0.0, 0.25], std: [1.0, 2.0, 0.5] };
            for color in [&eight, &sixteen] {
                let tensor = from_picture(color, None, &input).unwrap();
                assert_eq!(tensor.shape, shape);
                let off = tensor.values.iter().zip(expected).map(|(got, expected): (&f32, f32)| (got - expected).abs());
                assert!(off.fold(0.0, f32::max) < 1e-6, "{layout:?}: {:?}", tensor.values);
            }
        }
    }

    #[test]
    fn what_is_resized_in_several_bands_shows_none() {
        // A single row is resized at once, a single column in bands.
        for (from, to) in [(3001, 1000), (97, 771), (1000, 3001), (5, 1025), (700, 257), (2, 513), (1024, 3072)] {
            let values: Vec<f32> = (0..from).map(|at| (at * 7919 % 101) as f32 / 100.0).collect();
            let row = resize_plane(&values, Size::new(from, 1), Size::new(to, 1)).unwrap();
            let column = resize_plane(&values, Size::new(1, from), Size::new(1, to)).unwrap();
            assert_eq!(column.len(), to as usize);
            let far = row.iter().zip(&column).map(|(row, column)| (row - column).abs()).fold(0.0, f32::max);
            assert!(far < 1e-5, "{from} to {to}: {far}");
            // Two columns that are alike, made five: now there is something to do across, too.
            let two: Vec<f32> = values.iter().flat_map(|&value| [value; 2]).collect();
            let five = resize_plane(&two, Size::new(2, from), Size::new(5, to)).unwrap();
            let all = row.iter().zip(five.as_chunks::<5>().0);
            let far = all.flat_map(|(row, five)| five.map(|value| (row - value).abs())).fold(0.0, f32::max);
            assert!(far < 1e-5, "{from} to {to}, both ways: {far}");
        }
    }
}

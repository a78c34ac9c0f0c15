//! From a decoder's interleaved channels to colour and alpha.

use crate::{
    Error, Kind, Result,
    pixels::{Alpha, Rgb, Samples, Size, unit_to_u8, unit_to_u16},
};
use rayon::prelude::*;

/// The channels of one stored pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channels {
    Grey = 1,
    GreyAlpha = 2,
    Rgb = 3,
    Rgba = 4,
    /// RGB and a fourth channel that means nothing.
    RgbPadded,
}

/// Colour and alpha, not yet turned upright.
pub(super) struct Pixels {
    pub color: Rgb,
    /// `None` when there is no alpha channel or all of it is opaque.
    pub alpha: Option<Alpha>,
    /// Whether the file has an alpha channel, opaque or not.
    pub had_alpha: bool,
    /// Whether the file stores grey; the three colour channels are then equal.
    pub is_grey: bool,
}

/// A sample of 8 or 16 bits.
pub(super) trait Sample: bytemuck::Pod + Ord + Send + Sync {
    const MAX: Self;
    fn unit(self) -> f32;
    fn from_unit(value: f32) -> Self;
    fn samples(values: Vec<Self>) -> Samples;
}

impl Sample for u8 {
    const MAX: Self = u8::MAX;

    fn unit(self) -> f32 {
        f32::from(self) / 255.0
    }

    fn from_unit(value: f32) -> Self {
        unit_to_u8(value)
    }

    fn samples(values: Vec<Self>) -> Samples {
        Samples::Eight(values)
    }
}

impl Sample for u16 {
    const MAX: Self = u16::MAX;

    fn unit(self) -> f32 {
        f32::from(self) / 65535.0
    }

    fn from_unit(value: f32) -> Self {
        unit_to_u16(value)
    }

    fn samples(values: Vec<Self>) -> Samples {
        Samples::Sixteen(values)
    }
}

/// A buffer for decoded samples; not having the memory is an error, not the end of the program.
pub(super) fn zeroed<T: bytemuck::Pod>(size: Size, channels: usize) -> Result<Vec<T>> {
    let lacking = || Error::new(Kind::OutOfMemory, format!("a picture of {size} pixels does not fit into memory"));
    let length = size.area().checked_mul(channels).ok_or_else(lacking)?;
    bytemuck::allocation::try_zeroed_vec(length).map_err(|()| lacking())
}

/// Separates interleaved samples; colour reuses the buffer wherever it is not smaller than needed.
pub(super) fn separate<T: Sample>(samples: Vec<T>, channels: Channels, size: Size) -> Result<Pixels> {
    let (color, alpha) = match channels {
        Channels::Grey => (spread::<T, 1>(&samples, size)?, None),
        Channels::GreyAlpha => (spread::<T, 2>(&samples, size)?, meaningful_alpha::<T, 2>(&samples)),
        Channels::Rgb => (samples, None),
        Channels::RgbPadded => (without_fourth(samples), None),
        Channels::Rgba => {
            let alpha = meaningful_alpha::<T, 4>(&samples);
            (without_fourth(samples), alpha)
        }
    };
    Ok(Pixels {
        color: Rgb::new(size, T::samples(color)),
        alpha: alpha.map(|values| Alpha::new(size, values)),
        had_alpha: matches!(channels, Channels::GreyAlpha | Channels::Rgba),
        is_grey: matches!(channels, Channels::Grey | Channels::GreyAlpha),
    })
}

/// Divides colours that are stored multiplied by alpha; where alpha is 0 there is no colour to find.
pub(super) fn unmultiplied(color: Rgb, alpha: &Alpha) -> Rgb {
    fn divide<T: Sample>(mut samples: Vec<T>, alpha: &Alpha) -> Samples {
        for (pixel, alpha) in samples.as_chunks_mut::<3>().0.iter_mut().zip(alpha.values()) {
            *pixel = pixel.map(|sample| T::from_unit(sample.unit() / alpha.max(f32::MIN_POSITIVE)));
        }
        T::samples(samples)
    }
    let size = color.size();
    let samples = match color.into_samples() {
        Samples::Eight(samples) => divide(samples, alpha),
        Samples::Sixteen(samples) => divide(samples, alpha),
    };
    Rgb::new(size, samples)
}

/// The last of `N` channels, unless every value is opaque.
fn meaningful_alpha<T: Sample, const N: usize>(samples: &[T]) -> Option<Vec<f32>> {
    let pixels: &[[T; N]] = samples.as_chunks().0;
    let opaque = pixels.par_chunks(1 << 16).all(|pixels| pixels.iter().all(|pixel| pixel[N - 1] == T::MAX));
    (!opaque).then(|| pixels.par_iter().with_min_len(1 << 14).map(|pixel| pixel[N - 1].unit()).collect())
}

/// Repeats the first of `N` channels three times.
fn spread<T: Sample, const N: usize>(samples: &[T], size: Size) -> Result<Vec<T>> {
    let mut color = zeroed::<T>(size, 3)?;
    let grey: &[[T; N]] = samples.as_chunks().0;
    for (rgb, pixel) in color.as_chunks_mut::<3>().0.iter_mut().zip(grey) {
        *rgb = [pixel[0]; 3];
    }
    Ok(color)
}

/// Drops the fourth channel within the buffer: a copy would cost most of a picture more.
fn without_fourth<T: Sample>(mut samples: Vec<T>) -> Vec<T> {
    let pixels = samples.len() / 4;
    for pixel in 1..pixels {
        samples.copy_within(pixel * 4..pixel * 4 + 3, pixel * 3);
    }
    samples.truncate(pixels * 3);
    samples.shrink_to_fit();
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_told_apart() {
        let size = Size::new(2, 1);
        type Case = (Channels, &'static [u8], [u8; 6], Option<[f32; 2]>);
        let cases: &[Case] = &[
            (Channels::Grey, &[7, 9], [7, 7, 7, 9, 9, 9], None),
            (Channels::GreyAlpha, &[7, 0, 9, 255], [7, 7, 7, 9, 9, 9], Some([0.0, 1.0])),
            (Channels::GreyAlpha, &[7, 255, 9, 255], [7, 7, 7, 9, 9, 9], None),
            (Channels::Rgb, &[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], None),
            (Channels::Rgba, &[1, 2, 3, 255, 4, 5, 6, 0], [1, 2, 3, 4, 5, 6], Some([1.0, 0.0])),
            (Channels::Rgba, &[1, 2, 3, 255, 4, 5, 6, 255], [1, 2, 3, 4, 5, 6], None),
        ];
        for (channels, stored, color, alpha) in cases {
            let eight = separate(stored.to_vec(), *channels, size).unwrap();
            assert_eq!(eight.color, Rgb::new(size, Samples::Eight(color.to_vec())), "{channels:?}");
            let values = |pixels: &Pixels| pixels.alpha.as_ref().map(|alpha| alpha.values().to_vec());
            assert_eq!(values(&eight), alpha.map(|alpha| alpha.to_vec()), "{channels:?}");
            let sixteen =
                separate(stored.iter().map(|value| u16::from(*value) * 257).collect(), *channels, size).unwrap();
            assert_eq!(values(&sixteen), values(&eight), "{channels:?}");
        }
    }
}

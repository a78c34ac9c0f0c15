//! Resizing of pixel buffers: a handful of concrete functions over `fast_image_resize`.
//!
//! A crate of its own because that library is generic to the last loop: whoever calls it compiles it. Called from
//! here it is compiled once, and a change in the core takes six seconds to build instead of thirty.
//!
//! Buffers are row-major with interleaved channels; sizes are width, height.

use bytemuck::Pod;
use fast_image_resize::{
    FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{F32, U8, U8x3, U16x3, U16x4},
};
use rayon::prelude::*;

/// The kernel that target pixels are weighed with; widened when shrinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Four samples wide, passes through the source's samples: for mattes. Overshoots a little at steps.
    CatmullRom,
    /// Six samples wide: for colours.
    Lanczos3,
    /// Two samples wide: shrinks cheaply, smooths a little.
    Triangle,
}

/// Rows of the target that one thread makes at a time: in fewer, preparing takes longer than making. That the library itself
/// takes several threads would double what is compiled.
const BAND: u32 = 256;

/// Why a buffer cannot be resized, in words: its length does not fit its size, or a side is zero.
pub type Wrong = String;

/// One channel of `f32`; values may leave their range at steps.
///
/// # Errors
/// [`Wrong`].
pub fn gray_f32(source: &[f32], from: (u32, u32), to: (u32, u32), filter: Filter) -> Result<Vec<f32>, Wrong> {
    resample::<F32, f32>(source, from, to, filter, 1)
}

/// One channel of `u8`.
///
/// # Errors
/// [`Wrong`].
pub fn gray_u8(source: &[u8], from: (u32, u32), to: (u32, u32), filter: Filter) -> Result<Vec<u8>, Wrong> {
    resample::<U8, u8>(source, from, to, filter, 1)
}

/// Three channels of `u8`.
///
/// # Errors
/// [`Wrong`].
pub fn rgb_u8(source: &[u8], from: (u32, u32), to: (u32, u32), filter: Filter) -> Result<Vec<u8>, Wrong> {
    resample::<U8x3, u8>(source, from, to, filter, 3)
}

/// Three channels of `u16`.
///
/// # Errors
/// [`Wrong`].
pub fn rgb_u16(source: &[u16], from: (u32, u32), to: (u32, u32), filter: Filter) -> Result<Vec<u16>, Wrong> {
    resample::<U16x3, u16>(source, from, to, filter, 3)
}

/// Four channels of `u16`, the last of which is alpha: colours are weighed by it, so that those of hidden pixels stay
/// hidden.
///
/// # Errors
/// [`Wrong`].
pub fn rgba_u16(source: &[u16], from: (u32, u32), to: (u32, u32), filter: Filter) -> Result<Vec<u16>, Wrong> {
    resample::<U16x4, u16>(source, from, to, filter, 4)
}

fn resample<P: PixelTrait, T: Pod + Send>(
    source: &[T],
    from: (u32, u32),
    to: (u32, u32),
    filter: Filter,
    channels: usize,
) -> Result<Vec<T>, Wrong> {
    let source = TypedImageRef::<P>::from_buffer(from.0, from.1, bytemuck::cast_slice(source)).map_err(words)?;
    let row = to.0 as usize * channels;
    let mut values = vec![T::zeroed(); row * to.1 as usize];
    let filter = match filter {
        Filter::CatmullRom => FilterType::CatmullRom,
        Filter::Lanczos3 => FilterType::Lanczos3,
        Filter::Triangle => FilterType::Bilinear,
    };
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    let scale = f64::from(from.1) / f64::from(to.1);
    // The library weighs the whole source by its alpha first: once is enough.
    let rows = if channels == 4 { to.1 } else { BAND };
    let bands = values.par_chunks_mut((row * rows as usize).max(1)).enumerate();
    bands.try_for_each(|(band, values)| {
        let make = |first: u32, values: &mut [T]| {
            let height = (values.len() / row) as u32;
            let mut target =
                TypedImage::<P>::from_buffer(to.0, height, bytemuck::cast_slice_mut(values)).map_err(words)?;
            let top = f64::from(first) * scale;
            let seen = (f64::from(height) * scale).min(f64::from(from.1) - top);
            let options = options.crop(0.0, top, f64::from(from.0), seen);
            Resizer::new().resize_typed(&source, &mut target, &options).map_err(words)
        };
        let (first, height) = (band as u32 * rows, (values.len() / row) as u32);
        let end = first + height;
        let before = first > 0 && lies_on_a_row(first, from.1, to.1);
        let after = end < to.1 && lies_on_a_row(end - 1, from.1, to.1);
        if !before && !after {
            return make(first, values);
        }
        let mut more = vec![T::zeroed(); row * (usize::from(before) + height as usize + usize::from(after))];
        make(first - u32::from(before), &mut more)?;
        values.copy_from_slice(&more[row * usize::from(before)..][..values.len()]);
        Ok(())
    })?;
    Ok(values)
}

/// Whether the middle of a target's row is that of a source's. Of such a row the library leaves out source rows of weight zero,
/// so that it sees fewer than its neighbours, but what a band sees it takes from the first and the last of its rows: neither may
/// be such a one.
fn lies_on_a_row(row: u32, from: u32, to: u32) -> bool {
    let (middle, twice) = ((2 * u64::from(row) + 1) * u64::from(from), 2 * u64::from(to));
    middle % twice == u64::from(to) % twice
}

fn words(error: impl std::fmt::Display) -> Wrong {
    error.to_string()
}

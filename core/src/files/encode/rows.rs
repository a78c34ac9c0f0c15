//! Rows of interleaved samples, made when a writer asks for them: no second copy of the picture.

use crate::pixels::{Alpha, Rgb, Samples, Size, unit_to_u8, unit_to_u16};
use rayon::prelude::*;

/// What is written: a picture, or a matte alone.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Picture { color: &'a Rgb, alpha: Option<&'a Alpha> },
    Matte(&'a Alpha),
}

impl Source<'_> {
    pub fn size(&self) -> Size {
        match self {
            Self::Picture { color, .. } => color.size(),
            Self::Matte(matte) => matte.size(),
        }
    }

    /// Grey, RGB or RGBA.
    pub fn channels(&self) -> usize {
        match self {
            Self::Matte(_) => 1,
            Self::Picture { alpha: None, .. } => 3,
            Self::Picture { alpha: Some(_), .. } => 4,
        }
    }

    /// All samples, when they already lie in memory as 8-bit rows.
    pub fn as_eight(&self) -> Option<&[u8]> {
        match self {
            Self::Picture { color, alpha: None } => match color.samples() {
                Samples::Eight(samples) => Some(samples),
                Samples::Sixteen(_) => None,
            },
            _ => None,
        }
    }

    /// Row `y` in 8 bits.
    pub fn eight(&self, y: usize, row: &mut [u8]) {
        self.fill(y, row, unit_to_u8, |value| value, |value| ((u32::from(value) * 255 + 32767) / 65535) as u8);
    }

    /// Row `y` in 16 bits, native byte order.
    pub fn sixteen(&self, y: usize, row: &mut [u16]) {
        self.fill(y, row, unit_to_u16, |value| u16::from(value) * 257, |value| value);
    }

    /// Every row in 8 bits, for writers that want all of them at once.
    pub fn all_eight(&self) -> Vec<u8> {
        let stride = self.size().width as usize * self.channels();
        let mut samples = vec![0; stride * self.size().height as usize];
        samples.par_chunks_exact_mut(stride).enumerate().for_each(|(y, row)| self.eight(y, row));
        samples
    }

    fn fill<T: Copy + Default + PartialEq>(
        &self,
        y: usize,
        row: &mut [T],
        unit: impl Fn(f32) -> T,
        from_eight: impl Fn(u8) -> T,
        from_sixteen: impl Fn(u16) -> T,
    ) {
        let width = self.size().width as usize;
        match self {
            Self::Matte(matte) => {
                let values = &matte.values()[y * width..][..width];
                row.iter_mut().zip(values).for_each(|(sample, value)| *sample = unit(*value));
            }
            Self::Picture { color, alpha } => {
                let alpha = alpha.map(|alpha| &alpha.values()[y * width..][..width]);
                match color.samples() {
                    Samples::Eight(samples) => {
                        interleave(&samples[y * width * 3..][..width * 3], alpha, row, unit, from_eight);
                    }
                    Samples::Sixteen(samples) => {
                        interleave(&samples[y * width * 3..][..width * 3], alpha, row, unit, from_sixteen);
                    }
                }
            }
        }
    }
}

/// Colour and alpha of one row together; colour that nobody can see becomes 0, which packs best.
fn interleave<S: Copy, T: Copy + Default + PartialEq>(
    color: &[S],
    alpha: Option<&[f32]>,
    row: &mut [T],
    unit: impl Fn(f32) -> T,
    convert: impl Fn(S) -> T,
) {
    let Some(alpha) = alpha else {
        row.iter_mut().zip(color).for_each(|(sample, value)| *sample = convert(*value));
        return;
    };
    let hidden = T::default();
    for ((pixel, rgb), alpha) in row.as_chunks_mut::<4>().0.iter_mut().zip(color.as_chunks::<3>().0).zip(alpha) {
        let alpha = unit(*alpha);
        let [r, g, b] = rgb.map(&convert);
        *pixel = if alpha == hidden { [hidden; 4] } else { [r, g, b, alpha] };
    }
}

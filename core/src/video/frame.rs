//! One frame as it travels from decoder to encoder: planes of luma and chroma, and its time.

use std::borrow::Cow;

use backgroundfx_resample as resample;

use crate::{
    Error, Kind, Result,
    pixels::{Rgb, Samples, Size},
};

/// A frame: 8-bit planes of luma (full size) and two of chroma (half of each side, rounded up), all of limited range
/// (luma 16 to 235, chroma 16 to 240 around 128), without padding, one after the other: what ffmpeg calls `yuv420p`.
///
/// Luma and chroma are what travels because converting a frame to RGB and back costs more than everything else that is
/// done to most of its pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    size: Size,
    samples: Vec<u8>,
    /// When it is shown, in ticks of the clip's clock.
    pub ticks: i64,
}

/// Size of a chroma plane.
#[must_use]
pub const fn chroma_size(size: Size) -> Size {
    Size::new(size.width.div_ceil(2), size.height.div_ceil(2))
}

/// Number of samples of a frame.
#[must_use]
pub const fn frame_bytes(size: Size) -> usize {
    size.area() + 2 * chroma_size(size).area()
}

impl Frame {
    /// A black frame.
    #[must_use]
    pub fn black(size: Size) -> Self {
        let mut samples = vec![16; frame_bytes(size)];
        samples[size.area()..].fill(128);
        Self { size, samples, ticks: 0 }
    }

    /// A picture as a frame: each chroma sample is the mean of its four pixels.
    #[must_use]
    pub fn from_rgb(color: &Rgb, matrix: Matrix) -> Self {
        let (size, samples, weights) = (color.size(), eight_bits(color), matrix.weights());
        let pixels = samples.as_chunks::<3>().0;
        let mut frame = Self::black(size);
        let [lumas, blues, reds] = frame.planes_mut();
        for (luma, pixel) in lumas.iter_mut().zip(pixels) {
            *luma = weighted(weights[0], pixel.map(i32::from), 16);
        }
        let (width, columns) = (size.width as usize, chroma_size(size).width as usize);
        let chromas = blues.chunks_exact_mut(columns).zip(reds.chunks_exact_mut(columns));
        for (rows, (blues, reds)) in pixels.chunks(2 * width).zip(chromas) {
            let (above, below) = (&rows[..width], &rows[rows.len() - width..]);
            let pairs = above.chunks(2).zip(below.chunks(2));
            for ((above, below), (blue, red)) in pairs.zip(blues.iter_mut().zip(reds)) {
                let corners = [above[0], above[above.len() - 1], below[0], below[below.len() - 1]];
                let sum =
                    corners.iter().fold([0; 3], |sum, pixel| std::array::from_fn(|c| sum[c] + i32::from(pixel[c])));
                (*blue, *red) = (weighted(weights[1], sum, 18), weighted(weights[2], sum, 18));
            }
        }
        frame
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// All samples: luma, then both chromas.
    #[must_use]
    pub fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// All samples, to be changed in place.
    pub fn samples_mut(&mut self) -> &mut [u8] {
        &mut self.samples
    }

    /// Luma, blue chroma, red chroma.
    #[must_use]
    pub fn planes(&self) -> [&[u8]; 3] {
        let (luma, chroma) = self.samples.split_at(self.size.area());
        let (blue, red) = chroma.split_at(chroma.len() / 2);
        [luma, blue, red]
    }

    /// Luma, blue chroma, red chroma, to be changed in place.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let (luma, chroma) = self.samples.split_at_mut(self.size.area());
        let (blue, red) = chroma.split_at_mut(chroma.len() / 2);
        [luma, blue, red]
    }
}

/// Makes an 8-bit plane smaller.
///
/// # Errors
/// [`Kind::Internal`] when resizing fails.
pub(super) fn shrink(plane: &[u8], from: Size, to: Size) -> Result<Vec<u8>> {
    if from == to {
        return Ok(plane.to_vec());
    }
    let resized = |plane: &[u8], from: Size, to: Size| {
        resample::gray_u8(plane, from.sides(), to.sides(), resample::Filter::Triangle)
            .map_err(|error| Error::new(Kind::Internal, format!("cannot resize a plane: {error}")))
    };
    // Down the columns first: whole registers of neighbours go through that at once, and few rows are left to go along.
    let low = Size::new(from.width, to.height);
    resized(&resized(plane, from, low)?, low, to)
}

/// The rows of an 8-bit plane made larger, from the first on: what lies between samples is interpolated on a straight line.
pub(super) struct Enlarged<'a> {
    plane: &'a [u8],
    size: Size,
    across: Vec<Place>,
    rows: usize,
    /// The two stretched rows that the last one lay between, and which they are.
    stretched: [(usize, Vec<u8>); 2],
}

impl<'a> Enlarged<'a> {
    pub fn new(plane: &'a [u8], from: Size, to: Size) -> Self {
        let width = to.width as usize;
        let across = (0..width).map(|x| Place::of(x, width, from.width as usize)).collect();
        let stretched = [(usize::MAX, vec![0; width]), (usize::MAX, vec![0; width])];
        Self { plane, size: from, across, rows: to.height as usize, stretched }
    }

    /// Row `y`, put into `target`.
    pub fn row(&mut self, y: usize, target: &mut [u8]) {
        let (small, place) = (self.size.width as usize, Place::of(y, self.rows, self.size.height as usize));
        if self.stretched[0].0 != place.first {
            self.stretched.swap(0, 1);
        }
        let wanted = self.stretched.iter_mut().zip([place.first, place.second]);
        for (row, wanted) in wanted.filter(|(row, wanted)| row.0 != *wanted) {
            let source = &self.plane[wanted * small..(wanted + 1) * small];
            for (sample, at) in row.1.iter_mut().zip(&self.across) {
                *sample = mixed(source[at.first], source[at.second], at.share);
            }
            row.0 = wanted;
        }
        let [(_, upper), (_, lower)] = &self.stretched;
        for ((sample, upper), lower) in target.iter_mut().zip(upper).zip(lower) {
            *sample = mixed(*upper, *lower, place.share);
        }
    }
}

/// Between two samples; `share` is the second's, in 256ths. 16 bits are enough, and every processor multiplies many of them at once.
#[inline]
fn mixed(first: u8, second: u8, share: u16) -> u8 {
    ((u16::from(first) * (256 - share) + u16::from(second) * share + 128) >> 8) as u8
}

/// Where a sample of a longer side lies among those of a shorter one.
struct Place {
    first: usize,
    second: usize,
    /// Of the second, in 256ths.
    share: u16,
}

impl Place {
    fn of(at: usize, length: usize, small: usize) -> Self {
        let exact = ((at as f32 + 0.5) * small as f32 / length as f32 - 0.5).clamp(0.0, (small - 1) as f32);
        let first = exact as usize;
        Self { first, second: (first + 1).min(small - 1), share: ((exact - first as f32) * 256.0).round() as u16 }
    }
}

/// How red, green and blue become luma and chroma (ITU-R BT.601, BT.709, BT.2020).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matrix {
    /// Standard definition.
    Bt601,
    /// High definition.
    Bt709,
    /// Ultra-high definition, non-constant luminance.
    Bt2020,
}

impl Matrix {
    /// The matrix that a file names; where it names none, what players take for this size.
    #[must_use]
    pub fn of(name: Option<&str>, size: Size) -> Self {
        match name {
            Some("bt709") => Self::Bt709,
            Some("bt2020nc" | "bt2020c") => Self::Bt2020,
            Some("smpte170m" | "bt470bg" | "fcc" | "smpte240m") => Self::Bt601,
            _ if size.width >= 1280 || size.height >= 720 => Self::Bt709,
            _ => Self::Bt601,
        }
    }

    /// What ffmpeg calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bt601 => "smpte170m",
            Self::Bt709 => "bt709",
            Self::Bt2020 => "bt2020nc",
        }
    }

    /// Shares of red and blue in luma.
    const fn shares(self) -> (f32, f32) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
        }
    }

    /// Luma and chroma, in sample values, of a colour of 0 to 1.
    #[must_use]
    pub fn of_rgb(self, [red, green, blue]: [f32; 3]) -> [f32; 3] {
        let (kr, kb) = self.shares();
        let luma = kr * red + (1.0 - kr - kb) * green + kb * blue;
        let chroma = |value: f32, share: f32| 128.0 + 224.0 * (value - luma) / (2.0 * (1.0 - share));
        [16.0 + 219.0 * luma, chroma(blue, kb), chroma(red, kr)]
    }

    /// What 8-bit samples of red, green and blue weigh in luma and both chromas, in 65536ths, and what is added.
    fn weights(self) -> [[i32; 4]; 3] {
        let fixed = |value: f32| (value * 65536.0).round() as i32;
        let zero = self.of_rgb([0.0; 3]);
        let columns = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|pure| self.of_rgb(pure));
        std::array::from_fn(|k| {
            let [red, green, blue] = columns.map(|column| fixed((column[k] - zero[k]) / 255.0));
            [red, green, blue, zero[k] as i32]
        })
    }

    pub(super) fn table(self) -> Table {
        let (kr, kb) = self.shares();
        let kg = 1.0 - kr - kb;
        let fixed = |value: f32| (value * 65536.0).round() as i32;
        let chroma = 255.0 / 224.0 * 2.0;
        Table {
            luma: fixed(255.0 / 219.0),
            red: fixed(chroma * (1.0 - kr)),
            blue: fixed(chroma * (1.0 - kb)),
            green_of_red: fixed(chroma * (1.0 - kr) * kr / kg),
            green_of_blue: fixed(chroma * (1.0 - kb) * kb / kg),
        }
    }
}

/// The way back from samples to 8-bit colours, in 65536ths.
pub(super) struct Table {
    luma: i32,
    red: i32,
    blue: i32,
    green_of_red: i32,
    green_of_blue: i32,
}

impl Table {
    /// A pixel's red, green and blue.
    pub fn rgb(&self, luma: u8, blue: u8, red: u8) -> [u8; 3] {
        let (y, b, r) = (i32::from(luma) - 16, i32::from(blue) - 128, i32::from(red) - 128);
        let base = y * self.luma + 32768;
        let clamp = |value: i32| (value >> 16).clamp(0, 255) as u8;
        [
            clamp(base + r * self.red),
            clamp(base - r * self.green_of_red - b * self.green_of_blue),
            clamp(base + b * self.blue),
        ]
    }
}

/// A sum of samples times their weights, which are in units of one part of 2 to the power of `bits`.
#[inline]
fn weighted([red, green, blue, added]: [i32; 4], [r, g, b]: [i32; 3], bits: u32) -> u8 {
    ((red * r + green * g + blue * b + (2 * added + 1) * (1 << (bits - 1))) >> bits) as u8
}

/// A picture's samples in 8 bits.
fn eight_bits(color: &Rgb) -> Cow<'_, [u8]> {
    match color.samples() {
        Samples::Eight(samples) => Cow::Borrowed(samples),
        Samples::Sixteen(samples) => {
            samples.iter().map(|sample| ((u32::from(*sample) * 255 + 32767) / 65535) as u8).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::small::Small;

    #[test]
    fn colours_survive_the_way_there_and_back() {
        let colors = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [200, 120, 40], [12, 99, 201]];
        for matrix in [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020] {
            for color in colors {
                let frame = Frame::from_rgb(&Rgb::filled(Size::new(5, 3), color), matrix);
                let back = Small::of(&frame, Size::new(5, 3)).unwrap().rgb(matrix);
                let Samples::Eight(samples) = back.samples() else { unreachable!() };
                for (expected, got) in color.iter().cycle().zip(samples) {
                    assert!(expected.abs_diff(*got) <= 3, "{matrix:?} {color:?}: {samples:?}");
                }
            }
        }
        // The corners of BT.709, as its table gives them.
        let of = |matrix: Matrix, color| Frame::from_rgb(&Rgb::filled(Size::new(1, 1), color), matrix).samples;
        assert_eq!(of(Matrix::Bt709, [255, 0, 0]), [63, 102, 240]);
        assert_eq!(of(Matrix::Bt601, [0, 0, 255]), [41, 240, 110]);
    }

    #[test]
    fn planes_of_odd_sizes_are_rounded_up() {
        let frame = Frame::black(Size::new(7, 5));
        assert_eq!(frame.planes().map(<[u8]>::len), [35, 12, 12]);
        assert_eq!(frame.samples().len(), frame_bytes(Size::new(7, 5)));
    }
}

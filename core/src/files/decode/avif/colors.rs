//! From planes of brightness and colour differences to RGB and to alpha
//! (ISO/IEC 23091-2, 8.3; the same as ITU-T H.273, 8.3).

use super::{
    codes::ColorCodes,
    planes::{Layout, PlaneSamples, Planes},
};
use crate::{
    Error, Kind, Result,
    files::decode::channels::{Sample, zeroed},
    pixels::{Alpha, Rgb, Size},
};
use rayon::prelude::*;

/// Converts to RGB: 8 bits stay 8, more become 16.
///
/// # Errors
/// `FormatUnsupported` for matrices other than those of common pictures; `OutOfMemory`.
pub(super) fn to_rgb(planes: &Planes, codes: ColorCodes) -> Result<Rgb> {
    let matrix = Matrix::of(codes, planes.layout)?;
    let samples = match &planes.samples {
        PlaneSamples::Eight(samples) => u8::samples(converted::<u8, u8>(planes, samples, codes, &matrix)?),
        PlaneSamples::More(samples) => u16::samples(converted::<u16, u16>(planes, samples, codes, &matrix)?),
    };
    Ok(Rgb::new(planes.size, samples))
}

/// The brightness of an alpha picture as alpha; `None` when all of it is opaque.
pub(super) fn to_alpha(planes: &Planes) -> Option<Alpha> {
    fn units<T: Copy + Into<f32> + Sync>(samples: &[T], range: Range) -> Vec<f32> {
        let unit = |sample: &T| range.luma((*sample).into()).clamp(0.0, 1.0);
        samples.par_iter().with_min_len(1 << 14).map(unit).collect()
    }
    let range = Range::of(planes.depth, planes.codes.is_full_range);
    let values = match &planes.samples {
        PlaneSamples::Eight([luma, ..]) => units(luma, range),
        PlaneSamples::More([luma, ..]) => units(luma, range),
    };
    let opaque = values.iter().all(|value| *value == 1.0);
    (!opaque).then(|| Alpha::new(planes.size, values))
}

/// How samples become brightness of 0 to 1 and differences of -½ to ½: an offset, then a factor.
#[derive(Debug, Clone, Copy)]
struct Range {
    luma: [f32; 2],
    chroma: [f32; 2],
}

impl Range {
    fn of(depth: u32, is_full: bool) -> Self {
        let (steps, most) = ((1u32 << (depth - 8)) as f32, ((1u32 << depth) - 1) as f32);
        let middle = 128.0 * steps;
        if is_full {
            Self { luma: [0.0, 1.0 / most], chroma: [middle, 1.0 / most] }
        } else {
            Self { luma: [16.0 * steps, 1.0 / (219.0 * steps)], chroma: [middle, 1.0 / (224.0 * steps)] }
        }
    }

    fn luma(self, sample: f32) -> f32 {
        (sample - self.luma[0]) * self.luma[1]
    }
}

/// What the two differences add to each of red, green and blue.
struct Matrix {
    first: [f32; 3],
    second: [f32; 3],
    /// Factor of the brightness in red, green, blue: 1, but where planes are colours themselves only in one.
    luma: [f32; 3],
    /// Whether the other planes have the range of the brightness.
    planes_are_colors: bool,
}

impl Matrix {
    fn of(codes: ColorCodes, layout: Layout) -> Result<Self> {
        let unsupported = |what: String| Err(Error::new(Kind::FormatUnsupported, what));
        Ok(match codes.matrix {
            _ if layout == Layout::Grey => Self::weighted(0.299, 0.114),
            // Planes are green, blue, red.
            0 if layout == Layout::Full => {
                Self { first: [0.0, 0.0, 1.0], second: [1.0, 0.0, 0.0], luma: [0.0, 1.0, 0.0], planes_are_colors: true }
            }
            0 => return unsupported("AVIF with colours of a lower resolution is not read here".into()),
            1 => Self::weighted(0.2126, 0.0722),
            // Unspecified is taken for BT.601, as all decoders do.
            2 | 5 | 6 => Self::weighted(0.299, 0.114),
            4 => Self::weighted(0.3, 0.11),
            7 => Self::weighted(0.212, 0.087),
            // YCgCo.
            8 => Self { first: [-1.0, 1.0, -1.0], second: [1.0, 0.0, -1.0], luma: [1.0; 3], planes_are_colors: false },
            9 => Self::weighted(0.2627, 0.0593),
            other => return unsupported(format!("AVIF with the colour matrix {other} is not read here")),
        })
    }

    /// From the weights of red and blue in the brightness.
    fn weighted(red: f32, blue: f32) -> Self {
        let green = 1.0 - red - blue;
        let (from_blue, from_red) = (2.0 * (1.0 - blue), 2.0 * (1.0 - red));
        Self {
            first: [0.0, -from_blue * blue / green, from_blue],
            second: [from_red, -from_red * red / green, 0.0],
            luma: [1.0; 3],
            planes_are_colors: false,
        }
    }
}

fn converted<T: Copy + Into<f32> + Sync, O: Sample>(
    planes: &Planes,
    samples: &[Vec<T>; 3],
    codes: ColorCodes,
    matrix: &Matrix,
) -> Result<Vec<O>> {
    let width = planes.size.width as usize;
    let range = Range::of(planes.depth, codes.is_full_range);
    let [offset, factor] = if matrix.planes_are_colors { range.luma } else { range.chroma };
    let chroma = Chroma { layout: planes.layout, size: planes.layout.plane_size(1, planes.size), offset, factor };
    let mut rgb = zeroed::<O>(planes.size, 3)?;
    let rows = rgb.par_chunks_exact_mut(width * 3).enumerate();
    rows.for_each_with([vec![0.0; width], vec![0.0; width], Vec::new()], |[first, second, blended], (y, row)| {
        if planes.layout != Layout::Grey {
            chroma.row(&samples[1], y, blended, first);
            chroma.row(&samples[2], y, blended, second);
        }
        let luma = &samples[0][y * width..][..width];
        let differences = first.iter().zip(second.iter());
        for ((rgb, luma), (first, second)) in row.as_chunks_mut::<3>().0.iter_mut().zip(luma).zip(differences) {
            let luma = range.luma((*luma).into());
            *rgb = std::array::from_fn(|channel| {
                let value =
                    matrix.luma[channel] * luma + matrix.first[channel] * first + matrix.second[channel] * second;
                O::from_unit(value)
            });
        }
    });
    Ok(rgb)
}

/// How a plane of colour differences is brought to full resolution.
struct Chroma {
    layout: Layout,
    size: Size,
    offset: f32,
    factor: f32,
}

impl Chroma {
    /// The differences of one row of pixels, linear between samples, which lie amid the pixels that
    /// share them. That is where encoders of stills put them, whatever the AV1 data says of video.
    fn row<T: Copy + Into<f32>>(&self, plane: &[T], y: usize, blended: &mut Vec<f32>, out: &mut [f32]) {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let stored = |row: usize| plane[row * width..][..width].iter().map(|sample| (*sample).into());
        let value = |sample: f32| (sample - self.offset) * self.factor;
        let (across, down) = self.layout.shifts();
        blended.clear();
        if down == 0 {
            blended.extend(stored(y).map(value));
        } else {
            let (near, far) = neighbours(y, height);
            blended.extend(stored(near).zip(stored(far)).map(|(near, far)| value(near * 0.75 + far * 0.25)));
        }
        if across == 0 {
            out.copy_from_slice(blended);
            return;
        }
        for (x, out) in out.iter_mut().enumerate() {
            let (near, far) = neighbours(x, width);
            *out = blended[near] * 0.75 + blended[far] * 0.25;
        }
    }
}

/// The sample that a pixel shares with its neighbour, and the one on its other side.
fn neighbours(pixel: usize, samples: usize) -> (usize, usize) {
    let near = pixel / 2;
    let far = if pixel & 1 == 0 { near.saturating_sub(1) } else { (near + 1).min(samples - 1) };
    (near, far)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_pixel(depth: u32, samples: [u16; 3], matrix: u32, is_full_range: bool) -> [f32; 3] {
        let codes = ColorCodes { primaries: 1, transfer: 13, matrix, is_full_range };
        let samples = PlaneSamples::More(samples.map(|sample| vec![sample]));
        let planes = Planes { size: Size::new(1, 1), depth, layout: Layout::Full, codes, samples };
        to_rgb(&planes, codes).unwrap().unit(0)
    }

    #[test]
    fn known_colours_by_range_and_matrix() {
        // Red by hand from the standard's formulas.
        let cases = [
            (10, [0, 512, 512], 1, true, [0.0; 3]),
            (10, [64, 512, 512], 1, false, [0.0; 3]),
            (10, [940, 512, 512], 9, false, [1.0; 3]),
            (12, [4095, 2048, 2048], 6, true, [1.0; 3]),
            (12, [1000, 4095, 0], 0, true, [0.0, 1000.0 / 4095.0, 1.0]),
            (10, [306, 339, 1023], 2, true, [1.0, 0.0, 0.0]),
            (10, [250, 409, 960], 1, false, [1.0, 0.0, 0.0]),
            (10, [294, 387, 960], 9, false, [1.0, 0.0, 0.0]),
        ];
        for (depth, samples, matrix, is_full_range, wanted) in cases {
            let got = one_pixel(depth, samples, matrix, is_full_range);
            let close = got.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 0.003);
            assert!(close, "{samples:?} of {depth} bits by {matrix}: {got:?}, not {wanted:?}");
        }
    }

    #[test]
    fn shared_differences_are_blended_towards_their_neighbours() {
        assert_eq!([0, 1, 2, 3, 4].map(|pixel| neighbours(pixel, 3)), [(0, 0), (0, 1), (1, 0), (1, 2), (2, 1)]);
        assert_eq!([0, 1].map(|pixel| neighbours(pixel, 1)), [(0, 0), (0, 0)]);
    }
}

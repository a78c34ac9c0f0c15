//! The subject's own colours in a frame, and the frame over what is behind it, in luma and chroma.

use super::{
    frame::{Enlarged, Frame, Matrix, chroma_size},
    small::Small,
};
use crate::{
    pixels::{Alpha, Size},
    steps::spill::Spill,
};

/// Pixels along a side of a cell of the grid of colours, at least.
const SIDE: u32 = 4;
/// Cells along the longer side of the grid at most, that a copy as large as the frame is not gathered in full.
const CELLS: u32 = 256;
/// Cells of the grid that colours are gathered over, to each side.
const RADIUS: usize = 2;
/// Pixels that are looked at together: most such groups lie inside or outside.
const GROUP: usize = 16;

/// The colours of subject and background around each place, as a coarse grid: what a mixed pixel is unmixed by.
pub(super) struct Grounds {
    size: Size,
    /// Luma, blue and red chroma of the subject, then of the background.
    cells: Vec<[f32; 6]>,
}

impl Grounds {
    /// Gathers both colours over a small copy: means weighted by alpha and by what it leaves (Forte: Approximate Fast
    /// Foreground Colour Estimation, 2021).
    pub fn of(small: &Small, matte: &Alpha) -> Self {
        let (width, height) = (small.size.width as usize, small.size.height as usize);
        let side = small.size.width.max(small.size.height).div_ceil(CELLS).max(SIDE) as usize;
        let size = Size::new((width / side).max(1) as u32, (height / side).max(1) as u32);
        let (columns, rows) = (size.width as usize, size.height as usize);
        let mut sums = vec![[0.0_f32; 8]; columns * rows];
        for y in 0..(rows * side).min(height) {
            let row = y * width..(y + 1) * width;
            let [luma, blue, red] = small.planes.each_ref().map(|plane| plane[row.clone()].chunks(side));
            let mattes = matte.values()[row].chunks(side);
            let cells = sums[y / side * columns..][..columns].iter_mut();
            for ((cell, matte), ((luma, blue), red)) in cells.zip(mattes).zip(luma.zip(blue).zip(red)) {
                for (i, alpha) in matte.iter().enumerate() {
                    // To the fourth power: a half-covered pixel tells little of either, but is better than nothing.
                    let [subject, ground] = [*alpha, 1.0 - *alpha].map(|share| (share * share) * (share * share));
                    let color = [f32::from(luma[i]), f32::from(blue[i]), f32::from(red[i]), 1.0];
                    (0..4).for_each(|k| cell[k] += subject * color[k]);
                    (0..4).for_each(|k| cell[4 + k] += ground * color[k]);
                }
            }
        }
        let sums = box_sum(&box_sum(&sums, columns, rows), rows, columns);
        let cells = sums.iter().map(|sum| {
            // Where there is nothing of one, the other stands for it.
            let mean = |own: usize, other: usize| {
                let (own, other) = (&sum[own..own + 4], &sum[other..other + 4]);
                let weight = own[3] + 1e-6 * other[3];
                [0, 1, 2].map(|c| (own[c] + 1e-6 * other[c]) / weight.max(1e-12))
            };
            let ([a, b, c], [d, e, f]) = (mean(0, 4), mean(4, 0));
            [a, b, c, d, e, f]
        });
        Self { size, cells: cells.collect() }
    }

    /// The colours of subject and background of plane `c` along a row, which lies at `down`, a share of the height: a
    /// pair for each column of the grid.
    fn row(&self, down: f32, c: usize, row: &mut Vec<[f32; 2]>) {
        let (top, bottom, share) = place(down, self.size.height as usize);
        let width = self.size.width as usize;
        let (above, below) = (&self.cells[top * width..][..width], &self.cells[bottom * width..][..width]);
        let mix = |a: &[f32; 6], b: &[f32; 6], c: usize| a[c] + share * (b[c] - a[c]);
        row.clear();
        row.extend(above.iter().zip(below).map(|(a, b)| [mix(a, b, c), mix(a, b, 3 + c)]));
    }
}

/// The two cells of `length` that a share of a side lies between, and the share of the second.
fn place(share: f32, length: usize) -> (usize, usize, f32) {
    let exact = (share * length as f32 - 0.5).clamp(0.0, (length - 1) as f32);
    let first = exact as usize;
    (first, (first + 1).min(length - 1), exact - first as f32)
}

/// Sums over `RADIUS` cells to each side along a row; what comes out is turned by a quarter, so that two calls do both.
/// Each sum is made anew: a running one keeps the rounding of what has long left it, and some weights are tiny.
fn box_sum(cells: &[[f32; 8]], width: usize, height: usize) -> Vec<[f32; 8]> {
    let mut turned = vec![[0.0; 8]; cells.len()];
    for (y, row) in cells.chunks_exact(width).enumerate() {
        for x in 0..width {
            let near = &row[x.saturating_sub(RADIUS)..(x + RADIUS + 1).min(width)];
            turned[x * height + y] =
                near.iter().fold([0.0; 8], |sum: [f32; 8], cell| std::array::from_fn(|k| sum[k] + cell[k]));
        }
    }
    turned
}

/// What stands where the subject is not.
#[derive(Clone, Copy)]
pub(super) enum Behind<'a> {
    /// Another frame of the same size.
    Frame(&'a Frame),
    /// A smaller frame, to be enlarged.
    Small(&'a Frame),
    /// Nothing: mixed pixels get the subject's own colours, the rest is black.
    Nothing,
}

impl<'a> Behind<'a> {
    /// The rows of its planes behind a frame of `size`.
    fn rows(self, size: Size) -> [Rows<'a>; 3] {
        let sizes = |size: Size| [size, chroma_size(size), chroma_size(size)];
        std::array::from_fn(|c| match self {
            Self::Frame(frame) => Rows::Whole(frame.planes()[c]),
            Self::Small(frame) => {
                let (from, to) = (sizes(frame.size())[c], sizes(size)[c]);
                Rows::Enlarged(Enlarged::new(frame.planes()[c], from, to), vec![0; to.width as usize])
            }
            Self::Nothing => Rows::Nothing,
        })
    }
}

/// The rows of one plane of what stands behind.
enum Rows<'a> {
    Whole(&'a [u8]),
    /// Row by row, so that no plane of the full size is written only to be read once.
    Enlarged(Enlarged<'a>, Vec<u8>),
    Nothing,
}

impl Rows<'_> {
    /// Row `y`, of `width` samples.
    fn row(&mut self, y: usize, width: usize) -> Option<&[u8]> {
        match self {
            Self::Whole(plane) => Some(&plane[y * width..(y + 1) * width]),
            Self::Enlarged(enlarged, row) => {
                enlarged.row(y, row);
                Some(row)
            }
            Self::Nothing => None,
        }
    }
}

/// Puts the subject over what is behind it, in place. `strength`, 0 to 1, is how much of the old background's colour is
/// taken out of mixed pixels. `alpha` is of the frame's size, 255 meaning 1.
pub(super) fn mix(frame: &mut Frame, alpha: &[u8], grounds: &Grounds, strength: f32, behind: Behind<'_>) {
    let size = frame.size();
    let half = chroma_size(size);
    let quarter = halve(alpha, size);
    let sizes = [size, half, half];
    let alphas: [&[u8]; 3] = [alpha, &quarter, &quarter];
    let others = behind.rows(size);
    for (c, (plane, mut others)) in frame.planes_mut().into_iter().zip(others).enumerate() {
        let width = sizes[c].width as usize;
        let across = (0..width).map(|x| place((x as f32 + 0.5) / width as f32, grounds.size.width as usize)).collect();
        let mut row = Row { across, colors: Vec::new(), strength, black: if c == 0 { 16 } else { 128 } };
        for (y, samples) in plane.chunks_exact_mut(width).enumerate() {
            let alpha = &alphas[c][y * width..(y + 1) * width];
            if alpha.iter().all(|alpha| *alpha == 255) {
                continue;
            }
            let other = others.row(y, width);
            row.colors.clear();
            let down = (y as f32 + 0.5) / sizes[c].height as f32;
            row.mix(samples, alpha, other, |colors| grounds.row(down, c, colors));
        }
    }
}

/// What a row of one plane is mixed by.
struct Row {
    /// For each pixel the columns of the grid it lies between, and the share of the second.
    across: Vec<(usize, usize, f32)>,
    /// Colours of subject and background along the row; filled when a mixed pixel is met.
    colors: Vec<[f32; 2]>,
    strength: f32,
    black: u8,
}

impl Row {
    fn mix(&mut self, samples: &mut [u8], alpha: &[u8], other: Option<&[u8]>, fill: impl Fn(&mut Vec<[f32; 2]>)) {
        let (groups, rest) = samples.as_chunks_mut::<GROUP>();
        let ((alphas, last), others) = (alpha.as_chunks::<GROUP>(), other.map(<[u8]>::as_chunks::<GROUP>));
        for (index, (group, alpha)) in groups.iter_mut().zip(alphas).enumerate() {
            let other = others.map(|(groups, _)| &groups[index]);
            if *alpha == [255; GROUP] {
                continue;
            }
            if *alpha == [0; GROUP] {
                *group = *other.unwrap_or(&[self.black; GROUP]);
                continue;
            }
            if self.colors.is_empty() {
                fill(&mut self.colors);
            }
            self.mix_group(index * GROUP, group, alpha, other.map(|group| &group[..]));
        }
        match others.map(|(_, rest)| rest) {
            _ if rest.is_empty() => {}
            None if last.iter().all(|alpha| *alpha == 0) => rest.fill(self.black),
            other => {
                if self.colors.is_empty() {
                    fill(&mut self.colors);
                }
                self.mix_group(groups.len() * GROUP, rest, last, other);
            }
        }
    }

    /// Mixes pixels from column `start` on, as many as a group at most.
    fn mix_group(&self, start: usize, samples: &mut [u8], alphas: &[u8], others: Option<&[u8]>) {
        let group = |values: &[u8]| {
            let mut group = [0.0_f32; GROUP];
            group.iter_mut().zip(values).for_each(|(number, value)| *number = f32::from(*value));
            group
        };
        let (own, alpha) = (group(samples), group(alphas).map(|alpha| alpha * (1.0 / 255.0)));
        let [mut subject, mut ground] = [[0.0_f32; GROUP]; 2];
        for (i, (left, right, share)) in self.across[start..][..samples.len()].iter().enumerate() {
            let (left, right) = (self.colors[*left], self.colors[*right]);
            [subject[i], ground[i]] = std::array::from_fn(|k| left[k] + share * (right[k] - left[k]));
        }
        // The subject's own sample in a mixed one.
        let mut mixed: [f32; GROUP] = std::array::from_fn(|i| {
            let rest = own[i] - alpha[i] * subject[i] - (1.0 - alpha[i]) * ground[i];
            let pure = (subject[i] + alpha[i] * rest).clamp(0.0, 255.0);
            own[i] + self.strength * (pure - own[i])
        });
        if let Some(others) = others {
            let other = group(others);
            mixed = std::array::from_fn(|i| mixed[i] * alpha[i] + other[i] * (1.0 - alpha[i]));
        }
        samples.iter_mut().zip(mixed).for_each(|(sample, mixed)| *sample = (mixed + 0.5) as u8);
    }
}

/// What takes the light of a screen of this sRGB colour out of frames of a matrix; nothing for a strength of 0.
pub(super) fn spill_of(screen: [f32; 3], matrix: Matrix, strength: f32) -> Option<Spill> {
    let [luma, blue, red] = matrix.of_rgb(screen);
    Spill::new(luma - 16.0, [blue - 128.0, red - 128.0], strength)
}

/// Takes a screen's light out of a frame wherever the matte shows something.
pub(super) fn unspill(frame: &mut Frame, alpha: &[u8], spill: Spill) {
    let (quarter, width) = (halve(alpha, frame.size()), frame.size().width as usize);
    let columns = chroma_size(frame.size()).width as usize;
    let [lumas, blues, reds] = frame.planes_mut();
    let chromas = blues.chunks_exact_mut(columns).zip(reds.chunks_exact_mut(columns));
    for ((lumas, (blues, reds)), alphas) in lumas.chunks_mut(2 * width).zip(chromas).zip(quarter.chunks_exact(columns))
    {
        for x in (0..columns).filter(|x| alphas[*x] > 0) {
            let own = [blues[x], reds[x]].map(|sample| f32::from(sample) - 128.0);
            let alpha = f32::from(alphas[x]) / 255.0;
            let Some((light, chroma)) = spill.light(own, alpha) else { continue };
            blues[x] = (own[0] - chroma[0] + 128.5) as u8;
            reds[x] = (own[1] - chroma[1] + 128.5) as u8;
            for row in lumas.chunks_exact_mut(width) {
                for luma in &mut row[2 * x..(2 * x + 2).min(width)] {
                    *luma = (f32::from(*luma) - light + 0.5).max(16.0) as u8;
                }
            }
        }
    }
}

/// Puts a frame over what is behind it, in place; mixed pixels have the subject's own colours.
pub(super) fn over(frame: &mut Frame, alpha: &[u8], behind: Behind<'_>) {
    let size = frame.size();
    let (quarter, others) = (halve(alpha, size), behind.rows(size));
    let alphas: [&[u8]; 3] = [alpha, &quarter, &quarter];
    let widths = [size, chroma_size(size), chroma_size(size)].map(|size| size.width as usize);
    for (c, (plane, mut others)) in frame.planes_mut().into_iter().zip(others).enumerate() {
        let rows = plane.chunks_exact_mut(widths[c]).zip(alphas[c].chunks_exact(widths[c]));
        for (y, (samples, alphas)) in rows.enumerate() {
            let Some(others) = others.row(y, widths[c]) else { return };
            for ((sample, other), alpha) in samples.iter_mut().zip(others).zip(alphas) {
                let (own, other, alpha) = (u16::from(*sample), u16::from(*other), u16::from(*alpha));
                // At most 255 · 255 + 127, which 16 bits hold.
                let mixed = own * alpha + other * (255 - alpha) + 127;
                *sample = (mixed / 255) as u8;
            }
        }
    }
}

/// Alpha of the chroma planes: the mean of four.
fn halve(alpha: &[u8], size: Size) -> Vec<u8> {
    let half = chroma_size(size);
    let width = size.width as usize;
    let mut means = Vec::with_capacity(half.area());
    for y in 0..half.height as usize {
        let above = &alpha[2 * y * width..][..width];
        let below = &alpha[(2 * y + 1).min(size.height as usize - 1) * width..][..width];
        let (pairs, rest) = (above.as_chunks::<2>(), below.as_chunks::<2>());
        // Both bytes of a number of 16 bits are added up: many of these fit a register.
        let sum = |pair: [u8; 2]| {
            let both = u16::from_ne_bytes(pair);
            (both & 255) + (both >> 8)
        };
        means.extend(pairs.0.iter().zip(rest.0).map(|(a, b)| ((sum(*a) + sum(*b) + 2) >> 2) as u8));
        if let ([last], [under]) = (pairs.1, rest.1) {
            means.push(u16::midpoint(u16::from(*last), u16::from(*under)) as u8);
        }
    }
    means
}

/// The matte as a grey frame.
pub(super) fn grey(alpha: &[u8], frame: &mut Frame) {
    let [luma, blue, red] = frame.planes_mut();
    for (sample, alpha) in luma.iter_mut().zip(alpha) {
        *sample = (16 + (u16::from(*alpha) * 219 + 127) / 255) as u8;
    }
    blue.fill(128);
    red.fill(128);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pixels::{Rgb, Samples},
        video::frame::Matrix,
    };

    const SIZE: Size = Size::new(96, 64);

    /// A soft disc of one colour over another, with its true alpha.
    fn scene(subject: [u8; 3], ground: [u8; 3]) -> (Frame, Vec<u8>) {
        let alpha: Vec<f32> = (0..SIZE.area())
            .map(|i| ((20.0 - f32::hypot((i % 96) as f32 - 47.5, (i / 96) as f32 - 31.5)) / 8.0 + 0.5).clamp(0.0, 1.0))
            .collect();
        let mixed =
            |a: f32| [0, 1, 2].map(|c| (a * f32::from(subject[c]) + (1.0 - a) * f32::from(ground[c]) + 0.5) as u8);
        let color = Rgb::new(SIZE, Samples::Eight(alpha.iter().flat_map(|a| mixed(*a)).collect()));
        (Frame::from_rgb(&color, Matrix::Bt709), alpha.iter().map(|a| (a * 255.0 + 0.5) as u8).collect())
    }

    fn grounds(frame: &Frame, alpha: &[u8]) -> Grounds {
        Grounds::of(&Small::of(frame, SIZE).unwrap(), &Alpha::from_u8(SIZE, alpha))
    }

    #[test]
    fn a_new_background_takes_the_old_ones_place_in_mixed_pixels() {
        let (mut frame, alpha) = scene([200, 60, 50], [40, 200, 60]);
        let (expected, _) = scene([200, 60, 50], [30, 40, 220]);
        let behind = Frame::from_rgb(&Rgb::filled(SIZE, [30, 40, 220]), Matrix::Bt709);
        let grounds = grounds(&frame, &alpha);
        mix(&mut frame, &alpha, &grounds, 1.0, Behind::Frame(&behind));
        let worst = frame.samples().iter().zip(expected.samples()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst.unwrap() <= 6, "{worst:?}");
    }

    #[test]
    fn without_a_background_the_subjects_own_colours_stand() {
        let (mut frame, alpha) = scene([200, 60, 50], [40, 200, 60]);
        let grounds = grounds(&frame, &alpha);
        mix(&mut frame, &alpha, &grounds, 1.0, Behind::Nothing);
        let expected = Matrix::Bt709.of_rgb([200, 60, 50].map(|c| f32::from(c as u8) / 255.0));
        for (sample, a) in frame.planes()[0].iter().zip(&alpha).filter(|(_, a)| **a > 20) {
            assert!((f32::from(*sample) - expected[0]).abs() < 6.0, "{sample} at {a}");
        }
        assert_eq!(frame.planes().map(|plane| plane[0]), [16, 128, 128]);
    }

    #[test]
    fn the_screens_light_goes_from_solid_pixels_too_and_what_is_behind_stays() {
        let screen = [0.05, 0.7, 0.27];
        let spill = spill_of(screen, Matrix::Bt709, 1.0).unwrap();
        // Grey of 115 with a seventh of the screen's light on it, over a background as green as the screen.
        let mut frame = Frame::from_rgb(&Rgb::filled(SIZE, [116, 129, 120]), Matrix::Bt709);
        let behind = Frame::from_rgb(&Rgb::filled(SIZE, [13, 178, 69]), Matrix::Bt709);
        let mut alpha = vec![255; SIZE.area()];
        alpha[..SIZE.area() / 2].fill(0);
        unspill(&mut frame, &alpha, spill);
        over(&mut frame, &alpha, Behind::Frame(&behind));
        let [luma, blue, red] = frame.planes();
        assert!(luma[SIZE.area() - 1].abs_diff(115) <= 3, "{}", luma[SIZE.area() - 1]);
        assert_eq!([blue[0], red[0]], [behind.planes()[1][0], behind.planes()[2][0]]);
        let last = blue.len() - 1;
        assert!(blue[last].abs_diff(128) <= 3 && red[last].abs_diff(128) <= 3, "{} {}", blue[last], red[last]);
        assert_eq!(spill_of(screen, Matrix::Bt709, 0.0), None);
    }

    #[test]
    fn over_another_frame_both_are_mixed_by_alpha() {
        let mut frame = Frame::from_rgb(&Rgb::filled(SIZE, [200, 60, 50]), Matrix::Bt709);
        let other = Frame::from_rgb(&Rgb::filled(SIZE, [30, 40, 220]), Matrix::Bt709);
        let (own, behind) = (frame.planes()[0][0], other.planes()[0][0]);
        over(&mut frame, &vec![51; SIZE.area()], Behind::Frame(&other));
        let expected = (f32::from(own) * 0.2 + f32::from(behind) * 0.8).round() as u8;
        assert!(frame.planes()[0].iter().all(|luma| *luma == expected));
    }

    #[test]
    fn a_small_frame_is_enlarged_behind_the_subject() {
        // Brightness grows to the right, on a straight line; nothing of the frame is in front of it.
        let ramp = |size: Size, step: u32| {
            let samples = (0..size.area() as u32).flat_map(|i| [(i % size.width * step + step / 2) as u8; 3]);
            Frame::from_rgb(&Rgb::new(size, Samples::Eight(samples.collect())), Matrix::Bt709)
        };
        let (small, expected) = (ramp(Size::new(24, 16), 8), ramp(SIZE, 2));
        let nothing = vec![0; SIZE.area()];
        let mut mixed = Frame::from_rgb(&Rgb::filled(SIZE, [200, 60, 50]), Matrix::Bt709);
        let mut laid = mixed.clone();
        let grounds = grounds(&mixed, &nothing);
        mix(&mut mixed, &nothing, &grounds, 1.0, Behind::Small(&small));
        over(&mut laid, &nothing, Behind::Small(&small));
        assert_eq!(mixed, laid);
        let middle = |i: &usize| (4..92).contains(&(i % 96));
        let worst =
            (0..SIZE.area()).filter(middle).map(|i| mixed.planes()[0][i].abs_diff(expected.planes()[0][i])).max();
        assert!(worst.unwrap() <= 1, "{worst:?}");
    }

    #[test]
    fn a_grey_frame_is_the_matte() {
        let mut frame = Frame::black(Size::new(3, 1));
        grey(&[0, 128, 255], &mut frame);
        assert_eq!(frame.samples(), [16, 126, 235, 128, 128, 128, 128]);
    }
}

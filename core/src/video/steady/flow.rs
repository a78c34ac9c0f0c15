//! Dense motion between two frames by inverse search over patches.
//!
//! After Kroeger, Timofte, Dai, Van Gool: Fast Optical Flow using Dense Inverse Search, ECCV 2016. Each patch of the one
//! picture is looked for in the other by Gauss-Newton steps whose Hessian is that of the patch itself, from coarse to fine;
//! overlapping patches are averaged by how well they fit. The paper's variational refinement is left out.

mod patch;
mod pyramid;

use crate::pixels::Size;
use patch::{Found, PATCH, Search};
pub use pyramid::Pyramid;
use pyramid::{Level, PAD};

/// Pixels between the origins of neighbouring patches.
const STRIDE: usize = 4;

/// Where each pixel of one frame went in another.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Width and height of both frames.
    pub size: Size,
    /// Pixels to the right and down from a pixel's place in the one frame to its place in the other, row by row.
    pub vectors: Vec<[f32; 2]>,
}

impl Flow {
    /// Nothing moves.
    #[must_use]
    pub fn still(size: Size) -> Self {
        Self { size, vectors: vec![[0.0; 2]; size.area()] }
    }

    /// The vector between the four pixels around a place; beyond the border the nearest pixel's.
    #[inline]
    #[must_use]
    pub fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let (x, y) = (x.clamp(0.0, (width - 1) as f32), y.clamp(0.0, (height - 1) as f32));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
        let (across, down) = (x - left as f32, y - top as f32);
        let [a, b, c, d] = [(top, left), (top, right), (bottom, left), (bottom, right)]
            .map(|(row, column)| self.vectors[row * width + column]);
        std::array::from_fn(|k| {
            let (above, below) = (a[k] + across * (b[k] - a[k]), c[k] + across * (d[k] - c[k]));
            above + down * (below - above)
        })
    }
}

/// Finds where every pixel of `from` is in `to`, starting from where `start` says, or from rest.
///
/// # Panics
/// When the sizes differ.
#[must_use]
pub fn between(from: &Pyramid, to: &Pyramid, start: Option<&Flow>) -> Flow {
    found(from, to, start, None)
}

/// As [`between`] from rest, but where pixels are not wanted (`false`) the motion found at half the size must do.
///
/// # Panics
/// When the sizes differ.
#[must_use]
pub fn between_where(from: &Pyramid, to: &Pyramid, wanted: &[bool]) -> Flow {
    found(from, to, None, Some(wanted))
}

fn found(from: &Pyramid, to: &Pyramid, start: Option<&Flow>, wanted: Option<&[bool]>) -> Flow {
    assert_eq!(from.size(), to.size(), "frames of one clip are of one size");
    let mut flow: Option<Flow> = None;
    // A start is right but for little: what it needs is found at half the size.
    let levels = if start.is_some() { 2 } else { usize::MAX };
    for (index, (source, target)) in from.levels().iter().zip(to.levels()).take(levels).enumerate().rev() {
        let guess = |x: f32, y: f32| match (&flow, start) {
            // One pixel of the coarser level is two of this one.
            (Some(coarse), _) => coarse.at(x / 2.0 - 0.25, y / 2.0 - 0.25).map(|part| part * 2.0),
            (None, Some(start)) => {
                let scale = (1 << index) as f32;
                start.at(x * scale, y * scale).map(|part| part / scale)
            }
            (None, None) => [0.0; 2],
        };
        let next = at_level(source, target, &guess, wanted.filter(|_| index == 0));
        flow = Some(next);
    }
    flow.unwrap_or_else(|| Flow::still(from.size()))
}

/// Searches every patch of one level that has pixels that are wanted, and spreads what they found over their pixels.
fn at_level(source: &Level, target: &Level, guess: &dyn Fn(f32, f32) -> [f32; 2], wanted: Option<&[bool]>) -> Flow {
    let (columns, rows) = (origins(source.size.width as usize), origins(source.size.height as usize));
    let is_wanted = |x: usize, y: usize| {
        let row = |y: usize, wanted: &[bool]| wanted[y * source.size.width as usize + x..][..PATCH].contains(&true);
        wanted.is_none_or(|wanted| (y..y + PATCH).any(|y| row(y, wanted)))
    };
    let places = rows.iter().flat_map(|&y| columns.iter().map(move |&x| (x, y)));
    let middle = (PATCH as f32 - 1.0) / 2.0;
    let mut patches: Vec<Option<(Search<'_>, Found)>> = places
        .map(|(x, y)| {
            is_wanted(x, y).then(|| {
                let search = Search::new(source, target, x, y);
                let first = search.found(guess(x as f32 + middle, y as f32 + middle));
                (search, first)
            })
        })
        .collect();
    // A neighbour's finding helps where the coarser level missed something small: from the top left and back.
    let (across, count) = (columns.len(), patches.len());
    let vector = |patch: &Option<(Search<'_>, Found)>| patch.as_ref().map(|(_, found)| found.vector);
    for index in 0..count {
        let left = if index % across > 0 { vector(&patches[index - 1]) } else { None };
        let above = index.checked_sub(across).and_then(|above| vector(&patches[above]));
        let Some((search, found)) = &mut patches[index] else { continue };
        *found = search.descend(search.better(search.better(*found, left), above));
    }
    for index in (0..count).rev() {
        let right = if index % across + 1 < across { vector(&patches[index + 1]) } else { None };
        let below = patches.get(index + across).and_then(vector);
        let Some((search, found)) = &mut patches[index] else { continue };
        let better = search.better(search.better(*found, right), below);
        if better.misfit < found.misfit {
            *found = search.descend(better);
        }
    }
    let mut spread = Spread::new(source.size);
    patches.iter().flatten().for_each(|(search, found)| spread.add(search, found.vector));
    spread.finish(guess)
}

/// Where patches begin along a side, the last one ending with it.
fn origins(side: usize) -> Vec<usize> {
    let last = side - PATCH;
    (0..last).step_by(STRIDE).chain(std::iter::once(last)).collect()
}

/// The weighted mean of the patches over each pixel.
struct Spread {
    size: Size,
    /// Weighted sums of the vectors' parts, and of the weights.
    sums: Vec<[f32; 3]>,
}

impl Spread {
    fn new(size: Size) -> Self {
        Self { size, sums: vec![[0.0; 3]; size.area()] }
    }

    /// Patches that fit a pixel badly count little there, so that motion does not bleed across edges.
    fn add(&mut self, search: &Search<'_>, vector: [f32; 2]) {
        let differences = search.differences(vector);
        let width = self.size.width as usize;
        for (row, values) in differences.chunks_exact(PATCH).enumerate() {
            let start = (search.row + row) * width + search.column;
            for (sum, difference) in self.sums[start..start + PATCH].iter_mut().zip(values) {
                let weight = 1.0 / difference.abs().max(1.0);
                *sum = [sum[0] + weight * vector[0], sum[1] + weight * vector[1], sum[2] + weight];
            }
        }
    }

    /// Where no patch lies there is only the guess.
    fn finish(self, guess: &dyn Fn(f32, f32) -> [f32; 2]) -> Flow {
        let width = self.size.width as usize;
        let mean = |(index, [x, y, weight]): (usize, &[f32; 3])| {
            if *weight > 0.0 { [x / weight, y / weight] } else { guess((index % width) as f32, (index / width) as f32) }
        };
        Flow { size: self.size, vectors: self.sums.iter().enumerate().map(mean).collect() }
    }
}

/// The farthest that a patch may leave its frame: what is beyond is only the border, repeated.
const MOST_OUTSIDE: f32 = PAD as f32 - 2.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::planes::{Plane, gaussian_blur};

    /// A texture of all scales that can be read between its pixels and nowhere repeats.
    fn texture(x: f32, y: f32) -> f32 {
        let waves = (0..24).map(|k| {
            let (k, turn) = (k as f32, k as f32 * 2.4);
            let pace = 0.03 * 1.13_f32.powf(k);
            12.0 * (pace * (turn.cos() * x + turn.sin() * y) + k * k).sin()
        });
        128.0 + waves.sum::<f32>()
    }

    fn picture(size: Size, value: impl Fn(f32, f32) -> f32) -> Plane {
        let values = (0..size.area()).map(|i| value((i as u32 % size.width) as f32, (i as u32 / size.width) as f32));
        Plane { size, values: values.collect() }
    }

    /// Mean length of the error over the inside, in pixels.
    fn error(flow: &Flow, truth: impl Fn(f32, f32) -> [f32; 2]) -> f32 {
        let (width, height) = (flow.size.width as usize, flow.size.height as usize);
        let inside = (16..height - 16).flat_map(|y| (16..width - 16).map(move |x| (x, y)));
        let errors = inside.map(|(x, y)| {
            let (got, wanted) = (flow.vectors[y * width + x], truth(x as f32, y as f32));
            f32::hypot(got[0] - wanted[0], got[1] - wanted[1])
        });
        let errors: Vec<f32> = errors.collect();
        errors.iter().sum::<f32>() / errors.len() as f32
    }

    #[test]
    fn a_translation_is_found_again() {
        let size = Size::new(160, 96);
        for (across, down) in [(0.0, 0.0), (1.0, 0.0), (0.4, -0.7), (6.0, 3.5), (-11.0, 7.25)] {
            let from = Pyramid::new(&picture(size, texture));
            let to = Pyramid::new(&picture(size, |x, y| texture(x - across, y - down)));
            let error = error(&between(&from, &to, None), |_, _| [across, down]);
            assert!(error < 0.05, "{across}, {down}: {error}");
        }
    }

    #[test]
    fn where_motion_is_not_wanted_it_is_found_more_roughly() {
        let size = Size::new(160, 96);
        let from = Pyramid::new(&picture(size, texture));
        let to = Pyramid::new(&picture(size, |x, y| texture(x - 6.0, y - 3.5)));
        let wanted: Vec<bool> = (0..size.area()).map(|i| i % 160 < 80).collect();
        let (whole, part) = (between(&from, &to, None), between_where(&from, &to, &wanted));
        for (i, (a, b)) in whole.vectors.iter().zip(&part.vectors).enumerate() {
            let (near, apart) = (i % 160 < 72, f32::hypot(a[0] - b[0], a[1] - b[1]));
            assert!(!near || apart < 0.05, "{a:?} {b:?} at {i}");
        }
        assert!(whole.vectors != part.vectors);
        let error = error(&part, |_, _| [6.0, 3.5]);
        assert!(error < 0.15, "{error}");
    }

    #[test]
    fn turning_and_growing_is_found_within_a_fifth_of_a_pixel() {
        let size = Size::new(160, 96);
        let moved = |x: f32, y: f32| {
            let (x, y) = (x - 80.0, y - 48.0);
            [0.04 * x - 0.05 * y, 0.05 * x + 0.04 * y]
        };
        // The other frame at x + moved(x) shows what this one shows at x: invert by iteration.
        let back = |x: f32, y: f32| {
            (0..20).fold([x, y], |at, _| {
                let vector = moved(at[0], at[1]);
                [x - vector[0], y - vector[1]]
            })
        };
        let from = Pyramid::new(&picture(size, texture));
        let to = Pyramid::new(&picture(size, |x, y| {
            let [x, y] = back(x, y);
            texture(x, y)
        }));
        let error = error(&between(&from, &to, None), moved);
        assert!(error < 0.2, "{error}");
    }

    #[test]
    fn a_flat_frame_does_not_move() {
        let size = Size::new(64, 40);
        let flat = Pyramid::new(&Plane::filled(size, 90.0));
        assert_eq!(between(&flat, &flat, None), Flow::still(size));
    }

    #[test]
    fn a_start_helps_where_the_way_is_far() {
        let size = Size::new(160, 96);
        let noise = Plane { size, values: (0..size.area()).map(|i| (i * 7919 % 256) as f32).collect() };
        let noise = gaussian_blur(&noise, 1.0);
        let shifted = picture(size, |x, y| noise.row(y as usize)[(x as usize + 160 - 30) % 160]);
        let start = Flow { size, vectors: vec![[29.0, 0.5]; size.area()] };
        let flow = between(&Pyramid::new(&noise), &Pyramid::new(&shifted), Some(&start));
        let right: Vec<_> = (0..size.area()).filter(|i| (40..110).contains(&(i % 160))).collect();
        let off = right.iter().filter(|&&i| (flow.vectors[i][0] - 30.0).abs() > 0.5).count();
        assert!(off * 20 < right.len(), "{off} of {}", right.len());
    }
}

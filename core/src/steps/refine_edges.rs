//! Edges at full resolution from a low-resolution matte.

mod tested;

use std::ops::Range;

use rayon::prelude::*;

use super::{
    guided_filter::{Coefficients, coefficients_where},
    planes::{Plane, between, box_mean, change_where_not_zero, reach, shrink_alpha, shrink_plane, shrink_rgb},
};
use crate::pixels::{Alpha, Rgb, Samples, Size};

/// Radius of the fine filter, as a share of the picture's diagonal; the coarse one is four times that.
const FINE_RADIUS: f32 = 0.004;
/// Cells that the fine radius spans on the grid where the filter is fitted.
const CELLS: f32 = 4.0;
/// Variance of the guide (channels 0 to 1) below which it counts as flat.
const EPSILON: f32 = 1e-4;
/// Mean of 4α(1 − α) around a place from which the coarse filter begins to take over, and where it has.
const SOFTNESS: (f32, f32) = (0.10, 0.30);
/// Share of the matte's variation that colours must explain for the filter to begin to count, and for it alone to
/// count: white on white, and spokes thinner than a window, are better left as the network saw them.
const EXPLAINED: (f32, f32) = (0.2, 0.5);
/// Values up to the first become 0, from the second 1: a filter leaves a faint veil on both sides.
const LEVELS: (f32, f32) = (0.05, 0.95);

/// Makes the matte follow the picture's edges: a colour guided filter whose radius grows where the matte is soft.
///
/// Fitted on a grid (He, Sun: Fast Guided Filter, 2015), applied at full resolution where the matte
/// varies and the fit agrees with what the network is sure of; elsewhere only the levels change it.
///
/// # Panics
/// When picture and matte differ in size.
pub fn refine(color: &Rgb, matte: &mut Alpha) {
    refine_where(color, matte, |_, _| true);
}

/// As [`refine`], where the matte is soft and so many pixels around; elsewhere it may but need not be refined.
///
/// # Panics
/// When picture and matte differ in size.
pub fn refine_soft(color: &Rgb, matte: &mut Alpha, soft: &Softness, around: usize) {
    refine_where(color, matte, |columns, rows| {
        let grown = |range: &Range<usize>| range.start.saturating_sub(around)..range.end + around;
        soft.touches(&grown(columns), &grown(rows))
    });
}

/// Refines parts of the picture that are needed, by their columns and rows of pixels.
fn refine_where(color: &Rgb, matte: &mut Alpha, is_needed: impl Fn(&Range<usize>, &Range<usize>) -> bool + Sync) {
    assert_eq!(color.size(), matte.size(), "picture and matte are of one size");
    let radius = FINE_RADIUS * color.size().diagonal();
    let block = ((radius / CELLS).round() as usize).max(1);
    let cells = ((radius / block as f32).round() as usize).max(1);
    let (_, guide) = shrink_rgb(color, block);
    let small = shrink_alpha(matte, block);
    // A pixel's model lies between those of its cell and the next ones, and these depend on others by their test.
    let reach = 1 + tested::reach(cells);
    let mut fitted = blend_by_softness(&guide, &small, cells, |columns, rows| {
        let pixels = |cells: &Range<usize>| cells.start.saturating_sub(reach) * block..(cells.end + reach) * block;
        is_needed(&pixels(columns), &pixels(rows))
    });
    tested::believe_less_where_wrong(&mut fitted, &guide, &small, cells);
    apply(color, matte, &fitted, block);
}

/// The fine model where the matte is crisp, the coarse one where it is soft, on the fine grid.
fn blend_by_softness(
    guide: &[[f32; 3]],
    matte: &Plane,
    radius: usize,
    is_needed: impl Fn(&Range<usize>, &Range<usize>) -> bool + Sync,
) -> Coefficients {
    const STEP: usize = 4;
    let mut fine = coefficients_where(guide, matte, radius, EPSILON, &is_needed);
    let small = shrink_plane(matte, STEP);
    let coarse_guide = shrink_guide(guide, matte, STEP);
    let coarse = coefficients_where(&coarse_guide, &small, radius, EPSILON, |columns, rows| {
        let cells = |range: &Range<usize>| range.start.saturating_sub(1) * STEP..(range.end + 1) * STEP;
        is_needed(&cells(columns), &cells(rows))
    });
    let soft = Plane { size: matte.size, values: matte.values.iter().map(|&a| 4.0 * a * (1.0 - a)).collect() };
    let soft = box_mean(&shrink_plane(&soft, STEP), radius);

    let (width, columns, rows) = (fine.size.width as usize, soft.size.width as usize, soft.size.height as usize);
    let shares: Vec<f32> = (0..width).map(|x| between(x, STEP, columns).2).collect();
    let fine_rows = fine.values.par_chunks_mut(width).zip(fine.active.par_chunks_mut(width));
    fine_rows.enumerate().for_each(|(y, (models, active))| {
        let (top, bottom, down) = between(y, STEP, rows);
        for column in 0..columns {
            let next = (column + 1).min(columns - 1);
            let corners =
                [top * columns + column, top * columns + next, bottom * columns + column, bottom * columns + next];
            // What lies between crisp places is crisp.
            if corners.iter().all(|&corner| soft.values[corner] < SOFTNESS.0) {
                continue;
            }
            let is_active = corners.iter().any(|&corner| coarse.active[corner]);
            for x in reach(column, STEP, columns, width) {
                let across = shares[x];
                let shares =
                    [(1.0 - down) * (1.0 - across), (1.0 - down) * across, down * (1.0 - across), down * across];
                let softness: f32 = corners.iter().zip(shares).map(|(&i, share)| soft.values[i] * share).sum();
                let weight = smooth_step(softness, SOFTNESS);
                if weight > 0.0 {
                    for (k, value) in models[x].iter_mut().enumerate() {
                        let wide: f32 = corners.iter().zip(shares).map(|(&i, share)| coarse.values[i][k] * share).sum();
                        *value += weight * (wide - *value);
                    }
                    active[x] |= is_active;
                }
            }
        }
    });
    fine
}

/// Between two values, linear.
fn mixed(from: f32, to: f32, share: f32) -> f32 {
    from + share * (to - from)
}

fn mixed_models(from: &[f32; 4], to: &[f32; 4], share: f32) -> [f32; 4] {
    std::array::from_fn(|k| mixed(from[k], to[k], share))
}

/// Where a matte as a network gave it is soft, on a grid.
pub struct Softness {
    size: Size,
    /// 0 where it is crisp, 1 where it is soft.
    weights: Plane,
    block: usize,
}

impl Softness {
    /// Looks at a matte that was not refined yet: refining makes hair crisp.
    #[must_use]
    pub fn of(matte: &Alpha) -> Self {
        let block = (2.0 * FINE_RADIUS * matte.size().diagonal() / CELLS).round().max(1.0) as usize;
        let small = shrink_alpha(matte, block);
        let values = small.values.iter().map(|&alpha| 4.0 * alpha * (1.0 - alpha)).collect();
        let radius = (4.0 * FINE_RADIUS * matte.size().diagonal() / block as f32).round() as usize;
        let mut weights = box_mean(&Plane { size: small.size, values }, radius);
        weights.values.iter_mut().for_each(|value| *value = smooth_step(*value, SOFTNESS));
        Self { size: matte.size(), weights, block }
    }

    /// Nothing where the matte is crisp everywhere.
    #[must_use]
    pub fn anywhere(self) -> Option<Self> {
        self.weights.values.iter().any(|&weight| weight > 0.0).then_some(self)
    }

    /// Whether it is soft anywhere in these columns and rows of pixels.
    #[must_use]
    pub fn touches(&self, columns: &Range<usize>, rows: &Range<usize>) -> bool {
        let cells = |pixels: &Range<usize>, count: u32| {
            (pixels.start / self.block).saturating_sub(1)..(pixels.end.div_ceil(self.block) + 1).min(count as usize)
        };
        let columns = cells(columns, self.weights.size.width);
        let mut rows = cells(rows, self.weights.size.height);
        rows.any(|row| self.weights.row(row)[columns.clone()].iter().any(|&weight| weight > 0.0))
    }

    /// For every pixel 0 where it is crisp, 1 where it is soft.
    #[must_use]
    pub fn everywhere(&self) -> Alpha {
        let mut all = Alpha::filled(self.size, 0.0);
        change_where_not_zero(&mut all, &self.weights, self.block, |value, _, soft| *value = soft);
        all
    }

    /// Takes over what `other` found where it is soft, and leaves `matte` where it is crisp.
    ///
    /// # Panics
    /// When the mattes differ in size.
    pub fn take_over(&self, matte: &mut Alpha, other: &Alpha) {
        assert_eq!(matte.size(), other.size(), "both mattes are of one size");
        change_where_not_zero(matte, &self.weights, self.block, |value, index, soft| {
            *value += soft * (other.values()[index] - *value);
        });
    }
}

fn shrink_guide(guide: &[[f32; 3]], like: &Plane, step: usize) -> Vec<[f32; 3]> {
    let channel = |c: usize| {
        let values = guide.iter().map(|color| color[c]).collect();
        shrink_plane(&Plane { size: like.size, values }, step).values
    };
    let (red, green, blue) = (channel(0), channel(1), channel(2));
    red.iter().zip(green).zip(blue).map(|((&r, g), b)| [r, g, b]).collect()
}

/// From 0 at the first of two values to 1 at the second.
pub(super) fn smooth_step(value: f32, (low, high): (f32, f32)) -> f32 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Evaluates the models at full resolution in the active cells, and levels everything.
fn apply(color: &Rgb, matte: &mut Alpha, fitted: &Coefficients, block: usize) {
    match color.samples() {
        Samples::Eight(samples) => apply_to(samples, 1.0 / 255.0, matte, fitted, block),
        Samples::Sixteen(samples) => apply_to(samples, 1.0 / 65535.0, matte, fitted, block),
    }
}

/// As [`apply`], for samples that are 0 to 1 when multiplied by `unit`.
fn apply_to<Sample: Copy + Into<f32> + Sync>(
    samples: &[Sample],
    unit: f32,
    matte: &mut Alpha,
    fitted: &Coefficients,
    block: usize,
) {
    let width = matte.size().width as usize;
    let (columns, rows) = (fitted.size.width as usize, fitted.size.height as usize);
    let shares: Vec<f32> = (0..width).map(|x| between(x, block, columns).2).collect();
    let colors = samples.as_chunks::<3>().0.par_chunks(width);
    matte.values_mut().par_chunks_mut(width).zip(colors).enumerate().for_each(|(y, (values, colors))| {
        let (top, bottom, down) = between(y, block, rows);
        let cells = |column: usize| [top * columns + column, bottom * columns + column];
        let is_active = |column: usize| cells(column).iter().any(|&cell| fitted.active[cell]);
        let model = |column: usize| {
            let [upper, lower] = cells(column);
            let trust = mixed(fitted.explained[upper], fitted.explained[lower], down);
            let [red, green, blue, offset] = mixed_models(&fitted.values[upper], &fitted.values[lower], down);
            ([red * unit, green * unit, blue * unit, offset], smooth_step(trust, EXPLAINED))
        };
        for column in 0..columns {
            let next = (column + 1).min(columns - 1);
            if !is_active(column) && !is_active(next) {
                continue;
            }
            let ((first, left), (second, right)) = (model(column), model(next));
            let pixels = reach(column, block, columns, width);
            let seen = colors[pixels.clone()].iter().zip(&shares[pixels.clone()]);
            for (value, (&[red, green, blue], &share)) in values[pixels].iter_mut().zip(seen) {
                let model = mixed_models(&first, &second, share);
                let filtered = model[0] * red.into() + model[1] * green.into() + model[2] * blue.into() + model[3];
                *value = mixed(*value, filtered, mixed(left, right, share));
            }
        }
        values.iter_mut().for_each(|value| *value = level(*value));
    });
}

fn level(value: f32) -> f32 {
    ((value - LEVELS.0) / (LEVELS.1 - LEVELS.0)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        files::{self, ReadOptions},
        steps::planes::gaussian_blur,
    };
    use std::path::Path;

    /// A picture whose left half is dark and whose right half is bright, and a matte that is a pixel off and blurred, as an enlarged one is.
    fn edge(size: Size, at: u32) -> (Rgb, Alpha, Alpha) {
        let columns = |from: u32| (0..size.area()).map(move |i| if i as u32 % size.width >= from { 1.0 } else { 0.0 });
        let samples = columns(at).flat_map(|v: f32| [(v * 200.0) as u8 + 20; 3]).collect();
        let truth = Alpha::new(size, columns(at).collect());
        let blurred = gaussian_blur(&Plane { size, values: columns(at + 1).collect() }, 2.0);
        (Rgb::new(size, Samples::Eight(samples)), Alpha::new(size, blurred.values), truth)
    }

    #[test]
    fn a_blurred_edge_snaps_to_the_pictures() {
        let size = Size::new(400, 300);
        let (color, mut matte, truth) = edge(size, 200);
        let error = |matte: &Alpha| -> f32 {
            matte.values().iter().zip(truth.values()).map(|(a, b)| (a - b).abs()).sum::<f32>()
        };
        let before = error(&matte);
        refine(&color, &mut matte);
        assert!(error(&matte) < before * 0.5, "{} of {before}", error(&matte));
    }

    #[test]
    fn rows_of_a_grey_picture_that_are_alike_stay_alike() {
        let size = Size::new(400, 300);
        let (color, mut matte, _) = edge(size, 200);
        refine(&color, &mut matte);
        let first = &matte.values()[..400];
        for row in matte.values().chunks_exact(400) {
            assert!(row.iter().zip(first).all(|(value, first)| (value - first).abs() < 1e-3));
        }
    }

    #[test]
    fn roundings_of_the_matte_stay_roundings() {
        let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
        let color = files::read(&testdata.join("scenes/fox.jpg"), &ReadOptions::default()).unwrap().color;
        let mut matte = files::read_matte(&testdata.join("goldens/fox.png"), &ReadOptions::default()).unwrap();
        let rounded =
            |(at, value): (usize, &f32)| (value * (1.0 + ((at * 7919 % 1009) as f32 - 504.0) * 2e-9)).min(1.0);
        let mut other = Alpha::new(matte.size(), matte.values().iter().enumerate().map(rounded).collect());
        refine(&color, &mut matte);
        refine(&color, &mut other);
        let far = matte.values().iter().zip(other.values()).map(|(one, other)| (one - other).abs());
        assert!(far.clone().fold(0.0, f32::max) < 1.0 / 255.0, "{}", far.fold(0.0, f32::max));
    }

    #[test]
    fn an_empty_and_a_full_matte_stay_what_they_are() {
        let size = Size::new(64, 48);
        let (color, ..) = edge(size, 20);
        for value in [0.0, 1.0] {
            let mut matte = Alpha::filled(size, value);
            refine(&color, &mut matte);
            assert!(matte.values().iter().all(|&got| got == value));
        }
    }

    #[test]
    fn another_matte_is_taken_over_where_this_one_is_soft() {
        let size = Size::new(400, 200);
        // Crisp at the top, soft at the bottom.
        let value = |i: usize| if i / 400 < 100 { if i % 400 < 200 { 1.0 } else { 0.0 } } else { 0.5 };
        let mut matte = Alpha::new(size, (0..size.area()).map(value).collect());
        Softness::of(&matte).take_over(&mut matte, &Alpha::filled(size, 0.25));
        let at = |x: usize, y: usize| matte.values()[y * 400 + x];
        assert_eq!((at(100, 20), at(300, 20), at(200, 180)), (1.0, 0.0, 0.25));
    }

    #[test]
    fn refining_what_is_soft_alone_gives_the_same_there() {
        let size = Size::new(1200, 300);
        let samples = (0..size.area() * 3).map(|i| (i * 31 % 251) as u8).collect();
        let color = Rgb::new(size, Samples::Eight(samples));
        // A crisp edge on the left, a soft one on the right.
        let ramp = |x: f32, middle: f32, width: f32| ((x - middle) / width + 0.5).clamp(0.0, 1.0);
        let alpha = |x: f32| if x < 600.0 { ramp(x, 200.0, 3.0) } else { ramp(x, 900.0, -120.0) };
        let matte = Alpha::new(size, (0..size.area()).map(|i| alpha((i % 1200) as f32)).collect());
        let soft = Softness::of(&matte);
        assert!(!soft.touches(&(0..400), &(0..300)) && soft.touches(&(880..900), &(10..20)));
        let (mut all, mut some) = (matte.clone(), matte.clone());
        refine(&color, &mut all);
        refine_soft(&color, &mut some, &soft, 20);
        let weights = soft.everywhere();
        assert!(all.values() != matte.values());
        for (index, (all, some)) in all.values().iter().zip(some.values()).enumerate() {
            let (x, y) = (index % 1200, index / 1200);
            if weights.values()[y * 1200 + x.saturating_sub(19)..y * 1200 + (x + 20).min(1200)].iter().any(|&w| w > 0.0)
            {
                assert!(all == some, "at {x},{y}: {some}, not {all}");
            }
        }
    }
}

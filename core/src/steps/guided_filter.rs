//! The colour guided filter (He, Sun, Tang: Guided Image Filtering, ECCV 2010), as coefficients on a small grid.

use std::ops::Range;

use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use super::planes::Plane;
use crate::pixels::Size;

/// For each cell the local linear model `alpha = a · colour + b` that follows the guide's edges.
#[derive(Debug, Clone)]
pub struct Coefficients {
    /// Width and height of the grid.
    pub size: Size,
    /// `[a red, a green, a blue, b]` for each cell, already averaged over the windows that contain it.
    pub values: Vec<[f32; 4]>,
    /// How much of the matte's variation around the cell the models explain, 0 to 1.
    pub explained: Vec<f32>,
    /// Whether the matte varies near the cell; where it does not, the model is a constant.
    pub active: Vec<bool>,
}

/// Cells on a side of the blocks that are fitted by themselves: small enough to stay in the processor's nearest memory, and
/// those where the matte is flat are passed over.
const BLOCK: usize = 32;
/// Differences of the matte up to which a block and its surroundings are flat: by them no window [varies](VARIES).
const FLAT: f32 = 0.001;

/// Fits the model over windows of `radius` cells; `epsilon` is the guide's variance below which it is taken for flat.
///
/// `guide` has one colour of 0 to 1 a cell, `matte` one alpha a cell.
#[must_use]
pub fn coefficients(guide: &[[f32; 3]], matte: &Plane, radius: usize, epsilon: f32) -> Coefficients {
    coefficients_where(guide, matte, radius, epsilon, |_, _| true)
}

/// As [`coefficients`], in blocks of cells that are needed, by their columns and rows; elsewhere the matte counts as flat.
#[must_use]
pub fn coefficients_where(
    guide: &[[f32; 3]],
    matte: &Plane,
    radius: usize,
    epsilon: f32,
    is_needed: impl Fn(&Range<usize>, &Range<usize>) -> bool + Sync,
) -> Coefficients {
    let size = matte.size;
    let (columns, rows) = (size.width as usize, size.height as usize);
    let fit = Fit { guide, matte, radius, epsilon };
    let across = columns.div_ceil(BLOCK);
    let blocks: Vec<(Area, Vec<[f32; 8]>)> = (0..across * rows.div_ceil(BLOCK))
        .into_par_iter()
        .filter_map(|index| {
            let (left, top) = (index % across * BLOCK, index / across * BLOCK);
            let block = Area { columns: left..(left + BLOCK).min(columns), rows: top..(top + BLOCK).min(rows) };
            let is_fitted = is_needed(&block.columns, &block.rows) && fit.varies(&block);
            is_fitted.then(|| (block.clone(), Arch::new().dispatch(Smoothed { fit: &fit, block: &block })))
        })
        .collect();
    let values = matte.values.iter().map(|&alpha| [0.0, 0.0, 0.0, alpha]).collect();
    let cells = size.area();
    let mut fitted = Coefficients { size, values, explained: vec![0.0; cells], active: vec![false; cells] };
    for (block, smoothed) in blocks {
        for (cell, numbers) in block.cells(columns).zip(smoothed) {
            let [red, green, blue, offset, varies, explained, ..] = numbers;
            fitted.values[cell] = [red, green, blue, offset];
            fitted.explained[cell] = explained / varies.max(ENOUGH);
            // Sums leave residues behind.
            fitted.active[cell] = varies > 1e-4;
        }
    }
    fitted
}

/// A rectangle of cells.
#[derive(Debug, Clone)]
struct Area {
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Area {
    /// With as many cells more on every side as there are.
    fn grown(&self, by: usize, size: Size) -> Self {
        let grown = |range: &Range<usize>, end: u32| range.start.saturating_sub(by)..(range.end + by).min(end as usize);
        Self { columns: grown(&self.columns, size.width), rows: grown(&self.rows, size.height) }
    }

    /// The indices of its cells on a grid of so many columns, row by row.
    fn cells(&self, columns: usize) -> impl Iterator<Item = usize> {
        let across = self.columns.clone();
        self.rows.clone().flat_map(move |row| across.clone().map(move |column| row * columns + column))
    }
}

/// What is fitted to what.
struct Fit<'a> {
    guide: &'a [[f32; 3]],
    matte: &'a Plane,
    radius: usize,
    epsilon: f32,
}

impl Fit<'_> {
    /// Whether the matte varies in any window that counts for the block.
    fn varies(&self, block: &Area) -> bool {
        let around = block.grown(2 * self.radius, self.matte.size);
        let row = |row: usize| &self.matte.row(row)[around.columns.clone()];
        let first = row(around.rows.start)[0];
        let differs =
            |values: &[f32]| values.iter().fold(false, |any, value| any | ((value - first).abs() > FLAT / 2.0));
        around.rows.clone().any(|at| differs(row(at)))
    }

    /// Of cells in a row, I (3), p, I·p (3), I·I (6) and p·p, in the paper's letters.
    #[inline(always)]
    fn products(&self, row: usize, columns: &Range<usize>, products: &mut Vec<[f32; 16]>) {
        let start = row * self.matte.size.width as usize;
        let cells = start + columns.start..start + columns.end;
        products.clear();
        for (&[r, g, b], &p) in self.guide[cells.clone()].iter().zip(&self.matte.values[cells]) {
            products.push([r, g, b, p, r * p, g * p, b * p, r * r, r * g, r * b, g * g, g * b, b * b, p * p, 0.0, 0.0]);
        }
    }
}

/// For each cell of the block the mean over its window of what the windows around it tell: `[a red, a green, a blue, b]`,
/// how many vary, how much they explain.
struct Smoothed<'a> {
    fit: &'a Fit<'a>,
    block: &'a Area,
}

impl NullaryFnOnce for Smoothed<'_> {
    type Output = Vec<[f32; 8]>;

    #[inline(always)]
    fn call(self) -> Vec<[f32; 8]> {
        let Self { fit, block } = self;
        let windows = block.grown(fit.radius, fit.matte.size);
        let around = windows.grown(fit.radius, fit.matte.size);
        let (mut products, mut across) = (Vec::new(), Vec::with_capacity(around.rows.len() * windows.columns.len()));
        for row in around.rows.clone() {
            fit.products(row, &around.columns, &mut products);
            sums_across(&products, &around.columns, &windows.columns, fit.radius, &mut across);
        }
        let means = means_down(&across, &around, &windows, fit.radius);
        let mut row_told = Vec::with_capacity(windows.columns.len());
        let mut across = Vec::with_capacity(windows.rows.len() * block.columns.len());
        for row in means.chunks_exact(windows.columns.len()) {
            row_told.clear();
            for mean in row {
                row_told.push(told(mean, fit.epsilon));
            }
            sums_across(&row_told, &windows.columns, &block.columns, fit.radius, &mut across);
        }
        means_down(&across, &windows, block, fit.radius)
    }
}

// Loops, not iterators with closures: those are compiled without the processor's wide registers where they do not become part
// of the function that calls them.

/// Appends the sums of a row's values over windows around the places of `inner`; `values` are for those of `outer`.
#[inline(always)]
fn sums_across<const N: usize>(
    values: &[[f32; N]],
    outer: &Range<usize>,
    inner: &Range<usize>,
    radius: usize,
    across: &mut Vec<[f32; N]>,
) {
    let (mut sums, mut seen) = ([0.0; N], None);
    for at in inner.clone() {
        let window = window(at, outer, radius);
        let (entering, leaving) = moved(&mut seen, &window);
        for at in entering {
            add(&mut sums, &values[at], 1.0);
        }
        for at in leaving {
            add(&mut sums, &values[at], -1.0);
        }
        across.push(sums);
    }
}

/// The means over windows around the cells of `inner`, from the [sums across](sums_across) of rows of `outer`.
///
/// Sums are scaled here only: those of whole numbers are exact, and what left them leaves nothing behind.
#[inline(always)]
fn means_down<const N: usize>(across: &[[f32; N]], outer: &Area, inner: &Area, radius: usize) -> Vec<[f32; N]> {
    let columns = inner.columns.len();
    let wide: Vec<usize> = inner.columns.clone().map(|at| window(at, &outer.columns, radius).len()).collect();
    let (mut sums, mut seen) = (vec![[0.0; N]; columns], None);
    let mut means = Vec::with_capacity(inner.rows.len() * columns);
    for at in inner.rows.clone() {
        let window = window(at, &outer.rows, radius);
        let (entering, leaving) = moved(&mut seen, &window);
        for (rows, sign) in [(entering, 1.0), (leaving, -1.0)] {
            for at in rows {
                let row = across[at * columns..][..columns].as_flattened();
                for (sum, value) in sums.as_flattened_mut().iter_mut().zip(row) {
                    *sum += sign * value;
                }
            }
        }
        for (sums, wide) in sums.iter().zip(&wide) {
            means.push(scaled(sums, 1.0 / (wide * window.len()) as f32));
        }
    }
    means
}

#[inline(always)]
fn scaled<const N: usize>(values: &[f32; N], by: f32) -> [f32; N] {
    let mut scaled = *values;
    for value in &mut scaled {
        *value *= by;
    }
    scaled
}

#[inline(always)]
fn add<const N: usize>(sums: &mut [f32; N], values: &[f32; N], sign: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += sign * value;
    }
}

/// What enters and what leaves when a window moves on by at most one place; at first, all enters.
#[inline(always)]
fn moved(seen: &mut Option<Range<usize>>, window: &Range<usize>) -> (Range<usize>, Range<usize>) {
    let before = seen.replace(window.clone()).unwrap_or(window.start..window.start);
    (before.end..window.end, before.start..window.start)
}

/// From the first to behind the last in the window around a place, counted from the beginning of `outer`.
#[inline(always)]
fn window(at: usize, outer: &Range<usize>, radius: usize) -> Range<usize> {
    at.saturating_sub(radius).max(outer.start) - outer.start..(at + radius + 1).min(outer.end) - outer.start
}

/// Variances of the matte from which it begins to count as varying, and from which it does. A step would let roundings decide
/// what is filtered.
const VARIES: (f32, f32) = (1e-5, 4e-5);
/// Share of the windows around a cell that must vary for what they explain to count in full.
const ENOUGH: f32 = 0.1;

/// What one window tells: `[a red, a green, a blue, b]`, how much the matte varies, 0 to 1, and that times the share of its
/// variance that the model explains.
#[inline(always)]
fn told(mean: &[f32; 16], epsilon: f32) -> [f32; 8] {
    let [r, g, b, p, rp, gp, bp, ..] = *mean;
    let [red, green, blue, offset] = model(mean, epsilon);
    let variance = mean[13] - p * p;
    if variance <= VARIES.0 {
        return [red, green, blue, offset, 0.0, 0.0, 0.0, 0.0];
    }
    let explained = (rp - r * p) * red + (gp - g * p) * green + (bp - b * p) * blue;
    let varies = ((variance - VARIES.0) / (VARIES.1 - VARIES.0)).min(1.0);
    [red, green, blue, offset, varies, varies * (explained / variance).clamp(0.0, 1.0), 0.0, 0.0]
}

/// The least-squares model of one window from its means: `a = (Σ + ε)⁻¹ cov(I, p)`, `b = p̄ − a · Ī`.
#[inline(always)]
fn model(mean: &[f32; 16], epsilon: f32) -> [f32; 4] {
    let [r, g, b, p, rp, gp, bp, rr, rg, rb, gg, gb, bb, ..] = *mean;
    let (srr, srg, srb) = (rr - r * r + epsilon, rg - r * g, rb - r * b);
    let (sgg, sgb, sbb) = (gg - g * g + epsilon, gb - g * b, bb - b * b + epsilon);
    let (cr, cg, cb) = (rp - r * p, gp - g * p, bp - b * p);
    // L D Lᵀ: by determinants, colours that vary along a line (grey ones, say) would lose all digits of single precision.
    let (lgr, lbr) = (srg / srr, srb / srr);
    let (dgg, dgb) = (sgg - lgr * srg, sgb - lgr * srb);
    let lbg = dgb / dgg;
    let dbb = sbb - lbr * srb - lbg * dgb;
    if srr.min(dgg).min(dbb) <= 0.0 {
        return [0.0, 0.0, 0.0, p];
    }
    let yg = cg - lgr * cr;
    let ab = (cb - lbr * cr - lbg * yg) / dbb;
    let ag = yg / dgg - lbg * ab;
    let ar = cr / srr - lgr * ag - lbr * ab;
    [ar, ag, ab, p - ar * r - ag * g - ab * b]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matte_that_is_linear_in_colour_is_found_again() {
        let size = Size::new(16, 16);
        let guide: Vec<[f32; 3]> =
            (0..256).map(|i| [(i % 16) as f32 / 16.0, (i / 16) as f32 / 16.0, ((i * 7) % 13) as f32 / 13.0]).collect();
        let values = guide.iter().map(|c| 0.5 * c[0] + 0.3 * c[1] + 0.1 * c[2] + 0.05).collect();
        let found = coefficients(&guide, &Plane { size, values }, 3, 1e-7);
        let [r, g, b, offset] = found.values[8 * 16 + 8];
        assert!(found.explained[8 * 16 + 8] > 0.99);
        for (got, expected) in [(r, 0.5), (g, 0.3), (b, 0.1), (offset, 0.05)] {
            assert!((got - expected).abs() < 1e-2, "{got} for {expected}");
        }
    }

    #[test]
    fn a_matte_that_the_guide_does_not_show_is_not_explained() {
        let size = Size::new(16, 16);
        let values = (0..256).map(|i| if i % 16 < 8 { 0.0 } else { 1.0 }).collect();
        let found = coefficients(&vec![[0.5; 3]; 256], &Plane { size, values }, 3, 1e-4);
        assert!(found.active[8 * 16 + 8] && found.explained[8 * 16 + 8] < 0.01);
    }

    #[test]
    fn a_flat_matte_is_nowhere_active() {
        let size = Size::new(8, 8);
        let guide = vec![[0.2, 0.4, 0.6]; 64];
        let found = coefficients(&guide, &Plane::filled(size, 0.7), 2, 1e-4);
        assert!(found.active.iter().all(|active| !active));
        assert!(found.values.iter().all(|model| (model[3] - 0.7).abs() < 1e-5));
    }
}

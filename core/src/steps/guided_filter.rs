//! The colour guided filter (He, Sun, Tang: Guided Image Filtering, ECCV 2010), as coefficients on a small grid.

use std::ops::Range;

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
    let size = matte.size;
    let (columns, rows) = (size.width as usize, size.height as usize);
    let fit = Fit { guide, matte, radius, epsilon };
    let across = columns.div_ceil(BLOCK);
    let blocks: Vec<(Area, Vec<[f32; 8]>)> = (0..across * rows.div_ceil(BLOCK))
        .into_par_iter()
        .filter_map(|index| {
            let (left, top) = (index % across * BLOCK, index / across * BLOCK);
            let block = Area { columns: left..(left + BLOCK).min(columns), rows: top..(top + BLOCK).min(rows) };
            fit.varies(&block).then(|| (block.clone(), fit.smoothed(&block)))
        })
        .collect();
    let values = matte.values.iter().map(|&alpha| [0.0, 0.0, 0.0, alpha]).collect();
    let cells = size.area();
    let mut fitted = Coefficients { size, values, explained: vec![0.0; cells], active: vec![false; cells] };
    for (block, smoothed) in blocks {
        for (cell, numbers) in block.cells(columns).zip(smoothed) {
            let [red, green, blue, offset, varies, explained, ..] = numbers;
            fitted.values[cell] = [red, green, blue, offset];
            fitted.explained[cell] = explained / varies.max(1e-6);
            fitted.active[cell] = varies > 0.0;
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
        let first = self.matte.values[around.rows.start * self.matte.size.width as usize + around.columns.start];
        let (mut low, mut high) = (first, first);
        for row in around.rows {
            for &alpha in &self.matte.row(row)[around.columns.clone()] {
                (low, high) = (low.min(alpha), high.max(alpha));
            }
        }
        high - low > FLAT
    }

    /// For each cell of the block the mean over its window of what the windows around it tell: `[a red, a green, a blue, b]`,
    /// how many vary, how much they explain.
    fn smoothed(&self, block: &Area) -> Vec<[f32; 8]> {
        let (size, columns) = (self.matte.size, self.matte.size.width as usize);
        let windows = block.grown(self.radius, size);
        let around = windows.grown(self.radius, size);
        let products: Vec<[f32; 16]> = around.cells(columns).map(|cell| self.products(cell)).collect();
        let means = window_means(&products, &around, &windows, self.radius);
        let windows_told: Vec<[f32; 8]> =
            means.iter().map(|mean| Window::fitted(mean, self.epsilon).numbers()).collect();
        window_means(&windows_told, &windows, block, self.radius)
    }

    /// I (3), p, I·p (3), I·I (6) and p·p, in the paper's letters.
    fn products(&self, cell: usize) -> [f32; 16] {
        let ([r, g, b], p) = (self.guide[cell], self.matte.values[cell]);
        [r, g, b, p, r * p, g * p, b * p, r * r, r * g, r * b, g * g, g * b, b * b, p * p, 0.0, 0.0]
    }
}

/// The means over windows of `radius` around the cells of `inner`, of values for the cells of `outer`, which has all that of
/// these windows there is.
fn window_means<const N: usize>(values: &[[f32; N]], outer: &Area, inner: &Area, radius: usize) -> Vec<[f32; N]> {
    // From the first to behind the last in the window around a place, counted from the beginning of `outer`.
    let window = |at: usize, outer: &Range<usize>| {
        at.saturating_sub(radius).max(outer.start) - outer.start..(at + radius + 1).min(outer.end) - outer.start
    };
    let (width, columns) = (outer.columns.len(), inner.columns.len());
    let mut across = Vec::with_capacity(outer.rows.len() * columns);
    for row in values.chunks_exact(width) {
        across.extend(sliding(inner.columns.clone().map(|at| window(at, &outer.columns)), |at| &row[at]));
    }
    let mut means = vec![[0.0; N]; inner.rows.len() * columns];
    for x in 0..columns {
        let place = |at: usize| &across[at * columns + x];
        let wide = window(inner.columns.start + x, &outer.columns).len();
        let tall = inner.rows.clone().map(|at| window(at, &outer.rows));
        for (y, (sum, rows)) in sliding(tall.clone(), place).zip(tall).enumerate() {
            let share = 1.0 / (wide * rows.len()) as f32;
            means[y * columns + x] = sum.map(|sum| sum * share);
        }
    }
    means
}

/// The sums over windows that move on by at most one place.
fn sliding<'a, const N: usize>(
    windows: impl Iterator<Item = Range<usize>>,
    value: impl Fn(usize) -> &'a [f32; N],
) -> impl Iterator<Item = [f32; N]> {
    let (mut sum, mut have) = ([0.0; N], 0..0);
    windows.map(move |window| {
        if have.is_empty() {
            have = window.start..window.start;
        }
        for at in have.end..window.end {
            sum.iter_mut().zip(value(at)).for_each(|(sum, value)| *sum += value);
        }
        for at in have.start..window.start {
            sum.iter_mut().zip(value(at)).for_each(|(sum, value)| *sum -= value);
        }
        have = window;
        sum
    })
}

/// Variance of the matte from which it counts as varying.
const VARIES: f32 = 1e-5;

/// What one window tells.
struct Window {
    model: [f32; 4],
    /// 1 where the matte varies, else 0.
    varies: f32,
    /// The share of its variance that the model explains; 0 where it does not vary.
    explained: f32,
}

impl Window {
    fn fitted(mean: &[f32; 16], epsilon: f32) -> Self {
        let [r, g, b, p, rp, gp, bp, ..] = *mean;
        let variance = mean[13] - p * p;
        let model = model(mean, epsilon);
        if variance <= VARIES {
            return Self { model, varies: 0.0, explained: 0.0 };
        }
        let covariance = [rp - r * p, gp - g * p, bp - b * p];
        let explained: f32 = covariance.iter().zip(&model).map(|(covariance, slope)| covariance * slope).sum();
        Self { model, varies: 1.0, explained: (explained / variance).clamp(0.0, 1.0) }
    }

    fn numbers(&self) -> [f32; 8] {
        let [red, green, blue, offset] = self.model;
        [red, green, blue, offset, self.varies, self.explained, 0.0, 0.0]
    }
}

/// The least-squares model of one window from its means: `a = (Σ + ε)⁻¹ cov(I, p)`, `b = p̄ − a · Ī`.
fn model(mean: &[f32; 16], epsilon: f32) -> [f32; 4] {
    let [r, g, b, p, rp, gp, bp, rr, rg, rb, gg, gb, bb, ..] = *mean;
    let (srr, srg, srb) = (rr - r * r + epsilon, rg - r * g, rb - r * b);
    let (sgg, sgb, sbb) = (gg - g * g + epsilon, gb - g * b, bb - b * b + epsilon);
    let (cr, cg, cb) = (rp - r * p, gp - g * p, bp - b * p);
    // Cofactors of the symmetric 3 × 3 matrix.
    let (irr, irg, irb) = (sgg * sbb - sgb * sgb, srb * sgb - srg * sbb, srg * sgb - srb * sgg);
    let (igg, igb, ibb) = (srr * sbb - srb * srb, srb * srg - srr * sgb, srr * sgg - srg * srg);
    let determinant = srr * irr + srg * irg + srb * irb;
    if determinant.abs() < 1e-20 {
        return [0.0, 0.0, 0.0, p];
    }
    let ar = (irr * cr + irg * cg + irb * cb) / determinant;
    let ag = (irg * cr + igg * cg + igb * cb) / determinant;
    let ab = (irb * cr + igb * cg + ibb * cb) / determinant;
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

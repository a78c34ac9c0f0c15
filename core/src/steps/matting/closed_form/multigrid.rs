//! The preconditioner: a W-cycle over ever coarser grids of [`Cells`], in each of which the correction is a linear
//! function of colour.
//!
//! That is what the matting equations leave almost free, and so what a search by single pixels finds last; a cell with
//! only one value of its own cannot express it (the idea of aggregation by near null spaces: Vaněk, Mandel, Brezina 1996).

use std::ops::Range;

use rayon::prelude::*;

use super::{
    band::Band,
    cells::{Cells, Model},
    stencil::{GRAIN, Stencil},
};

/// How much of the diagonal a smoothing step of the pixels takes.
const DAMPING: f32 = 0.6;
/// Side of the finest cells: twice halved.
const SIDE: usize = 4;

/// The grids below the pixels.
pub struct Multigrid {
    pixels: Pixels,
    levels: Vec<Level>,
}

/// How the pixels lie in the finest cells.
struct Pixels {
    /// The cell of each pixel.
    parents: Vec<u32>,
    /// Each pixel's colour, less its cell's mean.
    offsets: Vec<[f32; 3]>,
    /// The pixels of each cell, in each of its rows.
    members: Vec<[Range<u32>; SIDE]>,
}

/// A grid of cells, and how they lie in those of the next coarser one.
struct Level {
    cells: Cells,
    parents: Vec<u32>,
    /// Each cell's mean colour, less its parent's.
    offsets: Vec<[f32; 3]>,
}

impl Multigrid {
    /// The grids below `matrix`, for pixels of these colours.
    pub fn new(band: &Band, matrix: &Stencil, colors: &[[f32; 3]]) -> Self {
        let (half, to_half) = band.halved();
        let (mut grid, to_quarter) = half.halved();
        let parents: Vec<u32> = to_half.iter().map(|&cell| to_quarter[cell as usize]).collect();
        let (mut means, mut counts) = means(colors, &vec![1.0; colors.len()], &parents, grid.len());
        let pixels = Pixels {
            offsets: offsets(colors, &means, &parents),
            members: members(band, &parents, grid.len()),
            parents,
        };
        let mut cells = Cells::new(&grid, |number, x| pixels.blocks(matrix, &grid, number, x));
        let mut levels = Vec::new();
        while cells.len() > 1 {
            let (next, parents) = grid.halved();
            let (coarse, sums) = self::means(&means, &counts, &parents, next.len());
            let level = Level { cells, offsets: offsets(&means, &coarse, &parents), parents };
            cells = level.coarser(&grid, &next);
            levels.push(level);
            (grid, means, counts) = (next, coarse, sums);
        }
        levels.push(Level { cells, parents: Vec::new(), offsets: Vec::new() });
        Self { pixels, levels }
    }

    /// One cycle: an approximate solution of `matrix · x = residual`.
    pub fn apply(&self, matrix: &Stencil, residual: &[f32], out: &mut [f32]) {
        let inverse = &matrix.inverse_diagonal;
        let first = out.par_iter_mut().with_min_len(GRAIN).zip(inverse).zip(residual);
        first.for_each(|((out, inverse), residual)| *out = DAMPING * inverse * residual);
        let mut next = matrix.zeros();
        matrix.for_each(out, &mut next, |i, product, next| *next = residual[i] - product);
        let corrections = cycle(&self.levels, &self.pixels.sums(&next));
        let pixels = out.par_iter_mut().with_min_len(GRAIN).zip(&self.pixels.parents).zip(&self.pixels.offsets);
        pixels.for_each(|((out, &parent), offset)| *out += value(&corrections[parent as usize], offset));
        matrix.for_each(out, &mut next, |i, product, next| {
            *next = out[i] + DAMPING * inverse[i] * (residual[i] - product);
        });
        out.copy_from_slice(&next);
    }
}

/// An approximate solution of the first level's equations, by smoothing and two visits to the next.
fn cycle(levels: &[Level], wanted: &[Model]) -> Vec<Model> {
    let [level, below @ ..] = levels else { return Vec::new() };
    let Some(coarser) = below.first() else { return level.cells.solve_each(wanted) };
    let mut found = level.cells.begin(wanted);
    let sums = level.sums(&level.cells.residual(&found, wanted), coarser.cells.len());
    let mut corrections = cycle(below, &sums);
    // One visit leaves too much of what is smooth over many cells; the coarse grids are small enough for a second.
    if below.len() > 1 {
        let again = cycle(below, &coarser.cells.residual(&corrections, &sums));
        for (correction, again) in corrections.iter_mut().zip(again) {
            (0..4).for_each(|k| correction[k] += again[k]);
        }
    }
    level.add(&mut found, &corrections);
    level.cells.smooth(&found, wanted)
}

/// A cell's model at a colour so far from its mean.
#[inline]
fn value(model: &Model, offset: &[f32; 3]) -> f32 {
    model[0] + model[1] * offset[0] + model[2] * offset[1] + model[3] * offset[2]
}

impl Pixels {
    /// Pixels' values in terms of their cells' models.
    fn sums(&self, values: &[f32]) -> Vec<Model> {
        let one = |rows: &[Range<u32>; SIDE]| {
            let mut sum = [0.0; 4];
            for number in rows.iter().flat_map(|row| row.start as usize..row.end as usize) {
                let (value, offset) = (values[number], &self.offsets[number]);
                sum[0] += value;
                (0..3).for_each(|k| sum[k + 1] += value * offset[k]);
            }
            sum
        };
        self.members.par_iter().with_min_len(GRAIN / 16).map(one).collect()
    }

    /// Coefficients between the models of cell `number` at `(x, y)` and those of the 3 × 3 cells around it.
    fn blocks(&self, matrix: &Stencil, grid: &Band, number: usize, x: u32) -> [[[f64; 4]; 4]; 9] {
        let mut blocks = [[[0.0_f64; 4]; 4]; 9];
        for (line, members) in self.members[number].iter().enumerate() {
            for pixel in members.start as usize..members.end as usize {
                let mut rows = [[0.0_f64; 4]; 9];
                let (starts, values) = (&matrix.starts[pixel], &matrix.values[pixel]);
                for (k, &value) in values.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                    let other = starts[k / 5] as usize + k % 5;
                    let row = (SIDE + line + k / 5 - 2) / SIDE;
                    let column = (grid.columns[self.parents[other] as usize] + 1 - x) as usize;
                    let sum = &mut rows[row * 3 + column];
                    let (value, offset) = (f64::from(value), &self.offsets[other]);
                    sum[0] += value;
                    (0..3).for_each(|c| sum[c + 1] += value * f64::from(offset[c]));
                }
                let [red, green, blue] = self.offsets[pixel].map(f64::from);
                for (block, row) in blocks.iter_mut().zip(&rows).filter(|(_, row)| row[0] != 0.0 || row[1] != 0.0) {
                    for (column, value) in block.iter_mut().zip(row) {
                        let products = [*value, red * value, green * value, blue * value];
                        (0..4).for_each(|k| column[k] += products[k]);
                    }
                }
            }
        }
        blocks
    }
}

impl Level {
    /// Values of this grid's models in terms of their parents', of which there are `count`.
    fn sums(&self, models: &[Model], count: usize) -> Vec<Model> {
        let mut sums = vec![[0.0; 4]; count];
        for ((model, &parent), offset) in models.iter().zip(&self.parents).zip(&self.offsets) {
            let sum = &mut sums[parent as usize];
            (0..4).for_each(|k| sum[k] += model[k]);
            (0..3).for_each(|k| sum[k + 1] += model[0] * offset[k]);
        }
        sums
    }

    /// Adds the parents' models.
    fn add(&self, models: &mut [Model], corrections: &[Model]) {
        for ((model, &parent), offset) in models.iter_mut().zip(&self.parents).zip(&self.offsets) {
            let correction = &corrections[parent as usize];
            model[0] += value(correction, offset);
            (1..4).for_each(|k| model[k] += correction[k]);
        }
    }

    /// The matrix of the next coarser grid: coefficients between all pairs of cells of two of its cells, added up.
    fn coarser(&self, grid: &Band, next: &Band) -> Cells {
        let mut children = vec![Vec::new(); next.len()];
        let rows = (0..grid.size.height as usize).flat_map(|y| grid.numbers(y).map(move |number| (number, y)));
        for (number, y) in rows {
            children[self.parents[number] as usize].push((number, y));
        }
        Cells::new(next, |parent, x| {
            let mut blocks = [[[0.0_f64; 4]; 4]; 9];
            for &(child, y) in &children[parent] {
                for (k, (other, block)) in
                    self.cells.around(child).enumerate().filter(|(_, (_, block))| **block != [[0.0; 4]; 4])
                {
                    let row = (y + k / 3).div_ceil(2) - y / 2;
                    let column = (next.columns[self.parents[other] as usize] + 1 - x) as usize;
                    add_moved(&mut blocks[row * 3 + column], block, &self.offsets[child], &self.offsets[other]);
                }
            }
            blocks
        })
    }
}

/// Adds a block between two cells to that between their parents, whose means are elsewhere.
fn add_moved(sum: &mut [[f64; 4]; 4], block: &[[f32; 4]; 4], own: &[f32; 3], other: &[f32; 3]) {
    let mut moved = block.map(|column| column.map(f64::from));
    for column in &mut moved {
        let first = column[0];
        (0..3).for_each(|k| column[k + 1] += first * f64::from(own[k]));
    }
    let first = moved[0];
    for (k, &offset) in other.iter().enumerate() {
        (0..4).for_each(|row| moved[k + 1][row] += first[row] * f64::from(offset));
    }
    sum.iter_mut().zip(moved).for_each(|(sum, column)| (0..4).for_each(|k| sum[k] += column[k]));
}

/// The mean colour of each parent, and how many pixels it has.
fn means(colors: &[[f32; 3]], counts: &[f32], parents: &[u32], cells: usize) -> (Vec<[f32; 3]>, Vec<f32>) {
    let (mut means, mut sums) = (vec![[0.0; 3]; cells], vec![0.0; cells]);
    for ((color, &count), &parent) in colors.iter().zip(counts).zip(parents) {
        sums[parent as usize] += count;
        (0..3).for_each(|c| means[parent as usize][c] += count * color[c]);
    }
    means.iter_mut().zip(&sums).for_each(|(mean, &sum)| mean.iter_mut().for_each(|value| *value /= sum));
    (means, sums)
}

/// Colours less their parents' means.
fn offsets(colors: &[[f32; 3]], means: &[[f32; 3]], parents: &[u32]) -> Vec<[f32; 3]> {
    let one = |(color, &parent): (&[f32; 3], &u32)| std::array::from_fn(|c| color[c] - means[parent as usize][c]);
    colors.par_iter().zip(parents).with_min_len(GRAIN).map(one).collect()
}

/// The pixels of each cell, in each of its rows.
fn members(band: &Band, parents: &[u32], cells: usize) -> Vec<[Range<u32>; SIDE]> {
    let mut members = vec![[const { 0..0 }; SIDE]; cells];
    for y in 0..band.size.height as usize {
        for number in band.numbers(y) {
            let row = &mut members[parents[number] as usize][y % SIDE];
            let first = if row.start == row.end { number as u32 } else { row.start };
            *row = first..number as u32 + 1;
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pixels::Size,
        steps::matting::closed_form::{conjugate_gradient, laplacian, laplacian::Guide},
    };

    /// Two colours that mix along wavy lines, with some grain.
    fn colors(size: Size) -> Vec<[f32; 3]> {
        let one = |i: usize| {
            let (x, y) = ((i as u32 % size.width) as f32, (i as u32 / size.width) as f32);
            let mix = 0.5 + 0.4 * (x / 7.0 + (y / 5.0).sin()).sin();
            [0.0, 1.0, 2.0].map(|c| mix * (0.9 - 0.3 * c) + 0.1 * c + 0.02 * (x * (3.1 + c) + y * 1.7).sin())
        };
        (0..size.area()).map(one).collect()
    }

    fn equations(size: Size) -> (Band, Stencil, Multigrid) {
        let colors = colors(size);
        let band = Band::new(size, |i| !i.is_multiple_of(size.width as usize) && !i.is_multiple_of(31));
        let mut squares = laplacian::rows(&Guide::Shrunk(&colors), &band, 1e-7);
        squares.iter_mut().for_each(|square| square[12] += 1e-4);
        let matrix = Stencil::pack(&band, squares);
        let unknown: Vec<[f32; 3]> = band.indices().map(|index| colors[index]).collect();
        let grids = Multigrid::new(&band, &matrix, &unknown);
        (band, matrix, grids)
    }

    /// `x · matrix · x`.
    fn energy(cells: &Cells, models: &[Model]) -> f64 {
        let products = cells.residual(models, &vec![[0.0; 4]; cells.len()]);
        let pairs = models.as_flattened().iter().zip(products.as_flattened());
        -pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
    }

    #[test]
    fn a_coarse_grid_gives_models_the_energy_of_the_pixels_they_describe() {
        let (band, matrix, grids) = equations(Size::new(45, 38));
        for (depth, level) in grids.levels.iter().enumerate() {
            let coarse: Vec<Model> = (0..level.cells.len())
                .map(|i| [0.3, 1.0, -2.0, 0.7].map(|weight| weight * (1.0 + (i * 37 % 11) as f32)))
                .collect();
            let expected = energy(&level.cells, &coarse);
            let mut models = coarse;
            for finer in grids.levels[..depth].iter().rev() {
                let mut down = vec![[0.0; 4]; finer.cells.len()];
                finer.add(&mut down, &models);
                models = down;
            }
            let mut alpha = matrix.zeros();
            for (number, value_at) in alpha.iter_mut().take(band.len()).enumerate() {
                *value_at = value(&models[grids.pixels.parents[number] as usize], &grids.pixels.offsets[number]);
            }
            let got: f64 = (0..band.len()).map(|i| f64::from(alpha[i] * matrix.row_times(i, &alpha))).sum();
            assert!((got - expected).abs() < 1e-3 * expected.abs(), "{depth}: {got} {expected}");
        }
    }

    #[test]
    fn a_few_steps_lead_to_the_end() {
        for size in [Size::new(60, 50), Size::new(240, 200)] {
            let (band, matrix, grids) = equations(size);
            let mut found = matrix.zeros();
            let mut residual = matrix.zeros();
            (0..band.len()).for_each(|i| residual[i] = (i * 7919 % 13) as f32 / 13.0 - 0.5);
            let solved = conjugate_gradient::solve(&matrix, &mut found, &mut residual, 1e-5, 300, |residual, out| {
                grids.apply(&matrix, residual, out);
            });
            assert!(solved.steps < 40, "{size}: {solved:?}");
        }
    }
}

//! The preconditioner: a V-cycle over ever coarser grids, whose cells join 2 × 2 unknowns.

use rayon::prelude::*;

use super::{
    band::Band,
    stencil::{GRAIN, Stencil},
};

/// A grid of no more unknowns is only smoothed.
const COARSEST: usize = 64;
/// Smoothing steps on the coarsest grid.
const LAST_STEPS: usize = 32;
/// How much of the diagonal a smoothing step takes.
const DAMPING: f32 = 0.6;
/// Piecewise constant corrections fall short; this makes up for it (Braess 1995).
const OVER_CORRECTION: f32 = 1.6;

/// The grids below the finest.
pub struct Multigrid {
    levels: Vec<Level>,
    parents: Vec<u32>,
}

/// A coarse grid, and the cell of the next coarser one for each of its own.
struct Level {
    matrix: Stencil<3, 9>,
    parents: Vec<u32>,
}

impl Multigrid {
    /// The grids below `matrix`.
    pub fn new(band: &Band, matrix: &Stencil<5, 25>) -> Self {
        let (mut coarse, parents) = band.halved();
        let mut sums = gather(band, matrix, &coarse, &parents);
        let mut levels = Vec::new();
        loop {
            let matrix = Stencil::pack(&coarse, sums);
            let (next, onward) = coarse.halved();
            sums = gather(&coarse, &matrix, &next, &onward);
            levels.push(Level { matrix, parents: onward });
            if coarse.len() <= COARSEST {
                return Self { levels, parents };
            }
            coarse = next;
        }
    }

    /// One V-cycle: an approximate solution of `matrix · x = residual`.
    pub fn apply(&self, matrix: &Stencil<5, 25>, residual: &[f32], out: &mut [f32]) {
        cycle(matrix, &self.parents, &self.levels, residual, out);
    }
}

fn cycle<const R: usize, const N: usize>(
    matrix: &Stencil<R, N>,
    parents: &[u32],
    below: &[Level],
    residual: &[f32],
    out: &mut [f32],
) {
    let mut next = matrix.zeros();
    let inverse = &matrix.inverse_diagonal;
    let smooth = |x: &[f32], next: &mut [f32]| {
        matrix.for_each(x, next, |i, product, next| *next = x[i] + DAMPING * inverse[i] * (residual[i] - product));
    };
    let first = out.par_iter_mut().with_min_len(GRAIN).zip(inverse).zip(residual);
    first.for_each(|((out, inverse), residual)| *out = DAMPING * inverse * residual);
    let Some((level, rest)) = below.split_first() else {
        for _ in 0..LAST_STEPS {
            smooth(out, &mut next);
            out.copy_from_slice(&next);
        }
        return;
    };
    matrix.for_each(out, &mut next, |i, product, next| *next = residual[i] - product);
    let mut sums = level.matrix.zeros();
    next.iter().zip(parents).for_each(|(value, &parent)| sums[parent as usize] += value);
    let mut correction = level.matrix.zeros();
    cycle(&level.matrix, &level.parents, rest, &sums, &mut correction);
    out.iter_mut().zip(parents).for_each(|(out, &parent)| *out += OVER_CORRECTION * correction[parent as usize]);
    smooth(out, &mut next);
    out.copy_from_slice(&next);
}

/// The coarse matrix: coefficients between all pairs of unknowns of two cells, added up.
fn gather<const R: usize, const N: usize>(
    band: &Band,
    matrix: &Stencil<R, N>,
    coarse: &Band,
    parents: &[u32],
) -> Vec<[f32; 9]> {
    let mut sums = vec![[0.0_f32; 9]; coarse.len()];
    for y in 0..band.size.height as usize {
        for (&x, number) in band.row(y as isize).iter().zip(band.numbers(y)) {
            let cell = &mut sums[parents[number] as usize];
            let (starts, values) = (&matrix.starts[number], &matrix.values[number]);
            for (k, &value) in values.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                let parent = parents[starts[k / R] as usize + k % R] as usize;
                let row = (y + k / R + 2 - R / 2) / 2 - y / 2;
                let column = coarse.columns[parent] + 1 - x / 2;
                cell[row * 3 + column as usize] += value;
            }
        }
    }
    sums
}

//! Conjugate gradients with a preconditioner.

use rayon::prelude::*;

use super::stencil::{GRAIN, Stencil};

/// How a system was solved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solved {
    /// Steps taken.
    pub steps: usize,
    /// Length of what remains of the right side, divided by its length at the start.
    pub residual: f64,
}

/// Improves `x` until the residual has fallen to `tolerance` of what it was, or `most` steps were taken.
///
/// `residual` is `right side − matrix · x` and is used up. `precondition(residual, out)` solves approximately.
pub fn solve(
    matrix: &Stencil,
    x: &mut [f32],
    residual: &mut [f32],
    tolerance: f64,
    most: usize,
    precondition: impl Fn(&[f32], &mut [f32]),
) -> Solved {
    let count = matrix.len();
    let (mut preconditioned, mut product) = (matrix.zeros(), matrix.zeros());
    precondition(residual, &mut preconditioned);
    let mut direction = preconditioned.clone();
    direction[count..].fill(0.0);
    let mut energy = dot(&residual[..count], &preconditioned);
    let start = dot(&residual[..count], residual).sqrt();
    let mut length = start;
    let mut steps = 0;
    while steps < most && length > tolerance * start && energy > 0.0 {
        matrix.for_each(&direction, &mut product, |_, product, out| *out = product);
        let step = (energy / dot(&direction[..count], &product)) as f32;
        add(&mut x[..count], step, &direction);
        add(&mut residual[..count], -step, &product);
        precondition(residual, &mut preconditioned);
        let next = dot(&residual[..count], &preconditioned);
        let share = (next / energy) as f32;
        energy = next;
        let pairs = direction[..count].par_iter_mut().with_min_len(GRAIN).zip(&preconditioned);
        pairs.for_each(|(direction, fresh)| *direction = fresh + share * *direction);
        length = dot(&residual[..count], residual).sqrt();
        steps += 1;
    }
    Solved { steps, residual: if start > 0.0 { length / start } else { 0.0 } }
}

/// In `f64`, summed in pieces of one size, so that the number of threads changes nothing.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let part = |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let parts: Vec<f64> = a.par_chunks(GRAIN).zip(b[..a.len()].par_chunks(GRAIN)).map(part).collect();
    parts.iter().sum()
}

fn add(target: &mut [f32], factor: f32, other: &[f32]) {
    target.par_iter_mut().with_min_len(GRAIN).zip(other).for_each(|(target, other)| *target += factor * other);
}

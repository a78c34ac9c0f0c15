//! What the user may do to a matte's edges.

use std::collections::VecDeque;

use rayon::prelude::*;

use super::{
    planes::{Plane, gaussian_blur},
    solid,
};
use crate::{options::Edges, pixels::Alpha};

/// Does to the edge what the user asked for: threshold, then grow, then feather.
pub fn adjust(matte: &mut Alpha, edges: &Edges) {
    if edges.solid {
        solid::fill(matte);
    }
    if let Some(threshold) = edges.threshold {
        matte.values_mut().par_iter_mut().for_each(|value| *value = if *value >= threshold { 1.0 } else { 0.0 });
    }
    let diagonal = matte.size().diagonal();
    let grow = edges.grow.pixels(diagonal);
    if grow.abs() >= 0.01 {
        grow_by(matte, grow);
    }
    let feather = edges.feather.pixels(diagonal);
    if feather >= 0.3 {
        let plane = Plane { size: matte.size(), values: matte.values().to_vec() };
        *matte = Alpha::new(plane.size, gaussian_blur(&plane, feather).values);
    }
}

/// Multiplies the matte by what was transparent before.
pub fn multiply(matte: &mut Alpha, existing: &Alpha) {
    matte.values_mut().par_iter_mut().zip(existing.values()).for_each(|(value, &other)| *value *= other);
}

/// Grey dilation (`pixels` > 0) or erosion by a disc; a fraction of a pixel mixes the two nearest discs.
fn grow_by(matte: &mut Alpha, pixels: f32) {
    let flip = |matte: &mut Alpha| matte.values_mut().par_iter_mut().for_each(|value| *value = 1.0 - *value);
    if pixels < 0.0 {
        flip(matte);
    }
    let radius = pixels.abs();
    let (small, share) = (radius.floor(), radius.fract());
    let inner = dilate(matte, small as usize);
    if share > 0.0 {
        let outer = dilate(matte, small as usize + 1);
        let pairs = matte.values_mut().par_iter_mut().zip(inner).zip(outer);
        pairs.for_each(|((value, inner), outer)| *value = inner + share * (outer - inner));
    } else {
        matte.values_mut().copy_from_slice(&inner);
    }
    if pixels < 0.0 {
        flip(matte);
    }
}

/// The greatest value within `radius` pixels of each.
fn dilate(matte: &Alpha, radius: usize) -> Vec<f32> {
    let (width, height) = (matte.size().width as usize, matte.size().height as usize);
    let mut out = vec![0.0_f32; matte.values().len()];
    out.par_chunks_mut(width).enumerate().for_each(|(y, out)| {
        for row in y.saturating_sub(radius)..(y + radius + 1).min(height) {
            let distance = y.abs_diff(row) as f32;
            // Half a pixel more makes discs round instead of pointed at the four ends.
            let half = ((radius as f32 + 0.5).powi(2) - distance * distance).sqrt() as usize;
            raise_to_greatest(&matte.values()[row * width..(row + 1) * width], half.min(radius), out);
        }
    });
    out
}

/// Raises each of `out` to the greatest value within `half` columns, by a queue of falling values.
fn raise_to_greatest(row: &[f32], half: usize, out: &mut [f32]) {
    let mut falling = VecDeque::with_capacity(half * 2 + 2);
    for x in 0..row.len() + half {
        if let Some(&value) = row.get(x) {
            while falling.back().is_some_and(|&last: &usize| row[last] <= value) {
                falling.pop_back();
            }
            falling.push_back(x);
        }
        if x >= half {
            let center = x - half;
            while falling.front().is_some_and(|&first| first + half < center) {
                falling.pop_front();
            }
            if let Some(&first) = falling.front() {
                out[center] = out[center].max(row[first]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{options::Length, pixels::Size};

    #[test]
    fn growing_moves_the_edge_by_that_many_pixels() {
        let size = Size::new(41, 41);
        let mut dot = Alpha::filled(size, 0.0);
        dot.values_mut()[20 * 41 + 20] = 1.0;
        let mut grown = dot.clone();
        adjust(&mut grown, &Edges { refine: false, grow: Length::Pixels(5.0), ..Edges::default() });
        for y in 0..41_i32 {
            for x in 0..41_i32 {
                let distance = f32::hypot((x - 20) as f32, (y - 20) as f32);
                let inside = grown.values()[(y * 41 + x) as usize] > 0.5;
                assert!(inside == (distance <= 5.5) || (distance - 5.5).abs() < 0.6, "{x},{y}");
            }
        }
        let back = Edges { refine: false, grow: Length::Pixels(-5.0), ..Edges::default() };
        adjust(&mut grown, &back);
        assert!(grown.values()[20 * 41 + 20] == 1.0 && grown.values()[20 * 41 + 25] == 0.0);
    }

    #[test]
    fn threshold_makes_it_hard_and_feather_soft() {
        let size = Size::new(60, 10);
        let mut matte = Alpha::new(size, (0..600).map(|i| (i % 60) as f32 / 59.0).collect());
        adjust(&mut matte, &Edges { threshold: Some(0.25), ..Edges::default() });
        assert!(matte.values().iter().all(|&value| value == 0.0 || value == 1.0));
        adjust(&mut matte, &Edges { feather: Length::Pixels(2.0), ..Edges::default() });
        assert!(matte.values().iter().any(|&value| value > 0.2 && value < 0.8));
    }
}

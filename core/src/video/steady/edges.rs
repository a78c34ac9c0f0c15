//! Carried mattes brought back to their own frame's edges.

use rayon::prelude::*;

use crate::{
    pixels::{Alpha, Rgb},
    steps::{
        guided_filter::coefficients,
        planes::{between, shrink_alpha, shrink_rgb},
    },
};

/// Pixels along a side of the cells that the filter is fitted on.
const BLOCK: usize = 2;
/// Radius of the filter, as a share of the frame's diagonal.
const RADIUS: f32 = 0.004;
/// Variance of the guide (channels 0 to 1) below which it counts as flat.
const EPSILON: f32 = 1e-4;
/// Carrying blurs: values up to this become 0, those as near to 1 become 1.
const LEVEL: f32 = 0.15;

/// Fits the matte to the frame's colours by a guided filter where it varies, and sharpens it a little.
pub fn follow(frame: &Rgb, matte: &mut Alpha) {
    let (_, guide) = shrink_rgb(frame, BLOCK);
    let small = shrink_alpha(matte, BLOCK);
    let radius = (RADIUS * frame.size().diagonal() / BLOCK as f32).round().max(1.0) as usize;
    let fitted = coefficients(&guide, &small, radius, EPSILON);
    let (width, cells) = (frame.size().width as usize, fitted.size);
    matte.values_mut().par_chunks_mut(width).enumerate().for_each(|(y, row)| {
        let (top, bottom, down) = between(y, BLOCK, cells.height as usize);
        for (x, value) in row.iter_mut().enumerate() {
            let (left, right, across) = between(x, BLOCK, cells.width as usize);
            let corners = [(top, left), (top, right), (bottom, left), (bottom, right)]
                .map(|(row, column)| row * cells.width as usize + column);
            if corners.iter().any(|&corner| fitted.active[corner]) {
                let models = corners.map(|corner| fitted.values[corner]);
                let [red, green, blue] = frame.unit(y * width + x);
                let by = |[r, g, b, offset]: [f32; 4]| r * red + g * green + b * blue + offset;
                let [a, b, c, d] = models.map(by);
                let (above, below) = (a + across * (b - a), c + across * (d - c));
                *value = above + down * (below - above);
            }
            *value = ((*value - LEVEL) / (1.0 - 2.0 * LEVEL)).clamp(0.0, 1.0);
        }
    });
}

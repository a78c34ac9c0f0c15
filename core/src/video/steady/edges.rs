//! Carried mattes brought back to their own frame's edges.

use rayon::prelude::*;

use crate::{
    pixels::{Alpha, Rect, Rgb, Size},
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
/// Values no nearer than this to 0 and 1 are the matte's edge.
const EDGE: f32 = 0.01;

/// Fits the matte to the frame's colours by a guided filter around its edge, and sharpens it a little.
pub fn follow(frame: &Rgb, matte: &mut Alpha) {
    let radius = (RADIUS * frame.size().diagonal() / BLOCK as f32).round().max(1.0) as usize;
    // The filter reaches twice its radius; only the part of the frame that it can change is looked at.
    let part = around_edge(matte, (3 * radius * BLOCK) as u32);
    let Some(part) = part else {
        matte.values_mut().iter_mut().for_each(|value| *value = sharpened(*value));
        return;
    };
    let color = frame.part(part);
    let (_, guide) = shrink_rgb(&color, BLOCK);
    let fitted = coefficients(&guide, &shrink_alpha(&cut_out(matte, part), BLOCK), radius, EPSILON);
    let (width, cells) = (frame.size().width as usize, fitted.size);
    let (left, top, inside) = (part.left as usize, part.top as usize, part.size.width as usize);
    matte.values_mut().par_chunks_mut(width).enumerate().for_each(|(y, row)| {
        let Some(y) = y.checked_sub(top).filter(|y| *y < part.size.height as usize) else {
            return row.iter_mut().for_each(|value| *value = sharpened(*value));
        };
        let (above, below, down) = between(y, BLOCK, cells.height as usize);
        for (x, value) in row[left..left + inside].iter_mut().enumerate() {
            let (first, second, across) = between(x, BLOCK, cells.width as usize);
            let corners = [(above, first), (above, second), (below, first), (below, second)]
                .map(|(row, column)| row * cells.width as usize + column);
            if corners.iter().any(|&corner| fitted.active[corner]) {
                let [red, green, blue] = color.unit(y * inside + x);
                let [a, b, c, d] = corners.map(|corner| {
                    let [r, g, b, offset] = fitted.values[corner];
                    r * red + g * green + b * blue + offset
                });
                let (upper, lower) = (a + across * (b - a), c + across * (d - c));
                *value = upper + down * (lower - upper);
            }
        }
        row.iter_mut().for_each(|value| *value = sharpened(*value));
    });
}

fn sharpened(value: f32) -> f32 {
    ((value - LEVEL) / (1.0 - 2.0 * LEVEL)).clamp(0.0, 1.0)
}

/// The box of the matte's edge with a margin; `None` when it has none. A step from 0 to 1 between two pixels counts.
fn around_edge(matte: &Alpha, margin: u32) -> Option<Rect> {
    let Size { width, height } = matte.size();
    let (mut left, mut right, mut top, mut bottom) = (u32::MAX, 0, u32::MAX, 0);
    let rows = matte.values().chunks_exact(width as usize);
    let mut above: Option<&[f32]> = None;
    for (y, row) in (0..).zip(rows) {
        let is_edge = |x: usize| {
            let value = row[x];
            let steps = |other: f32| (other > 0.5) != (value > 0.5);
            (EDGE..=1.0 - EDGE).contains(&value) || x > 0 && steps(row[x - 1]) || above.is_some_and(|row| steps(row[x]))
        };
        if let Some(first) = (0..row.len()).find(|&x| is_edge(x)) {
            let last = (0..row.len()).rev().find(|&x| is_edge(x)).unwrap_or(first);
            (left, right) = (left.min(first as u32), right.max(last as u32));
            (top, bottom) = (top.min(y), y);
        }
        above = Some(row);
    }
    if left == u32::MAX {
        return None;
    }
    let (left, top) = (left.saturating_sub(margin), top.saturating_sub(margin));
    let (right, bottom) = ((right + 1 + margin).min(width), (bottom + 1 + margin).min(height));
    Some(Rect { left, top, size: Size::new(right - left, bottom - top) })
}

fn cut_out(matte: &Alpha, part: Rect) -> Alpha {
    let (left, width) = (part.left as usize, matte.size().width as usize);
    let rows = matte.values().chunks_exact(width).skip(part.top as usize).take(part.size.height as usize);
    let values = rows.flat_map(|row| &row[left..left + part.size.width as usize]).copied().collect();
    Alpha::new(part.size, values)
}

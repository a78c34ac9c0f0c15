//! Carrying mattes along motion, and how far the motion is to be believed.

use std::ops::BitOr;

use super::{flow::Flow, small::Small};
use crate::{
    pixels::{Alpha, Size},
    steps::planes::{Plane, between},
};

/// Colour differences (channels 0 to 1) from which motion is hardly believed any more.
const MISFIT: f32 = 0.06;
/// Radius in cells over which differences are averaged.
const RADIUS: usize = 2;
/// Cells between where one began and where going there and back ends, from which motion is hardly believed any more.
const ASTRAY: f32 = 1.0;

/// Motion followed by motion: from a frame over a second to a third. Where cells are named (`true`), the others' is only about
/// right.
#[must_use]
pub fn composed(first: &Flow, second: &Flow, cells: Option<&[bool]>) -> Flow {
    let width = first.size.width as usize;
    let vectors = first.vectors.iter().enumerate().map(|(index, [x, y])| {
        let [further_x, further_y] = if is_asked(cells, index) {
            second.at((index % width) as f32 + x, (index / width) as f32 + y)
        } else {
            second.vectors[index]
        };
        [x + further_x, y + further_y]
    });
    Flow { size: first.size, vectors: vectors.collect() }
}

/// How far the motion from `here` to `there` is to be believed in each cell, 0 to 1, by the colours at both ends.
/// Where cells are named (`true`), the others' is undefined.
#[must_use]
pub fn confidence(here: &Small, there: &Small, flow: &Flow, cells: Option<&[bool]>) -> Plane {
    let (width, height) = (flow.size.width as usize, flow.size.height as usize);
    let around = cells.map(|cells| grown(cells, flow.size, RADIUS));
    let differences = flow.vectors.iter().enumerate().map(|(index, [x, y])| {
        if around.as_ref().is_some_and(|around| !around[index]) {
            return 0.0;
        }
        let (x, y) = ((index % width) as f32 + x, (index / width) as f32 + y);
        let (x, y) = (x.clamp(0.0, (width - 1) as f32), y.clamp(0.0, (height - 1) as f32));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
        let (across, down) = (x - left as f32, y - top as f32);
        let colors =
            [(top, left), (top, right), (bottom, left), (bottom, right)].map(|(y, x)| there.color[y * width + x]);
        let channel = |k: usize| {
            let (above, below) = (
                colors[0][k] + across * (colors[1][k] - colors[0][k]),
                colors[2][k] + across * (colors[3][k] - colors[2][k]),
            );
            (above + down * (below - above) - here.color[index][k]).abs()
        };
        (channel(0) + channel(1) + channel(2)) / 3.0
    });
    let differences = Plane { size: flow.size, values: differences.collect() };
    let mut confidence = Plane::filled(flow.size, 0.0);
    for (index, value) in confidence.values.iter_mut().enumerate().filter(|(index, _)| is_asked(cells, *index)) {
        let mean = mean_around(&differences, index % width, index / width);
        *value = (-(mean / MISFIT).powi(2)).exp();
    }
    confidence
}

/// The mean over the cells around one: few are asked for, and the square is small.
fn mean_around(plane: &Plane, x: usize, y: usize) -> f32 {
    let (width, height) = (plane.size.width as usize, plane.size.height as usize);
    let columns = x.saturating_sub(RADIUS)..(x + RADIUS + 1).min(width);
    let rows = y.saturating_sub(RADIUS)..(y + RADIUS + 1).min(height);
    let count = (columns.len() * rows.len()) as f32;
    rows.map(|y| plane.row(y)[columns.clone()].iter().sum::<f32>()).sum::<f32>() / count
}

fn is_asked(cells: Option<&[bool]>, index: usize) -> bool {
    cells.is_none_or(|cells| cells[index])
}

/// Each cell and all within `radius` to each side, put together.
#[must_use]
pub fn grown<T: Copy + BitOr<Output = T>>(cells: &[T], size: Size, radius: usize) -> Vec<T> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut across = cells.to_vec();
    for (cells, grown) in cells.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        (1..=radius.min(width - 1)).for_each(|shift| join_shifted(grown, cells, shift));
    }
    let mut grown = across.clone();
    (1..=radius.min(height - 1)).for_each(|shift| join_shifted(&mut grown, &across, shift * width));
    grown
}

fn join_shifted<T: Copy + BitOr<Output = T>>(grown: &mut [T], cells: &[T], shift: usize) {
    grown[shift..].iter_mut().zip(cells).for_each(|(grown, cell)| *grown = *grown | *cell);
    grown.iter_mut().zip(&cells[shift..]).for_each(|(grown, cell)| *grown = *grown | *cell);
}

/// Lowers confidence where going there by `flow` and back by `back` does not end where it began: one of them is hidden.
/// Where cells are named, the others' stays.
pub fn check_return(confidence: &mut Plane, flow: &Flow, back: &Flow, cells: Option<&[bool]>) {
    let width = flow.size.width as usize;
    let values = confidence.values.iter_mut().zip(&flow.vectors).enumerate();
    for (index, (value, [x, y])) in values.filter(|(index, _)| is_asked(cells, *index)) {
        let [back_x, back_y] = back.at((index % width) as f32 + x, (index / width) as f32 + y);
        let astray = (x + back_x).powi(2) + (y + back_y).powi(2);
        *value *= (-astray / (ASTRAY * ASTRAY)).exp();
    }
}

/// What a grid of `block` × `block` pixels a cell says, pixel by pixel along one row.
pub struct Row<'a> {
    matte: &'a Alpha,
    block: usize,
    y: usize,
    /// Vectors in pixels and how far they are to be believed, between two rows of cells.
    cells: Vec<[f32; 3]>,
}

impl<'a> Row<'a> {
    /// Row `y` of a frame whose pixels `flow` sends to those of the frame that `matte` belongs to.
    #[must_use]
    pub fn new(matte: &'a Alpha, flow: &Flow, confidence: &Plane, block: usize, y: usize) -> Self {
        let (width, scale) = (flow.size.width as usize, block as f32);
        let (top, bottom, down) = between(y, block, flow.size.height as usize);
        let mix = |above: f32, below: f32| above + down * (below - above);
        let vectors = flow.vectors[top * width..][..width].iter().zip(&flow.vectors[bottom * width..][..width]);
        let believed = confidence.row(top).iter().zip(confidence.row(bottom));
        let cells = vectors.zip(believed).map(|((above, below), (upper, lower))| {
            [scale * mix(above[0], below[0]), scale * mix(above[1], below[1]), mix(*upper, *lower)]
        });
        Self { matte, block, y, cells: cells.collect() }
    }

    /// The matte where the pixel in column `x` went, and how far that is to be believed.
    #[inline]
    #[must_use]
    pub fn at(&self, x: usize) -> (f32, f32) {
        let (left, right, across) = between(x, self.block, self.cells.len());
        let (left, right) = (self.cells[left], self.cells[right]);
        let [to_x, to_y, believed] = std::array::from_fn(|k| left[k] + across * (right[k] - left[k]));
        (sample(self.matte, x as f32 + to_x, self.y as f32 + to_y), believed)
    }
}

/// The matte between the four pixels around a place; beyond the border the nearest pixel's.
#[inline]
fn sample(matte: &Alpha, x: f32, y: f32) -> f32 {
    let Size { width, height } = matte.size();
    let (x, y) = (x.clamp(0.0, (width - 1) as f32), y.clamp(0.0, (height - 1) as f32));
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(width as usize - 1), (top + 1).min(height as usize - 1));
    let (across, down) = (x - left as f32, y - top as f32);
    let values = matte.values();
    let (upper, lower) = (top * width as usize, bottom * width as usize);
    let above = values[upper + left] + across * (values[upper + right] - values[upper + left]);
    let below = values[lower + left] + across * (values[lower + right] - values[lower + left]);
    (above + down * (below - above)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_grow_to_all_sides_and_not_across_the_border() {
        let size = Size::new(9, 6);
        let cells: Vec<bool> = (0..size.area()).map(|i| [0, 17, 31].contains(&i)).collect();
        for radius in [0, 1, 3, 20] {
            let expected = (0..size.area()).map(|i| {
                let near = |j: usize| (i % 9).abs_diff(j % 9) <= radius && (i / 9).abs_diff(j / 9) <= radius;
                (0..size.area()).any(|j| cells[j] && near(j))
            });
            assert!(grown(&cells, size, radius).into_iter().eq(expected), "{radius}");
        }
    }
}

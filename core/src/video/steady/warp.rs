//! Carrying mattes along motion, and how far the motion is to be believed.

use super::{flow::Flow, small::Small};
use crate::{
    pixels::{Alpha, Size},
    steps::planes::{Plane, between, box_mean},
};

/// Colour differences (channels 0 to 1) from which motion is hardly believed any more.
const MISFIT: f32 = 0.06;
/// Radius in cells over which differences are averaged.
const RADIUS: usize = 2;
/// Cells between where one began and where going there and back ends, from which motion is hardly believed any more.
const ASTRAY: f32 = 1.0;

/// Motion followed by motion: from a frame over a second to a third.
#[must_use]
pub fn composed(first: &Flow, second: &Flow) -> Flow {
    let width = first.size.width as usize;
    let vectors = first.vectors.iter().enumerate().map(|(index, [x, y])| {
        let [further_x, further_y] = second.at((index % width) as f32 + x, (index / width) as f32 + y);
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
    let mut mean = box_mean(&differences, RADIUS);
    for (_, value) in mean.values.iter_mut().enumerate().filter(|(index, _)| is_asked(cells, *index)) {
        *value = (-(*value / MISFIT).powi(2)).exp();
    }
    mean
}

fn is_asked(cells: Option<&[bool]>, index: usize) -> bool {
    cells.is_none_or(|cells| cells[index])
}

/// Cells of which one within `radius` to each side is `true`.
#[must_use]
pub fn grown(cells: &[bool], size: Size, radius: usize) -> Vec<bool> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut grown = vec![false; cells.len()];
    for (y, row) in cells.chunks_exact(width).enumerate() {
        for x in (0..width).filter(|x| row[*x]) {
            let columns = x.saturating_sub(radius)..(x + radius + 1).min(width);
            for y in y.saturating_sub(radius)..(y + radius + 1).min(height) {
                grown[y * width..][columns.clone()].fill(true);
            }
        }
    }
    grown
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
    flow: &'a Flow,
    confidence: &'a Plane,
    matte: &'a Alpha,
    block: usize,
    y: usize,
    above: usize,
    below: usize,
    down: f32,
}

impl<'a> Row<'a> {
    /// Row `y` of a frame whose pixels `flow` sends to those of the frame that `matte` belongs to.
    #[must_use]
    pub fn new(matte: &'a Alpha, flow: &'a Flow, confidence: &'a Plane, block: usize, y: usize) -> Self {
        let width = flow.size.width as usize;
        let (top, bottom, down) = between(y, block, flow.size.height as usize);
        Self { flow, confidence, matte, block, y, above: top * width, below: bottom * width, down }
    }

    /// The matte where the pixel in column `x` went, and how far that is to be believed.
    #[inline]
    #[must_use]
    pub fn at(&self, x: usize) -> (f32, f32) {
        let (left, right, across) = between(x, self.block, self.flow.size.width as usize);
        let mix = |[a, b, c, d]: [f32; 4]| {
            let (above, below) = (a + across * (b - a), c + across * (d - c));
            above + self.down * (below - above)
        };
        let cells = [self.above + left, self.above + right, self.below + left, self.below + right];
        let vectors = cells.map(|cell| self.flow.vectors[cell]);
        let scale = self.block as f32;
        let to_x = x as f32 + scale * mix(vectors.map(|vector| vector[0]));
        let to_y = self.y as f32 + scale * mix(vectors.map(|vector| vector[1]));
        (sample(self.matte, to_x, to_y), mix(cells.map(|cell| self.confidence.values[cell])))
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

//! How a screen is lit from place to place: what its colour would be behind the subject.

use rayon::prelude::*;

use super::screen::{Measured, Screen};
use crate::{
    pixels::{Rgb, Size},
    steps::planes::{Plane, box_mean, shrunk},
};

/// Cells along the picture's longer side.
const CELLS: u32 = 128;
/// How much chroma across the screen's a pixel of it may have for one of chroma along it.
const ACROSS: f32 = 0.35;
/// Share of the screen's own ratio of chroma to luma that a pixel of it has at least.
const RATIO: f32 = 0.5;
/// Share of the usual level that the level has everywhere at least: darker places are subject, not shadow.
const LEAST: f32 = 0.4;
/// Place of the usual level among all pixels of the screen, from the darkest.
const USUAL: f32 = 0.7;
/// Cells around a place that its level is gathered over; where they show too little of the screen, the next wider.
const REACH: [usize; 4] = [1, 4, 16, 64];
/// Share of the cells around that must show the screen for them to be believed alone.
const BELIEVED: f32 = 0.15;

/// The level of a screen on a grid.
pub struct Level {
    /// Side of a cell in pixels.
    pub block: usize,
    /// Chroma along the screen's that the screen alone has there.
    pub along: Plane,
    /// Luma that the screen alone has there.
    pub luma: Plane,
}

impl Level {
    /// Gathers the level over a picture in sRGB; where there is no screen to be seen it is the screen's own colour.
    pub fn of(color: &Rgb, screen: &Screen) -> Self {
        let block = color.size().width.max(color.size().height).div_ceil(CELLS).max(1) as usize;
        let step = if block >= 6 { 2 } else { 1 };
        let usual = usual(color, screen);
        let size = shrunk(color.size(), block);
        let mut cells = vec![[0.0_f32; 3]; size.area()];
        cells.par_chunks_mut(size.width as usize).enumerate().for_each(|(row, cells)| {
            for (column, cell) in cells.iter_mut().enumerate() {
                *cell = gathered(color, screen, (column * block, row * block), (block, step), LEAST * usual);
            }
        });
        let plane = |c: usize| Plane { size, values: cells.iter().map(|cell| cell[c]).collect() };
        let weight = plane(0);
        let luma = usual / screen.ratio;
        Self { block, along: spread(&plane(1), &weight, usual), luma: spread(&plane(2), &weight, luma) }
    }
}

/// Whether a pixel may be the screen, in light or shadow.
#[inline]
fn is_screen(pixel: Measured, screen: &Screen, least: f32) -> bool {
    pixel.along > least && pixel.across < ACROSS * pixel.along && pixel.along > RATIO * screen.ratio * pixel.luma
}

/// Chroma along the screen's that a well-lit place of it has.
fn usual(color: &Rgb, screen: &Screen) -> f32 {
    let step = color.size().area().div_ceil(40_000).next_multiple_of(2) + 1;
    let all = (0..color.size().area()).step_by(step).map(|index| screen.measure(color.unit(index)));
    let mut along: Vec<f32> = all.filter(|pixel| is_screen(*pixel, screen, 0.02)).map(|pixel| pixel.along).collect();
    if along.is_empty() {
        return screen.measure(screen.color).along;
    }
    along.sort_by(f32::total_cmp);
    along[((along.len() - 1) as f32 * USUAL) as usize]
}

/// Of a cell at a place: how much of it is screen, and that times chroma along the screen's and times luma.
fn gathered(
    color: &Rgb,
    screen: &Screen,
    (left, top): (usize, usize),
    (block, step): (usize, usize),
    least: f32,
) -> [f32; 3] {
    let Size { width, height } = color.size();
    let (right, bottom) = ((left + block).min(width as usize), (top + block).min(height as usize));
    let (mut sums, mut weight, mut shown, mut count) = ([0.0_f32; 2], 0.0_f32, 0.0_f32, 0.0_f32);
    for y in (top..bottom).step_by(step) {
        for x in (left..right).step_by(step) {
            let pixel = screen.measure(color.unit(y * width as usize + x));
            count += 1.0;
            if is_screen(pixel, screen, least) {
                // The purest tell most: the others are mixed with the subject.
                let own = pixel.along * pixel.along;
                weight += own;
                shown += 1.0;
                sums[0] += own * pixel.along;
                sums[1] += own * pixel.luma;
            }
        }
    }
    let share = shown / count.max(1.0);
    [share, share * sums[0] / weight.max(1e-9), share * sums[1] / weight.max(1e-9)]
}

/// Means of what was gathered, over cells as near as show enough.
fn spread(values: &Plane, weight: &Plane, usual: f32) -> Plane {
    let mut level = Plane::filled(values.size, usual);
    for radius in REACH.into_iter().rev() {
        let (sums, weights) = (box_mean(values, radius), box_mean(weight, radius));
        for (level, (sum, weight)) in level.values.iter_mut().zip(sums.values.iter().zip(&weights.values)) {
            if *weight > 1e-4 {
                *level += (weight / BELIEVED).min(1.0) * (sum / weight - *level);
            }
        }
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Samples;

    #[test]
    fn the_level_follows_the_light_also_behind_the_subject() {
        let size = Size::new(320, 180);
        // Twice as bright on the right as on the left, a dark subject with green light on it in the middle.
        let pixel = |i: usize| {
            let (x, y) = (i % 320, i / 320);
            let light = 0.5 + 0.5 * x as f32 / 319.0;
            let subject = (120..200).contains(&x) && y > 60;
            if subject { [12, 20, 15] } else { [10.0, 180.0, 70.0].map(|c: f32| (c * light) as u8) }
        };
        let color = Rgb::new(size, Samples::Eight((0..size.area()).flat_map(pixel).collect()));
        let screen = Screen::new([10.0 / 255.0, 180.0 / 255.0, 70.0 / 255.0]).unwrap();
        let full = screen.measure(screen.color).along;
        let level = Level::of(&color, &screen);
        let at = |x: usize, y: usize| level.along.row(y / level.block)[x / level.block] / full;
        for (x, y, expected) in [(4, 90, 0.5), (315, 90, 1.0), (160, 120, 0.75), (160, 20, 0.75)] {
            assert!((at(x, y) - expected).abs() < 0.06, "{} at {x} {y}", at(x, y));
        }
    }

    #[test]
    fn without_any_screen_its_own_colour_stands() {
        let screen = Screen::new([0.0, 0.7, 0.25]).unwrap();
        let level = Level::of(&Rgb::filled(Size::new(40, 30), [90, 90, 90]), &screen);
        let own = screen.measure(screen.color);
        assert!(level.along.values.iter().all(|along| (along - own.along).abs() < 1e-5));
        assert!(level.luma.values.iter().all(|luma| (luma - own.luma).abs() < 1e-5));
    }
}

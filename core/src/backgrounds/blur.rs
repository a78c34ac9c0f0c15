//! The original, blurred, behind the subject: `blur`, `blur:12` (pixels) or `blur:2%` (of the diagonal).
//!
//! The subject's own colours are kept out: they are replaced by their surroundings before the blur,
//! else a ghost of the subject would glow around it.

use rayon::prelude::*;

use super::{Background, Scene, image};
use crate::{
    Error, Kind, Result,
    options::Length,
    pixels::{Alpha, Rgb, Samples, Size, unit_to_u8},
    steps::planes::{Plane, between, gaussian_blur, shrunk},
};

/// The blur when no strength is named.
const DEFAULT: Length = Length::Percent(1.5);
/// Cells of the working grid within one standard deviation: below this a blur shows its grid.
const CELLS_IN_SIGMA: f32 = 3.0;

struct Blur(Length);

impl Background for Blur {
    fn sees_picture(&self) -> bool {
        true
    }

    fn paint(&self, scene: &Scene<'_>) -> Result<Rgb> {
        let size = scene.picture.size();
        let sigma = match self.0 {
            Length::Pixels(pixels) => pixels * scene.scale,
            length @ Length::Percent(_) => length.pixels(size.diagonal()),
        };
        let block = ((sigma / CELLS_IN_SIGMA) as usize).max(1);
        let ground = fill_subject(weighted_blocks(scene.picture, scene.alpha, block));
        let planes: Vec<Plane> =
            ground.into_par_iter().map(|plane| gaussian_blur(&plane, sigma / block as f32)).collect();
        let blurred = enlarge(&planes, size, block);
        image::cover(&blurred, scene.canvas)
    }
}

/// Reads the strength of the blur.
///
/// # Errors
/// [`Kind::BackgroundInvalid`] when it is no length from 0 to 1000.
pub fn parse(argument: &str) -> Result<Box<dyn Background>> {
    if argument.is_empty() {
        return Ok(Box::new(Blur(DEFAULT)));
    }
    let length: Length = argument
        .parse()
        .map_err(|error: String| Error::new(Kind::BackgroundInvalid, format!("blur:{argument}: {error}")))?;
    let (Length::Pixels(number) | Length::Percent(number)) = length;
    if !(0.0..=1000.0).contains(&number) {
        return Err(Error::new(Kind::BackgroundInvalid, format!("blur:{argument} is outside 0 to 1000")));
    }
    Ok(Box::new(Blur(length)))
}

/// Colours times weight, and the weight: how much of each block is background.
struct Weighted {
    size: Size,
    /// Red, green, blue (each times the weight) and the weight.
    cells: Vec<[f32; 4]>,
}

fn weighted_blocks(picture: &Rgb, alpha: &Alpha, block: usize) -> Weighted {
    let (size, width) = (shrunk(alpha.size(), block), alpha.size().width as usize);
    let mut cells = vec![[0.0_f32; 4]; size.area()];
    let bands = cells.par_chunks_mut(size.width as usize).zip(alpha.values().par_chunks(width * block));
    match picture.samples() {
        Samples::Eight(samples) => bands
            .zip(samples.par_chunks(3 * width * block))
            .for_each(|((cells, alphas), samples)| add_up(cells, alphas, samples, width, block, 255.0)),
        Samples::Sixteen(samples) => bands
            .zip(samples.par_chunks(3 * width * block))
            .for_each(|((cells, alphas), samples)| add_up(cells, alphas, samples, width, block, 65535.0)),
    }
    Weighted { size, cells }
}

/// One row of blocks, of rows of `width` pixels whose samples go up to `most`.
fn add_up<T: Copy + Into<f32>>(
    cells: &mut [[f32; 4]],
    alphas: &[f32],
    samples: &[T],
    width: usize,
    block: usize,
    most: f32,
) {
    for (alphas, samples) in alphas.chunks_exact(width).zip(samples.chunks_exact(3 * width)) {
        let blocks = alphas.chunks(block).zip(samples.as_chunks::<3>().0.chunks(block));
        for (cell, (alphas, pixels)) in cells.iter_mut().zip(blocks) {
            for (alpha, [red, green, blue]) in alphas.iter().zip(pixels) {
                // Squared: half-covered pixels carry half the subject's colour.
                let weight = (1.0 - alpha) * (1.0 - alpha);
                let own = [(*red).into(), (*green).into(), (*blue).into(), most];
                *cell = std::array::from_fn(|c| cell[c] + weight * own[c]);
            }
        }
    }
    let (rows, last) = (alphas.len() / width, cells.len() - 1);
    for (column, cell) in cells.iter_mut().enumerate() {
        let columns = if column == last { width - last * block } else { block };
        *cell = cell.map(|sum| sum / (most * (rows * columns) as f32));
    }
}

/// Fills what the subject covered from its surroundings: push the weighted colours down a pyramid, pull them up again.
fn fill_subject(finest: Weighted) -> Vec<Plane> {
    let mut pyramid = vec![finest];
    while let Some(level) = pyramid.last().filter(|level| level.size.area() > 1) {
        let next = halved(level);
        pyramid.push(next);
    }
    let mut filled: Option<(Size, Vec<[f32; 3]>)> = None;
    while let Some(level) = pyramid.pop() {
        let width = level.size.width as usize;
        let colors = (0..level.size.area())
            .into_par_iter()
            .with_min_len(4096)
            .map(|i| {
                let [red, green, blue, weight] = level.cells[i];
                let own = [red, green, blue].map(|sum| if weight > 0.0 { sum / weight } else { 0.0 });
                // A cell that is mostly background speaks for itself.
                let trust = weight * 2.0;
                if trust >= 1.0 {
                    return own;
                }
                let coarser =
                    filled.as_ref().map_or([0.5; 3], |(size, colors)| sample(colors, *size, i % width, i / width));
                std::array::from_fn(|c| coarser[c] + trust * (own[c] - coarser[c]))
            })
            .collect();
        filled = Some((level.size, colors));
    }
    let (size, colors) = filled.expect("the pyramid has at least its finest level");
    (0..3).map(|c| Plane { size, values: colors.iter().map(|color| color[c]).collect() }).collect()
}

fn halved(level: &Weighted) -> Weighted {
    let size = Size::new(level.size.width.div_ceil(2), level.size.height.div_ceil(2));
    let (width, height) = (level.size.width as usize, level.size.height as usize);
    let cells = (0..size.area())
        .map(|cell| {
            let (x, y) = (cell % size.width as usize * 2, cell / size.width as usize * 2);
            let (right, below) = ((x + 1).min(width - 1), (y + 1).min(height - 1));
            let corners = [y * width + x, y * width + right, below * width + x, below * width + right];
            std::array::from_fn(|c| corners.iter().map(|&i| level.cells[i][c]).sum::<f32>() / 4.0)
        })
        .collect();
    Weighted { size, cells }
}

/// The colour of a coarser level at a cell of the finer one, interpolated.
fn sample(colors: &[[f32; 3]], size: Size, x: usize, y: usize) -> [f32; 3] {
    let (left, right, across) = between(x, 2, size.width as usize);
    let (top, bottom, down) = between(y, 2, size.height as usize);
    let at = |row: usize, column: usize| colors[row * size.width as usize + column];
    std::array::from_fn(|c| {
        let upper = at(top, left)[c] + across * (at(top, right)[c] - at(top, left)[c]);
        let lower = at(bottom, left)[c] + across * (at(bottom, right)[c] - at(bottom, left)[c]);
        upper + down * (lower - upper)
    })
}

fn enlarge(planes: &[Plane], size: Size, block: usize) -> Rgb {
    let (columns, rows) = (planes[0].size.width as usize, planes[0].size.height as usize);
    let width = size.width as usize;
    let across: Vec<_> = (0..width).map(|x| between(x, block, columns)).collect();
    let mut samples = vec![0_u8; size.area() * 3];
    let lines = samples.par_chunks_mut(width * 3).enumerate();
    lines.for_each_init(
        || vec![[0.0_f32; 3]; columns],
        |mixed, (y, line)| {
            let (top, bottom, down) = between(y, block, rows);
            for (c, plane) in planes.iter().enumerate() {
                for (cell, (upper, lower)) in mixed.iter_mut().zip(plane.row(top).iter().zip(plane.row(bottom))) {
                    cell[c] = upper + down * (lower - upper);
                }
            }
            for (pixel, &(left, right, across)) in line.as_chunks_mut::<3>().0.iter_mut().zip(&across) {
                let (left, right) = (mixed[left], mixed[right]);
                *pixel = std::array::from_fn(|c| unit_to_u8(left[c] + across * (right[c] - left[c])));
            }
        },
    );
    Rgb::new(size, Samples::Eight(samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subjects_colour_does_not_leak_out() {
        // A red subject on a green ground: nothing behind it may be red.
        let size = Size::new(120, 90);
        let inside = |i: usize| (40..80).contains(&(i % 120)) && (20..70).contains(&(i / 120));
        let samples = (0..size.area()).flat_map(|i| if inside(i) { [255, 0, 0] } else { [0, 180, 0] }).collect();
        let picture = Rgb::new(size, Samples::Eight(samples));
        let alpha = Alpha::new(size, (0..size.area()).map(|i| if inside(i) { 1.0 } else { 0.0 }).collect());
        for notation in ["", "6", "3%", "40"] {
            let painted = parse(notation)
                .unwrap()
                .paint(&Scene { canvas: size, picture: &picture, alpha: &alpha, scale: 1.0 })
                .unwrap();
            for i in 0..size.area() {
                let [red, green, _] = painted.unit(i);
                assert!(red < 0.02 && (green - 180.0 / 255.0).abs() < 0.03, "{notation}: {red} {green}");
            }
        }
    }
}

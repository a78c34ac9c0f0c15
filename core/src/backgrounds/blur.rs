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
    steps::planes::{Plane, between, gaussian_blur, shrink_alpha},
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
    let shrunk = shrink_alpha(alpha, block);
    let (size, width) = (shrunk.size, picture.size().width as usize);
    let cells = (0..size.area())
        .into_par_iter()
        .map(|cell| {
            let (cell_x, cell_y) = (cell % size.width as usize, cell / size.width as usize);
            let columns = cell_x * block..((cell_x + 1) * block).min(width);
            let rows = cell_y * block..((cell_y + 1) * block).min(picture.size().height as usize);
            let mut sums = [0.0_f32; 4];
            for y in rows.clone() {
                for x in columns.clone() {
                    let index = y * width + x;
                    // Squared: half-covered pixels carry half the subject's colour.
                    let weight = (1.0 - alpha.values()[index]).powi(2);
                    let color = picture.unit(index);
                    (0..3).for_each(|c| sums[c] += color[c] * weight);
                    sums[3] += weight;
                }
            }
            let count = (rows.len() * columns.len()) as f32;
            sums.map(|sum| sum / count)
        })
        .collect();
    Weighted { size, cells }
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
                let coarser =
                    filled.as_ref().map_or([0.5; 3], |(size, colors)| sample(colors, *size, i % width, i / width));
                // A cell that is mostly background speaks for itself.
                let trust = (weight * 2.0).min(1.0);
                let own = [red, green, blue].map(|sum| if weight > 0.0 { sum / weight } else { 0.0 });
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
    let mut samples = vec![0_u8; size.area() * 3];
    samples.par_chunks_mut(size.width as usize * 3).enumerate().for_each(|(y, row)| {
        let (top, bottom, down) = between(y, block, rows);
        for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
            let (left, right, across) = between(x, block, columns);
            for (plane, sample) in planes.iter().zip(pixel) {
                let (upper, lower) = (plane.row(top), plane.row(bottom));
                let above = upper[left] + across * (upper[right] - upper[left]);
                let below = lower[left] + across * (lower[right] - lower[left]);
                *sample = unit_to_u8(above + down * (below - above));
            }
        }
    });
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

//! The subject's own colours where it is partly transparent, so that no halo of the old background stays.
//!
//! Multi-level estimation (Germer, Uelwer, Conrad, Harmeling: Fast Multi-Level Foreground Estimation,
//! ICPR 2020) on a grid of at most two million cells, carried to full resolution by solving each
//! pixel against the grid's colours.

use rayon::prelude::*;

use super::{
    planes::{between, shrink_alpha, shrink_rgb},
    refine_edges::smooth_step,
};
use crate::pixels::{Alpha, Rgb, Samples, Size, unit_to_u8, unit_to_u16};

/// Most cells of the grid that the levels run on; beyond, a picture's colours are finer than their estimate.
const MOST_CELLS: u64 = 2_000_000;
/// Weight of agreeing with a neighbour, and how much more it weighs where alpha changes (the paper's values).
const REGULARISATION: f32 = 1e-5;
const GRADIENT_WEIGHT: f32 = 1.0;
/// Passes on levels up to this side, and above it.
const SMALL_SIDE: u32 = 32;
const SMALL_PASSES: usize = 10;
const LARGE_PASSES: usize = 2;
/// How strongly a full-resolution pixel holds to its grid colours.
const HOLD: f32 = 0.1;
/// Alpha outside this range is taken for fully background or subject, and from these on for more and more of that: a cell is
/// not of another colour because its alpha is a hair beyond a bound.
const BAND: (f32, f32) = (0.004, 0.996);
const NEARLY: (f32, f32) = (0.02, 0.98);

type Color = [f32; 3];

/// Replaces the picture's colours by the subject's own wherever the matte is between 0 and 1.
///
/// `strength` mixes: 0 leaves the picture, 1 takes the estimate. Colours under alpha 0 stay as they are.
///
/// # Panics
/// When picture and matte differ in size.
pub fn estimate(color: &mut Rgb, matte: &Alpha, strength: f32) {
    assert_eq!(color.size(), matte.size(), "picture and matte are of one size");
    let band = |value: &f32| *value > BAND.0 && *value < BAND.1;
    if !matte.values().par_iter().any(band) {
        return;
    }
    let block = ((color.size().pixels() as f64 / MOST_CELLS as f64).sqrt().ceil() as usize).max(1);
    let (size, colors) = shrink_rgb(color, block);
    let alpha = shrink_alpha(matte, block).values;
    let layers = solve(Level { size, colors, alpha });
    carry_to_full(color, matte, &layers, block, strength);
}

/// Colours and alpha of one level of the pyramid.
struct Level {
    size: Size,
    colors: Vec<Color>,
    alpha: Vec<f32>,
}

/// The two layers whose mix is the picture: foreground and background colours, one a cell.
struct Layers {
    size: Size,
    foreground: Vec<Color>,
    background: Vec<Color>,
}

/// Solves from the coarsest level to the finest, each starting from the one before.
fn solve(finest: Level) -> Layers {
    let mut pyramid = vec![finest];
    while let Some(next) = pyramid.last().filter(|level| level.size.width.max(level.size.height) > 1).map(halved) {
        pyramid.push(next);
    }
    let mut layers = Layers { size: Size::new(1, 1), foreground: vec![[0.0; 3]], background: vec![[0.0; 3]] };
    while let Some(level) = pyramid.pop() {
        layers = start_from(&layers, &level);
        let passes = if level.size.width.max(level.size.height) <= SMALL_SIDE { SMALL_PASSES } else { LARGE_PASSES };
        for _ in 0..passes {
            pass(&level, &mut layers);
        }
    }
    layers
}

/// The next coarser level: means of 2 × 2 cells, which keeps the mixing equation exact for constant layers.
fn halved(level: &Level) -> Level {
    let size = Size::new(level.size.width.div_ceil(2), level.size.height.div_ceil(2));
    let (width, height) = (level.size.width as usize, level.size.height as usize);
    let (mut colors, mut alpha) = (Vec::new(), Vec::new());
    (0..size.area())
        .into_par_iter()
        .with_min_len(4096)
        .map(|cell| {
            let (x, y) = (cell % size.width as usize * 2, cell / size.width as usize * 2);
            let (right, below) = ((x + 1).min(width - 1), (y + 1).min(height - 1));
            let corners = [y * width + x, y * width + right, below * width + x, below * width + right];
            let color = std::array::from_fn(|c| corners.iter().map(|&i| level.colors[i][c]).sum::<f32>() / 4.0);
            (color, corners.iter().map(|&i| level.alpha[i]).sum::<f32>() / 4.0)
        })
        .unzip_into_vecs(&mut colors, &mut alpha);
    Level { size, colors, alpha }
}

/// Layers of a level before its first pass: the coarser ones enlarged, and the picture where it is all one of them.
fn start_from(coarser: &Layers, level: &Level) -> Layers {
    let width = level.size.width as usize;
    let (mut foregrounds, mut backgrounds) = (Vec::new(), Vec::new());
    (0..level.size.area())
        .into_par_iter()
        .with_min_len(4096)
        .map(|i| {
            let (x, y) = ((i % width / 2), (i / width / 2));
            let (x, y) = (x.min(coarser.size.width as usize - 1), y.min(coarser.size.height as usize - 1));
            let parent = y * coarser.size.width as usize + x;
            let (is_foreground, is_background) = taken_for(level.alpha[i]);
            let foreground = mixed(coarser.foreground[parent], level.colors[i], is_foreground);
            (foreground, mixed(coarser.background[parent], level.colors[i], is_background))
        })
        .unzip_into_vecs(&mut foregrounds, &mut backgrounds);
    Layers { size: level.size, foreground: foregrounds, background: backgrounds }
}

/// How much a cell is taken for all foreground, and for all background.
fn taken_for(alpha: f32) -> (f32, f32) {
    (smooth_step(alpha, (NEARLY.1, BAND.1)), 1.0 - smooth_step(alpha, (BAND.0, NEARLY.0)))
}

fn mixed(one: Color, other: Color, share: f32) -> Color {
    std::array::from_fn(|c| one[c] + share * (other[c] - one[c]))
}

/// One pass over the level: each cell's two colours in closed form given its neighbours' of the pass before.
///
/// On large levels cells that are all foreground or all background are left as they were enlarged.
fn pass(level: &Level, layers: &mut Layers) {
    let (width, height) = (level.size.width as usize, level.size.height as usize);
    let everywhere = width.max(height) <= SMALL_SIDE as usize;
    let (foreground, background) = (&layers.foreground, &layers.background);
    let rows: Vec<Vec<(usize, Color, Color)>> = (0..height)
        .into_par_iter()
        .map(|y| {
            let mut changed = Vec::new();
            for x in 0..width {
                let i = y * width + x;
                let alpha = level.alpha[i];
                if !everywhere && (alpha <= BAND.0 || alpha >= BAND.1) {
                    continue;
                }
                let neighbours = [
                    if x > 0 { i - 1 } else { i },
                    if x + 1 < width { i + 1 } else { i },
                    if y > 0 { i - width } else { i },
                    if y + 1 < height { i + width } else { i },
                ];
                let (f, b) = solve_cell(alpha, level.colors[i], neighbours, &level.alpha, foreground, background);
                let (is_foreground, is_background) = if everywhere { (0.0, 0.0) } else { taken_for(alpha) };
                let held = is_foreground.max(is_background);
                changed.push((x, mixed(f, foreground[i], held), mixed(b, background[i], held)));
            }
            changed
        })
        .collect();
    let written = layers.foreground.par_chunks_mut(width).zip(layers.background.par_chunks_mut(width)).zip(rows);
    written.for_each(|((foregrounds, backgrounds), changed)| {
        for (x, foreground, background) in changed {
            foregrounds[x] = foreground;
            backgrounds[x] = background;
        }
    });
}

/// The paper's equation 9: two unknowns a channel, the picture's mixing equation and agreement with four neighbours.
fn solve_cell(
    alpha: f32,
    color: Color,
    neighbours: [usize; 4],
    alphas: &[f32],
    foreground: &[Color],
    background: &[Color],
) -> (Color, Color) {
    let rest = 1.0 - alpha;
    let weights = neighbours.map(|j| REGULARISATION + GRADIENT_WEIGHT * (alpha - alphas[j]).abs());
    let total: f32 = weights.iter().sum();
    let (a00, a01, a11) = (alpha * alpha + total, alpha * rest, rest * rest + total);
    let scale = 1.0 / (a00 * a11 - a01 * a01);
    let (mut f, mut b) = ([0.0; 3], [0.0; 3]);
    for c in 0..3 {
        let mut b0 = alpha * color[c];
        let mut b1 = rest * color[c];
        for (&j, weight) in neighbours.iter().zip(weights) {
            b0 += weight * foreground[j][c];
            b1 += weight * background[j][c];
        }
        f[c] = ((a11 * b0 - a01 * b1) * scale).clamp(0.0, 1.0);
        b[c] = ((a00 * b1 - a01 * b0) * scale).clamp(0.0, 1.0);
    }
    (f, b)
}

/// Writes the estimated colours into the picture, row by row, in the band only.
fn carry_to_full(color: &mut Rgb, matte: &Alpha, layers: &Layers, block: usize, strength: f32) {
    let size = color.size();
    let width = size.width as usize;
    let alphas = matte.values().par_chunks(width).enumerate();
    match color.samples_mut() {
        Samples::Eight(samples) => samples.par_chunks_mut(width * 3).zip(alphas).for_each(|(row, (y, alphas))| {
            carry_row(row, alphas, y, layers, block, strength, |sample| f32::from(sample) / 255.0, unit_to_u8);
        }),
        Samples::Sixteen(samples) => samples.par_chunks_mut(width * 3).zip(alphas).for_each(|(row, (y, alphas))| {
            carry_row(row, alphas, y, layers, block, strength, |sample| f32::from(sample) / 65535.0, unit_to_u16);
        }),
    }
}

#[expect(clippy::too_many_arguments, reason = "one inner loop for both depths")]
fn carry_row<T: Copy>(
    row: &mut [T],
    alphas: &[f32],
    y: usize,
    layers: &Layers,
    block: usize,
    strength: f32,
    to_unit: impl Fn(T) -> f32,
    from_unit: impl Fn(f32) -> T,
) {
    let (columns, rows) = (layers.size.width as usize, layers.size.height as usize);
    let (top, bottom, down) = between(y, block, rows);
    for (x, (pixel, &alpha)) in row.chunks_exact_mut(3).zip(alphas).enumerate() {
        if alpha <= BAND.0 || alpha >= BAND.1 {
            continue;
        }
        let (left, right, across) = between(x, block, columns);
        let corners = [top * columns + left, top * columns + right, bottom * columns + left, bottom * columns + right];
        let shares = [(1.0 - down) * (1.0 - across), (1.0 - down) * across, down * (1.0 - across), down * across];
        let rest = 1.0 - alpha;
        for (c, sample) in pixel.iter_mut().enumerate() {
            let mix =
                |colors: &[Color]| corners.iter().zip(shares).map(|(&i, share)| colors[i][c] * share).sum::<f32>();
            let (foreground, background) = (mix(&layers.foreground), mix(&layers.background));
            let own = to_unit(*sample);
            let unexplained = own - alpha * foreground - rest * background;
            let solved = foreground + alpha * unexplained / (alpha * alpha + rest * rest + HOLD);
            *sample = from_unit(own + strength * (solved.clamp(0.0, 1.0) - own));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A red disc with a soft edge over a blue ground.
    fn disc(size: Size) -> (Rgb, Alpha) {
        let alpha: Vec<f32> = (0..size.area())
            .map(|i| {
                let (x, y) = ((i as u32 % size.width) as f32, (i as u32 / size.width) as f32);
                let distance = f32::hypot(x - size.width as f32 / 2.0, y - size.height as f32 / 2.0);
                ((size.height as f32 / 3.0 - distance) / 12.0 + 0.5).clamp(0.0, 1.0)
            })
            .collect();
        let samples =
            alpha.iter().flat_map(|&a| [a * 0.9, 0.1, (1.0 - a) * 0.8].map(|value: f32| unit_to_u8(value))).collect();
        (Rgb::new(size, Samples::Eight(samples)), Alpha::new(size, alpha))
    }

    #[test]
    fn the_old_background_leaves_the_edge() {
        for size in [Size::new(160, 120), Size::new(2600, 1300)] {
            let (mut color, matte) = disc(size);
            estimate(&mut color, &matte, 1.0);
            for (i, &alpha) in matte.values().iter().enumerate().filter(|(_, alpha)| **alpha > 0.1) {
                let [red, green, blue] = color.unit(i);
                let wrong = (red - 0.9).abs().max((green - 0.1).abs()).max(blue);
                assert!(wrong < 0.06, "{size} alpha {alpha}: {red} {green} {blue}");
            }
        }
    }

    #[test]
    fn a_hair_of_alpha_makes_no_other_colors() {
        let size = Size::new(48, 40);
        let run = |middle: f32, around: f32| {
            let alpha = |i: usize| if i == 20 * 48 + 24 { middle } else { around };
            let samples = (0..size.area() * 3).map(|i| if i / 3 == 20 * 48 + 24 { 25 } else { 160 + (i % 7) as u8 });
            let mut color = Rgb::new(size, Samples::Eight(samples.collect()));
            estimate(&mut color, &Alpha::new(size, (0..size.area()).map(alpha).collect()), 1.0);
            color
        };
        for (bound, around) in [(BAND.1, 0.2), (NEARLY.1, 0.2), (BAND.0, 0.8), (NEARLY.0, 0.8)] {
            let (below, above) = (run(bound - 1e-5, around), run(bound + 1e-5, around));
            for i in (0..size.area()).filter(|&i| i != 20 * 48 + 24) {
                let off = below.unit(i).iter().zip(above.unit(i)).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
                assert!(off < 1.5 / 255.0, "{bound}: {off} at {i}");
            }
        }
    }

    #[test]
    fn strength_nought_changes_nothing_and_half_goes_half_way() {
        let (original, matte) = disc(Size::new(120, 90));
        let run = |strength| {
            let mut color = original.clone();
            estimate(&mut color, &matte, strength);
            color
        };
        assert_eq!(run(0.0), original);
        let (half, full) = (run(0.5), run(1.0));
        for i in 0..original.size().area() {
            let expected = (original.unit(i)[2] + full.unit(i)[2]) / 2.0;
            assert!((half.unit(i)[2] - expected).abs() < 2.0 / 255.0);
        }
    }
}

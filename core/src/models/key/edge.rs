//! Alpha at the subject's edge again, between the subject's colours nearby and the screen's.

use rayon::prelude::*;

use crate::{
    pixels::{Alpha, Rgb, Size},
    steps::planes::shrunk,
};

/// Cells along the picture's longer side, and the least side of one in pixels.
const CELLS: u32 = 160;
const LEAST: u32 = 4;
/// Alpha from which a pixel tells the subject's colour, and up to which the screen's.
const SURE: (f32, f32) = (0.98, 0.02);
/// Cells around a place that colours are gathered over; where they show too little, the next wider.
const REACH: [usize; 2] = [1, 3];
/// Share of the cells around that must show both for their colours to be believed.
const BELIEVED: f32 = 0.03;
/// Pixels beyond the mixed ones that are looked at, too.
const WIDER: usize = 3;
/// How far a pixel may lie from the line between both colours, as a share of its length, to be found on it.
const STRAY: f32 = 0.35;

/// Finds alpha of mixed pixels again as the place on the line between the two colours around it.
///
/// Chroma along the screen's alone takes the subject for grey there: an orange one, with less than none of the green, is
/// found too solid at its edge. Where a pixel lies off the line, or the colours are not to be seen nearby, alpha stays.
pub(super) fn refine(color: &Rgb, alpha: &mut Alpha) {
    let size = color.size();
    let block = size.width.max(size.height).div_ceil(CELLS).max(LEAST) as usize;
    let grid = Grid::of(color, alpha, block);
    let width = size.width as usize;
    let band = band(alpha);
    alpha.values_mut().par_chunks_mut(width).enumerate().for_each(|(y, values)| {
        let mut known: Option<(usize, Option<[[f32; 3]; 2]>)> = None;
        for (x, value) in values.iter_mut().enumerate().filter(|(x, value)| **value > 0.0 && band[y * width + x] > 0) {
            let cell = y / block * grid.size.width as usize + x / block;
            let colors = match known {
                Some((same, colors)) if same == cell => colors,
                _ => grid.colors((x / block, y / block)),
            };
            known = Some((cell, colors));
            if let Some([subject, screen]) = colors {
                let (place, stray) = on_line(color.unit(y * width + x), subject, screen);
                *value += (1.0 - stray / STRAY).max(0.0) * (place - *value);
            }
        }
    });
}

/// The mixed pixels and those within three of them, as ones.
fn band(alpha: &Alpha) -> Vec<u8> {
    let (width, height) = (alpha.size().width as usize, alpha.size().height as usize);
    let mixed: Vec<u8> = alpha.values().iter().map(|value| u8::from(*value > 0.0 && *value < SURE.0)).collect();
    let mut wide = mixed.clone();
    let add = |to: &mut [u8], from: &[u8]| to.iter_mut().zip(from).for_each(|(to, from)| *to |= from);
    wide.par_chunks_mut(width).zip(mixed.par_chunks(width)).for_each(|(wide, mixed)| {
        for far in 1..=WIDER.min(width - 1) {
            add(wide, &mixed[far..]);
            add(&mut wide[far..], mixed);
        }
    });
    let mut band = vec![0; wide.len()];
    band.par_chunks_mut(width).enumerate().for_each(|(y, band)| {
        for row in y.saturating_sub(WIDER)..(y + WIDER + 1).min(height) {
            add(band, &wide[row * width..]);
        }
    });
    band
}

/// Where a colour lies between the screen's and the subject's, 0 to 1, and how far off their line, in its length.
fn on_line(color: [f32; 3], subject: [f32; 3], screen: [f32; 3]) -> (f32, f32) {
    let (mut along, mut length, mut away) = (0.0_f32, 1e-6_f32, 0.0_f32);
    for c in 0..3 {
        let (line, own) = (subject[c] - screen[c], color[c] - screen[c]);
        along += own * line;
        length += line * line;
        away += own * own;
    }
    let place = along / length;
    (place.clamp(0.0, 1.0), ((away / length) - place * place).max(0.0).sqrt())
}

/// Adds the sure pixels of a few in a row to their cell.
fn add_sure(cell: &mut [f32; 8], alphas: &[f32], color: impl Fn(usize) -> [f32; 3]) {
    for (i, alpha) in alphas.iter().enumerate() {
        let first = if *alpha >= SURE.0 {
            0
        } else if *alpha <= SURE.1 {
            4
        } else {
            continue;
        };
        let color = color(i);
        (0..3).for_each(|c| cell[first + c] += color[c]);
        cell[first + 3] += 1.0;
    }
}

/// Sums of sure colours: of the subject with their number, of the screen with theirs.
struct Grid {
    size: Size,
    block: usize,
    cells: Vec<[f32; 8]>,
}

impl Grid {
    fn of(color: &Rgb, alpha: &Alpha, block: usize) -> Self {
        let (size, width) = (shrunk(color.size(), block), color.size().width as usize);
        let mut cells = vec![[0.0_f32; 8]; size.area()];
        let rows = alpha.values().par_chunks(width * block);
        cells.par_chunks_mut(size.width as usize).zip(rows).enumerate().for_each(|(row, (cells, alphas))| {
            for (y, alphas) in alphas.chunks_exact(width).enumerate() {
                let start = (row * block + y) * width;
                for (column, (cell, alphas)) in cells.iter_mut().zip(alphas.chunks(block)).enumerate() {
                    add_sure(cell, alphas, |i| color.unit(start + column * block + i));
                }
            }
        });
        Self { size, block, cells }
    }

    /// Means of both colours around a cell; nothing where one of them is not to be seen.
    fn colors(&self, (x, y): (usize, usize)) -> Option<[[f32; 3]; 2]> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        REACH.into_iter().find_map(|reach| {
            let mut sums = [0.0_f32; 8];
            let (rows, columns) = (
                y.saturating_sub(reach)..(y + reach + 1).min(height),
                x.saturating_sub(reach)..(x + reach + 1).min(width),
            );
            let needed = BELIEVED * (rows.len() * columns.len() * self.block * self.block) as f32;
            for row in rows {
                for cell in &self.cells[row * width..][columns.clone()] {
                    sums.iter_mut().zip(cell).for_each(|(sum, value)| *sum += value);
                }
            }
            let mean = |first: usize| std::array::from_fn(|c| sums[first + c] / sums[first + 3]);
            (sums[3] >= needed && sums[7] >= needed).then(|| [mean(0), mean(4)])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Samples;

    #[test]
    fn an_edge_that_was_found_too_solid_is_found_again() {
        // An orange half before green, mixed over ten columns; alpha as one who takes orange for grey finds it.
        let size = Size::new(120, 60);
        let truth = |x: usize| ((x as f32 - 54.5) / 10.0).clamp(0.0, 1.0);
        let mix = |a: f32| [a * 230.0 + (1.0 - a) * 10.0, a * 120.0 + (1.0 - a) * 170.0, a * 20.0 + (1.0 - a) * 70.0];
        let samples = (0..size.area()).flat_map(|i| mix(truth(i % 120)).map(|c| (c + 0.5) as u8));
        let color = Rgb::new(size, Samples::Eight(samples.collect()));
        let values = (0..size.area()).map(|i| (1.6 * truth(i % 120)).min(1.0)).collect();
        let mut alpha = Alpha::new(size, values);
        let before = error(&alpha, truth);
        refine(&color, &mut alpha);
        let after = error(&alpha, truth);
        assert!(after < 0.35 * before, "{after} of {before}");
        assert_eq!((alpha.values()[30 * 120 + 5], alpha.values()[30 * 120 + 115]), (0.0, 1.0));
    }

    fn error(alpha: &Alpha, truth: impl Fn(usize) -> f32) -> f32 {
        alpha.values().iter().enumerate().map(|(i, value)| (value - truth(i % 120)).abs()).sum()
    }

    #[test]
    fn without_both_colours_nearby_nothing_changes() {
        let size = Size::new(40, 30);
        let mut alpha = Alpha::filled(size, 0.5);
        refine(&Rgb::filled(size, [100, 90, 80]), &mut alpha);
        assert_eq!(alpha, Alpha::filled(size, 0.5));
    }
}

//! A small network of our own that corrects a matte along its edges; its weights are in this program.
//!
//! A U-Net (Ronneberger, Fischer, Brox: U-Net, MICCAI 2015) of 400 000 weights sees colours, the matte as a large network
//! gave it and what the guided filter makes of that, and adds what is missing. It was trained on drawn pictures with exact
//! mattes: see `training/`.

mod area;
mod convolution;
mod graph;
mod network;

use std::rc::Rc;

use rayon::prelude::*;

pub use self::graph::graph;
use self::{
    area::Area,
    convolution::{Computing, convolutions},
    network::{CHANNELS, MULTIPLE},
};
use super::{
    planes::{Plane, box_mean, change_where_not_zero, mirrored, shrink_alpha, shrink_picture, shrink_plane, shrunk},
    refine_edges::{self, Softness, smooth_step},
};
use crate::pixels::{Alpha, Rect, Rgb, Size};

/// The longest diagonal that the network sees, in pixels: larger pictures are shrunk by whole numbers.
const DIAGONAL: f32 = 1200.0;
/// The least that it sees from afar.
const AFAR: f32 = 50.0;
/// Standard deviation of alpha inside squares of two pixels from which what was found from afar counts less, and from which it
/// does not: wires that are not seen there would be taken away.
const HIDDEN: (f32, f32) = (0.02, 0.08);
/// How many squares around count for that.
const AROUND: usize = 2;
/// Side of the squares it sees at once, and what neighbouring ones share, over which one gives way to the next.
const TILE: u32 = 256;
const OVERLAP: u32 = 16;
/// Alpha between which a filtered matte is open: what is to be corrected is there and less than two cells of this side from it.
const OPEN: (f32, f32) = (0.04, 0.96);
const CELL: usize = 8;
/// Share of the correction below which it is not worth computing.
const LEAST_SHARE: f32 = 0.02;

/// Corrects a matte as a large network gave it where that is soft, in at most the resolution that this network sees: what it
/// lacks of the picture's own, [`refine_edges::refine`] is to add.
///
/// # Panics
/// When picture and matte differ in size.
pub fn correct(color: &Rgb, matte: &mut Alpha) {
    assert_eq!(color.size(), matte.size(), "picture and matte are of one size");
    let block = (color.size().diagonal() / DIAGONAL).ceil().max(1.0) as usize;
    if block == 1 {
        if Softness::of(matte).anywhere().is_some() {
            look(color, matte);
        }
        return;
    }
    let small = shrunk_matte(matte, block);
    if Softness::of(&small).anywhere().is_some() {
        let change = change_of(&small, |near| look(&shrink_picture(color, block), near));
        add(matte, &change, block);
    }
}

/// Corrects what is seen from half as near first, where more of the picture fits the network's view: whole regions are decided
/// there, and only their edges here.
fn look(color: &Rgb, matte: &mut Alpha) {
    if color.size().diagonal() >= 2.0 * AFAR {
        let small = shrunk_matte(matte, 2);
        let mut change = change_of(&small, |afar| look(&shrink_picture(color, 2), afar));
        let shares = shares_from_afar(matte, &small);
        change.values.iter_mut().zip(shares.values).for_each(|(change, share)| *change *= share);
        add(matte, &change, 2);
    }
    if let Some(change) = View::of(color, matte).map(|view| view.change()) {
        let values = matte.values_mut().iter_mut().zip(&change.values);
        values.for_each(|(value, change)| *value = (*value + change).clamp(0.0, 1.0));
    }
}

fn shrunk_matte(matte: &Alpha, block: usize) -> Alpha {
    let plane = shrink_alpha(matte, block);
    Alpha::new(plane.size, plane.values)
}

/// How much of a change that was found from half as near a matte takes, whose means these are.
fn shares_from_afar(matte: &Alpha, means: &Alpha) -> Plane {
    // Roundings can leave a little less than 0.
    let share = |variance: f32| 1.0 - smooth_step(variance.max(0.0).sqrt(), HIDDEN);
    let around = box_mean(&variances(matte, means), AROUND);
    Plane { size: around.size, values: around.values.into_iter().map(share).collect() }
}

/// Variances within squares of two pixels, whose means are given.
fn variances(matte: &Alpha, means: &Alpha) -> Plane {
    let squares = Plane { size: matte.size(), values: matte.values().iter().map(|value| value * value).collect() };
    let mut variances = shrink_plane(&squares, 2);
    variances.values.iter_mut().zip(means.values()).for_each(|(square, mean)| *square -= mean * mean);
    variances
}

fn change_of(found: &Alpha, correct: impl FnOnce(&mut Alpha)) -> Plane {
    let mut corrected = found.clone();
    correct(&mut corrected);
    let changes = corrected.values().iter().zip(found.values()).map(|(value, found)| value - found);
    Plane { size: found.size(), values: changes.collect() }
}

fn add(matte: &mut Alpha, change: &Plane, block: usize) {
    change_where_not_zero(matte, change, block, |value, _, change| *value = (*value + change).clamp(0.0, 1.0));
}

/// What the network sees: picture and mattes in its resolution.
struct View<'a> {
    color: &'a Rgb,
    /// As it was found.
    seen: &'a Alpha,
    /// After the guided filter.
    refined: Alpha,
    /// How much of the correction each pixel takes: where a network was sure of a crisp edge, it is left that. 0 or at least
    /// [`LEAST_SHARE`].
    share: Alpha,
}

impl<'a> View<'a> {
    /// `None` where nothing is soft, so that nothing is to be corrected.
    fn of(color: &'a Rgb, seen: &'a Alpha) -> Option<Self> {
        let soft = Softness::of(seen).anywhere()?;
        let mut refined = seen.clone();
        // As far as the network sees: the rest of a cell, and one around it.
        refine_edges::refine_soft(color, &mut refined, &soft, 2 * MULTIPLE);
        let mut share = soft.everywhere();
        let width = share.size().width as usize;
        let open = Open::of(&refined);
        for (y, row) in share.values_mut().chunks_exact_mut(width).enumerate() {
            for (values, &is_open) in row.chunks_mut(CELL).zip(open.row(y)) {
                for share in values {
                    *share = if is_open && *share >= LEAST_SHARE { *share } else { 0.0 };
                }
            }
        }
        Some(Self { color, seen, refined, share })
    }

    /// What is to be added to the matte as it was found.
    fn change(&self) -> Plane {
        let width = self.share.size().width as usize;
        let tiles: Vec<Tile> = tiles(self.share.size()).into_iter().filter_map(|rect| self.tile(rect)).collect();
        let ready = || Computing::with(convolutions());
        let found: Vec<_> =
            tiles.par_iter().map_init(ready, |computing, tile| self.correction(computing, tile)).collect();
        let mut mixed = vec![(0.0_f32, 0.0_f32); self.share.size().area()];
        for (Tile { rect, core, .. }, found) in tiles.iter().zip(found) {
            let (across, down) = (weights(rect.size.width), weights(rect.size.height));
            for (y, columns) in core.parts_within(MULTIPLE / 2, rect.size) {
                let into = &mut mixed[(rect.top as usize + y) * width + rect.left as usize..][columns.clone()];
                let row = &found[y * across.len()..][columns.clone()];
                for ((sum, add), across) in into.iter_mut().zip(row).zip(&across[columns]) {
                    *sum = (sum.0 + down[y] * across * add, sum.1 + down[y] * across);
                }
            }
        }
        let values = mixed.into_iter().zip(self.share.values()).enumerate().map(|(at, ((sum, weight), &share))| {
            if share > 0.0 {
                share * ((self.refined.values()[at] + sum / weight).clamp(0.0, 1.0) - self.seen.values()[at])
            } else {
                0.0
            }
        });
        Plane { size: self.share.size(), values: values.collect() }
    }

    /// What of a square is computed: where something is to be corrected, and a cell around that. `None` where there is nothing.
    fn tile(&self, rect: Rect) -> Option<Tile> {
        let side = MULTIPLE as u32;
        let (columns, rows) = (rect.size.width.div_ceil(side) as usize, rect.size.height.div_ceil(side) as usize);
        let (stride, left) = (self.share.size().width as usize, rect.left as usize);
        let (mut asked, fine) = (vec![false; columns * 2 * rows * 2], MULTIPLE / 2);
        for y in 0..rect.size.height as usize {
            let row = &self.share.values()[(rect.top as usize + y) * stride + left..][..rect.size.width as usize];
            for (asked, shares) in asked[y / fine * columns * 2..].iter_mut().zip(row.chunks(fine)) {
                *asked |= shares.iter().any(|&share| share > 0.0);
            }
        }
        let mut needed = vec![false; columns * rows];
        (0..asked.len())
            .filter(|&at| asked[at])
            .for_each(|at| needed[at / (columns * 4) * columns + at / 2 % columns] = true);
        needed.contains(&true).then(|| Tile {
            rect,
            area: Area::new(columns, rows, grown(&needed, columns)),
            core: Area::new(columns * 2, rows * 2, grown(&asked, columns * 2)),
        })
    }

    /// What is to be added to the matte of one tile; where nothing is to be corrected that may be anything.
    fn correction(&self, computing: &mut Computing<'_>, tile: &Tile) -> Vec<f32> {
        let (width, height) = (tile.rect.size.width as usize, tile.rect.size.height as usize);
        let stride = self.refined.size().width as usize;
        let mut planes = computing.planes(&Rc::new(tile.area.clone()), MULTIPLE, CHANNELS);
        planes.change(|y, columns, values| {
            let start = (tile.rect.top as usize + mirrored(y, height)) * stride + tile.rect.left as usize;
            for (x, pixel) in columns.zip(values.chunks_exact_mut(CHANNELS)) {
                let at = start + mirrored(x, width);
                let [red, green, blue] = self.color.unit(at);
                let values = [red, green, blue, self.seen.values()[at], self.refined.values()[at]];
                pixel.iter_mut().zip(values).for_each(|(into, value)| *into = value - 0.5);
            }
        });
        let correction = computing.correction(&planes, &Rc::new(tile.core.clone()));
        let mut found = vec![0.0; width * height];
        for (y, columns) in tile.core.parts_within(MULTIPLE / 2, tile.rect.size) {
            found[y * width..][columns.clone()].copy_from_slice(correction.part(y, columns));
        }
        found
    }
}

/// A square and what of it is computed.
struct Tile {
    rect: Rect,
    /// In cells of [`MULTIPLE`] pixels.
    area: Area,
    /// Where something is to be corrected, and half a cell around that: in cells half as wide.
    core: Area,
}

/// Where a matte is open, in cells.
struct Open {
    columns: usize,
    cells: Vec<bool>,
}

impl Open {
    fn of(matte: &Alpha) -> Self {
        let (width, size) = (matte.size().width as usize, shrunk(matte.size(), CELL));
        let (columns, rows) = (size.width as usize, size.height as usize);
        let mut torn = vec![false; columns * rows];
        for (y, row) in matte.values().chunks_exact(width).enumerate() {
            for (cell, values) in torn[y / CELL * columns..].iter_mut().zip(row.chunks(CELL)) {
                *cell |= values.iter().any(|value| (OPEN.0..=OPEN.1).contains(value));
            }
        }
        Self { columns, cells: grown(&torn, columns) }
    }

    /// The cells that a row of pixels lies in.
    fn row(&self, y: usize) -> &[bool] {
        &self.cells[y / CELL * self.columns..][..self.columns]
    }
}

/// These cells of a grid and those that touch them.
fn grown(cells: &[bool], columns: usize) -> Vec<bool> {
    let near = |at: usize, count: usize| at.saturating_sub(1)..(at + 2).min(count);
    let is_near =
        |x, y| near(y, cells.len() / columns).any(|row| near(x, columns).any(|column| cells[row * columns + column]));
    (0..cells.len()).map(|cell| is_near(cell % columns, cell / columns)).collect()
}

/// Squares that cover a picture of this size, the last ones cut off.
fn tiles(size: Size) -> Vec<Rect> {
    let step = TILE - OVERLAP;
    let along = |length: u32| (0..length.saturating_sub(OVERLAP).div_ceil(step).max(1)).map(move |index| index * step);
    let tile = |left: u32, top: u32| Rect {
        left,
        top,
        size: Size::new(TILE.min(size.width - left), TILE.min(size.height - top)),
    };
    along(size.height).flat_map(|top| along(size.width).map(move |left| tile(left, top))).collect()
}

/// How much each place along a tile's side counts, in (0, 1].
fn weights(side: u32) -> Vec<f32> {
    (0..side).map(|at| ((at.min(side - 1 - at) as f32 + 0.5) / OVERLAP as f32).min(1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Samples;

    #[test]
    fn tiles_cover_every_size_and_share_their_borders() {
        for (width, height) in [(1, 1), (20, 300), (256, 257), (480, 481), (1333, 1000)] {
            let size = Size::new(width, height);
            let mut covered = vec![0_u8; size.area()];
            for tile in tiles(size) {
                assert!(tile.size.width <= TILE && tile.size.height <= TILE);
                for y in tile.top..tile.top + tile.size.height {
                    let row = &mut covered[(y * width + tile.left) as usize..][..tile.size.width as usize];
                    row.iter_mut().for_each(|count| *count += 1);
                }
            }
            assert!(covered.iter().all(|&count| count >= 1), "{size}");
            assert!(width < 400 || covered[(TILE - OVERLAP / 2) as usize] >= 2, "{size}");
        }
    }

    #[test]
    fn a_matte_without_open_places_stays_and_one_with_them_changes_near_them_only() {
        let size = Size::new(300, 200);
        let color = Rgb::new(size, Samples::Eight((0..size.area() * 3).map(|i| (i * 31 % 200) as u8).collect()));
        for value in [0.0, 1.0] {
            let mut matte = Alpha::filled(size, value);
            correct(&color, &mut matte);
            assert!(matte.values().iter().all(|&got| got == value));
        }
        let ramp = |i: usize| ((i % 300) as f32 / 4.0 - 37.0).clamp(0.0, 1.0);
        let mut matte = Alpha::new(size, (0..size.area()).map(ramp).collect());
        correct(&color, &mut matte);
        let at = |x: usize| matte.values()[100 * 300 + x];
        assert_eq!((at(100), at(200)), (0.0, 1.0));
        assert!((0..300).any(|x| (at(x) - ramp(x)).abs() > 0.01));
    }

    #[test]
    fn variances_are_those_within_squares() {
        let matte = Alpha::new(Size::new(5, 2), vec![0.0, 1.0, 0.5, 0.5, 0.2, 1.0, 0.0, 0.5, 0.5, 0.6]);
        let got = variances(&matte, &shrunk_matte(&matte, 2));
        for (got, expected) in got.values.iter().zip([0.25, 0.0, 0.04]) {
            assert!((got - expected).abs() < 1e-6, "{got}, not {expected}");
        }
    }

    #[test]
    fn what_is_found_from_afar_counts_in_soft_regions_and_not_at_wires() {
        // Beside a wide soft region.
        let size = Size::new(400, 300);
        let value = |x: usize| match x {
            0..200 => ((x as f32 - 60.0) / 80.0).clamp(0.0, 1.0),
            _ if x.is_multiple_of(12) => 1.0,
            _ => 0.0,
        };
        let found = Alpha::new(size, (0..size.area()).map(|i| value(i % 400)).collect());
        let shares = shares_from_afar(&found, &shrunk_matte(&found, 2));
        let (soft, wires) = (shares.row(70)[50], shares.row(70)[160]);
        assert!(soft > 0.99 && wires < 0.1, "{soft} {wires}");
    }

    #[test]
    fn a_large_picture_is_seen_smaller() {
        let size = Size::new(2400, 1200);
        let color = Rgb::filled(size, [90, 120, 30]);
        let mut matte = Alpha::new(size, (0..size.area()).map(|i| if i % 2400 < 1200 { 0.0 } else { 1.0 }).collect());
        correct(&color, &mut matte);
        assert_eq!((matte.values()[0], matte.values()[2399], matte.size()), (0.0, 1.0, size));
    }
}

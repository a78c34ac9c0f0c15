//! Which tiles cover the unknown pixels, and how what was found in each is put together without a seam.

use std::ops::Range;

use crate::{
    Result,
    pixels::{Alpha, Rect, Size},
    steps::trimap::{Region, Trimap},
};

/// What neighbouring tiles share, and over which one gives way to the next: this share of a tile's side.
const OVERLAP: u32 = 8;
/// What is seen around the unknown pixels, where the picture has it: this share of a tile's side.
const SURROUNDINGS: u32 = 16;

/// The tiles of at most `tile` that hold all unknown pixels; each holds some, and is smaller than `tile` only where the
/// picture is.
///
/// They lie in rows of equal distance, and those of a row are spread over what is unknown there.
#[must_use]
pub fn cover(trimap: &Trimap, tile: Size) -> Vec<Rect> {
    let size = trimap.size();
    let part = Size::new(tile.width.min(size.width), tile.height.min(size.height));
    let Some(rows) = unknown_rows(trimap) else { return Vec::new() };
    let mut tiles = Vec::new();
    for top in starts(&rows, size.height, part.height) {
        let Some(columns) = unknown_columns(trimap, top..top + part.height) else { continue };
        let lefts = starts(&columns, size.width, part.width);
        tiles.extend(lefts.into_iter().map(|left| Rect { left, top, size: part }));
    }
    tiles.retain(|tile| (tile.top..tile.top + tile.size.height).any(|y| holds_unknown(row(trimap, y, tile))));
    tiles
}

/// Alpha of the whole picture: what `find` gives for each tile (a matte of the tile's size), mixed where tiles overlap;
/// 0 and 1 where the trimap is sure.
///
/// A tile's weight falls to nothing towards its sides, so that alpha does not jump where a tile ends.
///
/// # Errors
/// What `find` reports.
pub fn mend(trimap: &Trimap, tile: Size, mut find: impl FnMut(Rect) -> Result<Alpha>) -> Result<Alpha> {
    let size = trimap.size();
    let width = size.width as usize;
    let mut mixed = vec![(0.0_f32, 0.0_f32); size.area()];
    for part in cover(trimap, tile) {
        let found = find(part)?;
        let (across, down) = (weights(part.size.width), weights(part.size.height));
        for ((row, weight), y) in found.values().chunks_exact(across.len()).zip(down).zip(part.top as usize..) {
            let into = &mut mixed[y * width + part.left as usize..][..across.len()];
            for ((sum, alpha), across) in into.iter_mut().zip(row).zip(&across) {
                *sum = (sum.0 + weight * across * alpha, sum.1 + weight * across);
            }
        }
    }
    let value = |(region, (sum, weight)): (&Region, (f32, f32))| match region {
        Region::Background => 0.0,
        Region::Subject => 1.0,
        Region::Unknown => (sum / weight).clamp(0.0, 1.0),
    };
    Ok(Alpha::new(size, trimap.regions().iter().zip(mixed).map(value).collect()))
}

/// Where tiles of `side` begin that hold `range` of `length` pixels and what surrounds it.
fn starts(range: &Range<u32>, length: u32, side: u32) -> Vec<u32> {
    let (overlap, around) = (side / OVERLAP, side / SURROUNDINGS);
    let (start, end) = (range.start.saturating_sub(around), (range.end + around).min(length));
    let span = end - start;
    if span <= side {
        return vec![(start + span / 2).saturating_sub(side / 2).min(length - side)];
    }
    let steps = (span - overlap).div_ceil(side - overlap) - 1;
    (0..=steps).map(|step| start + step * (span - side) / steps).collect()
}

/// How much each place along a tile's side counts, in (0, 1].
fn weights(side: u32) -> Vec<f32> {
    let ramp = (side / OVERLAP).max(1) as f32;
    (0..side).map(|at| ((at.min(side - 1 - at) as f32 + 0.5) / ramp).min(1.0)).collect()
}

fn holds_unknown(regions: &[Region]) -> bool {
    regions.contains(&Region::Unknown)
}

/// The regions of a row of the picture within a tile.
fn row<'a>(trimap: &'a Trimap, y: u32, tile: &Rect) -> &'a [Region] {
    let start = y as usize * trimap.size().width as usize + tile.left as usize;
    &trimap.regions()[start..start + tile.size.width as usize]
}

/// From the first to behind the last row with something unknown.
fn unknown_rows(trimap: &Trimap) -> Option<Range<u32>> {
    let Size { width, height } = trimap.size();
    let all = Rect { left: 0, top: 0, size: Size::new(width, 1) };
    let mut rows = (0..height).filter(|&y| holds_unknown(row(trimap, y, &all)));
    let first = rows.next()?;
    Some(first..rows.next_back().unwrap_or(first) + 1)
}

/// From the first to behind the last column with something unknown in these rows.
fn unknown_columns(trimap: &Trimap, rows: Range<u32>) -> Option<Range<u32>> {
    let all = Rect { left: 0, top: 0, size: Size::new(trimap.size().width, 1) };
    let mut found: Option<Range<u32>> = None;
    for y in rows {
        let regions = row(trimap, y, &all);
        let unknown = |region: &Region| *region == Region::Unknown;
        if let (Some(first), Some(last)) = (regions.iter().position(unknown), regions.iter().rposition(unknown)) {
            let (first, behind) = (first as u32, last as u32 + 1);
            found = Some(found.map_or(first..behind, |range| range.start.min(first)..range.end.max(behind)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TILE: Size = Size::new(32, 32);

    fn trimap(size: Size, region: impl Fn(u32, u32) -> Region) -> Trimap {
        let at = |i: usize| region(i as u32 % size.width, i as u32 / size.width);
        Trimap::new(size, (0..size.area()).map(at).collect())
    }

    /// A ring that a picture of several tiles holds, sure subject inside.
    fn ring(size: Size) -> Trimap {
        let middle = (size.width as f32 / 2.0, size.height as f32 / 2.0);
        trimap(size, |x, y| match f32::hypot(x as f32 - middle.0, y as f32 - middle.1) / middle.1 {
            far if far > 0.8 => Region::Background,
            near if near < 0.7 => Region::Subject,
            _ => Region::Unknown,
        })
    }

    fn holds(tile: &Rect, x: u32, y: u32) -> bool {
        (tile.left..tile.left + tile.size.width).contains(&x) && (tile.top..tile.top + tile.size.height).contains(&y)
    }

    #[test]
    fn every_unknown_pixel_is_in_a_tile_and_every_tile_has_one() {
        let everything = |size| trimap(size, |_, _| Region::Unknown);
        let corner = |size| trimap(size, |x, y| if x + y == 0 { Region::Unknown } else { Region::Subject });
        for size in [Size::new(200, 150), Size::new(33, 32), Size::new(20, 90), Size::new(5, 3), Size::new(1, 1)] {
            for trimap in [ring(size), everything(size), corner(size)] {
                let tiles = cover(&trimap, TILE);
                let unknown: Vec<(u32, u32)> = (0..size.area())
                    .filter(|&i| trimap.regions()[i] == Region::Unknown)
                    .map(|i| (i as u32 % size.width, i as u32 / size.width))
                    .collect();
                for &(x, y) in &unknown {
                    assert!(tiles.iter().any(|tile| holds(tile, x, y)), "{size}: {x} {y}");
                }
                for tile in &tiles {
                    assert!(unknown.iter().any(|&(x, y)| holds(tile, x, y)), "{size}: {tile:?} is for nothing");
                    assert_eq!(tile.size, Size::new(size.width.min(32), size.height.min(32)), "{size}");
                    assert!(tile.left + tile.size.width <= size.width && tile.top + tile.size.height <= size.height);
                }
            }
        }
    }

    #[test]
    fn what_is_known_is_not_looked_at() {
        let size = Size::new(400, 400);
        // A grid over all of it would have 15 × 15 tiles.
        let tiles = cover(&ring(size), TILE);
        assert!((20..100).contains(&tiles.len()), "{}", tiles.len());
        let middle = trimap(size, |x, y| if x == 200 && y == 201 { Region::Unknown } else { Region::Background });
        assert_eq!(cover(&middle, TILE), [Rect { left: 184, top: 185, size: TILE }]);
        let known = trimap(size, |x, _| if x < 200 { Region::Subject } else { Region::Background });
        assert_eq!(cover(&known, TILE), []);
        let found = mend(&known, TILE, |_| panic!("nothing is to be found out")).unwrap();
        assert_eq!(found, known.values());
    }

    #[test]
    fn a_plane_over_many_tiles_is_whole_again() {
        let size = Size::new(150, 130);
        let plane = |x: u32, y: u32| 0.1 + 0.4 * x as f32 / size.width as f32 + 0.4 * y as f32 / size.height as f32;
        let trimap = ring(size);
        let mut runs = 0;
        let found = mend(&trimap, TILE, |tile| {
            runs += 1;
            let at = |i: usize| plane(tile.left + i as u32 % tile.size.width, tile.top + i as u32 / tile.size.width);
            Ok(Alpha::new(tile.size, (0..tile.size.area()).map(at).collect()))
        });
        let found = found.unwrap();
        assert!(runs > 5, "{runs}");
        for (i, (value, region)) in found.values().iter().zip(trimap.regions()).enumerate() {
            let expected = match region {
                Region::Background => 0.0,
                Region::Subject => 1.0,
                Region::Unknown => plane(i as u32 % size.width, i as u32 / size.width),
            };
            assert!((value - expected).abs() < 1e-5, "{i}: {value}, expected {expected}");
        }
    }

    #[test]
    fn tiles_that_disagree_give_way_slowly() {
        let size = Size::new(120, 100);
        let unknown = trimap(size, |_, _| Region::Unknown);
        let mut runs = 0;
        // Neighbours, in a row and above each other, differ by 1: what a hard seam would show as a step of 1.
        let found = mend(&unknown, TILE, |tile| {
            runs += 1;
            Ok(Alpha::filled(tile.size, (runs % 2) as f32))
        });
        let values = found.unwrap().into_values();
        let width = size.width as usize;
        let step = |a: usize, b: usize| (values[a] - values[b]).abs();
        let across = (0..values.len()).filter(|i| i % width > 0).map(|i| step(i, i - 1));
        let down = (width..values.len()).map(|i| step(i, i - width));
        let (least, most) = values.iter().fold((1.0_f32, 0.0_f32), |(a, b), &value| (a.min(value), b.max(value)));
        assert_eq!((least, most), (0.0, 1.0));
        // The ramps of two neighbours over at least four pixels, half a pixel inside each.
        assert!(across.chain(down).fold(0.0, f32::max) <= 0.26);
    }
}

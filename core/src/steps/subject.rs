//! Which connected pieces of a matte are the subject: those that points touch, that lie in a box, or the largest.

use super::{
    pieces::{self, Pieces},
    planes::{Plane, change_by_grid, shrink_alpha},
};
use crate::{
    Error, Kind, Result,
    options::{Point, Subject, Verdict},
    pixels::{Alpha, Rect, Size},
};

/// The longer side of the grid that pieces are found on.
const GRID: u32 = 1024;
/// How far from a point a piece may be that it means, as a share of the diagonal.
const REACH: f32 = 0.03;
/// A piece of which this share lies in the box is kept whole.
const MOSTLY: f32 = 0.8;
/// A piece of which less than this share lies in the box, and that is less than this share of what lies there, only
/// reaches into it.
const REACHES_IN: f32 = 0.2;
/// How much is taken off each side of the box for the part of it that is surely kept, as a share of that side.
const SURE: f32 = 0.15;
/// How far outside the box is surely dropped, as a share of its longer side.
const BEYOND: f32 = 0.05;

/// What becomes of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Keep,
    Drop,
    /// It is divided, between seeds.
    Divide,
}

/// Removes from the matte what the options do not mean by the subject.
///
/// A point means the piece it touches, else the nearest within 3 % of the diagonal. With points to keep, all other
/// pieces go; a piece with points of both kinds is divided where it is thinnest. A piece that leaves the box is divided
/// near its edge, unless nearly all of it is inside. Of what is left, `keep_largest` leaves the largest piece.
///
/// # Errors
/// [`Kind::SelectionMissed`] when a point to keep has no piece near it, or the points or the box lie outside the
/// picture.
pub fn select(matte: &mut Alpha, subject: &Subject) -> Result<()> {
    if !subject.is_placed() && !subject.keep_largest {
        return Ok(());
    }
    let block = matte.size().width.max(matte.size().height).div_ceil(GRID).max(1) as usize;
    let small = shrink_alpha(matte, block);
    let region = subject.region.map(|region| region.pixels(matte.size())).transpose()?;
    let region = region.map(|region| on_grid(region, block));
    // Crumbs well outside the box are of something else.
    let near_box = region.map(|region| outset(region, small.size));
    let pieces = pieces::find(&small, |cell| near_box.is_none_or(|part| holds(part, cell, small.size)));
    let mut chosen = Chosen::all(&pieces, subject);
    for point in &subject.points {
        chosen.heed_point(point, matte.size(), block)?;
    }
    if let Some(region) = region {
        chosen.heed_box(region, &small);
    }
    if subject.keep_largest {
        chosen.only_largest(&small);
    }
    let kept = chosen.kept_cells(&small);
    change_by_grid(matte, &kept, block, |value, _, kept| *value *= kept.clamp(0.0, 1.0));
    Ok(())
}

/// The cells that a part of the picture touches.
fn on_grid(part: Rect, block: usize) -> Rect {
    let block = block as u32;
    let (left, top) = (part.left / block, part.top / block);
    let (right, bottom) =
        ((part.left + part.size.width).div_ceil(block), (part.top + part.size.height).div_ceil(block));
    Rect { left, top, size: Size::new(right - left, bottom - top) }
}

/// What was decided of the pieces.
struct Chosen<'a> {
    pieces: &'a Pieces,
    /// By the pieces' numbers.
    fates: Vec<Fate>,
    /// Cells of divided pieces that are decided.
    seeds: Vec<(usize, Verdict)>,
    region: Option<Rect>,
}

impl<'a> Chosen<'a> {
    fn all(pieces: &'a Pieces, subject: &Subject) -> Self {
        let named = subject.points.iter().any(|point| point.verdict == Verdict::Keep);
        let fate = if named { Fate::Drop } else { Fate::Keep };
        Self { pieces, fates: vec![fate; pieces.weights.len()], seeds: Vec::new(), region: None }
    }

    fn heed_point(&mut self, point: &Point, size: Size, block: usize) -> Result<()> {
        let (x, y) = point.pixel(size)?;
        let reach = (REACH * size.diagonal() / block as f32).ceil() as usize;
        let Some(cell) = self.pieces.nearest((x as usize / block, y as usize / block), reach) else {
            let message = format!("the point {point} touches nothing that was found");
            return match point.verdict {
                Verdict::Keep => Err(Error::new(Kind::SelectionMissed, message)),
                Verdict::Drop => Ok(()),
            };
        };
        let label = self.pieces.labels[cell];
        let same_piece = |seed: &&(usize, Verdict)| self.pieces.labels[seed.0] == label;
        let disputed = self.seeds.iter().filter(same_piece).any(|seed| seed.1 != point.verdict);
        self.fates[label as usize] = match point.verdict {
            _ if disputed => Fate::Divide,
            Verdict::Keep => Fate::Keep,
            Verdict::Drop => Fate::Drop,
        };
        self.seeds.push((cell, point.verdict));
        Ok(())
    }

    fn heed_box(&mut self, region: Rect, matte: &Plane) {
        let inside = self.weights_in(region, matte);
        let total: f32 = inside.iter().zip(&self.fates).filter(|(_, fate)| **fate != Fate::Drop).map(|(w, _)| w).sum();
        for ((fate, &inside), &weight) in self.fates.iter_mut().zip(&inside).zip(&self.pieces.weights) {
            let share = inside / weight.max(f32::MIN_POSITIVE);
            let reaches_in = share < REACHES_IN && inside < REACHES_IN * total;
            *fate = match *fate {
                Fate::Drop => Fate::Drop,
                _ if inside == 0.0 || reaches_in => Fate::Drop,
                fate if share >= MOSTLY => fate,
                _ => Fate::Divide,
            };
        }
        self.region = Some(region);
        self.seed_box(region);
    }

    /// What of each piece lies in the box.
    fn weights_in(&self, region: Rect, matte: &Plane) -> Vec<f32> {
        let mut weights = vec![0.0; self.fates.len()];
        for cell in cells(region, matte.size) {
            weights[self.pieces.labels[cell] as usize] += matte.values[cell];
        }
        weights[0] = 0.0;
        weights
    }

    /// Seeds for pieces that leave the box: kept in its middle, dropped well outside.
    fn seed_box(&mut self, region: Rect) {
        let size = self.pieces.size;
        let sure = inset(region);
        let beyond = outset(region, size);
        for label in 1..self.fates.len() as u32 {
            if self.fates[label as usize] != Fate::Divide {
                continue;
            }
            let of_piece = |cell: &usize| self.pieces.labels[*cell] == label;
            let mut kept: Vec<usize> = cells(sure, size).filter(of_piece).collect();
            if kept.is_empty() {
                kept = cells(region, size).filter(of_piece).collect();
            }
            self.seeds.extend(kept.into_iter().map(|cell| (cell, Verdict::Keep)));
        }
        let all = Rect { left: 0, top: 0, size };
        let outside = cells(all, size).filter(|&cell| !holds(beyond, cell, size));
        let far = pieces::distance(self.pieces);
        // What is only soft there leads up to a piece when it is close to it; else it is a ghost of something else.
        let close = 3 * margin(region);
        let is_dropped = |cell: &usize| match self.pieces.labels[*cell] {
            0 => far[*cell] > close,
            label => self.fates[label as usize] == Fate::Divide,
        };
        let dropped: Vec<usize> = outside.filter(is_dropped).collect();
        self.seeds.extend(dropped.into_iter().map(|cell| (cell, Verdict::Drop)));
    }

    fn only_largest(&mut self, matte: &Plane) {
        let whole = Rect { left: 0, top: 0, size: matte.size };
        let weights = self.weights_in(self.region.unwrap_or(whole), matte);
        let left = (1..self.fates.len()).filter(|&label| self.fates[label] != Fate::Drop);
        let largest = left.max_by(|&a, &b| weights[a].total_cmp(&weights[b]));
        for label in 1..self.fates.len() {
            if Some(label) != largest {
                self.fates[label] = Fate::Drop;
            }
        }
    }

    /// 1 for each cell that is kept, 0 for each that is not; soft cells go with the piece they lead up to.
    fn kept_cells(&self, matte: &Plane) -> Plane {
        let pieces = self.pieces;
        let thickness = pieces::thickness(pieces);
        let mut marks: Vec<u8> = pieces.labels.iter().map(|&label| mark(self.fates[label as usize], label)).collect();
        for (cell, verdict) in self.division_seeds(&thickness) {
            marks[cell] = if verdict == Verdict::Keep { KEPT } else { DROPPED };
        }
        // All insides lie above all soft cells, so that pieces are divided before their surroundings are.
        let heights: Vec<u32> = (matte.values.iter().zip(&thickness).zip(&pieces.labels))
            .map(|((&alpha, &thick), &label)| if label > 0 { 256 + thick } else { (alpha * 255.0) as u32 })
            .collect();
        pieces::spread(&mut marks, &heights, matte.size);
        let values = marks.iter().map(|&mark| f32::from(u8::from(mark == KEPT))).collect();
        Plane { size: matte.size, values }
    }

    /// The seeds of divided pieces, carried from where they were set to the thickest place around, so that those in a
    /// thin part do not lose all to those in a thick one; where both kinds would meet there they stay where they are.
    fn division_seeds(&self, thickness: &[u32]) -> Vec<(usize, Verdict)> {
        let undecided = |cell: usize| {
            self.pieces.labels[cell] == 0 || self.fates[self.pieces.labels[cell] as usize] == Fate::Divide
        };
        let seeds = self.seeds.iter().copied().filter(|&(cell, _)| undecided(cell));
        if self.region.is_some() {
            return seeds.collect();
        }
        let carried: Vec<(usize, Verdict)> =
            seeds.clone().map(|(cell, verdict)| (pieces::summit(thickness, self.pieces.size, cell), verdict)).collect();
        let contrary = |a: &(usize, Verdict), b: &(usize, Verdict)| a.0 == b.0 && a.1 != b.1;
        let meets = |index: usize| carried.iter().any(|other| contrary(&carried[index], other));
        seeds.clone().enumerate().map(|(index, seed)| if meets(index) { seed } else { carried[index] }).collect()
    }
}

const KEPT: u8 = 1;
const DROPPED: u8 = 2;

fn mark(fate: Fate, label: u32) -> u8 {
    match fate {
        _ if label == 0 => 0,
        Fate::Keep => KEPT,
        Fate::Drop => DROPPED,
        Fate::Divide => 0,
    }
}

/// The cells of a part of the grid.
fn cells(part: Rect, size: Size) -> impl Iterator<Item = usize> {
    let width = size.width as usize;
    let columns = part.left as usize..(part.left + part.size.width) as usize;
    let rows = part.top as usize..(part.top + part.size.height) as usize;
    rows.flat_map(move |row| columns.clone().map(move |column| row * width + column))
}

fn holds(part: Rect, cell: usize, size: Size) -> bool {
    let (x, y) = (cell as u32 % size.width, cell as u32 / size.width);
    (part.left..part.left + part.size.width).contains(&x) && (part.top..part.top + part.size.height).contains(&y)
}

/// The middle of a box.
fn inset(region: Rect) -> Rect {
    let step = |side: u32| (SURE * side as f32) as u32;
    let (across, down) = (step(region.size.width), step(region.size.height));
    let size = Size::new(region.size.width - 2 * across, region.size.height - 2 * down);
    Rect { left: region.left + across, top: region.top + down, size }
}

/// How many cells around a box are close to it.
fn margin(region: Rect) -> u32 {
    (BEYOND * region.size.width.max(region.size.height) as f32).ceil() as u32
}

/// The box and what lies close around it.
fn outset(region: Rect, within: Size) -> Rect {
    let step = margin(region);
    let (left, top) = (region.left.saturating_sub(step), region.top.saturating_sub(step));
    let right = (region.left + region.size.width + step).min(within.width);
    let bottom = (region.top + region.size.height + step).min(within.height);
    Rect { left, top, size: Size::new(right - left, bottom - top) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(300, 120);

    /// Discs of these centres and radii, with an edge that is soft over three pixels.
    fn discs(discs: &[(f32, f32, f32)]) -> Alpha {
        let value = |x: f32, y: f32| {
            let depth = discs.iter().map(|(cx, cy, radius)| radius - f32::hypot(x - cx, y - cy));
            (depth.fold(f32::MIN, f32::max) / 3.0 + 0.5).clamp(0.0, 1.0)
        };
        let values = (0..SIZE.area()).map(|i| value((i % 300) as f32, (i / 300) as f32)).collect();
        Alpha::new(SIZE, values)
    }

    /// Three discs, the first two grown together.
    fn three() -> Alpha {
        discs(&[(60.0, 60.0, 40.0), (130.0, 60.0, 35.0), (240.0, 60.0, 30.0)])
    }

    fn selected(mut matte: Alpha, points: &[&str], region: Option<&str>, keep_largest: bool) -> Result<Alpha> {
        let subject = Subject {
            keep_largest,
            points: points.iter().map(|text| text.parse().unwrap()).collect(),
            region: region.map(|text| text.parse().unwrap()),
            classes: Vec::new(),
        };
        select(&mut matte, &subject).map(|()| matte)
    }

    fn at(matte: &Alpha, x: usize, y: usize) -> f32 {
        matte.values()[y * 300 + x]
    }

    /// Alpha in the middle of the three discs, as 0, 1 or 9 for something between.
    fn middles(matte: &Alpha) -> [u8; 3] {
        [60, 130, 240].map(|x| match at(matte, x, 60) {
            0.0 => 0,
            1.0 => 1,
            _ => 9,
        })
    }

    #[test]
    fn points_boxes_and_the_largest_choose_pieces() {
        type Case<'a> = (&'a str, &'a [&'a str], Option<&'a str>, bool, [u8; 3]);
        let cases: [Case<'_>; 12] = [
            ("nothing asked", &[], None, false, [1, 1, 1]),
            ("the largest", &[], None, true, [1, 1, 0]),
            ("a point on one", &["240,60"], None, false, [0, 0, 1]),
            ("a point near one", &["273,60"], None, false, [0, 0, 1]),
            ("a point on the twins", &["20%,50%"], None, false, [1, 1, 0]),
            ("a drop point", &["240,60:drop"], None, false, [1, 1, 0]),
            ("a drop point on nothing", &["2,2:drop"], None, false, [1, 1, 1]),
            ("the twins divided", &["40,60", "150,60:drop"], None, false, [1, 0, 0]),
            ("the twins divided, the other kept", &["150,50", "40,60:drop"], None, false, [0, 1, 0]),
            ("two points", &["60,60", "240,60"], None, false, [1, 1, 1]),
            ("a box", &[], Some("200,20,90,80"), false, [0, 0, 1]),
            ("a box around one of the twins", &[], Some("95,20,75,80"), false, [0, 1, 0]),
        ];
        for (name, points, region, largest, expected) in cases {
            let got = selected(three(), points, region, largest).unwrap();
            assert_eq!(middles(&got), expected, "{name}");
        }
    }

    #[test]
    fn what_is_kept_keeps_its_soft_edge_and_what_goes_leaves_nothing() {
        let whole = three();
        let kept = selected(whole.clone(), &["240,60"], None, false).unwrap();
        let alone = discs(&[(240.0, 60.0, 30.0)]);
        assert!(kept.values().iter().zip(alone.values()).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn twins_are_divided_at_the_neck() {
        let kept = selected(three(), &["60,60", "130,60:drop"], None, false).unwrap();
        // The circles cross at x = 97.7.
        for y in [45, 60, 75] {
            assert!(at(&kept, 92, y) > 0.99 && at(&kept, 103, y) < 0.01, "{y}");
        }
    }

    #[test]
    fn a_limb_is_taken_off_where_it_is_thin() {
        // A body, a thin arm and a hand, all one piece.
        let mut matte = discs(&[(80.0, 60.0, 45.0), (200.0, 60.0, 15.0)]);
        for y in 56..64 {
            matte.values_mut()[y * 300 + 80..y * 300 + 200].fill(1.0);
        }
        let kept = selected(matte, &["80,60", "200,60:drop"], None, false).unwrap();
        assert!(at(&kept, 80, 60) == 1.0 && at(&kept, 120, 60) == 1.0 && at(&kept, 200, 60) == 0.0);
    }

    #[test]
    fn a_box_that_is_a_little_tight_cuts_nothing_off() {
        let kept = selected(three(), &[], Some("212,34,56,52"), false).unwrap();
        let alone = discs(&[(240.0, 60.0, 30.0)]);
        assert!(kept.values().iter().zip(alone.values()).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn a_ghost_beside_the_box_goes() {
        let mut matte = discs(&[(80.0, 60.0, 40.0)]);
        for y in 20..100 {
            // Half seen, and joined to the disc.
            matte.values_mut()[y * 300 + 118..y * 300 + 200].iter_mut().for_each(|value| *value = value.max(0.4));
        }
        // A crumb of it is seen well.
        matte.values_mut()[60 * 300 + 180..60 * 300 + 190].fill(1.0);
        let kept = selected(matte, &[], Some("35,15,90,90"), false).unwrap();
        assert!(
            at(&kept, 80, 60) == 1.0
                && at(&kept, 150, 60) == 0.0
                && at(&kept, 185, 60) == 0.0
                && at(&kept, 190, 90) == 0.0
        );
    }

    #[test]
    fn points_and_boxes_that_meet_nothing_are_told() {
        for (points, region) in [(&["190,5"][..], None), (&["500,5"], None), (&[], Some("400,0,10,10"))] {
            let error = selected(three(), points, region, false).unwrap_err();
            assert_eq!(error.kind(), Kind::SelectionMissed, "{error}");
        }
    }

    #[test]
    fn large_pictures_are_chosen_from_on_a_grid() {
        let size = Size::new(2600, 1300);
        let inside = |i: usize, from: usize, to: usize| (from..to).contains(&(i % 2600));
        let values = (0..size.area()).map(|i| if inside(i, 100, 900) || inside(i, 1500, 2000) { 1.0 } else { 0.0 });
        let mut matte = Alpha::new(size, values.collect());
        select(&mut matte, &Subject { keep_largest: true, ..Subject::default() }).unwrap();
        let sum: f64 = matte.values().iter().map(|&value| f64::from(value)).sum();
        assert!((sum - 800.0 * 1300.0).abs() < 1.0, "{sum}");
    }
}

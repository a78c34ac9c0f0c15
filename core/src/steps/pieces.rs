//! Connected pieces of a matte, and dividing what has grown together where it is thinnest.

use std::collections::VecDeque;

use super::planes::Plane;
use crate::pixels::Size;

/// From this alpha on a cell is the inside of a piece.
const CORE: f32 = 0.5;
/// From this alpha on a cell is seen; what only fainter cells join is not joined.
const SEEN: f32 = 0.1;
/// A piece that hangs on another by soft cells belongs to it when it weighs less than this share of it.
const HANGING: f32 = 0.05;

/// The connected pieces of a matte on a grid.
#[derive(Debug)]
pub struct Pieces {
    /// Size of the grid.
    pub size: Size,
    /// For each cell the number of its piece, from 1; 0 for those of none.
    pub labels: Vec<u32>,
    /// What each piece weighs, its sum of alpha, by number; that of 0 is 0.
    pub weights: Vec<f32>,
}

/// Finds the pieces: cells at least half opaque that touch, with the small ones that hang on a larger by soft cells;
/// and islands of soft cells only. Cells that may not hang on another piece stay pieces of their own.
#[must_use]
pub fn find(matte: &Plane, may_hang: impl Fn(usize) -> bool) -> Pieces {
    let mut pieces = Pieces { size: matte.size, labels: vec![0; matte.values.len()], weights: vec![0.0] };
    for cells in connected(matte, CORE) {
        let weight = cells.iter().map(|&cell| matte.values[cell]).sum();
        pieces.add(&cells, weight);
    }
    for cells in connected(matte, SEEN) {
        match pieces.heaviest_among(&cells) {
            None => pieces.add(&cells, cells.iter().map(|&cell| matte.values[cell]).sum()),
            Some(heaviest) => pieces.hang(cells.into_iter().filter(|&cell| may_hang(cell)), heaviest),
        }
    }
    pieces
}

impl Pieces {
    fn add(&mut self, cells: &[usize], weight: f32) {
        let label = self.weights.len() as u32;
        cells.iter().for_each(|&cell| self.labels[cell] = label);
        self.weights.push(weight);
    }

    fn weight_at(&self, cell: usize) -> f32 {
        self.weights[self.labels[cell] as usize]
    }

    fn heaviest_among(&self, cells: &[usize]) -> Option<u32> {
        let inside = cells.iter().filter(|&&cell| self.labels[cell] > 0);
        inside.max_by(|&&a, &&b| self.weight_at(a).total_cmp(&self.weight_at(b))).map(|&cell| self.labels[cell])
    }

    /// Makes the small pieces among the cells part of a heavy one.
    fn hang(&mut self, cells: impl Iterator<Item = usize>, heavy: u32) {
        let most = HANGING * self.weights[heavy as usize];
        let small: Vec<usize> = cells.filter(|&cell| self.labels[cell] > 0 && self.weight_at(cell) < most).collect();
        for cell in small {
            let label = self.labels[cell] as usize;
            self.weights[heavy as usize] += std::mem::take(&mut self.weights[label]);
            self.labels[cell] = heavy;
        }
    }

    /// The cell of any piece that is nearest to a cell, at most `reach` cells away.
    #[must_use]
    pub fn nearest(&self, (x, y): (usize, usize), reach: usize) -> Option<usize> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let rows = y.saturating_sub(reach)..(y + reach + 1).min(height);
        let cells = rows.flat_map(|row| {
            let columns = x.saturating_sub(reach)..(x + reach + 1).min(width);
            columns.map(move |column| (column.abs_diff(x).pow(2) + row.abs_diff(y).pow(2), row * width + column))
        });
        let inside = cells.filter(|&(distance, cell)| distance <= reach * reach && self.labels[cell] > 0);
        inside.min().map(|(_, cell)| cell)
    }
}

/// Groups of touching cells of at least `threshold`, each found once.
fn connected(matte: &Plane, threshold: f32) -> Vec<Vec<usize>> {
    let mut visited = vec![false; matte.values.len()];
    let mut groups = Vec::new();
    for start in 0..matte.values.len() {
        if visited[start] || matte.values[start] < threshold {
            continue;
        }
        visited[start] = true;
        let (mut cells, mut at) = (vec![start], 0);
        while let Some(&cell) = cells.get(at) {
            at += 1;
            for next in neighbours(cell, matte.size) {
                if !visited[next] && matte.values[next] >= threshold {
                    visited[next] = true;
                    cells.push(next);
                }
            }
        }
        groups.push(cells);
    }
    groups
}

/// The up to eight cells around one.
fn neighbours(cell: usize, size: Size) -> impl Iterator<Item = usize> {
    let (width, height) = (size.width as usize, size.height as usize);
    let (x, y) = (cell % width, cell / width);
    let rows = y.saturating_sub(1)..(y + 2).min(height);
    rows.flat_map(move |row| (x.saturating_sub(1)..(x + 2).min(width)).map(move |column| row * width + column))
        .filter(move |&other| other != cell)
}

/// How thick the pieces are around each cell: its distance to the nearest cell of none, in thirds of a cell.
#[must_use]
pub fn thickness(pieces: &Pieces) -> Vec<u32> {
    distances(pieces, |label| label == 0)
}

/// How far each cell is from the nearest piece, in thirds of a cell.
#[must_use]
pub fn distance(pieces: &Pieces) -> Vec<u32> {
    distances(pieces, |label| label > 0)
}

/// The distance of each cell to the nearest whose label is a goal (chamfer distance 3-4, Borgefors 1986).
fn distances(pieces: &Pieces, is_goal: impl Fn(u32) -> bool) -> Vec<u32> {
    let (width, height) = (pieces.size.width as usize, pieces.size.height as usize);
    let far = 4 * (width + height) as u32;
    let mut distances: Vec<u32> = pieces.labels.iter().map(|&label| if is_goal(label) { 0 } else { far }).collect();
    let relax = |distances: &mut [u32], cell: usize, others: [(isize, isize, u32); 4]| {
        let (x, y) = ((cell % width) as isize, (cell / width) as isize);
        for (right, down, step) in others {
            let (column, row) = (x + right, y + down);
            if (0..width as isize).contains(&column) && (0..height as isize).contains(&row) {
                let other = distances[row as usize * width + column as usize];
                distances[cell] = distances[cell].min(other + step);
            }
        }
    };
    for cell in 0..distances.len() {
        relax(&mut distances, cell, [(-1, 0, 3), (-1, -1, 4), (0, -1, 3), (1, -1, 4)]);
    }
    for cell in (0..distances.len()).rev() {
        relax(&mut distances, cell, [(1, 0, 3), (1, 1, 4), (0, 1, 3), (-1, 1, 4)]);
    }
    distances
}

/// The thickest place that can be walked to from a cell, each step within the disc that fits around the last.
#[must_use]
pub fn summit(thickness: &[u32], size: Size, from: usize) -> usize {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut at = from;
    loop {
        let (x, y, radius) = (at % width, at / width, thickness[at].div_ceil(3) as usize);
        let rows = y.saturating_sub(radius)..(y + radius + 1).min(height);
        let disc = rows.flat_map(|row| {
            let columns = x.saturating_sub(radius)..(x + radius + 1).min(width);
            columns
                .filter(move |column| column.abs_diff(x).pow(2) + row.abs_diff(y).pow(2) <= radius * radius)
                .map(move |column| row * width + column)
        });
        match disc.max_by_key(|&cell| (thickness[cell], std::cmp::Reverse(cell))) {
            Some(best) if thickness[best] > thickness[at] => at = best,
            _ => return at,
        }
    }
}

/// Gives every cell the mark of a seed: marks spread from the highest cells down, and meet in the valleys between
/// seeds (watershed by flooding: Vincent and Soille 1991). Cells that no seed reaches stay 0.
///
/// `marks` has the seeds' marks and 0 elsewhere; `heights` says how high each cell is.
pub fn spread(marks: &mut [u8], heights: &[u32], size: Size) {
    let highest = heights.iter().copied().max().unwrap_or(0) as usize;
    let mut waiting: Vec<VecDeque<usize>> = vec![VecDeque::new(); highest + 1];
    for (cell, _) in marks.iter().enumerate().filter(|(_, mark)| **mark > 0) {
        waiting[heights[cell] as usize].push_back(cell);
    }
    for level in (0..waiting.len()).rev() {
        while let Some(cell) = waiting[level].pop_front() {
            for next in neighbours(cell, size) {
                if marks[next] == 0 {
                    marks[next] = marks[cell];
                    // What lies higher than the pass to it is flooded at once.
                    waiting[(heights[next] as usize).min(level)].push_back(next);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plane drawn with digits, tenths of alpha; `#` is 1.
    fn drawn(rows: &[&str]) -> Plane {
        let size = Size::new(rows[0].len() as u32, rows.len() as u32);
        let value = |c: char| c.to_digit(10).map_or(1.0, |digit| digit as f32 / 10.0);
        Plane { size, values: rows.iter().flat_map(|row| row.chars().map(value)).collect() }
    }

    #[test]
    fn pieces_are_what_touches_and_small_ones_hang_on_large_ones() {
        let row = "#".repeat(40) + "03#0000##3300000";
        let rows: Vec<&str> = (0..3).map(|_| row.as_str()).collect();
        let pieces = find(&drawn(&rows), |_| true);
        let at = |column: usize| pieces.labels[column];
        // The 3 between is soft and joins nothing across the 0; the island of its own is a piece.
        assert!(at(0) > 0 && at(42) > 0 && at(0) != at(42));
        assert_eq!(at(41), 0, "soft cells beside a piece are given away later");
        assert_ne!(at(47), at(42));
        let joined = "#".repeat(60) + "33##000";
        let pieces = find(&drawn(&[joined.as_str(); 2]), |_| true);
        assert_eq!(pieces.labels[0], pieces.labels[62], "a crumb on soft cells hangs on the large piece");
        assert!((pieces.weights[pieces.labels[0] as usize] - 124.0).abs() < 1e-3);
    }

    #[test]
    fn an_island_of_soft_cells_is_a_piece_of_its_own() {
        let pieces = find(&drawn(&["###00330", "###00330"]), |_| true);
        assert_eq!((pieces.labels[0], pieces.labels[5]), (1, 2));
        assert_eq!(pieces.nearest((3, 0), 2), Some(2));
        assert_eq!(pieces.nearest((7, 0), 0), None);
    }

    #[test]
    fn two_discs_that_touch_are_divided_at_the_neck() {
        let size = Size::new(60, 30);
        let inside = |x: i32, y: i32| {
            let disc = |left: i32, radius: i32| (x - left).pow(2) + (y - 15).pow(2) <= radius * radius;
            disc(15, 13) || disc(40, 13)
        };
        let values = (0..60 * 30).map(|i| f32::from(u8::from(inside(i % 60, i / 60)))).collect();
        let pieces = find(&Plane { size, values }, |_| true);
        assert_eq!(pieces.weights.len(), 2, "they are one piece");
        let thick = thickness(&pieces);
        let (left, right) = (summit(&thick, size, 15 * 60 + 4), summit(&thick, size, 20 * 60 + 45));
        assert!((left % 60).abs_diff(15) <= 1 && (right % 60).abs_diff(40) <= 1, "{left} {right}");
        let mut marks = vec![0; 60 * 30];
        (marks[left], marks[right]) = (1, 2);
        spread(&mut marks, &thick, size);
        for y in 0..30_i32 {
            for x in 0..60_i32 {
                let expected = if x < 27 { 1 } else { 2 };
                assert!(x.abs_diff(27) <= 1 || !inside(x, y) || marks[(y * 60 + x) as usize] == expected, "{x},{y}");
            }
        }
    }
}

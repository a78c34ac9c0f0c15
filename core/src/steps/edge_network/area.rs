//! The part of a tile that is computed, and planes that hold values there.

use std::{cell::RefCell, mem, ops::Range, rc::Rc};

use crate::pixels::Size;

/// Cells of a tile; outside of them all values count as 0.
#[derive(Debug, Clone)]
pub struct Area {
    columns: usize,
    cells: Vec<bool>,
    /// For every row of cells, which ones lie side by side in it.
    runs: Vec<Vec<Range<usize>>>,
}

impl Area {
    /// Of cells row by row, with at least one column.
    pub fn new(columns: usize, rows: usize, cells: Vec<bool>) -> Self {
        let mut area = Self { columns, cells, runs: Vec::new() };
        area.runs = (0..rows).map(|y| area.runs_in(y)).collect();
        area
    }

    fn runs_in(&self, row: usize) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for column in (0..self.columns).filter(|&column| self.has(column, row)) {
            match runs.last_mut() {
                Some(run) if run.end == column => run.end += 1,
                _ => runs.push(column..column + 1),
            }
        }
        runs
    }

    /// Whether a cell belongs to it.
    pub fn has(&self, column: usize, row: usize) -> bool {
        self.cells[row * self.columns + column]
    }

    /// What of it lies side by side in rows of pixels, as `(row, columns)`, in cells of `side` pixels.
    pub fn parts(&self, side: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
        let scaled = move |run: &Range<usize>| run.start * side..run.end * side;
        let rows = (0..self.runs.len() * side).map(move |y| (y, &self.runs[y / side]));
        rows.flat_map(move |(y, runs)| runs.iter().map(move |run| (y, scaled(run))))
    }

    /// As [`parts`](Self::parts), as far as they lie in a picture of this size.
    pub fn parts_within(&self, side: usize, size: Size) -> impl Iterator<Item = (usize, Range<usize>)> {
        let (width, height) = (size.width as usize, size.height as usize);
        let rows = self.parts(side).take_while(move |(y, _)| *y < height);
        rows.map(move |(y, columns)| (y, columns.start.min(width)..columns.end.min(width)))
    }

    /// How many cells belong to it.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.cells.iter().filter(|&&cell| cell).count()
    }
}

/// Channels side by side in every pixel of an area, row by row, in single precision; around it are zeros, a pixel wide.
#[derive(Debug)]
pub struct Planes {
    area: Rc<Area>,
    /// Pixels along a cell.
    side: usize,
    channels: usize,
    /// With a border of one pixel; behind that may be more room.
    values: Vec<f32>,
    spare: Spare,
}

/// Room that is no longer needed, for what comes next: fresh pages cost as much as much of the arithmetic.
pub type Spare = Rc<RefCell<Vec<Vec<f32>>>>;

impl Planes {
    /// Zeros around the area; what is inside is yet to be written.
    pub fn new(area: &Rc<Area>, side: usize, channels: usize, spare: &Spare) -> Self {
        let (width, height) = (area.columns * side, area.runs.len() * side);
        let length = (width + 2) * (height + 2) * channels;
        let mut free = spare.borrow_mut();
        let fitting = (0..free.len()).filter(|&at| free[at].len() >= length).min_by_key(|&at| free[at].len());
        let mut values = fitting.map_or_else(Vec::new, |at| free.swap_remove(at));
        drop(free);
        if values.len() < length {
            values.resize(length, 0.0);
        }
        let mut planes = Self { area: Rc::clone(area), side, channels, values, spare: Rc::clone(spare) };
        planes.clear_around();
        planes
    }

    /// Room for other channels of the same area.
    pub fn another(&self, side: usize, channels: usize) -> Self {
        Self::new(&self.area, side, channels, &self.spare)
    }

    /// What is inside may be cleared, too.
    fn clear_around(&mut self) {
        let (side, channels, length) = (self.side, self.channels, self.length());
        let area = Rc::clone(&self.area);
        for (row, runs) in area.runs.iter().enumerate() {
            // Both count the border.
            let rows = row * side..(row + 1) * side + 1;
            for run in runs {
                let columns = run.start * side..run.end * side + 1;
                for y in [rows.start, rows.end] {
                    self.values[y * length..][columns.start * channels..(columns.end + 1) * channels].fill(0.0);
                }
                for (y, x) in rows.clone().flat_map(|y| [(y, columns.start), (y, columns.end)]) {
                    self.values[y * length..][x * channels..(x + 1) * channels].fill(0.0);
                }
            }
        }
    }

    pub fn area(&self) -> &Rc<Area> {
        &self.area
    }

    pub fn side(&self) -> usize {
        self.side
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    pub fn width(&self) -> usize {
        self.area.columns * self.side
    }

    pub fn height(&self) -> usize {
        self.area.runs.len() * self.side
    }

    /// Values of a row with its border.
    fn length(&self) -> usize {
        (self.width() + 2) * self.channels
    }

    /// A row with its border; the first is the border above.
    pub fn with_border(&self, row: usize) -> &[f32] {
        &self.values[row * self.length()..][..self.length()]
    }

    /// Pixels of a row. Outside the area and what touches it they may be anything.
    pub fn part(&self, y: usize, columns: Range<usize>) -> &[f32] {
        &self.with_border(y + 1)[(columns.start + 1) * self.channels..(columns.end + 1) * self.channels]
    }

    /// As [`part`](Self::part), to be written.
    pub fn part_mut(&mut self, y: usize, columns: Range<usize>) -> &mut [f32] {
        let (start, channels) = ((y + 1) * self.length(), self.channels);
        &mut self.values[start + (columns.start + 1) * channels..start + (columns.end + 1) * channels]
    }

    /// Changes all pixels of the area, those that lie side by side at once: `change(row, columns, their values)`.
    pub fn change(&mut self, mut change: impl FnMut(usize, Range<usize>, &mut [f32])) {
        let area = Rc::clone(&self.area);
        for (y, columns) in area.parts(self.side) {
            change(y, columns.clone(), self.part_mut(y, columns));
        }
    }
}

impl Clone for Planes {
    fn clone(&self) -> Self {
        let mut other = self.another(self.side, self.channels);
        other.change(|y, columns, values| values.copy_from_slice(self.part(y, columns)));
        other
    }
}

impl Drop for Planes {
    fn drop(&mut self) {
        self.spare.borrow_mut().push(mem::take(&mut self.values));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_that_was_used_has_zeros_around_the_area_again() {
        let spare = Spare::default();
        let whole = Rc::new(Area::new(4, 4, vec![true; 16]));
        let mut first = Planes::new(&whole, 2, 3, &spare);
        first.values.fill(7.0);
        drop(first);
        let one = Rc::new(Area::new(4, 3, (0..12).map(|cell| cell == 4).collect()));
        let second = Planes::new(&one, 2, 1, &spare);
        assert!(spare.borrow().is_empty(), "used again");
        assert_eq!(second.with_border(2)[..5], [0.0, 0.0, 0.0, 0.0, 7.0], "above");
        for row in 3..5 {
            assert_eq!(second.with_border(row)[..5], [0.0, 7.0, 7.0, 0.0, 7.0]);
        }
        assert_eq!(second.with_border(5)[..5], [0.0, 0.0, 0.0, 0.0, 7.0], "below");
    }
}

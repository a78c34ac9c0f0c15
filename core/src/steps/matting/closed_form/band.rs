//! The unknown pixels of a picture, numbered row by row: what the matting equations are about.

use crate::pixels::Size;

/// Which pixels are unknown. Numbers run row by row, so those beside each other in a row follow each other.
#[derive(Debug)]
pub struct Band {
    /// Width and height of the picture or grid.
    pub size: Size,
    /// Column of each unknown pixel, row after row, rising within a row.
    pub columns: Vec<u32>,
    /// Number of the first unknown pixel of each row, and how many there are as the last entry.
    pub rows: Vec<u32>,
}

impl Band {
    /// Numbers the pixels for which `unknown(index)` holds.
    pub fn new(size: Size, unknown: impl Fn(usize) -> bool) -> Self {
        let width = size.width as usize;
        let mut columns = Vec::new();
        let mut rows = Vec::with_capacity(size.height as usize + 1);
        for y in 0..size.height as usize {
            rows.push(columns.len() as u32);
            columns.extend((0..width).filter(|x| unknown(y * width + x)).map(|x| x as u32));
        }
        rows.push(columns.len() as u32);
        Self { size, columns, rows }
    }

    /// How many pixels are unknown.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// The columns of the unknown pixels of row `y`; none outside the picture.
    pub fn row(&self, y: isize) -> &[u32] {
        if y < 0 || y >= self.size.height as isize { &[] } else { &self.columns[self.numbers(y as usize)] }
    }

    /// The numbers of the unknown pixels of row `y`.
    pub fn numbers(&self, y: usize) -> std::ops::Range<usize> {
        self.rows[y] as usize..self.rows[y + 1] as usize
    }

    /// The index in the picture of every unknown pixel, in the order of their numbers.
    pub fn indices(&self) -> impl Iterator<Item = usize> + '_ {
        let width = self.size.width as usize;
        (0..self.size.height as usize)
            .flat_map(move |y| self.columns[self.numbers(y)].iter().map(move |&x| y * width + x as usize))
    }

    /// The band of the next coarser grid: cells of 2 × 2 with at least one unknown pixel, and the cell of each pixel.
    pub fn halved(&self) -> (Self, Vec<u32>) {
        let size = Size::new(self.size.width.div_ceil(2), self.size.height.div_ceil(2));
        let mut coarse = Self { size, columns: Vec::new(), rows: Vec::with_capacity(size.height as usize + 1) };
        let mut parents = vec![0; self.len()];
        for cell_y in 0..size.height as usize {
            let first = coarse.columns.len();
            coarse.rows.push(first as u32);
            let pair =
                [cell_y * 2, cell_y * 2 + 1].map(|y| if y + 1 < self.rows.len() { self.numbers(y) } else { 0..0 });
            let mut cells: Vec<u32> = pair.iter().flat_map(|row| &self.columns[row.clone()]).map(|x| x / 2).collect();
            cells.sort_unstable();
            cells.dedup();
            coarse.columns.extend_from_slice(&cells);
            for row in pair {
                let mut at = 0;
                for number in row {
                    while cells[at] < self.columns[number] / 2 {
                        at += 1;
                    }
                    parents[number] = (first + at) as u32;
                }
            }
        }
        coarse.rows.push(coarse.columns.len() as u32);
        (coarse, parents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_numbered_row_by_row_and_find_their_cells() {
        let size = Size::new(5, 3);
        let unknown = [1, 2, 4, 7, 10, 14];
        let band = Band::new(size, |index| unknown.contains(&index));
        assert_eq!(band.columns, [1, 2, 4, 2, 0, 4]);
        assert_eq!(band.rows, [0, 3, 4, 6]);
        assert_eq!(band.indices().collect::<Vec<_>>(), unknown);
        let (coarse, parents) = band.halved();
        assert_eq!(coarse.columns, [0, 1, 2, 0, 2]);
        assert_eq!(parents, [0, 1, 2, 1, 3, 4]);
    }
}

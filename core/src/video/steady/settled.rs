//! Where a matte says nothing new for many pixels around: most of a frame, which need not be looked at pixel by pixel.

use crate::{
    pixels::{Alpha, Size},
    steps::planes::shrunk,
};

/// Values no farther than this from 0 or 1 are that.
const NEARLY: f32 = 1.5 / 255.0;

/// What the matte says around a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// Background everywhere, in this cell and the eight around it.
    Background,
    /// Subject everywhere there.
    Subject,
    /// Neither.
    Both,
}

/// What a matte says around each cell of `block` × `block` pixels.
#[derive(Debug, Clone)]
pub struct Settled {
    size: Size,
    cells: Vec<Says>,
}

impl Settled {
    /// Of a matte.
    #[must_use]
    pub fn of(matte: &Alpha, block: usize) -> Self {
        let size = shrunk(matte.size(), block);
        let (width, height) = (size.width as usize, size.height as usize);
        let mut alone = vec![None; size.area()];
        for (y, row) in matte.values().chunks_exact(matte.size().width as usize).enumerate() {
            let cells = &mut alone[y / block * width..(y / block + 1) * width];
            for (cell, values) in cells.iter_mut().zip(row.chunks(block)) {
                let here = said(values);
                *cell = Some(cell.map_or(here, |before| agreed(before, here)));
            }
        }
        let alone: Vec<Says> = alone.into_iter().map(|cell| cell.unwrap_or(Says::Both)).collect();
        let around = |index: usize| {
            let (x, y) = (index % width, index / width);
            let rows = y.saturating_sub(1)..(y + 2).min(height);
            let cells = rows.flat_map(|y| &alone[y * width + x.saturating_sub(1)..y * width + (x + 2).min(width)]);
            cells.copied().fold(alone[index], agreed)
        };
        Self { size, cells: (0..alone.len()).map(around).collect() }
    }

    /// What it says around a cell.
    #[must_use]
    pub fn cell(&self, index: usize) -> Says {
        self.cells[index]
    }

    /// What it says where a cell went.
    #[inline]
    #[must_use]
    pub fn moved(&self, index: usize, [x, y]: [f32; 2]) -> Says {
        let width = self.size.width as usize;
        let column = ((index % width) as f32 + x + 0.5).clamp(0.0, (width - 1) as f32) as usize;
        let row = ((index / width) as f32 + y + 0.5).clamp(0.0, (self.size.height - 1) as f32) as usize;
        self.cells[row * width + column]
    }
}

fn said(values: &[f32]) -> Says {
    if values.iter().all(|&value| value <= NEARLY) {
        Says::Background
    } else if values.iter().all(|&value| value >= 1.0 - NEARLY) {
        Says::Subject
    } else {
        Says::Both
    }
}

fn agreed(one: Says, other: Says) -> Says {
    if one == other { one } else { Says::Both }
}

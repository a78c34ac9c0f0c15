//! Where a matte says nothing new for many pixels around: most of a frame, which need not be looked at pixel by pixel.

use std::ops::BitOr;

use super::warp::grown;
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
        let (width, columns) = (matte.size().width as usize, size.width as usize);
        let mut alone = vec![Says::Both; size.area()];
        let (mut least, mut most) = (Vec::new(), Vec::new());
        for (band, cells) in matte.values().chunks(width * block).zip(alone.chunks_exact_mut(columns)) {
            let (first, rest) = band.split_at(width);
            for extremes in [&mut least, &mut most] {
                extremes.clear();
                extremes.extend_from_slice(first);
            }
            for row in rest.chunks_exact(width) {
                for ((least, most), value) in least.iter_mut().zip(&mut most).zip(row) {
                    (*least, *most) = (lesser(*least, *value), -lesser(-*most, -*value));
                }
            }
            for (cell, (least, most)) in cells.iter_mut().zip(least.chunks(block).zip(most.chunks(block))) {
                let least = least.iter().fold(1.0, |least, value| lesser(least, *value));
                let most = most.iter().fold(0.0, |most, value| -lesser(-most, -*value));
                *cell = match () {
                    () if most <= NEARLY => Says::Background,
                    () if least >= 1.0 - NEARLY => Says::Subject,
                    () => Says::Both,
                };
            }
        }
        Self { size, cells: grown(&alone, size, 1) }
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

/// Where any of these says something else around a cell than another, or is not sure itself.
#[must_use]
pub fn unsettled<'a>(mut all: impl Iterator<Item = &'a Settled>) -> Vec<bool> {
    let Some(first) = all.next() else { return Vec::new() };
    let mut said = first.cells.clone();
    all.for_each(|other| said.iter_mut().zip(&other.cells).for_each(|(said, other)| *said = *said | *other));
    said.iter().map(|said| *said == Says::Both).collect()
}

/// In one instruction, for numbers that are never NaN.
#[inline]
fn lesser(a: f32, b: f32) -> f32 {
    if b < a { b } else { a }
}

impl BitOr for Says {
    type Output = Self;

    /// What both say together.
    #[inline]
    fn bitor(self, other: Self) -> Self {
        if self == other { self } else { Self::Both }
    }
}

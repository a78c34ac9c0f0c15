//! A frame made small: what motion is found in and what its findings are checked against.

use super::flow::Pyramid;
use crate::{
    pixels::{Rgb, Size},
    steps::planes::{Plane, shrink_rgb},
};

/// A frame's means over square blocks of pixels.
#[derive(Debug, Clone)]
pub struct Small {
    /// Pixels along a side of a block.
    pub block: usize,
    /// Colour, one cell a block, channels 0 to 1.
    pub color: Vec<[f32; 3]>,
    /// Brightness of 0 to 255.
    pub luma: Plane,
    /// Brightness at halving sizes.
    pub pyramid: Pyramid,
}

impl Small {
    /// A frame of at most `columns` cells across.
    #[must_use]
    pub fn new(frame: &Rgb, columns: usize) -> Self {
        let block = (frame.size().width as usize).div_ceil(columns).max(1);
        let (size, color) = shrink_rgb(frame, block);
        let values = color.iter().map(|[red, green, blue]| 255.0 * (0.299 * red + 0.587 * green + 0.114 * blue));
        let luma = Plane { size, values: values.collect() };
        let pyramid = Pyramid::new(&luma);
        Self { block, color, luma, pyramid }
    }

    /// Width and height in cells.
    #[must_use]
    pub fn size(&self) -> Size {
        self.luma.size
    }
}

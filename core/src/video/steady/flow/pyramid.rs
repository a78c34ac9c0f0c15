//! One frame's brightness at halving sizes, with its slopes, ready to be searched.

use crate::{pixels::Size, steps::planes::Plane};

use super::patch::PATCH;

/// How far each level is continued beyond its border, in pixels; the nearest value repeats.
pub const PAD: usize = 16;
/// A level is halved while its shorter side stays at least this long: three patches.
const SMALLEST: u32 = 3 * PATCH as u32;

/// The brightness of one frame at its size, half of it, and so on.
#[derive(Debug, Clone)]
pub struct Pyramid {
    size: Size,
    levels: Vec<Level>,
}

/// One size of a frame.
#[derive(Debug, Clone)]
pub struct Level {
    /// Width and height without what was added around.
    pub size: Size,
    /// Pixels from a row to the next.
    pub stride: usize,
    /// Brightness, continued by [`PAD`] on all sides.
    pub values: Vec<f32>,
    /// How brightness grows to the right and down, without padding, as differences over one pixel.
    pub slopes: Vec<[f32; 2]>,
}

impl Pyramid {
    /// From brightness of 0 to 255, one value a pixel. In a frame with a side shorter than a patch of 8 pixels nothing moves.
    #[must_use]
    pub fn new(luma: &Plane) -> Self {
        if luma.size.width.min(luma.size.height) < PATCH as u32 {
            return Self { size: luma.size, levels: Vec::new() };
        }
        let mut levels = vec![Level::new(luma)];
        let mut plane = luma.clone();
        while plane.size.width.min(plane.size.height) / 2 >= SMALLEST {
            plane = halved(&plane);
            levels.push(Level::new(&plane));
        }
        Self { size: luma.size, levels }
    }

    /// Width and height of the frame.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// Finest first.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }
}

/// Means of two by two pixels; an odd last row or column is left out.
fn halved(plane: &Plane) -> Plane {
    let size = Size::new(plane.size.width / 2, plane.size.height / 2);
    let mut values = Vec::with_capacity(size.area());
    for y in 0..size.height as usize {
        let (above, below) = (plane.row(2 * y), plane.row(2 * y + 1));
        let pairs = above.chunks_exact(2).zip(below.chunks_exact(2));
        values.extend(pairs.map(|(a, b)| (a[0] + a[1] + b[0] + b[1]) / 4.0));
    }
    Plane { size, values }
}

impl Level {
    fn new(plane: &Plane) -> Self {
        let (width, height) = (plane.size.width as usize, plane.size.height as usize);
        let stride = width + 2 * PAD;
        let mut values = Vec::with_capacity(stride * (height + 2 * PAD));
        for y in 0..height + 2 * PAD {
            let row = plane.row(y.saturating_sub(PAD).min(height - 1));
            values.extend(std::iter::repeat_n(row[0], PAD));
            values.extend_from_slice(row);
            values.extend(std::iter::repeat_n(row[width - 1], PAD));
        }
        let mut slopes = Vec::with_capacity(width * height);
        for y in 0..height {
            let start = (y + PAD) * stride + PAD;
            let slope = |x: usize| {
                let at = start + x;
                [(values[at + 1] - values[at - 1]) / 2.0, (values[at + stride] - values[at - stride]) / 2.0]
            };
            slopes.extend((0..width).map(slope));
        }
        Self { size: plane.size, stride, values, slopes }
    }
}

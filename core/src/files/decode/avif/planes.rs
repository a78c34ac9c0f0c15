//! The planes of a decoded AV1 picture: brightness, and colour differences of the same or a lower resolution.

use super::codes::ColorCodes;
use crate::{Error, Kind, Result, pixels::Size};

/// How many colour differences there are to the brightness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// None: 4:0:0.
    Grey,
    /// One for 2 × 2 pixels: 4:2:0.
    Quarter,
    /// One for 2 × 1 pixels: 4:2:2.
    Half,
    /// One a pixel: 4:4:4.
    Full,
}

impl Layout {
    /// Columns and rows that share a colour difference, as powers of two.
    pub fn shifts(self) -> (u32, u32) {
        match self {
            Self::Grey | Self::Full => (0, 0),
            Self::Half => (1, 0),
            Self::Quarter => (1, 1),
        }
    }

    /// The sides of plane 0 (brightness), 1 or 2 of a picture; a plane that is not there has none.
    pub fn plane_size(self, plane: usize, size: Size) -> Size {
        match (self, plane, self.shifts()) {
            (_, 0, _) => size,
            (Self::Grey, ..) => Size::new(0, 0),
            (_, _, (across, down)) => Size::new(size.width.div_ceil(1 << across), size.height.div_ceil(1 << down)),
        }
    }
}

/// The samples of three planes, row by row without padding; grey pictures have two empty planes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PlaneSamples {
    /// Of 8 bits.
    Eight([Vec<u8>; 3]),
    /// Of 10 or 12 bits, in the lower bits.
    More([Vec<u16>; 3]),
}

/// A decoded picture as it is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planes {
    pub size: Size,
    /// Bits a sample: 8, 10 or 12.
    pub depth: u32,
    pub layout: Layout,
    /// As the AV1 data says; the file may know better.
    pub codes: ColorCodes,
    pub samples: PlaneSamples,
}

impl Planes {
    /// A picture like another, of its own size, all samples 0.
    pub fn zeroed_like(other: &Self, size: Size) -> Result<Self> {
        fn planes<T: bytemuck::Pod>(layout: Layout, size: Size) -> Result<[Vec<T>; 3]> {
            let plane = |plane| bytemuck::allocation::try_zeroed_vec(layout.plane_size(plane, size).area());
            match [plane(0), plane(1), plane(2)] {
                [Ok(first), Ok(second), Ok(third)] => Ok([first, second, third]),
                _ => Err(lacking_memory(size)),
            }
        }
        let samples = match other.samples {
            PlaneSamples::Eight(_) => PlaneSamples::Eight(planes(other.layout, size)?),
            PlaneSamples::More(_) => PlaneSamples::More(planes(other.layout, size)?),
        };
        Ok(Self { size, samples, ..*other })
    }

    /// Whether samples of two pictures mean the same.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.depth, self.layout, self.codes) == (other.depth, other.layout, other.codes)
    }

    /// Draws another picture over this one; what lies outside is left out. `left` and `top` are even
    /// where colour differences are shared, or 0.
    pub fn draw(&mut self, other: &Self, left: u32, top: u32) {
        fn copy<T: Copy>(to: &mut [T], to_size: Size, from: &[T], from_size: Size, (left, top): (u32, u32)) {
            let width = from_size.width.min(to_size.width.saturating_sub(left)) as usize;
            if width == 0 {
                return;
            }
            let rows = to.chunks_exact_mut(to_size.width as usize).skip(top as usize);
            for (to, from) in rows.zip(from.chunks_exact(from_size.width as usize)) {
                to[left as usize..][..width].copy_from_slice(&from[..width]);
            }
        }
        for plane in 0..3 {
            let (across, down) = if plane == 0 { (0, 0) } else { self.layout.shifts() };
            let (to_size, from_size) =
                (self.layout.plane_size(plane, self.size), other.layout.plane_size(plane, other.size));
            let place = (left >> across, top >> down);
            match (&mut self.samples, &other.samples) {
                (PlaneSamples::Eight(to), PlaneSamples::Eight(from)) => {
                    copy(&mut to[plane], to_size, &from[plane], from_size, place);
                }
                (PlaneSamples::More(to), PlaneSamples::More(from)) => {
                    copy(&mut to[plane], to_size, &from[plane], from_size, place);
                }
                _ => {}
            }
        }
    }
}

/// Not having the memory for a picture.
pub(super) fn lacking_memory(size: Size) -> Error {
    Error::new(Kind::OutOfMemory, format!("a picture of {size} pixels does not fit into memory"))
}

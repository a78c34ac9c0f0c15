//! A small copy of a frame: what the network sees, and what its matte is brought to full size by.

use super::frame::{Frame, Matrix, chroma_size, shrink};
use crate::{
    Result,
    pixels::{Rgb, Samples, Size},
};

/// Planes of luma and chroma, all of one size.
#[derive(Debug, Clone)]
pub(super) struct Small {
    pub size: Size,
    /// Luma, blue chroma, red chroma.
    pub planes: [Vec<u8>; 3],
}

impl Small {
    /// Shrinks a frame.
    ///
    /// # Errors
    /// [`Kind::Internal`](crate::Kind::Internal) when resizing fails.
    pub fn of(frame: &Frame, size: Size) -> Result<Self> {
        let half = chroma_size(frame.size());
        let [luma, blue, red] = frame.planes();
        let planes = [shrink(luma, frame.size(), size)?, shrink(blue, half, size)?, shrink(red, half, size)?];
        Ok(Self { size, planes })
    }

    /// The copy as an sRGB picture.
    pub fn rgb(&self, matrix: Matrix) -> Rgb {
        let table = matrix.table();
        let [luma, blue, red] = &self.planes;
        let mut samples = vec![0_u8; self.size.area() * 3];
        for (pixel, ((y, b), r)) in samples.as_chunks_mut().0.iter_mut().zip(luma.iter().zip(blue).zip(red)) {
            *pixel = table.rgb(*y, *b, *r);
        }
        Rgb::new(self.size, Samples::Eight(samples))
    }
}

/// The size of the copy: proportions kept, the longer side at most `longest`, nothing enlarged.
pub(super) fn small_size(size: Size, longest: u32) -> Size {
    let scale = (f64::from(longest) / f64::from(size.width.max(size.height))).min(1.0);
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    Size::new(side(size.width), side(size.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_keep_proportions_and_never_grow() {
        assert_eq!(small_size(Size::new(1920, 1080), 512), Size::new(512, 288));
        assert_eq!(small_size(Size::new(1080, 1920), 512), Size::new(288, 512));
        assert_eq!(small_size(Size::new(320, 240), 512), Size::new(320, 240));
        assert_eq!(small_size(Size::new(5000, 2), 512), Size::new(512, 1));
    }
}

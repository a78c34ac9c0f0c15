//! The eight EXIF orientations, and turning pixels upright.

use crate::pixels::{Alpha, Rgb, Samples, Size};
use rayon::prelude::*;

/// How stored rows and columns lie in the upright picture.
///
/// Flips the stored picture left to right first, then turns it clockwise by quarters: every EXIF
/// value is one such pair (Exif 2.32, table 4, tag 0x0112).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation {
    /// Mirrored left to right before turning.
    pub mirrored: bool,
    /// Quarter turns clockwise, 0 to 3.
    pub quarters: u8,
}

impl Orientation {
    /// Stored as it is seen.
    pub const UPRIGHT: Self = Self { mirrored: false, quarters: 0 };

    /// From EXIF's 1 to 8; anything else means nothing and is upright.
    pub fn from_exif(value: u16) -> Self {
        let (mirrored, quarters) = match value {
            2 => (true, 0),
            3 => (false, 2),
            4 => (true, 2),
            5 => (true, 3),
            6 => (false, 1),
            7 => (true, 1),
            8 => (false, 3),
            _ => (false, 0),
        };
        Self { mirrored, quarters }
    }

    /// Turns a colour picture upright.
    pub fn apply_to_rgb(self, color: Rgb) -> Rgb {
        let size = color.size();
        let samples = match color.into_samples() {
            Samples::Eight(samples) => Samples::Eight(self.apply::<u8, 3>(samples, size)),
            Samples::Sixteen(samples) => Samples::Sixteen(self.apply::<u16, 3>(samples, size)),
        };
        Rgb::new(self.upright_size(size), samples)
    }

    /// Turns a matte upright.
    pub fn apply_to_alpha(self, alpha: Alpha) -> Alpha {
        let size = alpha.size();
        Alpha::new(self.upright_size(size), self.apply::<f32, 1>(alpha.into_values(), size))
    }

    fn upright_size(self, size: Size) -> Size {
        if self.quarters % 2 == 1 { Size::new(size.height, size.width) } else { size }
    }

    /// Half turns and mirrors happen in place; quarter turns need a second buffer.
    fn apply<T: Copy + Default + Send + Sync + bytemuck::Pod, const N: usize>(
        self,
        mut data: Vec<T>,
        size: Size,
    ) -> Vec<T> {
        let width = size.width as usize;
        let pixels: &mut [[T; N]] = data.as_chunks_mut().0;
        match (self.mirrored, self.quarters) {
            (false, 0) => {}
            (true, 0) => pixels.par_chunks_mut(width).for_each(<[_]>::reverse),
            (false, 2) => pixels.reverse(),
            (true, 2) => flip_rows(pixels, width),
            _ => return self.transposed(pixels, size),
        }
        data
    }

    /// Quarter turns: output row `y` is a stored column, read up or down.
    fn transposed<T: Copy + Default + Send + Sync + bytemuck::Pod, const N: usize>(
        self,
        pixels: &[[T; N]],
        size: Size,
    ) -> Vec<T> {
        // Tall bands of output rows read the same stored cache lines; 16 pixels of 3 bytes are nearly one line.
        const BAND: usize = 16;
        let (width, height) = (size.width as usize, size.height as usize);
        // Clockwise, the stored bottom row becomes the left column; mirroring before turning swaps
        // which stored column comes first.
        let upwards = self.quarters == 1;
        let columns_reversed = upwards == self.mirrored;
        let mut turned: Vec<T> = bytemuck::zeroed_vec(pixels.len() * N);
        let rows: &mut [[T; N]] = turned.as_chunks_mut().0;
        rows.par_chunks_mut(height * BAND).enumerate().for_each(|(band, rows)| {
            let first = band * BAND;
            for x in 0..height {
                let stored = &pixels[if upwards { height - 1 - x } else { x } * width..][..width];
                for (row, line) in rows.chunks_exact_mut(height).enumerate() {
                    let column = first + row;
                    line[x] = stored[if columns_reversed { width - 1 - column } else { column }];
                }
            }
        });
        turned
    }
}

fn flip_rows<T: Copy>(pixels: &mut [T], width: usize) {
    let rows = pixels.len() / width;
    let (top, bottom) = pixels.split_at_mut(rows / 2 * width);
    let bottom = &mut bottom[rows % 2 * width..];
    for (upper, lower) in top.chunks_exact_mut(width).zip(bottom.chunks_exact_mut(width).rev()) {
        upper.swap_with_slice(lower);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_turns_a_pattern_upright() {
        // Upright:  1 2 3     The stored rows per EXIF value, written out by hand:
        //           4 5 6
        let upright = [1u8, 2, 3, 4, 5, 6];
        let cases: [(u16, Size, [u8; 6]); 8] = [
            (1, Size::new(3, 2), [1, 2, 3, 4, 5, 6]),
            (2, Size::new(3, 2), [3, 2, 1, 6, 5, 4]),
            (3, Size::new(3, 2), [6, 5, 4, 3, 2, 1]),
            (4, Size::new(3, 2), [4, 5, 6, 1, 2, 3]),
            (5, Size::new(2, 3), [1, 4, 2, 5, 3, 6]),
            (6, Size::new(2, 3), [3, 6, 2, 5, 1, 4]),
            (7, Size::new(2, 3), [6, 3, 5, 2, 4, 1]),
            (8, Size::new(2, 3), [4, 1, 5, 2, 6, 3]),
        ];
        for (value, size, stored) in cases {
            let orientation = Orientation::from_exif(value);
            assert_eq!(orientation.upright_size(size), Size::new(3, 2), "orientation {value}");
            assert_eq!(orientation.apply::<u8, 1>(stored.to_vec(), size), upright, "orientation {value}");
        }
        assert_eq!(Orientation::from_exif(0), Orientation::UPRIGHT);
        assert_eq!(Orientation::from_exif(9), Orientation::UPRIGHT);
    }

    #[test]
    fn a_picture_wider_than_a_band_survives_four_quarter_turns() {
        let size = Size::new(37, 21);
        let data: Vec<u16> = (0..size.area() as u16 * 3).collect();
        let quarter = Orientation::from_exif(6);
        let (mut turned, mut sides) = (data.clone(), size);
        for _ in 0..4 {
            turned = quarter.apply::<u16, 3>(turned, sides);
            sides = quarter.upright_size(sides);
        }
        assert_eq!(turned, data);
    }
}

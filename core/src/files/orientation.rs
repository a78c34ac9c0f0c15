//! Turning pixels upright: the eight orientations of EXIF.

use rayon::prelude::*;

use crate::pixels::{Alpha, Rgb, Samples, Size};

/// Turns a picture so that its first row is the visual top; `orientation` is EXIF's 1 to 8.
pub fn upright(color: Rgb, alpha: Option<Alpha>, orientation: u8) -> (Rgb, Option<Alpha>) {
    if !(2..=8).contains(&orientation) {
        return (color, alpha);
    }
    let size = color.size();
    let turned = if orientation >= 5 { Size::new(size.height, size.width) } else { size };
    let samples = match color.into_samples() {
        Samples::Eight(samples) => Samples::Eight(turn::<u8, 3>(&samples, size, turned, orientation)),
        Samples::Sixteen(samples) => Samples::Sixteen(turn::<u16, 3>(&samples, size, turned, orientation)),
    };
    let alpha = alpha.map(|alpha| Alpha::new(turned, turn::<f32, 1>(alpha.values(), size, turned, orientation)));
    (Rgb::new(turned, samples), alpha)
}

fn turn<T: Copy + Default + Send + Sync, const N: usize>(
    from: &[T],
    size: Size,
    turned: Size,
    orientation: u8,
) -> Vec<T> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut out = vec![T::default(); from.len()];
    out.par_chunks_mut(turned.width as usize * N).enumerate().for_each(|(y, row)| {
        for (x, pixel) in row.chunks_exact_mut(N).enumerate() {
            // Where in the stored picture the upright pixel x, y lies (EXIF 2.32, tag 0x0112).
            let (column, line) = match orientation {
                2 => (width - 1 - x, y),
                3 => (width - 1 - x, height - 1 - y),
                4 => (x, height - 1 - y),
                5 => (y, x),
                6 => (y, height - 1 - x),
                7 => (width - 1 - y, height - 1 - x),
                _ => (width - 1 - y, x),
            };
            let index = (line * width + column) * N;
            pixel.copy_from_slice(&from[index..index + N]);
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_corner_comes_where_the_standard_says() {
        // A 3 × 2 picture whose stored top left pixel is marked; where it is seen for each orientation.
        let cases = [(1, 0, 0), (2, 2, 0), (3, 2, 1), (4, 0, 1), (5, 0, 0), (6, 1, 0), (7, 1, 2), (8, 0, 2)];
        for (orientation, x, y) in cases {
            let mut samples = vec![0; 18];
            samples[0] = 200;
            let (color, _) = upright(Rgb::new(Size::new(3, 2), Samples::Eight(samples)), None, orientation);
            let width = color.size().width as usize;
            assert!(color.unit(y * width + x)[0] > 0.5, "orientation {orientation}");
            assert_eq!(color.size().width, if orientation >= 5 { 2 } else { 3 });
        }
    }
}

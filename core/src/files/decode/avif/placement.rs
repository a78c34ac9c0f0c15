//! How a picture is cropped and turned to be shown (ISO/IEC 23008-12, 6.5.9, 6.5.10 and 6.5.12:
//! `clap`, `irot`, `imir`).

use super::properties::{CleanAperture, Property};
use crate::{
    Result,
    files::{Format, decode::corrupt, orientation::Orientation},
    pixels::{Alpha, Rect, Rgb, Samples, Size},
};

/// What is done to the pixels as coded: cropped first, then turned.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placement {
    crop: Option<Rect>,
    pub orientation: Orientation,
}

impl Placement {
    /// Reads it from the properties of a picture of a size.
    ///
    /// # Errors
    /// `PictureCorrupt` when the part to be shown is not inside of the picture.
    pub fn of(properties: &[Property<'_>], size: Size) -> Result<Self> {
        let mut placement = Self { crop: None, orientation: Orientation::UPRIGHT };
        for property in properties {
            match property {
                Property::Aperture(aperture) => {
                    let outside = || corrupt(Format::Avif, "the part to be shown lies outside of the picture");
                    placement.crop = Some(part(aperture, size).ok_or_else(outside)?);
                }
                Property::Turn(quarters) => placement.orientation = turned(placement.orientation, 4 - quarters),
                Property::Mirror(axis) => placement.orientation = mirrored(placement.orientation, *axis),
                _ => {}
            }
        }
        Ok(placement)
    }

    /// The colours that are to be shown.
    pub fn crop_color(&self, color: Rgb) -> Rgb {
        let Some(part) = self.crop else { return color };
        let stride = color.size().width as usize;
        let samples = match color.into_samples() {
            Samples::Eight(samples) => Samples::Eight(cropped::<u8, 3>(&samples, stride, part)),
            Samples::Sixteen(samples) => Samples::Sixteen(cropped::<u16, 3>(&samples, stride, part)),
        };
        Rgb::new(part.size, samples)
    }

    /// The alpha that is to be shown.
    pub fn crop_alpha(&self, alpha: Alpha) -> Alpha {
        let Some(part) = self.crop else { return alpha };
        Alpha::new(part.size, cropped::<f32, 1>(alpha.values(), alpha.size().width as usize, part))
    }
}

fn cropped<T: Copy, const N: usize>(samples: &[T], stride: usize, part: Rect) -> Vec<T> {
    let rows = samples.chunks_exact(stride * N).skip(part.top as usize).take(part.size.height as usize);
    rows.flat_map(|row| &row[part.left as usize * N..][..part.size.width as usize * N]).copied().collect()
}

/// Turned clockwise after all that was done before.
fn turned(before: Orientation, quarters: u8) -> Orientation {
    Orientation { quarters: (before.quarters + quarters) % 4, ..before }
}

/// Mirrored after all that was done before; an orientation mirrors first, so its turn changes direction.
fn mirrored(before: Orientation, axis: u8) -> Orientation {
    // Top and bottom change places when left and right do and the whole is turned by half.
    let half = if axis == 0 { 2 } else { 0 };
    Orientation { mirrored: !before.mirrored, quarters: (4 - before.quarters + half) % 4 }
}

/// The rectangle of an aperture, its edges rounded to whole pixels.
fn part(aperture: &CleanAperture, size: Size) -> Option<Rect> {
    let ratio = |[numerator, denominator]: [i64; 2]| (denominator > 0).then(|| numerator as f64 / denominator as f64);
    let unsigned = |pair: [u32; 2]| ratio(pair.map(i64::from));
    let signed = |pair: [i32; 2]| ratio(pair.map(i64::from));
    let edge = |offset: f64, part: f64, whole: u32| {
        let start = (offset + (f64::from(whole) - part) / 2.0).round();
        let inside = start >= 0.0 && part >= 1.0 && start + part.round() <= f64::from(whole);
        inside.then_some((start as u32, part.round() as u32))
    };
    let (left, width) = edge(signed(aperture.right)?, unsigned(aperture.width)?, size.width)?;
    let (top, height) = edge(signed(aperture.down)?, unsigned(aperture.height)?, size.height)?;
    Some(Rect { left, top, size: Size::new(width, height) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aperture(numbers: [i32; 8]) -> CleanAperture {
        let [width, width_of, height, height_of, right, right_of, down, down_of] = numbers;
        let unsigned = |number: i32| number.unsigned_abs();
        CleanAperture {
            width: [unsigned(width), unsigned(width_of)],
            height: [unsigned(height), unsigned(height_of)],
            right: [right, right_of],
            down: [down, down_of],
        }
    }

    #[test]
    fn apertures_are_rectangles_inside() {
        let size = Size::new(100, 60);
        let rect = |left, top, width, height| Some(Rect { left, top, size: Size::new(width, height) });
        let cases = [
            ([100, 1, 60, 1, 0, 1, 0, 1], rect(0, 0, 100, 60)),
            ([50, 1, 30, 1, 0, 1, 0, 1], rect(25, 15, 50, 30)),
            ([50, 1, 30, 1, -25, 1, 15, 1], rect(0, 30, 50, 30)),
            ([99, 1, 60, 1, 1, 2, 0, 1], rect(1, 0, 99, 60)),
            ([50, 1, 30, 1, 26, 1, 0, 1], None),
            ([101, 1, 60, 1, 0, 1, 0, 1], None),
            ([50, 0, 30, 1, 0, 1, 0, 1], None),
            ([0, 1, 30, 1, 0, 1, 0, 1], None),
        ];
        for (numbers, wanted) in cases {
            assert_eq!(part(&aperture(numbers), size), wanted, "{numbers:?}");
        }
    }

    #[test]
    fn turns_and_mirrors_add_up() {
        // By the EXIF values that show the same, written out by hand.
        let cases: [(&[Property<'_>], u16); 7] = [
            (&[], 1),
            (&[Property::Turn(1)], 8),
            (&[Property::Turn(3)], 6),
            (&[Property::Mirror(1)], 2),
            (&[Property::Mirror(0)], 4),
            (&[Property::Turn(1), Property::Mirror(1)], 7),
            (&[Property::Turn(1), Property::Mirror(0)], 5),
        ];
        for (properties, exif) in cases {
            let placement = Placement::of(properties, Size::new(8, 8)).unwrap();
            assert_eq!(placement.orientation, Orientation::from_exif(exif), "{properties:?}");
        }
    }
}

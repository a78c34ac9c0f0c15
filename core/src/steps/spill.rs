//! The screen's light on the subject, taken out as far as chroma along the screen's colour shows it.

use rayon::prelude::*;

use crate::pixels::{Alpha, Rgb, Samples, unit_to_u8, unit_to_u16};

/// How much chroma along the screen's may be for one of chroma across it. None would be to hold green at the mean of red
/// and blue, which takes the yellow out of blond hair; 1/√3 to hold it at the greater of both, which leaves green light on
/// skin. This is halfway.
const LIMIT: f32 = 0.29;

/// Power of alpha by which a pixel counts as solid: half at .92.
const SOLID: i32 = 8;

/// Shares of red and blue in luma (ITU-R BT.709, whose primaries are those of sRGB).
const SHARES: (f32, f32) = (0.2126, 0.0722);

/// What takes out the light of one screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spill {
    /// Direction of the screen's chroma, blue and red difference, of length 1.
    toward: [f32; 2],
    /// Luma that comes with one of chroma.
    luma: f32,
    /// 0 leaves everything, 1 takes all out.
    strength: f32,
}

impl Spill {
    /// For a screen of this luma and chroma, the differences of blue and red to luma, all in the scale of the samples to be
    /// changed; `None` where there is nothing to do: a grey screen, or no strength.
    #[must_use]
    pub fn new(luma: f32, chroma: [f32; 2], strength: f32) -> Option<Self> {
        let length = f32::hypot(chroma[0], chroma[1]);
        let toward = chroma.map(|part| part / length);
        (length > 1e-6 && strength > 0.0).then(|| Self { toward, luma: luma / length, strength })
    }

    /// For a screen of this sRGB colour, for [`limit_picture`].
    #[must_use]
    pub fn of_screen(screen: [f32; 3], strength: f32) -> Option<Self> {
        let (luma, chroma) = split(screen);
        Self::new(luma, chroma, strength)
    }

    /// What of the screen's light a pixel's chroma shows: luma and chroma to be taken away; nothing where it shows none.
    ///
    /// On solid parts (`alpha` of 1) the screen's light came on top, and its luma goes with it; in mixed pixels what is left of
    /// it stands in the place of the subject's, whose luma stays.
    #[inline]
    #[must_use]
    pub fn light(self, [blue, red]: [f32; 2], alpha: f32) -> Option<(f32, [f32; 2])> {
        let along = blue * self.toward[0] + red * self.toward[1];
        let across = (red * self.toward[0] - blue * self.toward[1]).abs();
        let excess = self.strength * (along - LIMIT * across);
        (excess > 0.0).then(|| (excess * self.luma * alpha.powi(SOLID), self.toward.map(|part| excess * part)))
    }
}

/// Takes the screen's light out of a picture wherever the matte shows something.
///
/// # Panics
/// When picture and matte differ in size.
pub fn limit_picture(color: &mut Rgb, matte: &Alpha, spill: Spill) {
    assert_eq!(color.size(), matte.size(), "picture and matte are of one size");
    let width = color.size().width as usize;
    let alphas = matte.values().par_chunks(width);
    match color.samples_mut() {
        Samples::Eight(samples) => samples.par_chunks_mut(width * 3).zip(alphas).for_each(|(row, alphas)| {
            limit_row(row, alphas, spill, |sample| f32::from(sample) / 255.0, unit_to_u8);
        }),
        Samples::Sixteen(samples) => samples.par_chunks_mut(width * 3).zip(alphas).for_each(|(row, alphas)| {
            limit_row(row, alphas, spill, |sample| f32::from(sample) / 65535.0, unit_to_u16);
        }),
    }
}

fn limit_row<T: Copy>(
    row: &mut [T],
    alphas: &[f32],
    spill: Spill,
    to_unit: impl Fn(T) -> f32,
    from_unit: impl Fn(f32) -> T,
) {
    let pixels = row.as_chunks_mut::<3>().0.iter_mut().zip(alphas);
    for (pixel, alpha) in pixels.filter(|(_, alpha)| **alpha > 0.0) {
        let (luma, chroma) = split(pixel.map(&to_unit));
        if let Some((light, [blue, red])) = spill.light(chroma, *alpha) {
            *pixel = join(luma - light, [chroma[0] - blue, chroma[1] - red]).map(&from_unit);
        }
    }
}

/// Luma, and the differences of blue and red to it, scaled to ±½.
#[inline]
#[must_use]
pub fn split([red, green, blue]: [f32; 3]) -> (f32, [f32; 2]) {
    let (kr, kb) = SHARES;
    let luma = kr * red + (1.0 - kr - kb) * green + kb * blue;
    (luma, [(blue - luma) / (2.0 * (1.0 - kb)), (red - luma) / (2.0 * (1.0 - kr))])
}

#[inline]
fn join(luma: f32, [blue, red]: [f32; 2]) -> [f32; 3] {
    let (kr, kb) = SHARES;
    let (red, blue) = (luma + 2.0 * (1.0 - kr) * red, luma + 2.0 * (1.0 - kb) * blue);
    [red, (luma - kr * red - kb * blue) / (1.0 - kr - kb), blue]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    const GREEN: [f32; 3] = [0.0, 0.69, 0.25];

    fn without(color: [u8; 3], strength: f32) -> [f32; 3] {
        let mut picture = Rgb::filled(Size::new(1, 1), color);
        let spill = Spill::of_screen(GREEN, strength).unwrap();
        limit_picture(&mut picture, &Alpha::filled(Size::new(1, 1), 1.0), spill);
        picture.unit(0).map(|value| value * 255.0)
    }

    #[test]
    fn green_light_goes_and_other_colours_stay() {
        // Grey, skin and blond hair have none; red, magenta and blue are far from it.
        for color in [[128, 128, 128], [225, 175, 145], [200, 170, 110], [200, 30, 30], [180, 20, 190], [20, 30, 200]] {
            let got = without(color, 1.0);
            assert!(got.iter().zip(color).all(|(got, was)| (got - f32::from(was)).abs() <= 1.0), "{color:?}: {got:?}");
        }
        // A fifth of the screen's light on grey of 102.
        let got = without([102, 123, 110], 1.0);
        assert!(got.iter().all(|got| (got - 102.0).abs() < 4.0), "{got:?}");
    }

    #[test]
    fn strength_is_a_share() {
        let (all, half) = (without([102, 160, 115], 1.0), without([102, 160, 115], 0.5));
        for c in 0..3 {
            let was = [102.0, 160.0, 115.0][c];
            assert!((half[c] - f32::midpoint(was, all[c])).abs() <= 1.0, "{half:?} between {was} and {all:?}");
        }
        assert_eq!(Spill::of_screen(GREEN, 0.0), None);
        assert_eq!(Spill::of_screen([0.5; 3], 1.0), None);
    }

    #[test]
    fn what_is_not_subject_stays() {
        let mut picture = Rgb::filled(Size::new(1, 1), [0, 177, 64]);
        limit_picture(&mut picture, &Alpha::filled(Size::new(1, 1), 0.0), Spill::of_screen(GREEN, 1.0).unwrap());
        assert_eq!(picture, Rgb::filled(Size::new(1, 1), [0, 177, 64]));
    }
}

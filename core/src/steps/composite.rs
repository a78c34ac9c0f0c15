//! Subject over shadow over background, in the picture's encoding, as every editor mixes.

use rayon::prelude::*;

use super::shadow::Cast;
use crate::pixels::{Alpha, Rgb, Samples, unit_to_u8, unit_to_u16};

/// What is painted behind a subject.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// Its colours.
    pub color: &'a Rgb,
    /// How opaque it is, 0 to 1.
    pub opacity: f32,
}

/// Puts the subject over what is behind it; all are of one size.
///
/// With an opaque background the colour becomes the composite and the matte stays the subject's.
/// Without one, a shadow becomes part of the cut-out: its colour under the subject's, its alpha joined to the matte.
#[must_use]
pub fn over(mut color: Rgb, mut matte: Alpha, background: Option<Ground<'_>>, cast: Option<&Cast>) -> (Rgb, Alpha) {
    if background.is_none() && cast.is_none() {
        return (color, matte);
    }
    let width = color.size().width as usize;
    let behind = Behind { background, cast };
    let alphas = matte.values_mut().par_chunks_mut(width).enumerate();
    match color.samples_mut() {
        Samples::Eight(samples) => samples.par_chunks_mut(width * 3).zip(alphas).for_each(|(row, (y, alphas))| {
            mix_row(row, alphas, y * width, &behind, |sample| f32::from(sample) / 255.0, unit_to_u8);
        }),
        Samples::Sixteen(samples) => samples.par_chunks_mut(width * 3).zip(alphas).for_each(|(row, (y, alphas))| {
            mix_row(row, alphas, y * width, &behind, |sample| f32::from(sample) / 65535.0, unit_to_u16);
        }),
    }
    (color, matte)
}

struct Behind<'a> {
    background: Option<Ground<'a>>,
    cast: Option<&'a Cast>,
}

impl Behind<'_> {
    /// Colour and opacity of what is behind one pixel.
    fn at(&self, index: usize) -> ([f32; 3], f32) {
        let shade = self.cast.map(|cast| (cast.color, cast.alpha.values()[index]));
        match (self.background, shade) {
            (Some(ground), None) => (ground.color.unit(index), ground.opacity),
            (Some(ground), Some((color, alpha))) => {
                let through = ground.opacity * (1.0 - alpha);
                let total = alpha + through;
                let below = ground.color.unit(index);
                let mixed = |c: usize| (alpha * color[c] + through * below[c]) / total.max(f32::EPSILON);
                (std::array::from_fn(mixed), total)
            }
            (None, shade) => shade.unwrap_or(([0.0; 3], 0.0)),
        }
    }

    /// Whether nothing shows through.
    fn covers(&self) -> bool {
        self.background.is_some_and(|ground| ground.opacity >= 1.0)
    }
}

fn mix_row<T: Copy>(
    row: &mut [T],
    alphas: &mut [f32],
    start: usize,
    behind: &Behind<'_>,
    to_unit: impl Fn(T) -> f32,
    from_unit: impl Fn(f32) -> T,
) {
    for (x, (pixel, alpha)) in row.chunks_exact_mut(3).zip(alphas).enumerate() {
        if *alpha >= 1.0 {
            continue;
        }
        let (ground, opacity) = behind.at(start + x);
        // Porter and Duff's "over" for straight colours.
        let under = opacity * (1.0 - *alpha);
        let total = *alpha + under;
        if total > 0.0 {
            for (sample, ground) in pixel.iter_mut().zip(ground) {
                *sample = from_unit((*alpha * to_unit(*sample) + under * ground) / total);
            }
        }
        if !behind.covers() {
            *alpha = total.min(1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    const SIZE: Size = Size::new(3, 1);

    #[test]
    fn a_background_shows_as_much_as_the_matte_lets_through() {
        let matte = Alpha::new(SIZE, vec![0.0, 0.5, 1.0]);
        let white = Rgb::filled(SIZE, [255; 3]);
        let (color, kept) =
            over(Rgb::filled(SIZE, [100, 0, 0]), matte.clone(), Some(Ground { color: &white, opacity: 1.0 }), None);
        let Samples::Eight(samples) = color.samples() else { panic!() };
        assert_eq!(samples, &[255, 255, 255, 178, 128, 128, 100, 0, 0]);
        assert_eq!(kept, matte);
    }

    #[test]
    fn what_shows_through_a_background_stays_transparent() {
        let matte = Alpha::new(SIZE, vec![0.0, 0.5, 1.0]);
        let white = Rgb::filled(SIZE, [255; 3]);
        let ground = Ground { color: &white, opacity: 0.5 };
        let (color, alpha) = over(Rgb::filled(SIZE, [100, 0, 0]), matte, Some(ground), None);
        assert_eq!(alpha.values(), [0.5, 0.75, 1.0]);
        let Samples::Eight(samples) = color.samples() else { panic!() };
        // Half subject, a quarter ground: two to one.
        assert_eq!(samples, &[255, 255, 255, 152, 85, 85, 100, 0, 0]);
    }

    #[test]
    fn a_shadow_without_a_background_joins_the_cut_out() {
        let cast = Cast { alpha: Alpha::filled(SIZE, 0.5), color: [0.0; 3] };
        let matte = Alpha::new(SIZE, vec![0.0, 0.5, 1.0]);
        let (color, alpha) = over(Rgb::filled(SIZE, [200; 3]), matte, None, Some(&cast));
        assert_eq!(alpha.values(), [0.5, 0.75, 1.0]);
        let Samples::Eight(samples) = color.samples() else { panic!() };
        assert_eq!((samples[0], samples[3], samples[6]), (0, 133, 200));
    }
}

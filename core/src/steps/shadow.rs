//! Shadows: the subject's matte, moved or laid on the ground, blurred and coloured.

use rayon::prelude::*;

use super::{
    layout::{Placement, apply},
    planes::{Plane, gaussian_blur},
};
use crate::{
    Result, backgrounds,
    options::{Shadow, ShadowKind},
    pixels::{Alpha, Rect, Rgb},
};

/// What a subject casts onto whatever is behind it.
#[derive(Debug)]
pub struct Cast {
    /// How much of the colour lies over each pixel of the canvas, 0 to 1.
    pub alpha: Alpha,
    /// The colour, sRGB, channels 0 to 1.
    pub color: [f32; 3],
}

/// How high a shadow on the ground is on the canvas, of the subject's height.
const FLAT: f32 = 0.35;
/// How far it leans to the right, of the subject's height.
const LEAN: f32 = 0.45;
/// How much softer it is at the subject's top than at its feet.
const SOFTER: f32 = 4.0;
/// How much of a subject stands on the ground, of its height.
const STANDING: f32 = 0.16;
/// How flat its pool is.
const POOL: f32 = 0.22;

/// The shadow of a laid-out matte, of the matte's size.
///
/// # Errors
/// [`crate::Kind::BackgroundInvalid`] when the colour is none.
pub fn cast(matte: &Alpha, shadow: &Shadow) -> Result<Cast> {
    let size = matte.size();
    let diagonal = size.diagonal();
    let offset = shadow.offset.map(|length| length.pixels(diagonal).round() as i64);
    let whole = Rect { left: 0, top: 0, size };
    let moved = Placement { canvas: size, source: whole, scaled: size, offset };
    // The colour plane that layout moves along is not needed here: one pixel stands for it.
    let alpha =
        if offset == [0, 0] { matte.clone() } else { apply(Rgb::filled(size, [0; 3]), matte.clone(), &moved)?.1 };
    let plane = Plane { size, values: alpha.into_values() };
    let blur = shadow.blur.pixels(diagonal);
    let mut blurred = match (shadow.kind, ground(&plane)) {
        (ShadowKind::Drop, _) => gaussian_blur(&plane, blur),
        (ShadowKind::Cast, Some(ground)) => laid_down(&plane, ground, blur),
        (ShadowKind::Contact, Some(ground)) => gaussian_blur(&pool(&plane, ground), blur),
        (_, None) => Plane::filled(size, 0.0),
    };
    blurred.values.iter_mut().for_each(|value| *value = (*value * shadow.opacity).clamp(0.0, 1.0));
    let color = backgrounds::color::parse_css(&shadow.color)?.map(|sample| f32::from(sample) / 255.0);
    Ok(Cast { alpha: Alpha::new(size, blurred.values), color })
}

/// Where a subject stands and how high it is, in rows.
#[derive(Clone, Copy)]
struct Ground {
    row: f32,
    height: f32,
}

/// The lowest and highest rows where something is half opaque.
fn ground(plane: &Plane) -> Option<Ground> {
    let opaque = |y: &usize| plane.row(*y).iter().any(|value| *value >= 0.5);
    let rows = plane.size.height as usize;
    let (top, bottom) = ((0..rows).find(opaque)?, (0..rows).rev().find(opaque)?);
    Some(Ground { row: bottom as f32, height: (bottom - top + 1) as f32 })
}

/// The matte laid down behind the subject; sharp at its feet, softer the farther off.
fn laid_down(plane: &Plane, ground: Ground, blur: f32) -> Plane {
    let flat = painted(plane.size, |x, y| {
        let far = (ground.row - y) / FLAT;
        if far < 0.0 { 0.0 } else { sample(plane, x - far * LEAN, ground.row - far) }
    });
    let (near, off) = (gaussian_blur(&flat, blur * 0.5), gaussian_blur(&flat, blur * SOFTER));
    let width = plane.size.width as usize;
    painted(plane.size, |x, y| {
        let share = ((ground.row - y) / (FLAT * ground.height)).clamp(0.0, 1.0);
        let index = y as usize * width + x as usize;
        let soft = near.values[index] + (off.values[index] - near.values[index]) * share;
        soft * (1.0 - 0.5 * share)
    })
}

/// The lowest part of the matte, flattened, above and below the row it stands on.
fn pool(plane: &Plane, ground: Ground) -> Plane {
    painted(plane.size, |x, y| {
        let far = (y - ground.row).abs() / POOL;
        if far > STANDING * ground.height { 0.0 } else { sample(plane, x, ground.row - far) }
    })
}

fn painted(size: crate::pixels::Size, value: impl Fn(f32, f32) -> f32 + Sync) -> Plane {
    let width = size.width as usize;
    let mut values = vec![0.0; size.area()];
    values.par_chunks_exact_mut(width).enumerate().for_each(|(y, row)| {
        row.iter_mut().enumerate().for_each(|(x, out)| *out = value(x as f32, y as f32));
    });
    Plane { size, values }
}

/// The value between pixels; nothing outside.
fn sample(plane: &Plane, x: f32, y: f32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let at = |x: f32, y: f32| {
        let inside = x >= 0.0 && y >= 0.0 && x < plane.size.width as f32 && y < plane.size.height as f32;
        if inside { plane.values[y as usize * plane.size.width as usize + x as usize] } else { 0.0 }
    };
    let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
    let upper = mix(at(left, top), at(left + 1.0, top), x - left);
    let lower = mix(at(left, top + 1.0), at(left + 1.0, top + 1.0), x - left);
    mix(upper, lower, y - top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    /// A post of 20 by 100 pixels that stands on row 149.
    fn post() -> Alpha {
        let size = Size::new(200, 200);
        let inside = |i: usize| (90..110).contains(&(i % 200)) && (50..150).contains(&(i / 200));
        Alpha::new(size, (0..size.area()).map(|i| if inside(i) { 1.0 } else { 0.0 }).collect())
    }

    fn darkness(kind: ShadowKind) -> impl Fn(usize, usize) -> f32 {
        let cast = cast(&post(), &Shadow::of(kind)).unwrap();
        move |x, y| cast.alpha.values()[y * 200 + x]
    }

    #[test]
    fn a_drop_shadow_is_the_matte_moved() {
        let at = darkness(ShadowKind::Drop);
        assert!(at(102, 100) > 0.45 && at(100, 152) > 0.1 && at(30, 100) == 0.0);
    }

    #[test]
    fn a_cast_shadow_lies_behind_and_leans_to_the_right() {
        let at = darkness(ShadowKind::Cast);
        // Half way up, the post's shadow is 0.35 * 50 rows above the ground and 0.45 * 50 columns to the right.
        assert!(at(122, 132) > 0.2, "{}", at(122, 132));
        assert!(at(78, 132) < 0.05 && at(100, 80) < 0.01 && at(100, 170) < 0.01);
        assert!(at(100, 148) > at(140, 117), "it fades with distance");
    }

    #[test]
    fn a_contact_shadow_is_a_pool_at_the_feet() {
        let at = darkness(ShadowKind::Contact);
        assert!(at(100, 149) > 0.4 && at(100, 152) > 0.15, "{} {}", at(100, 149), at(100, 152));
        assert!(at(100, 100) < 0.01 && at(60, 149) < 0.01 && at(100, 175) < 0.01);
    }

    #[test]
    fn nothing_casts_nothing() {
        for kind in ShadowKind::ALL {
            let cast = cast(&Alpha::filled(Size::new(20, 20), 0.0), &Shadow::of(kind)).unwrap();
            assert!(cast.alpha.values().iter().all(|value| *value == 0.0));
        }
    }
}

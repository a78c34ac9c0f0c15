//! A drop shadow: the subject's matte, moved, blurred and coloured.

use super::{
    layout::{Placement, apply},
    planes::{Plane, gaussian_blur},
};
use crate::{
    Result, backgrounds,
    options::Shadow,
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
    let mut blurred = gaussian_blur(&plane, shadow.blur.pixels(diagonal));
    blurred.values.iter_mut().for_each(|value| *value = (*value * shadow.opacity).clamp(0.0, 1.0));
    let color = backgrounds::color::parse_css(&shadow.color)?.map(|sample| f32::from(sample) / 255.0);
    Ok(Cast { alpha: Alpha::new(size, blurred.values), color })
}

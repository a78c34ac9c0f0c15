//! Pictures far larger than what is wanted of them, made smaller before the work instead of after it.

use super::Recipe;
use crate::{
    Result,
    files::Picture,
    options::{Layout, Length, Options},
    pixels::{Rect, Size},
    tensor::{resize_alpha, resize_rgb},
};

/// Networks look at a megapixel; twice that leaves edges and colours all they need.
const ENOUGH: u64 = 2_000_000;

/// Shrinks a picture of which only a small output is wanted. What counts in pixels of the picture keeps it as it is.
///
/// # Errors
/// What resizing reports.
pub fn shrink(picture: &mut Picture, recipe: &Recipe) -> Result<()> {
    let size = picture.color.size();
    let Some(most) = recipe.options.layout.most_pixels.map(|most| most.max(ENOUGH)) else { return Ok(()) };
    // A third more is not worth resizing twice.
    if size.pixels() < most + most / 3 || recipe.trimap.is_some() || counts_pixels(&recipe.options) {
        return Ok(());
    }
    let factor = (most as f64 / size.pixels() as f64).sqrt();
    let side = |length: u32| ((f64::from(length) * factor).round() as u32).max(1);
    let smaller = Size::new(side(size.width), side(size.height));
    picture.color = resize_rgb(&picture.color, smaller)?;
    picture.alpha = picture.alpha.as_ref().map(|alpha| resize_alpha(alpha, smaller)).transpose()?;
    Ok(())
}

/// Whether anything is said in pixels of the picture, or its parts are shown larger than the whole would be.
fn counts_pixels(options: &Options) -> bool {
    let Layout { crop, canvas, scale, position, .. } = options.layout;
    let edges = [options.edges.grow, options.edges.feather];
    let moved = crop || canvas.is_some() || scale.is_some() || position.is_some();
    moved || options.subject.is_placed() || edges.iter().any(|length| *length != Length::default())
}

/// A box of the smaller picture in the one that was given.
pub fn enlarged(part: Rect, smaller: Size, given: Size) -> Rect {
    if smaller == given {
        return part;
    }
    let span = |from: u32, length: u32, small: u32, large: u32| {
        let factor = f64::from(large) / f64::from(small);
        let low = (f64::from(from) * factor).floor() as u32;
        let high = ((f64::from(from + length) * factor).ceil() as u32).min(large);
        (low, high - low)
    };
    let (left, width) = span(part.left, part.size.width, smaller.width, given.width);
    let (top, height) = span(part.top, part.size.height, smaller.height, given.height);
    Rect { left, top, size: Size::new(width, height) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_keeps_its_share_of_the_picture() {
        let (small, given) = (Size::new(100, 50), Size::new(400, 200));
        let part = Rect { left: 10, top: 5, size: Size::new(90, 45) };
        assert_eq!(enlarged(part, small, given), Rect { left: 40, top: 20, size: Size::new(360, 180) });
        assert_eq!(enlarged(part, small, small), part);
    }
}

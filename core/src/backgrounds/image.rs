//! A picture behind the subject: `image:beach.jpg` fills the canvas, `image:contain:beach.jpg` shows all of it.

use std::path::{Path, PathBuf};

use super::{Background, Scene};
use crate::{
    Error, Kind, Result,
    files::{self, Picture, ReadOptions},
    pixels::{Alpha, Rect, Rgb, Samples, Size},
    steps::layout::{Placement, apply},
    steps::planes::shrink_rgb,
    tensor::resize_rgb,
};

struct Image {
    picture: Rgb,
    fit: Fit,
}

#[derive(Clone, Copy)]
enum Fit {
    /// Fills the canvas, cutting off what stands over.
    Cover,
    /// Shows all of it, the rest in its mean colour.
    Contain,
}

impl Background for Image {
    fn paint(&self, scene: &Scene<'_>) -> Result<Rgb> {
        paint(&self.picture, scene.canvas, self.fit)
    }
}

/// A picture scaled to fill the canvas, what stands over cut off evenly.
///
/// # Errors
/// [`Kind::Internal`] when resizing fails.
pub fn cover(picture: &Rgb, canvas: Size) -> Result<Rgb> {
    if picture.size() == canvas { Ok(picture.clone()) } else { paint(picture, canvas, Fit::Cover) }
}

fn paint(picture: &Rgb, canvas: Size, fit: Fit) -> Result<Rgb> {
    let size = picture.size();
    let across = f64::from(canvas.width) / f64::from(size.width);
    let down = f64::from(canvas.height) / f64::from(size.height);
    let scale = match fit {
        Fit::Cover => across.max(down),
        Fit::Contain => across.min(down),
    };
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let scaled = Size::new(side(size.width), side(size.height));
    let offset = [(canvas.width, scaled.width), (canvas.height, scaled.height)]
        .map(|(room, length)| (i64::from(room) - i64::from(length)).div_euclid(2));
    let resized = resize_rgb(picture, scaled)?;
    let whole = Rect { left: 0, top: 0, size: scaled };
    let placement = Placement { canvas, source: whole, scaled, offset };
    let (mut color, alpha) = apply(resized, Alpha::filled(scaled, 1.0), &placement)?;
    if matches!(fit, Fit::Contain) {
        fill_rest(&mut color, &alpha, mean_color(picture));
    }
    Ok(color)
}

fn mean_color(picture: &Rgb) -> [f32; 3] {
    let side = picture.size().width.max(picture.size().height) as usize;
    shrink_rgb(picture, side).1[0]
}

fn fill_rest(color: &mut Rgb, alpha: &Alpha, fill: [f32; 3]) {
    let uncovered = alpha.values().iter().enumerate().filter(|(_, value)| **value == 0.0).map(|(index, _)| index);
    match color.samples_mut() {
        Samples::Eight(samples) => {
            let fill = fill.map(crate::pixels::unit_to_u8);
            uncovered.for_each(|i| samples[i * 3..i * 3 + 3].copy_from_slice(&fill));
        }
        Samples::Sixteen(samples) => {
            let fill = fill.map(crate::pixels::unit_to_u16);
            uncovered.for_each(|i| samples[i * 3..i * 3 + 3].copy_from_slice(&fill));
        }
    }
}

/// Reads `[cover:|contain:]PATH` and the picture it names.
///
/// # Errors
/// [`Kind::BackgroundInvalid`] when the file cannot be used.
pub fn parse(argument: &str) -> Result<Box<dyn Background>> {
    let (fit, path) = match argument.split_once(':') {
        Some(("contain", path)) => (Fit::Contain, path),
        Some(("cover", path)) => (Fit::Cover, path),
        _ => (Fit::Cover, argument),
    };
    let path = PathBuf::from(path.trim());
    let picture = read(&path)?;
    Ok(Box::new(Image { picture, fit }))
}

/// A picture that was read already; it fills the canvas.
///
/// # Errors
/// As [`Picture::convert_to_srgb`].
pub fn of(mut picture: Picture) -> Result<Box<dyn Background>> {
    picture.convert_to_srgb()?;
    Ok(Box::new(Image { picture: picture.color, fit: Fit::Cover }))
}

fn read(path: &Path) -> Result<Rgb> {
    let unusable = |error: Error| {
        // What no colour could be read from is taken for a file.
        let what = if path.is_file() { "cannot be the background" } else { "is no colour and no picture" };
        Error::new(Kind::BackgroundInvalid, format!("{} {what}: {error}", path.display())).because(error)
    };
    let mut picture = files::read(path, &ReadOptions::default()).map_err(unusable)?;
    picture.convert_to_srgb().map_err(unusable)?;
    Ok(picture.color)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cover_fills_and_contain_shows_all() {
        // Left half black, right half white, twice as wide as high.
        let samples = (0..200_usize).flat_map(|i| if i % 20 < 10 { [0_u8; 3] } else { [255; 3] }).collect();
        let picture = Rgb::new(Size::new(20, 10), Samples::Eight(samples));
        let square = Size::new(40, 40);
        let covered = paint(&picture, square, Fit::Cover).unwrap();
        assert!(covered.unit(0)[0] < 0.1 && covered.unit(39)[0] > 0.9);
        let contained = paint(&picture, square, Fit::Contain).unwrap();
        assert!((contained.unit(0)[0] - 0.5).abs() < 0.02, "the rest is the mean colour");
        assert!(contained.unit(20 * 40 + 39)[0] > 0.9);
    }
}

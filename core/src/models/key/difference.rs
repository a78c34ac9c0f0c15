//! Keying by a picture of the empty scene: alpha is how far a pixel's colour lies from what it was there.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{ramp, srgb, used};
use crate::{
    Error, Kind, Result,
    files::{self, Picture, ReadOptions},
    models::{ModelUsed, Segmented, Segmenter},
    options::{Key, Options},
    pixels::{Alpha, Rgb, Size},
    steps::{
        planes::{Plane, box_mean, change_by_grid, shrink_plane},
        spill::split,
    },
    tensor,
};

/// A difference of colour that is wholly another: a distance of 1.
const REACH: f32 = 0.25;
/// How many times the noise a difference must be to count.
const ABOVE_NOISE: f32 = 4.0;
/// Share of the pixels that is background at least, and by which noise is told.
const BACKGROUND: f32 = 0.25;
/// What being darker counts for where hue stays, as it does in a shadow, and how dark, as a share of the light, shadows are.
const SHADOW: f32 = 0.25;
const DARKEST: f32 = 0.6;
/// Cells along the picture's longer side of the grid that the subject's contrast is told on, and cells around a place.
const CELLS: u32 = 160;
const AROUND: usize = 3;
/// Mean alpha around a pixel from which a hole begins to be filled, and is; the opposite for specks.
const HOLE: (f32, f32) = (0.6, 0.85);
/// Radius of that mean as a share of the diagonal.
const RADIUS: f32 = 0.0015;

/// Tells a subject from a picture of the scene without it, as a [`Segmenter`].
pub struct Difference {
    plate: Option<Plate>,
    used: ModelUsed,
}

/// The empty scene, as it was read and in the size of the pictures.
struct Plate {
    path: PathBuf,
    picture: Rgb,
    resized: Rgb,
}

impl Default for Difference {
    fn default() -> Self {
        Self { plate: None, used: used(super::DIFFERENCE) }
    }
}

impl Difference {
    /// The plate in a size, read and resized once.
    fn plate(&mut self, path: &Path, size: Size) -> Result<&Rgb> {
        let plate = match self.plate.take().filter(|plate| plate.path == path) {
            Some(plate) if plate.resized.size() == size => plate,
            Some(plate) => Plate { resized: tensor::resize_rgb(&plate.picture, size)?, ..plate },
            None => {
                let picture = read(path).map_err(|error| error.on(path.display()))?;
                Plate { path: path.to_owned(), resized: tensor::resize_rgb(&picture, size)?, picture }
            }
        };
        Ok(&self.plate.insert(plate).resized)
    }
}

fn read(path: &Path) -> Result<Rgb> {
    let mut picture = files::read(path, &ReadOptions::default())?;
    picture.convert_to_srgb()?;
    Ok(picture.color)
}

impl Segmenter for Difference {
    fn segment(&mut self, picture: &Picture, options: &Options) -> Result<Segmented> {
        let color = srgb(picture)?;
        let missing = || Error::new(Kind::OptionInvalid, "the model difference needs a picture of the empty scene");
        let path = options.key.plate.as_deref().ok_or_else(missing)?;
        let plate = self.plate(path, color.size())?;
        let alpha = differing(&color, plate, &options.key);
        Ok(Segmented { alpha, foreground: None, classes: Vec::new(), trimap: None })
    }

    fn follows_edges(&self) -> bool {
        true
    }

    fn used(&self) -> &ModelUsed {
        &self.used
    }
}

/// The matte of a picture in sRGB by a plate of its size.
fn differing(color: &Rgb, plate: &Rgb, key: &Key) -> Alpha {
    let size = color.size();
    let values = (0..size.area()).into_par_iter().with_min_len(4096).map(|i| distance(color.unit(i), plate.unit(i)));
    let distances = Plane { size, values: values.collect() };
    let least = (ABOVE_NOISE * noise(&distances.values)).max(key.tolerance * REACH);
    let (reach, block) = contrast(&distances, least, least + key.softness * REACH);
    let mut alpha = Alpha::filled(size, 0.0);
    change_by_grid(&mut alpha, &reach, block, |alpha, index, reach| {
        *alpha = ramp(distances.values[index], least, key.softness * reach);
    });
    cleaned(alpha)
}

/// What distance is wholly another colour, on a grid of cells of a side: [`REACH`], but near the background as much as the
/// subject has there. A mixed pixel before another colour differs as much as a solid one before a like one.
fn contrast(distances: &Plane, background: f32, subject: f32) -> (Plane, usize) {
    let block = distances.size.width.max(distances.size.height).div_ceil(CELLS).max(2) as usize;
    let around = |value: &(dyn Fn(f32) -> f32 + Sync)| {
        let values = distances.values.par_iter().map(|distance| value(*distance)).collect();
        box_mean(&shrink_plane(&Plane { size: distances.size, values }, block), AROUND)
    };
    // What differs most is mixed least.
    let weight = around(&|distance| if distance >= subject { distance * distance } else { 0.0 });
    let sum = around(&|distance| if distance >= subject { distance.powi(3) } else { 0.0 });
    let outside = around(&|distance| f32::from(u8::from(distance <= background)));
    let places = weight.values.iter().zip(&sum.values).zip(&outside.values);
    let values = places.map(|((weight, sum), outside)| {
        let own = sum / weight.max(1e-9);
        REACH + (10.0 * outside).min(1.0) * (own - REACH).max(0.0)
    });
    (Plane { size: weight.size, values: values.collect() }, block)
}

/// How far apart two colours are; being only darker counts for less.
fn distance(color: [f32; 3], plate: [f32; 3]) -> f32 {
    let ((luma, own), (plate_luma, other)) = (split(color), split(plate));
    let light = luma / plate_luma.max(1.0 / 255.0);
    // A shadow takes as much from chroma as from luma.
    let shaded = light.clamp(DARKEST, 1.0);
    let lightness = SHADOW * (1.0 - shaded) * plate_luma + (luma - shaded * plate_luma).abs();
    let chroma = f32::hypot(own[0] - shaded * other[0], own[1] - shaded * other[1]);
    f32::hypot(lightness, 2.0 * chroma)
}

/// The scale of what differs where nothing is: of the least differing pixels, which the background surely is.
fn noise(distances: &[f32]) -> f32 {
    let mut some: Vec<f32> = distances.iter().step_by(distances.len().div_ceil(40_000)).copied().collect();
    let at = ((some.len() - 1) as f32 * BACKGROUND) as usize;
    // A quarter of the lengths of three-part noise lies below 1.1 times its scale.
    *some.select_nth_unstable_by(at, f32::total_cmp).1 / 1.1
}

/// Small holes filled, and specks taken away.
fn cleaned(matte: Alpha) -> Alpha {
    let size = matte.size();
    let radius = ((RADIUS * size.diagonal()).round() as usize).max(1);
    let matte = Plane { size, values: matte.into_values() };
    let around = box_mean(&matte, radius);
    let rise = |value: f32| ((value - HOLE.0) / (HOLE.1 - HOLE.0)).clamp(0.0, 1.0);
    let values = matte.values.iter().zip(&around.values);
    let values = values.map(|(alpha, around)| alpha.max(rise(*around)).min(1.0 - rise(1.0 - around))).collect();
    Alpha::new(size, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Samples;

    const SIZE: Size = Size::new(160, 120);

    /// A room with a pattern, a block before it where asked, and noise of so many of 255 to each side.
    fn scene(block: Option<[f32; 3]>, shade: f32, noise: f32, seed: u32) -> Rgb {
        let mut state = seed;
        let samples = (0..SIZE.area()).flat_map(|i| {
            let (x, y) = (i % 160, i / 160);
            let wall = [120.0 + 40.0 * (x as f32 / 9.0).sin(), 110.0 + y as f32 / 2.0, 90.0];
            let shaded = wall.map(|c| if x > 110 { c * shade } else { c });
            let color = block.filter(|_| (50..100).contains(&x) && y > 30).unwrap_or(shaded);
            color.map(|c| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (c + noise * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)).clamp(0.0, 255.0) as u8
            })
        });
        Rgb::new(SIZE, Samples::Eight(samples.collect()))
    }

    fn mean(alpha: &Alpha, columns: std::ops::Range<usize>) -> f32 {
        let row = |y: usize| columns.clone().map(move |x| alpha.values()[y * 160 + x]).sum::<f32>();
        (40..115).map(row).sum::<f32>() / (75 * columns.len()) as f32
    }

    #[test]
    fn what_the_empty_scene_lacks_is_found_above_the_noise() {
        for noise in [0.0, 3.0, 10.0] {
            let plate = scene(None, 1.0, noise, 1);
            let alpha = differing(&scene(Some([210.0, 190.0, 200.0]), 0.8, noise, 2), &plate, &Key::default());
            let (inside, outside, shadow) = (mean(&alpha, 55..95), mean(&alpha, 0..45), mean(&alpha, 115..160));
            assert!(inside > 0.97 && outside < 0.01 && shadow < 0.05, "{noise}: {inside} {outside} {shadow}");
        }
    }

    #[test]
    fn small_holes_are_filled_and_specks_go() {
        let mut values = vec![0.0; SIZE.area()];
        for y in 30..90 {
            values[y * 160 + 40..y * 160 + 120].fill(1.0);
        }
        (values[60 * 160 + 80], values[10 * 160 + 10]) = (0.0, 1.0);
        let alpha = cleaned(Alpha::new(SIZE, values));
        assert_eq!((alpha.values()[60 * 160 + 80], alpha.values()[10 * 160 + 10]), (1.0, 0.0));
        assert_eq!((alpha.values()[60 * 160 + 40], alpha.values()[60 * 160 + 39]), (1.0, 0.0), "edges stay");
    }
}

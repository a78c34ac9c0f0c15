//! ICC profiles: keeping them beside the pixels, and converting to sRGB.

use crate::{
    Error, Kind, Result,
    pixels::{Rgb, Samples},
};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformExecutor, TransformOptions};
use rayon::prelude::*;
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// An RGB colour space, as the bytes of its ICC profile.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile(Arc<[u8]>);

impl Profile {
    /// Takes the bytes of an ICC profile for RGB.
    ///
    /// # Errors
    /// [`Kind::PictureCorrupt`] when colours cannot be converted with it.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        let parsed = parse(bytes)?;
        if parsed.color_space != DataColorSpace::Rgb {
            return Err(unusable("it is not for RGB"));
        }
        eight_bit_transform(&parsed, Layout::Rgb)?;
        Ok(Self(bytes.into()))
    }

    /// The bytes of the profile.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether its colours are sRGB's, within one step of 255 all over the cube.
    #[must_use]
    pub fn is_srgb(&self) -> bool {
        parse(&self.0)
            .and_then(|parsed| eight_bit_transform(&parsed, Layout::Rgb))
            .is_ok_and(|transform| is_identity(&*transform))
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Profile({} bytes)", self.0.len())
    }
}

/// What kind of pixels a profile's bytes are for, as its header states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Rgb,
    Grey,
    Cmyk,
    Other,
}

/// Reads the colour space from a profile's header (ICC.1:2022, 7.2.6).
pub(super) fn space_of(icc: &[u8]) -> Space {
    match icc.get(16..20) {
        Some(b"RGB ") => Space::Rgb,
        Some(b"GRAY") => Space::Grey,
        Some(b"CMYK") => Space::Cmyk,
        _ => Space::Other,
    }
}

/// Converts colours to sRGB, in place.
///
/// # Errors
/// [`Kind::PictureCorrupt`] when the profile cannot be used; the colours are then unchanged.
pub fn to_srgb(color: &mut Rgb, profile: &Profile) -> Result<()> {
    let parsed = parse(&profile.0)?;
    let eight = eight_bit_transform(&parsed, Layout::Rgb)?;
    if is_identity(&*eight) {
        return Ok(());
    }
    match color.samples_mut() {
        Samples::Eight(samples) => convert_in_place(samples, &*eight),
        Samples::Sixteen(samples) => {
            let make = |srgb: &ColorProfile| parsed.create_transform_16bit(Layout::Rgb, srgb, Layout::Rgb, intent());
            convert_in_place(samples, &*transform(make)?)
        }
    }
}

/// Converts grey pixels, stored as RGB with three equal channels, to sRGB through a grey profile.
pub(super) fn grey_to_srgb(color: &mut Rgb, icc: &[u8]) -> Result<()> {
    let parsed = parse(icc)?;
    match color.samples_mut() {
        Samples::Eight(samples) => convert_grey(samples, &*eight_bit_transform(&parsed, Layout::Gray)?),
        Samples::Sixteen(samples) => {
            let make = |srgb: &ColorProfile| parsed.create_transform_16bit(Layout::Gray, srgb, Layout::Rgb, intent());
            convert_grey(samples, &*transform(make)?)
        }
    }
}

/// Converts `C M Y K` pixels, 255 meaning full ink, to sRGB in the same buffer.
///
/// Without a profile, or with one that cannot be used, the plain formula is taken and `false` returned.
pub(super) fn cmyk_to_srgb(cmyk: Vec<u8>, icc: Option<&[u8]>) -> (Vec<u8>, bool) {
    let transform = icc.filter(|icc| space_of(icc) == Space::Cmyk).and_then(|icc| {
        // Four-channel profiles go by the four-channel layout.
        eight_bit_transform(&parse(icc).ok()?, Layout::Rgba).ok()
    });
    let mut samples = cmyk;
    let mut ink = [0; CHUNK * 4];
    let mut light = [0; CHUNK * 3];
    let pixels = samples.len() / 4;
    let mut through_profile = transform.is_some();
    for start in (0..pixels).step_by(CHUNK) {
        let count = CHUNK.min(pixels - start);
        let (ink, light) = (&mut ink[..count * 4], &mut light[..count * 3]);
        ink.copy_from_slice(&samples[start * 4..][..count * 4]);
        let converted = transform.as_ref().is_some_and(|transform| transform.transform(ink, light).is_ok());
        if !converted {
            through_profile = false;
            plain_cmyk(ink, light);
        }
        // Three channels end before the four they came from: nothing unread is overwritten.
        samples[start * 3..][..count * 3].copy_from_slice(light);
    }
    samples.truncate(pixels * 3);
    samples.shrink_to_fit();
    (samples, through_profile)
}

/// Pixels converted at a time: small enough for the fast memory, large enough to amortise the call.
const CHUNK: usize = 4096;

fn plain_cmyk(ink: &[u8], light: &mut [u8]) {
    for ([c, m, y, k], rgb) in ink.as_chunks::<4>().0.iter().zip(light.as_chunks_mut::<3>().0) {
        let white = 255 - u16::from(*k);
        *rgb = [c, m, y].map(|ink| (((255 - u16::from(*ink)) * white + 127) / 255) as u8);
    }
}

fn convert_in_place<T: Copy + Default + Send + Sync>(
    samples: &mut [T],
    transform: &(dyn TransformExecutor<T> + Send + Sync),
) -> Result<()> {
    samples.par_chunks_mut(CHUNK * 3).try_for_each_with(Vec::new(), |stored, chunk| {
        stored.clear();
        stored.extend_from_slice(chunk);
        transform.transform(stored, chunk).map_err(|error| unusable(&error.to_string()))
    })
}

fn convert_grey<T: Copy + Default + Send + Sync>(
    samples: &mut [T],
    transform: &(dyn TransformExecutor<T> + Send + Sync),
) -> Result<()> {
    samples.par_chunks_mut(CHUNK * 3).try_for_each_with(Vec::new(), |grey, chunk| {
        grey.clear();
        grey.extend(chunk.iter().step_by(3).copied());
        transform.transform(grey, chunk).map_err(|error| unusable(&error.to_string()))
    })
}

type Eight = Arc<dyn TransformExecutor<u8> + Send + Sync>;

fn eight_bit_transform(parsed: &ColorProfile, layout: Layout) -> Result<Eight> {
    transform(|srgb| parsed.create_transform_8bit(layout, srgb, Layout::Rgb, intent()))
}

/// Builds a transform to sRGB; a panic in the colour engine is an unusable profile, not our end.
fn transform<T>(make: impl FnOnce(&ColorProfile) -> Result<T, moxcms::CmsError>) -> Result<T> {
    let srgb = ColorProfile::new_srgb();
    match catch_unwind(AssertUnwindSafe(|| make(&srgb))) {
        Ok(made) => made.map_err(|error| unusable(&error.to_string())),
        Err(_) => Err(unusable("the colour engine failed on it")),
    }
}

fn intent() -> TransformOptions {
    TransformOptions::default()
}

fn parse(icc: &[u8]) -> Result<ColorProfile> {
    match catch_unwind(|| ColorProfile::new_from_slice(icc)) {
        Ok(parsed) => parsed.map_err(|error| unusable(&error.to_string())),
        Err(_) => Err(unusable("the colour engine failed on it")),
    }
}

fn unusable(why: &str) -> Error {
    Error::new(Kind::PictureCorrupt, format!("the colour profile cannot be used: {why}"))
}

fn is_identity(transform: &(dyn TransformExecutor<u8> + Send + Sync)) -> bool {
    let level = |index: usize| (index * 255 / 8) as u8;
    let cube: Vec<u8> = (0..9 * 9 * 9).flat_map(|i| [level(i % 9), level(i / 9 % 9), level(i / 81)]).collect();
    let mut converted = vec![0; cube.len()];
    transform.transform(&cube, &mut converted).is_ok()
        && cube.iter().zip(&converted).all(|(from, to)| from.abs_diff(*to) <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Size;

    fn profile(made: &ColorProfile) -> Profile {
        Profile::new(&made.encode().unwrap()).unwrap()
    }

    #[test]
    fn srgb_is_recognised_and_others_are_not() {
        assert!(profile(&ColorProfile::new_srgb()).is_srgb());
        assert!(!profile(&ColorProfile::new_display_p3()).is_srgb());
        assert!(!profile(&ColorProfile::new_adobe_rgb()).is_srgb());
    }

    #[test]
    fn display_p3_converts_to_known_srgb() {
        // Expected by the matrices of the two spaces in floating point; red and green clip.
        let cases = [([255u8; 3], [255u8; 3]), ([200, 100, 50], [215, 93, 31]), ([0, 0, 0], [0, 0, 0])];
        let p3 = profile(&ColorProfile::new_display_p3());
        for (from, to) in cases {
            let size = Size::new(5, 1);
            let mut eight = Rgb::filled(size, from);
            to_srgb(&mut eight, &p3).unwrap();
            let mut sixteen = Rgb::new(size, Samples::Sixteen(from.map(|value| u16::from(value) * 257).repeat(5)));
            to_srgb(&mut sixteen, &p3).unwrap();
            for (channel, expected) in to.into_iter().enumerate() {
                let expected = f32::from(expected) / 255.0;
                for got in [eight.unit(4)[channel], sixteen.unit(4)[channel]] {
                    assert!((got - expected).abs() < 1.5 / 255.0, "{from:?}: {got} for {expected}");
                }
            }
        }
    }

    #[test]
    fn plain_cmyk_shrinks_in_its_own_buffer() {
        let pixels = [[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 255, 0], [10, 20, 30, 255]];
        let many = 5000;
        let (rgb, through_profile) = cmyk_to_srgb(pixels.concat().repeat(many), None);
        assert!(!through_profile);
        assert_eq!(rgb, [[255, 255, 255], [0, 255, 255], [255, 0, 0], [0, 0, 0]].concat().repeat(many));
    }

    #[test]
    fn rubbish_is_an_error() {
        for bytes in [&b""[..], &[0; 128], b"RGB RGB RGB RGB RGB RGB "] {
            assert_eq!(Profile::new(bytes).unwrap_err().kind(), Kind::PictureCorrupt);
        }
    }
}

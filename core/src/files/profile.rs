//! ICC profiles: kept beside the pixels, and converted to sRGB where the network or a background needs it.

use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};
use rayon::prelude::*;

use crate::{
    Error, Kind, Result,
    pixels::{Rgb, Samples},
};

/// An ICC profile, as it lies in a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Profile(Arc<[u8]>);

impl Profile {
    /// Wraps a profile for RGB pixels; `None` when it cannot be used for them.
    #[must_use]
    pub fn for_rgb(bytes: &[u8]) -> Option<Self> {
        let parsed = ColorProfile::new_from_slice(bytes).ok()?;
        (parsed.color_space == DataColorSpace::Rgb).then(|| Self(bytes.into()))
    }

    /// The profile's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Profile({} bytes)", self.0.len())
    }
}

fn unusable(error: moxcms::CmsError) -> Error {
    Error::new(Kind::PictureCorrupt, format!("the colour profile cannot be used: {error}"))
}

/// Converts colours from a profile to sRGB, in place.
///
/// # Errors
/// [`Kind::PictureCorrupt`] when the profile cannot be used.
pub fn to_srgb(color: &mut Rgb, profile: &Profile) -> Result<()> {
    let source = ColorProfile::new_from_slice(&profile.0).map_err(unusable)?;
    let target = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let stride = color.size().width as usize * 3;
    match color.samples_mut() {
        Samples::Eight(samples) => {
            let transform =
                source.create_transform_8bit(Layout::Rgb, &target, Layout::Rgb, options).map_err(unusable)?;
            samples.par_chunks_mut(stride).try_for_each(|row| {
                let from = row.to_vec();
                transform.transform(&from, row).map_err(unusable)
            })
        }
        Samples::Sixteen(samples) => {
            let transform =
                source.create_transform_16bit(Layout::Rgb, &target, Layout::Rgb, options).map_err(unusable)?;
            samples.par_chunks_mut(stride).try_for_each(|row| {
                let from = row.to_vec();
                transform.transform(&from, row).map_err(unusable)
            })
        }
    }
}

/// Converts 8-bit CMYK (0 is no ink) to sRGB through a CMYK profile; `None` when it cannot be used.
pub fn cmyk_to_srgb(cmyk: &[u8], profile: &[u8]) -> Option<Vec<u8>> {
    let source = ColorProfile::new_from_slice(profile).ok().filter(|p| p.color_space == DataColorSpace::Cmyk)?;
    // Four channels without alpha have the layout of RGBA.
    let target = ColorProfile::new_srgb();
    let transform =
        source.create_transform_8bit(Layout::Rgba, &target, Layout::Rgb, TransformOptions::default()).ok()?;
    let mut rgb = vec![0; cmyk.len() / 4 * 3];
    transform.transform(cmyk, &mut rgb).ok()?;
    Some(rgb)
}

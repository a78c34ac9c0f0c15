//! Picture files (temporary stand-in while the real module is written on its branch).
#![allow(missing_docs, clippy::all)]
use crate::{pixels::*, limits::Limits, Error, Kind, Result};
use std::{path::Path, sync::Arc};
#[derive(Clone, Debug, PartialEq)] pub struct Profile(pub Arc<[u8]>);
#[derive(Clone, Debug, Default)] pub struct Metadata { pub exif: Option<Vec<u8>>, pub xmp: Option<Vec<u8>> }
#[derive(Clone, Debug)] pub struct Picture { pub color: Rgb, pub alpha: Option<Alpha>, pub profile: Option<Profile>, pub metadata: Metadata }
#[derive(Clone, Debug, Default)] pub struct ReadOptions { pub limits: Limits, pub frame: u32 }
impl Picture { pub fn convert_to_srgb(&mut self) -> Result<()> { if let Some(p) = self.profile.take() { to_srgb(&mut self.color, &p)?; } Ok(()) } }
pub fn to_srgb(_c: &mut Rgb, _p: &Profile) -> Result<()> { Ok(()) }
pub fn read(path: &Path, _o: &ReadOptions) -> Result<Picture> {
    let image = image::open(path).map_err(|e| Error::new(Kind::PictureCorrupt, e.to_string()))?.into_rgb8();
    let size = Size::new(image.width(), image.height());
    Ok(Picture { color: Rgb::new(size, Samples::Eight(image.into_raw())), alpha: None, profile: None, metadata: Metadata::default() })
}

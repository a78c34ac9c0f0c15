//! Windows bitmaps.

use super::{
    Raw,
    channels::{Channels, separate, zeroed},
    corrupt,
};
use crate::{
    Error, Kind, Result,
    files::{Format, ReadOptions},
    pixels::Size,
};
use image::{ColorType, ImageDecoder, ImageError, codecs::bmp::BmpDecoder};
use std::io::Cursor;

pub(super) fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Raw> {
    if let Some(claimed) = claimed_size(bytes) {
        options.limits.check(claimed)?;
    }
    let mut decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(complaint)?;
    let (width, height) = decoder.dimensions();
    let size = Size::new(width, height);
    options.limits.check(size)?;
    let channels = match decoder.color_type() {
        ColorType::Rgb8 => Channels::Rgb,
        ColorType::Rgba8 => Channels::Rgba,
        ColorType::L8 => Channels::Grey,
        _ => return Err(Error::new(Kind::FormatUnsupported, "this kind of BMP is not read here")),
    };
    let icc = decoder.icc_profile().unwrap_or_default();
    let mut samples = zeroed::<u8>(size, channels as usize)?;
    decoder.read_image(&mut samples).map_err(complaint)?;
    Ok(Raw { icc, ..Raw::new(separate(samples, channels, size)?) })
}

/// The sides in the header, before the decoder judges them by bounds of its own.
fn claimed_size(bytes: &[u8]) -> Option<Size> {
    let field = |at: usize| bytes.get(at..)?.first_chunk().map(|bytes| i32::from_le_bytes(*bytes));
    // The oldest header has sides of 16 bits, which are never too large. Negative heights run downwards.
    (field(14)? >= 40).then_some(())?;
    Some(Size::new(u32::try_from(field(18)?).ok()?, field(22)?.unsigned_abs()))
}

fn complaint(error: ImageError) -> Error {
    match error {
        ImageError::Unsupported(what) => {
            Error::new(Kind::FormatUnsupported, format!("this kind of BMP is not read here: {what}"))
        }
        error => corrupt(Format::Bmp, error),
    }
}

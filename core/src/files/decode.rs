//! Decoding bytes into a [`Picture`]: one way for every format.
//!
//! A format's own file only gets pixels and blocks out; what they mean (alpha, profile,
//! orientation, frames) is settled here, the same for all.

mod avif;
mod bmp;
mod canvas;
mod channels;
mod gif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use super::{
    Format, Metadata, Picture, Profile, ReadOptions, Warning, exif,
    orientation::Orientation,
    profile::{self, Space},
};
use crate::{
    Error, Kind, Result,
    limits::Limits,
    pixels::{Alpha, Rgb, Samples},
};
use channels::Pixels;
use std::{
    error::Error as StdError,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// What a format's decoder hands over: everything as stored.
struct Raw {
    pixels: Pixels,
    /// The bytes of an ICC profile, unchecked.
    icc: Option<Vec<u8>>,
    metadata: Metadata,
    /// How the pixels lie, where the format itself says; else EXIF decides.
    orientation: Option<Orientation>,
    /// Frames in the file: 1 for a still, 0 for an animation of unknown length.
    frames: u32,
    warnings: Vec<Warning>,
}

impl Raw {
    fn new(pixels: Pixels) -> Self {
        Self { pixels, icc: None, metadata: Metadata::default(), orientation: None, frames: 1, warnings: Vec::new() }
    }
}

/// Decodes a picture from its encoded bytes, whatever the file was called.
///
/// # Errors
/// [`Kind::InputEmpty`], [`Kind::FormatUnsupported`] when it is no picture of a known format,
/// [`Kind::PictureTooLarge`] above the limits, [`Kind::PictureCorrupt`] when it is damaged or cut short,
/// [`Kind::OptionInvalid`] when the animation has no such frame.
pub fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Picture> {
    let (format, mut raw) = decode_raw(bytes, options)?;
    drop_large_blocks(&mut raw, &options.limits);
    let exif_orientation = || raw.metadata.exif.as_deref().map_or(Orientation::UPRIGHT, exif::orientation);
    let orientation = raw.orientation.unwrap_or_else(exif_orientation);
    raw.metadata.reset_orientation();
    let profile = usable_profile(&mut raw);
    if raw.frames != 1 && options.frame == 0 {
        raw.warnings.push(Warning::FirstFrameOf(raw.frames));
    }
    Ok(Picture {
        color: orientation.apply_to_rgb(raw.pixels.color),
        alpha: raw.pixels.alpha.map(|alpha| orientation.apply_to_alpha(alpha)),
        profile,
        metadata: raw.metadata,
        format,
        warnings: raw.warnings,
    })
}

/// Decodes a matte: a grey picture's values as stored, or the alpha channel of a picture that has one.
///
/// # Errors
/// As [`decode`]; [`Kind::FormatUnsupported`] when the picture is coloured and has no alpha channel.
pub fn decode_matte(bytes: &[u8], options: &ReadOptions) -> Result<Alpha> {
    let (_, raw) = decode_raw(bytes, options)?;
    let exif_orientation = || raw.metadata.exif.as_deref().map_or(Orientation::UPRIGHT, exif::orientation);
    let orientation = raw.orientation.unwrap_or_else(exif_orientation);
    let size = raw.pixels.color.size();
    let alpha = match raw.pixels.alpha {
        Some(alpha) => alpha,
        None if is_grey(&raw.pixels.color) => {
            Alpha::new(size, (0..size.area()).map(|index| raw.pixels.color.unit(index)[0]).collect())
        }
        None if raw.pixels.had_alpha => Alpha::filled(size, 1.0),
        None => {
            let message = "the picture is coloured and has no alpha channel, so it is no matte";
            return Err(Error::new(Kind::FormatUnsupported, message));
        }
    };
    Ok(orientation.apply_to_alpha(alpha))
}

/// Refuses files above the limit before they are read or decoded.
pub(super) fn check_file_size(length: u64, limits: &Limits) -> Result<()> {
    if length > limits.file_bytes {
        let message = format!("the file has {length} bytes; at most {} are accepted", limits.file_bytes);
        return Err(Error::new(Kind::PictureTooLarge, message));
    }
    Ok(())
}

fn decode_raw(bytes: &[u8], options: &ReadOptions) -> Result<(Format, Raw)> {
    check_file_size(bytes.len() as u64, &options.limits)?;
    if bytes.is_empty() {
        return Err(Error::new(Kind::InputEmpty, "the picture has no bytes"));
    }
    let format = Format::sniff(bytes).ok_or_else(|| unknown_format(bytes))?;
    let decoder = match format {
        Format::Jpeg => jpeg::decode,
        Format::Png => png::decode,
        Format::WebP => webp::decode,
        Format::Gif => gif::decode,
        Format::Tiff => tiff::decode,
        Format::Bmp => bmp::decode,
        Format::Avif => avif::decode,
    };
    // Decoders meet hostile files first; a fault of theirs is that file's fault, not the end of a batch.
    match catch_unwind(AssertUnwindSafe(|| decoder(bytes, options))) {
        Ok(decoded) => decoded.map(|raw| (format, raw)),
        Err(_) => {
            Err(Error::new(Kind::PictureCorrupt, format!("the {} decoder failed on this picture", format.name())))
        }
    }
}

/// HEIC is what a telephone's owner tries next: it is named, so that nobody looks for damage.
fn unknown_format(bytes: &[u8]) -> Error {
    let message = match bytes.get(4..12) {
        Some(b"ftypheic" | b"ftypheix" | b"ftypheim" | b"ftyphevc" | b"ftypmif1" | b"ftypmsf1") => {
            "HEIC pictures are not read here"
        }
        _ => "this is not a picture of a format that is read here",
    };
    Error::new(Kind::FormatUnsupported, message)
}

/// A decoder's complaint as our error.
fn corrupt(format: Format, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    let error = error.into();
    Error::new(Kind::PictureCorrupt, format!("the {} is damaged: {error}", format.name())).because(error)
}

/// The picture has fewer frames than the one asked for.
fn no_such_frame(frame: u32, frames: u32) -> Error {
    Error::new(Kind::OptionInvalid, format!("frame {frame} was asked for, but the picture has {frames} (from 0)"))
}

fn drop_large_blocks(raw: &mut Raw, limits: &Limits) {
    let too_large = |block: &mut Vec<u8>| block.len() > limits.metadata_bytes;
    if raw.icc.take_if(too_large).is_some() {
        raw.warnings.push(Warning::ProfileUnreadable);
    }
    if raw.metadata.exif.take_if(too_large).is_some() | raw.metadata.xmp.take_if(too_large).is_some() {
        raw.warnings.push(Warning::MetadataDropped);
    }
}

/// The profile to keep beside the pixels; a grey one is applied at once, for RGB it cannot describe.
fn usable_profile(raw: &mut Raw) -> Option<Profile> {
    let icc = raw.icc.take()?;
    let usable = match profile::space_of(&icc) {
        Space::Rgb => Profile::new(&icc).map(Some),
        Space::Grey if raw.pixels.is_grey => profile::grey_to_srgb(&mut raw.pixels.color, &icc).map(|()| None),
        _ => Err(Error::new(Kind::PictureCorrupt, "the colour profile is for another kind of pixels")),
    };
    usable.unwrap_or_else(|_| {
        raw.warnings.push(Warning::ProfileUnreadable);
        None
    })
}

fn is_grey(color: &Rgb) -> bool {
    fn equal<T: PartialEq>(samples: &[T]) -> bool {
        samples.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b)
    }
    match color.samples() {
        Samples::Eight(samples) => equal(samples),
        Samples::Sixteen(samples) => equal(samples),
    }
}

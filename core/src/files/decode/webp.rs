//! WebP, lossy and lossless, and single frames of animations.

use super::{
    Raw,
    channels::{Channels, separate, zeroed},
    corrupt, no_such_frame,
};
use crate::{
    Error, Kind, Result,
    files::{Format, Metadata, ReadOptions, exif},
    pixels::Size,
};
use image_webp::{DecodingError, WebPDecoder};
use std::{borrow::Cow, io::Cursor};

pub(super) fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Raw> {
    let (bytes, padded) = with_four_channels(bytes);
    let mut decoder = WebPDecoder::new(Cursor::new(&*bytes)).map_err(complaint)?;
    let (width, height) = decoder.dimensions();
    let size = Size::new(width, height);
    options.limits.check(size)?;
    check_inner(&bytes, options)?;
    decoder.set_memory_limit(options.limits.metadata_bytes);
    let frames = if decoder.is_animated() { decoder.num_frames() } else { 1 };
    if options.frame > 0 && options.frame >= frames {
        return Err(no_such_frame(options.frame, frames));
    }
    let (stored, channels) = match (decoder.has_alpha(), padded) {
        (false, _) => (3, Channels::Rgb),
        (true, false) => (4, Channels::Rgba),
        (true, true) => (4, Channels::RgbPadded),
    };
    let mut samples = zeroed::<u8>(size, stored)?;
    if decoder.is_animated() {
        for _ in 0..=options.frame {
            decoder.read_frame(&mut samples).map_err(complaint)?;
        }
    } else {
        decoder.read_image(&mut samples).map_err(complaint)?;
    }
    let icc = decoder.icc_profile().unwrap_or_else(|_| Some(Vec::new()));
    let metadata = Metadata {
        exif: decoder.exif_metadata().unwrap_or_default().map(|block| exif::without_prefix(&block).to_vec()),
        xmp: decoder.xmp_metadata().unwrap_or_default(),
    };
    Ok(Raw { icc, metadata, frames, ..Raw::new(separate(samples, channels, size)?) })
}

/// Lossless pixels always have four channels. Where the file says the fourth means nothing, the
/// decoder makes a second copy without it; told that it means something, it does not, and we drop it.
fn with_four_channels(bytes: &[u8]) -> (Cow<'_, [u8]>, bool) {
    const USES_ALPHA: u8 = 0x10;
    match bytes.get(12..25) {
        Some([b'V', b'P', b'8', b'L', .., flags]) if flags & USES_ALPHA == 0 => {
            let mut bytes = bytes.to_vec();
            bytes[24] |= USES_ALPHA;
            (Cow::Owned(bytes), true)
        }
        _ => (Cow::Borrowed(bytes), false),
    }
}

/// A lossy picture states its size once more inside, and the decoder takes memory for that one.
fn check_inner(bytes: &[u8], options: &ReadOptions) -> Result<()> {
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((header, data)) = rest.split_at_checked(8) {
        let (name, length) = (&header[..4], u32::from_le_bytes([header[4], header[5], header[6], header[7]]));
        if name == b"VP8 "
            && let Some([_, _, _, _, _, _, width, wide, height, high]) = data.get(..10)
        {
            let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            options.limits.check(Size::new(side(*width, *wide), side(*height, *high)))?;
        }
        // A frame's own chunks follow its 16 bytes of place and time.
        let skipped = if name == b"ANMF" { 16 } else { (length as usize).saturating_add(length as usize % 2) };
        rest = data.get(skipped..).unwrap_or_default();
    }
    Ok(())
}

fn complaint(error: DecodingError) -> Error {
    match error {
        DecodingError::ImageTooLarge => Error::new(Kind::PictureTooLarge, "the WebP claims more than 4 gigapixels"),
        error => corrupt(Format::WebP, error),
    }
}

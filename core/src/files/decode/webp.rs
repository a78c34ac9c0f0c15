//! WebP, lossy and lossless, and single frames of animations.

use super::{
    Raw,
    channels::{Channels, separate, zeroed},
    corrupt, no_such_frame,
};
use crate::{
    Error, Result,
    files::{Format, Metadata, ReadOptions, exif},
    pixels::Size,
};
use image_webp::{DecodingError, WebPDecoder};
use std::io::Cursor;

pub(super) fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Raw> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(complaint)?;
    let (width, height) = decoder.dimensions();
    let size = Size::new(width, height);
    options.limits.check(size)?;
    decoder.set_memory_limit(options.limits.metadata_bytes);
    let frames = if decoder.is_animated() { decoder.num_frames() } else { 1 };
    if options.frame > 0 && options.frame >= frames {
        return Err(no_such_frame(options.frame, frames));
    }
    let channels = if decoder.has_alpha() { Channels::Rgba } else { Channels::Rgb };
    let mut samples = zeroed::<u8>(size, channels as usize)?;
    if decoder.is_animated() {
        for _ in 0..=options.frame {
            decoder.read_frame(&mut samples).map_err(complaint)?;
        }
    } else {
        decoder.read_image(&mut samples).map_err(complaint)?;
    }
    let icc = decoder.icc_profile().unwrap_or_default();
    let metadata = Metadata {
        exif: decoder.exif_metadata().unwrap_or_default().map(|block| exif::without_prefix(&block).to_vec()),
        xmp: decoder.xmp_metadata().unwrap_or_default(),
    };
    Ok(Raw { icc, metadata, frames, ..Raw::new(separate(samples, channels, size)?) })
}

fn complaint(error: DecodingError) -> Error {
    corrupt(Format::WebP, error)
}

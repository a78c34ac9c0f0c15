//! JPEG files, also with four inks.

use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::{
    decode::{Decoded, corrupt},
    profile::cmyk_to_srgb,
};
use crate::{
    Result,
    limits::Limits,
    pixels::{Rgb, Samples, Size},
};

/// Decodes a JPEG to 8-bit RGB.
///
/// # Errors
/// `picture_corrupt` for broken and cut-off files, `picture_too_large` beyond the limits.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded> {
    let options = DecoderOptions::default().set_strict_mode(false).set_max_width(65_535).set_max_height(65_535);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(corrupt)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| corrupt("the header names no size"))?;
    let size = Size::new(width as u32, height as u32);
    limits.check(size)?;
    // The decoder fills what is missing with grey and says nothing.
    if !has_end(bytes) {
        return Err(corrupt("the file ends before the picture does"));
    }
    let four_inks = matches!(decoder.input_colorspace(), Some(ColorSpace::CMYK | ColorSpace::YCCK));
    let profile = decoder.icc_profile();
    let (exif, xmp) = (decoder.exif().cloned(), decoder.xmp().cloned());
    let wanted = if four_inks { ColorSpace::CMYK } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let mut samples = vec![0; decoder.output_buffer_size().ok_or_else(|| corrupt("the header names no size"))?];
    decoder.decode_into(&mut samples).map_err(corrupt)?;
    let (samples, profile) =
        if four_inks { (from_cmyk(samples, profile.as_deref()), None) } else { (samples, profile) };
    if samples.len() != size.area() * 3 {
        return Err(corrupt("the pixels do not fill the picture"));
    }
    Ok(Decoded { color: Rgb::new(size, Samples::Eight(samples)), alpha: None, profile, exif, xmp, orientation: None })
}

/// Whether an end marker follows the first scan.
fn has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4).and_then(|four| four.first_chunk::<4>()) {
        if marker == 0xFF {
            at += 1;
            continue;
        }
        if marker == 0xDA {
            return bytes[at..].windows(2).rev().any(|pair| pair == [0xFF, 0xD9]);
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    false
}

/// Adobe writes inks inverted: 255 is none, and files with four inks are Adobe's in practice.
fn from_cmyk(mut inverted: Vec<u8>, profile: Option<&[u8]>) -> Vec<u8> {
    if let Some(profile) = profile {
        inverted.iter_mut().for_each(|ink| *ink = 255 - *ink);
        if let Some(rgb) = cmyk_to_srgb(&inverted, profile) {
            return rgb;
        }
        inverted.iter_mut().for_each(|ink| *ink = 255 - *ink);
    }
    let shade = |light: u8, key: u8| ((u16::from(light) * u16::from(key) + 127) / 255) as u8;
    inverted
        .chunks_exact(4)
        .flat_map(|ink| [shade(ink[0], ink[3]), shade(ink[1], ink[3]), shade(ink[2], ink[3])])
        .collect()
}

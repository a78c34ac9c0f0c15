//! Bytes to pixels, under limits, whatever the format.

use std::{
    fmt,
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use image::{AnimationDecoder, ColorType, DynamicImage, ImageDecoder};

use super::{Format, Metadata, Picture, Profile, ReadOptions, Warning, animation, exif, jpeg, orientation};
use crate::{
    Error, Kind, Result,
    limits::Limits,
    pixels::{Alpha, Rgb, Samples, Size},
};

/// What a decoder gives, before it is turned upright.
pub struct Decoded {
    pub color: Rgb,
    pub alpha: Option<Alpha>,
    pub profile: Option<Vec<u8>>,
    pub exif: Option<Vec<u8>>,
    pub xmp: Option<Vec<u8>>,
    /// EXIF's 1 to 8 where the format keeps it outside EXIF.
    pub orientation: Option<u8>,
}

/// An error about the picture's bytes.
pub fn corrupt(error: impl fmt::Display) -> Error {
    Error::new(Kind::PictureCorrupt, format!("the picture cannot be decoded: {error}"))
}

/// Decodes a picture, whatever its file was called.
///
/// # Errors
/// [`Kind::InputEmpty`], [`Kind::FormatUnsupported`], [`Kind::PictureTooLarge`] before anything is
/// allocated for it, [`Kind::PictureCorrupt`].
pub fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Picture> {
    if bytes.is_empty() {
        return Err(Error::new(Kind::InputEmpty, "the input has no bytes"));
    }
    if bytes.len() as u64 > options.limits.file_bytes {
        let most = options.limits.file_bytes;
        return Err(Error::new(Kind::PictureTooLarge, format!("the input has more than {most} bytes")));
    }
    let unknown = || Error::new(Kind::FormatUnsupported, "the input is not a picture of a format we read");
    let format = Format::sniff(bytes).ok_or_else(unknown)?;
    let frames = animation::frame_count(format, bytes);
    if options.frame >= frames {
        let message = format!("frame {} was asked for; the file has {frames}, counted from 0", options.frame);
        return Err(Error::new(Kind::OptionInvalid, message));
    }
    // Decoders are other people's code before hostile bytes: a panic in one is a corrupt picture.
    let decoded = catch_unwind(AssertUnwindSafe(|| match format {
        Format::Jpeg => jpeg::decode(bytes, &options.limits),
        Format::Avif => Err(Error::new(Kind::FormatUnsupported, "this build does not read AVIF")),
        _ => by_image_crate(format, bytes, options),
    }))
    .unwrap_or_else(|_| Err(corrupt("its bytes break the decoder")))?;
    Ok(finish(decoded, format, frames, &options.limits))
}

/// Turns upright and sorts out profile and metadata.
fn finish(decoded: Decoded, format: Format, frames: u32, limits: &Limits) -> Picture {
    let mut warnings = Vec::new();
    if frames > 1 {
        warnings.push(Warning::OneFrameOf(frames));
    }
    let most = limits.metadata_bytes;
    let kept = |block: Option<Vec<u8>>, warnings: &mut Vec<Warning>| {
        let large = block.as_ref().is_some_and(|block| block.len() > most);
        if large && !warnings.contains(&Warning::MetadataDropped) {
            warnings.push(Warning::MetadataDropped);
        }
        block.filter(|_| !large)
    };
    let exif = kept(decoded.exif, &mut warnings);
    let xmp = kept(decoded.xmp, &mut warnings);
    let turned = decoded.orientation.unwrap_or_else(|| exif.as_deref().map_or(1, exif::orientation));
    let had_exif = exif.is_some();
    let exif = exif.and_then(exif::upright);
    if had_exif && exif.is_none() && !warnings.contains(&Warning::MetadataDropped) {
        warnings.push(Warning::MetadataDropped);
    }
    let profile = kept(decoded.profile, &mut warnings);
    let usable = profile.as_deref().and_then(Profile::for_rgb);
    if profile.is_some() && usable.is_none() {
        warnings.push(Warning::ProfileUnreadable);
    }
    let alpha = decoded.alpha.filter(|alpha| alpha.values().iter().any(|&value| value < 1.0));
    let (color, alpha) = orientation::upright(decoded.color, alpha, turned);
    Picture { color, alpha, profile: usable, metadata: Metadata { exif, xmp }, format, warnings }
}

fn by_image_crate(format: Format, bytes: &[u8], options: &ReadOptions) -> Result<Decoded> {
    use image::codecs::{bmp, gif, png, tiff, webp};
    let (input, limits) = (Cursor::new(bytes), &options.limits);
    let frame = options.frame as usize;
    match format {
        Format::Png if frame > 0 => {
            let decoder = open(png::PngDecoder::with_limits(input, allocation(limits)), limits)?;
            nth_frame(decoder.apng().map_err(corrupt)?, frame)
        }
        Format::Png => still(open(png::PngDecoder::with_limits(input, allocation(limits)), limits)?),
        Format::Gif if frame > 0 => nth_frame(open(gif::GifDecoder::new(input), limits)?, frame),
        Format::Gif => still(open(gif::GifDecoder::new(input), limits)?),
        Format::WebP if frame > 0 => nth_frame(open(webp::WebPDecoder::new(input), limits)?, frame),
        Format::WebP => still(open(webp::WebPDecoder::new(input), limits)?),
        Format::Tiff => still(open(tiff::TiffDecoder::new(input), limits)?),
        Format::Bmp => still(open(bmp::BmpDecoder::new(input), limits)?),
        Format::Jpeg | Format::Avif => Err(Error::new(Kind::Internal, "this format has a decoder of its own")),
    }
}

/// Checks what the header claims and sets the decoder's own limits, before any pixel is decoded.
fn open<D: ImageDecoder>(decoder: image::ImageResult<D>, limits: &Limits) -> Result<D> {
    let mut decoder = decoder.map_err(refused)?;
    let (width, height) = decoder.dimensions();
    limits.check(Size::new(width, height))?;
    decoder.set_limits(allocation(limits)).map_err(refused)?;
    Ok(decoder)
}

fn allocation(limits: &Limits) -> image::Limits {
    let mut allocation = image::Limits::default();
    // Four channels of sixteen bits, and room for the decoder's own rows and metadata.
    allocation.max_alloc = Some(limits.pixels.saturating_mul(8) + (64 << 20));
    allocation
}

fn refused(error: image::ImageError) -> Error {
    match error {
        image::ImageError::Limits(_) => {
            Error::new(Kind::PictureTooLarge, format!("decoding the picture would take too much memory: {error}"))
        }
        image::ImageError::Unsupported(_) => {
            Error::new(Kind::FormatUnsupported, format!("the picture uses what we do not read: {error}"))
        }
        _ => corrupt(error),
    }
}

fn still<D: ImageDecoder>(mut decoder: D) -> Result<Decoded> {
    let (width, height) = decoder.dimensions();
    let size = Size::new(width, height);
    let profile = decoder.icc_profile().unwrap_or(None);
    let exif = decoder.exif_metadata().unwrap_or(None);
    let xmp = decoder.xmp_metadata().unwrap_or(None);
    let orientation = decoder.orientation().ok().map(image::metadata::Orientation::to_exif);
    let kind = decoder.color_type();
    let bytes = usize::try_from(decoder.total_bytes()).map_err(corrupt)?;
    let channels = usize::from(kind.channel_count());
    let (color, alpha) = match kind {
        ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8 => {
            let mut samples = vec![0_u8; bytes];
            decoder.read_image(&mut samples).map_err(refused)?;
            let (samples, alpha) = split(samples, channels, |value| f32::from(value) / 255.0);
            (Rgb::new(size, Samples::Eight(samples)), alpha)
        }
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            let mut samples = vec![0_u16; bytes / 2];
            decoder.read_image(bytemuck::cast_slice_mut(&mut samples)).map_err(refused)?;
            let (samples, alpha) = split(samples, channels, |value| f32::from(value) / 65535.0);
            (Rgb::new(size, Samples::Sixteen(samples)), alpha)
        }
        _ => return Err(Error::new(Kind::FormatUnsupported, "pictures of floating point samples are not read")),
    };
    // A grey profile describes one channel; spread over three, the tone curve is close to sRGB's.
    let profile = profile.filter(|_| channels >= 3);
    Ok(Decoded { color, alpha: alpha.map(|alpha| Alpha::new(size, alpha)), profile, exif, xmp, orientation })
}

/// Interleaved samples of 1 to 4 channels as RGB and alpha.
fn split<T: Copy>(samples: Vec<T>, channels: usize, to_unit: impl Fn(T) -> f32) -> (Vec<T>, Option<Vec<f32>>) {
    let alpha = || samples.chunks_exact(channels).map(|pixel| to_unit(pixel[channels - 1])).collect();
    match channels {
        1 => (samples.iter().flat_map(|&grey| [grey; 3]).collect(), None),
        2 => (samples.chunks_exact(2).flat_map(|pixel| [pixel[0]; 3]).collect(), Some(alpha())),
        3 => (samples, None),
        _ => {
            let alpha = alpha();
            (samples.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(), Some(alpha))
        }
    }
}

fn nth_frame<'a>(decoder: impl AnimationDecoder<'a>, frame: usize) -> Result<Decoded> {
    let frame = decoder.into_frames().nth(frame).ok_or_else(|| corrupt("the file ends before that frame"))?;
    let pixels = DynamicImage::ImageRgba8(frame.map_err(refused)?.into_buffer()).into_rgba8();
    let size = Size::new(pixels.width(), pixels.height());
    let (samples, alpha) = split(pixels.into_raw(), 4, |value: u8| f32::from(value) / 255.0);
    let (color, alpha) = (Rgb::new(size, Samples::Eight(samples)), alpha.map(|alpha| Alpha::new(size, alpha)));
    Ok(Decoded { color, alpha, profile: None, exif: None, xmp: None, orientation: None })
}

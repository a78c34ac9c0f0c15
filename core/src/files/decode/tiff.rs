//! TIFF: 1 to 16-bit grey, RGB and CMYK, in strips, tiles or planes. The first picture of the file.

use super::{
    Raw,
    channels::{Channels, Sample, separate, zeroed},
    corrupt, jpeg,
};
use crate::{
    Error, Kind, Result,
    files::{Format, Metadata, ReadOptions, Warning, exif, orientation::Orientation, profile},
    pixels::Size,
};
use std::io::Cursor;
use tiff::{
    ColorType, TiffError,
    decoder::{Decoder, DecodingResult, Limits},
    tags::{CompressionMethod, SampleFormat, Tag},
};

type File<'a> = Decoder<Cursor<&'a [u8]>>;

pub(super) fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Raw> {
    let mut file = Decoder::new(Cursor::new(bytes)).map_err(complaint)?;
    let (width, height) = file.dimensions().map_err(complaint)?;
    let size = Size::new(width, height);
    options.limits.check(size)?;
    let color = file.colortype().map_err(complaint)?;
    check_samples(&mut file, color)?;
    check_plausible(&mut file, color, size, bytes)?;
    let icc = block(&mut file, Tag::IccProfile, options.limits.metadata_bytes);
    let xmp = block(&mut file, Tag::Unknown(700), options.limits.metadata_bytes);
    let mut bounds = Limits::default();
    bounds.decoding_buffer_size = usize::MAX;
    bounds.intermediate_buffer_size = bytes.len();
    let mut file = file.with_limits(bounds);

    let mut raw = match color.bit_depth() {
        16 => sixteen(&mut file, color, size, icc.as_deref())?,
        _ => eight(&mut file, color, size, icc.as_deref())?,
    };
    if !matches!(color, ColorType::CMYK(_) | ColorType::CMYKA(_)) {
        raw.icc = icc;
    }
    raw.orientation = file.find_tag_unsigned::<u16>(Tag::Orientation).ok().flatten().map(Orientation::from_exif);
    raw.metadata = Metadata {
        exif: exif::rebuilt(bytes, exif::Without::Structure, options.limits.metadata_bytes),
        xmp: xmp.filter(|packet| !packet.is_empty()),
    };
    if is_premultiplied(&mut file)
        && let Some(alpha) = &raw.pixels.alpha
    {
        raw.pixels.color = super::channels::unmultiplied(raw.pixels.color, alpha);
    }
    Ok(raw)
}

/// The bytes of a field; none of them when there are more than may be.
///
/// Not by the decoder's own reading of values, which takes 32 bytes of memory for each of a block's.
fn block(file: &mut File<'_>, tag: Tag, most_bytes: usize) -> Option<Vec<u8>> {
    let count = file.image_ifd().find_entry(tag)?.count();
    let Some(length) = usize::try_from(count).ok().filter(|length| *length <= most_bytes) else {
        return Some(Vec::new());
    };
    let mut bytes = vec![0; length];
    let read = file.image_ifd().find_tag_bytes(tag, &mut bytes, 0).ok().flatten().unwrap_or(0);
    bytes.truncate(read);
    Some(bytes)
}

/// Grey, RGB and inks of 1 to 16 bits; what is wider is a floating point picture or a measurement.
fn check_samples(file: &mut File<'_>, color: ColorType) -> Result<()> {
    let formats = file.find_tag_unsigned_vec::<u16>(Tag::SampleFormat).map_err(complaint)?.unwrap_or_default();
    let refuse = |what: &str| Err(Error::new(Kind::FormatUnsupported, format!("TIFF with {what} is not read here")));
    match formats.first().map(|format| SampleFormat::from_u16_exhaustive(*format)) {
        Some(SampleFormat::IEEEFP) => return refuse("floating point samples"),
        Some(SampleFormat::Int) => return refuse("signed samples"),
        _ => {}
    }
    match (color, color.bit_depth()) {
        (ColorType::Gray(_), 1 | 2 | 4) | (_, 8 | 16) => Ok(()),
        (_, bits) => refuse(&format!("{bits} bits a channel")),
    }
}

/// Refuses a file whose bytes cannot hold the picture it claims, before memory is taken for it.
fn check_plausible(file: &mut File<'_>, color: ColorType, size: Size, bytes: &[u8]) -> Result<()> {
    let compression = file.find_tag_unsigned::<u16>(Tag::Compression).map_err(complaint)?.unwrap_or(1);
    let needed = size.pixels() * u64::from(color.num_samples()) * u64::from(color.bit_depth()) / 8;
    // LZW packs best: at most 4096 bytes into a code of 12 bits. Fax rows may cost a bit, but are small.
    if color.bit_depth() >= 8 && needed / 4096 > bytes.len() as u64 {
        return Err(corrupt(Format::Tiff, format!("{} bytes cannot hold {size} pixels", bytes.len())));
    }
    if CompressionMethod::from_u16_exhaustive(compression) == CompressionMethod::ModernJPEG {
        check_inner_jpegs(file, bytes)?;
    }
    Ok(())
}

/// The JPEG in each strip or tile states its own size, which may be larger than the picture's.
fn check_inner_jpegs(file: &mut File<'_>, bytes: &[u8]) -> Result<()> {
    let (width, height) = file.chunk_dimensions();
    let expected =
        Size::new(width.next_multiple_of(64), height.min(file.dimensions().map_err(complaint)?.1).next_multiple_of(64));
    for tag in [Tag::StripOffsets, Tag::TileOffsets] {
        for offset in file.find_tag_unsigned_vec::<u64>(tag).map_err(complaint)?.unwrap_or_default() {
            let inner = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
            if jpeg::frame_size(inner).is_some_and(|inner| inner.pixels() > expected.pixels()) {
                return Err(corrupt(Format::Tiff, "a strip is larger than the picture"));
            }
        }
    }
    Ok(())
}

fn eight(file: &mut File<'_>, color: ColorType, size: Size, icc: Option<&[u8]>) -> Result<Raw> {
    let DecodingResult::U8(samples) = interleaved(file, color)? else {
        return Err(corrupt(Format::Tiff, "its samples are not the ones its header states"));
    };
    match color {
        ColorType::Gray(bits @ (1 | 2 | 4)) => {
            Ok(Raw::new(separate(unpacked(&samples, bits, size)?, Channels::Grey, size)?))
        }
        ColorType::CMYK(_) | ColorType::CMYKA(_) => {
            inks(keep_first::<u8, 4>(samples, color.num_samples().into()), icc, size)
        }
        ColorType::YCbCr(_) => Ok(Raw::new(separate(jpeg::ycc_to_rgb(samples), Channels::Rgb, size)?)),
        _ => light(file, samples, color, size),
    }
}

fn sixteen(file: &mut File<'_>, color: ColorType, size: Size, icc: Option<&[u8]>) -> Result<Raw> {
    let DecodingResult::U16(samples) = interleaved(file, color)? else {
        return Err(corrupt(Format::Tiff, "its samples are not the ones its header states"));
    };
    match color {
        ColorType::CMYK(_) | ColorType::CMYKA(_) => {
            // Inks come out as 8-bit colours: print files keep no more than that.
            let high = samples.iter().map(|sample| (sample >> 8) as u8).collect();
            inks(keep_first::<u8, 4>(high, color.num_samples().into()), icc, size)
        }
        ColorType::YCbCr(_) => Err(Error::new(Kind::FormatUnsupported, "TIFF with 16-bit YCbCr is not read here")),
        _ => light(file, samples, color, size),
    }
}

fn inks(samples: Vec<u8>, icc: Option<&[u8]>, size: Size) -> Result<Raw> {
    let (samples, through_profile) = profile::cmyk_to_srgb(samples, icc);
    let mut raw = Raw::new(separate(samples, Channels::Rgb, size)?);
    if !through_profile {
        raw.warnings.push(Warning::ColorsApproximated);
    }
    Ok(raw)
}

/// Grey and RGB with any further channels; the first of those is alpha where the file says so.
fn light<T: Sample>(file: &mut File<'_>, samples: Vec<T>, color: ColorType, size: Size) -> Result<Raw> {
    let stored = usize::from(color.num_samples());
    let has_alpha = matches!(extra_samples(file).first(), Some(1 | 2));
    let (samples, channels) = match (color, has_alpha) {
        (ColorType::Gray(_), _) => (samples, Channels::Grey),
        (ColorType::Multiband { .. }, true) => (keep_first::<T, 2>(samples, stored), Channels::GreyAlpha),
        (ColorType::Multiband { .. }, false) => (keep_first::<T, 1>(samples, stored), Channels::Grey),
        (ColorType::RGB(_), _) => (samples, Channels::Rgb),
        (ColorType::RGBA(_), _) => (samples, Channels::Rgba),
        _ => return Err(Error::new(Kind::FormatUnsupported, "TIFF in this colour space is not read here")),
    };
    let mut raw = Raw::new(separate(samples, channels, size)?);
    let all = file.find_tag_unsigned::<u16>(Tag::SamplesPerPixel).ok().flatten().map_or(1, usize::from);
    if all > channels as usize {
        raw.warnings.push(Warning::ChannelsIgnored);
    }
    Ok(raw)
}

fn extra_samples(file: &mut File<'_>) -> Vec<u16> {
    file.find_tag_unsigned_vec(Tag::ExtraSamples).ok().flatten().unwrap_or_default()
}

/// Whether colours are stored multiplied by alpha ("associated" alpha).
fn is_premultiplied(file: &mut File<'_>) -> bool {
    extra_samples(file).first() == Some(&1)
}

/// All samples, pixel by pixel, also where the file keeps one plane for each channel.
fn interleaved(file: &mut File<'_>, color: ColorType) -> Result<DecodingResult> {
    fn woven<T: Sample>(planes: &[T], count: usize) -> Vec<T> {
        let length = planes.len() / count;
        (0..length).flat_map(|pixel| (0..count).map(move |plane| planes[plane * length + pixel])).collect()
    }
    let mut samples = DecodingResult::U8(Vec::new());
    let layout = file.read_image_to_buffer(&mut samples).map_err(complaint)?;
    let count = layout.planes.min(color.num_samples().into());
    Ok(match samples {
        _ if layout.planes <= 1 => samples,
        DecodingResult::U8(planes) => DecodingResult::U8(woven(first_planes(&planes, layout.planes, count), count)),
        DecodingResult::U16(planes) => DecodingResult::U16(woven(first_planes(&planes, layout.planes, count), count)),
        other => other,
    })
}

fn first_planes<T>(planes: &[T], all: usize, kept: usize) -> &[T] {
    &planes[..planes.len() / all * kept]
}

/// The first `N` of `stored` channels.
fn keep_first<T: Copy, const N: usize>(samples: Vec<T>, stored: usize) -> Vec<T> {
    if stored == N {
        return samples;
    }
    samples.chunks_exact(stored).flat_map(|pixel| pixel[..N].iter().copied()).collect()
}

/// Grey of 1, 2 or 4 bits, rows padded to bytes, as 8 bits.
fn unpacked(packed: &[u8], bits: u8, size: Size) -> Result<Vec<u8>> {
    let mut grey = zeroed::<u8>(size, 1)?;
    let width = size.width as usize;
    let (per_byte, most) = (8 / usize::from(bits), (1u16 << bits) - 1);
    let stride = width.div_ceil(per_byte);
    for (row, packed) in grey.chunks_exact_mut(width).zip(packed.chunks_exact(stride)) {
        for (x, sample) in row.iter_mut().enumerate() {
            let shift = 8 - usize::from(bits) * (x % per_byte + 1);
            let value = u16::from(packed[x / per_byte] >> shift) & most;
            *sample = (value * 255 / most) as u8;
        }
    }
    Ok(grey)
}

fn complaint(error: TiffError) -> Error {
    match error {
        TiffError::UnsupportedError(what) => {
            Error::new(Kind::FormatUnsupported, format!("this kind of TIFF is not read here: {what}"))
        }
        TiffError::LimitsExceeded => corrupt(Format::Tiff, "it claims more strips or bytes than its pixels need"),
        error => corrupt(Format::Tiff, error),
    }
}

//! Pixels to bytes, whatever the format.

use image::{ExtendedColorType, ImageEncoder, codecs};

use super::{Format, Metadata, Profile, exif, png};
use crate::{
    Error, Kind, Result,
    pixels::{Alpha, Rgb, Samples, Size, unit_to_u8, unit_to_u16},
};

/// What is kept of a picture's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataPolicy {
    /// Everything.
    Keep,
    /// The colour profile, and EXIF without position, maker's notes and thumbnail; no XMP.
    #[default]
    Safe,
    /// The colour profile only: without it the pixels would mean other colours.
    None,
}

/// Bits a channel of what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// As the picture has, as far as the format can.
    #[default]
    Auto,
    /// 8 bits.
    Eight,
    /// 16 bits; PNG and TIFF only.
    Sixteen,
}

/// How hard lossless formats try to be small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Quick, a little larger.
    #[default]
    Fast,
    /// Several times slower, smaller.
    Balanced,
    /// As small as the format allows, however long it takes.
    Small,
}

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOptions {
    /// The format.
    pub format: Format,
    /// Quality of lossy formats, 1 to 100.
    pub quality: u8,
    /// Bits a channel.
    pub depth: Depth,
    /// What is kept of the metadata.
    pub metadata: MetadataPolicy,
    /// How hard lossless formats try to be small.
    pub compression: Compression,
}

impl WriteOptions {
    /// The defaults for a format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            quality: 90,
            depth: Depth::default(),
            metadata: MetadataPolicy::default(),
            compression: Compression::default(),
        }
    }
}

/// A picture to be written.
#[derive(Debug, Clone, Copy)]
pub struct Encodable<'a> {
    /// Straight colours.
    pub color: &'a Rgb,
    /// Transparency; `None` is opaque.
    pub alpha: Option<&'a Alpha>,
    /// Profile of the colours.
    pub profile: Option<&'a Profile>,
    /// Metadata, before the policy is applied.
    pub metadata: &'a Metadata,
}

/// Encodes a picture. Colours under alpha 0 are written as black.
///
/// # Errors
/// [`Kind::OutputUnsupported`] when the format cannot hold it, [`Kind::OptionInvalid`] for a quality outside 1 to 100.
pub fn encode(picture: &Encodable<'_>, options: &WriteOptions) -> Result<Vec<u8>> {
    let sixteen = sixteen(options, picture.color.depth())?;
    if picture.alpha.is_some() && !options.format.holds_alpha() {
        let message = format!("{} cannot hold transparency", options.format);
        return Err(Error::new(Kind::OutputUnsupported, message));
    }
    let kept = Kept::of(picture, options.metadata);
    if options.format == Format::Png {
        return png::encode(picture, sixteen, options.compression, &kept);
    }
    let channels = if picture.alpha.is_some() { 4 } else { 3 };
    let mut bytes = Vec::new();
    for y in 0..picture.color.size().height as usize {
        bytes.extend(row(picture, y, sixteen));
    }
    write(&bytes, picture.color.size(), channels, sixteen, options, &kept)
}

/// Encodes a matte alone, as a grey picture.
///
/// # Errors
/// As [`encode`].
pub fn encode_gray(matte: &Alpha, options: &WriteOptions) -> Result<Vec<u8>> {
    let sixteen = sixteen(options, 8)?;
    let size = matte.size();
    let bytes = if sixteen {
        matte.values().iter().flat_map(|&value| unit_to_u16(value).to_ne_bytes()).collect()
    } else {
        matte.to_u8()
    };
    if options.format == Format::Png {
        return png::encode_gray(&bytes, size, sixteen, options.compression);
    }
    if options.format == Format::Avif || options.format == Format::WebP {
        // Their encoders know no grey.
        let spread: Vec<u8> = bytes.iter().flat_map(|&value| [value; 3]).collect();
        return write(&spread, size, 3, sixteen, options, &Kept::default());
    }
    write(&bytes, size, 1, sixteen, options, &Kept::default())
}

/// What a policy leaves of profile and metadata.
#[derive(Default)]
pub struct Kept {
    pub icc: Option<Vec<u8>>,
    pub exif: Option<Vec<u8>>,
    pub xmp: Option<Vec<u8>>,
}

impl Kept {
    fn of(picture: &Encodable<'_>, policy: MetadataPolicy) -> Self {
        let icc = picture.profile.map(|profile| profile.bytes().to_vec());
        let metadata = picture.metadata;
        match policy {
            MetadataPolicy::Keep => Self { icc, exif: metadata.exif.clone(), xmp: metadata.xmp.clone() },
            MetadataPolicy::Safe => {
                Self { icc, exif: metadata.exif.clone().and_then(exif::without_private), xmp: None }
            }
            MetadataPolicy::None => Self { icc, ..Self::default() },
        }
    }
}

fn sixteen(options: &WriteOptions, depth: u8) -> Result<bool> {
    if !(1..=100).contains(&options.quality) {
        return Err(Error::new(Kind::OptionInvalid, format!("quality is {}, allowed is 1 to 100", options.quality)));
    }
    if !options.format.is_written() {
        return Err(Error::new(Kind::OutputUnsupported, format!("{} is not written, only read", options.format)));
    }
    let able = matches!(options.format, Format::Png | Format::Tiff);
    match options.depth {
        Depth::Sixteen if !able => {
            Err(Error::new(Kind::OutputUnsupported, format!("{} holds no 16 bits a channel", options.format)))
        }
        Depth::Sixteen => Ok(true),
        Depth::Eight => Ok(false),
        Depth::Auto => Ok(able && depth == 16),
    }
}

/// One row as interleaved RGB or RGBA of 8 bits, or of 16 in native order.
pub fn row(picture: &Encodable<'_>, y: usize, sixteen: bool) -> Vec<u8> {
    let width = picture.color.size().width as usize;
    let alphas = picture.alpha.map(|alpha| &alpha.values()[y * width..(y + 1) * width]);
    if let (false, Samples::Eight(samples)) = (sixteen, picture.color.samples()) {
        let pixels = &samples[y * width * 3..(y + 1) * width * 3];
        let Some(alphas) = alphas else { return pixels.to_vec() };
        let mut out = vec![0_u8; width * 4];
        for ((out, pixel), &alpha) in out.chunks_exact_mut(4).zip(pixels.chunks_exact(3)).zip(alphas) {
            let alpha = unit_to_u8(alpha);
            if alpha > 0 {
                out.copy_from_slice(&[pixel[0], pixel[1], pixel[2], alpha]);
            }
        }
        return out;
    }
    let mut out = Vec::with_capacity(width * 8);
    let mut put = |value: f32| {
        if sixteen { out.extend(unit_to_u16(value).to_ne_bytes()) } else { out.push(unit_to_u8(value)) }
    };
    for x in 0..width {
        let alpha = alphas.map(|alphas| alphas[x]);
        // The same rounding decides as for the alpha that is written.
        let hidden = alpha.is_some_and(|alpha| if sixteen { unit_to_u16(alpha) == 0 } else { unit_to_u8(alpha) == 0 });
        let color = if hidden { [0.0; 3] } else { picture.color.unit(y * width + x) };
        color.into_iter().for_each(&mut put);
        alpha.into_iter().for_each(&mut put);
    }
    out
}

fn write(
    bytes: &[u8],
    size: Size,
    channels: u8,
    sixteen: bool,
    options: &WriteOptions,
    kept: &Kept,
) -> Result<Vec<u8>> {
    let kind = match (channels, sixteen) {
        (1, false) => ExtendedColorType::L8,
        (1, true) => ExtendedColorType::L16,
        (3, false) => ExtendedColorType::Rgb8,
        (3, true) => ExtendedColorType::Rgb16,
        (_, false) => ExtendedColorType::Rgba8,
        (_, true) => ExtendedColorType::Rgba16,
    };
    let mut out = std::io::Cursor::new(Vec::new());
    let written = match options.format {
        Format::Jpeg => {
            finish(codecs::jpeg::JpegEncoder::new_with_quality(&mut out, options.quality), bytes, size, kind, kept)
        }
        Format::WebP => finish(codecs::webp::WebPEncoder::new_lossless(&mut out), bytes, size, kind, kept),
        Format::Tiff => finish(codecs::tiff::TiffEncoder::new(&mut out), bytes, size, kind, kept),
        Format::Avif => {
            let speed = if options.compression == Compression::Small { 4 } else { 9 };
            let encoder = codecs::avif::AvifEncoder::new_with_speed_quality(&mut out, speed, options.quality);
            finish(encoder, bytes, size, kind, kept)
        }
        Format::Png | Format::Gif | Format::Bmp => {
            return Err(Error::new(Kind::Internal, format!("{} is not written here", options.format)));
        }
    };
    written.map_err(|error| match error {
        // Each format has a greatest side: 65,535 for JPEG, 16,383 for WebP.
        image::ImageError::Parameter(_) | image::ImageError::Encoding(_) => {
            Error::new(Kind::OutputUnsupported, format!("{} cannot hold {size} pixels: {error}", options.format))
        }
        error => Error::new(Kind::Internal, format!("cannot encode {}: {error}", options.format)),
    })?;
    Ok(out.into_inner())
}

fn finish<E: ImageEncoder>(
    mut encoder: E,
    bytes: &[u8],
    size: Size,
    kind: ExtendedColorType,
    kept: &Kept,
) -> image::ImageResult<()> {
    // An encoder that cannot embed one says so; colours then stay as they are, metadata is left out.
    if let Some(icc) = &kept.icc {
        let _ = encoder.set_icc_profile(icc.clone());
    }
    if let Some(exif) = &kept.exif {
        let _ = encoder.set_exif_metadata(exif.clone());
    }
    encoder.write_image(bytes, size.width, size.height, kind)
}

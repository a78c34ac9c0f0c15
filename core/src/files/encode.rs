//! Encoding a picture or a matte into bytes: one way for every format.

mod avif;
mod jpeg;
mod png;
mod rows;
mod tiff;
mod webp;

use super::{Format, Metadata, MetadataPolicy, Profile, to_srgb};
use crate::{
    Error, Kind, Result,
    pixels::{Alpha, Rgb, Samples},
};
use rows::Source;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, ops::RangeInclusive};

/// Bits a channel in the written file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// As the colours have them, or 8 where the format holds no more.
    #[default]
    Auto,
    /// 8 bits.
    Eight,
    /// 16 bits; refused for formats that hold only 8.
    Sixteen,
}

/// How hard lossless formats try to be small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// As fast as possible.
    #[default]
    Fast,
    /// Some seconds for large pictures, clearly smaller.
    Balanced,
    /// As small as possible.
    Small,
}

/// How to write a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOptions {
    /// The format to write.
    pub format: Format,
    /// 1 to 100, for the lossy formats JPEG and AVIF.
    pub quality: u8,
    /// Bits a channel.
    pub depth: Depth,
    /// How much metadata is kept.
    pub metadata: MetadataPolicy,
    /// How hard PNG and TIFF try to be small.
    pub compression: Compression,
}

impl WriteOptions {
    /// What `quality` may be.
    pub const QUALITY: RangeInclusive<u8> = 1..=100;

    /// The defaults for a format: quality 90, depth as the colours, safe metadata, fast.
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

/// What is to be encoded, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Encodable<'a> {
    /// The colours, straight.
    pub color: &'a Rgb,
    /// The matte; colours under 0 are written as 0, so that they compress.
    pub alpha: Option<&'a Alpha>,
    /// The colour space of `color`; `None` means sRGB.
    pub profile: Option<&'a Profile>,
    /// EXIF and XMP, filtered by the options' policy. What the writer has no place for is left out:
    /// EXIF in TIFF, XMP in AVIF, and blocks above 64 KB in JPEG.
    pub metadata: &'a Metadata,
}

/// Blocks a writer embeds where its format has a place for them.
#[derive(Default)]
struct Blocks<'a> {
    icc: Option<&'a [u8]>,
    metadata: Metadata,
}

/// Encodes a picture.
///
/// # Errors
/// [`Kind::OutputUnsupported`] when the format is read only or cannot hold alpha, the depth or the
/// size; [`Kind::OptionInvalid`] for a quality out of range; [`Kind::SizeMismatch`] when colour and
/// alpha differ in size.
pub fn encode(picture: &Encodable<'_>, options: &WriteOptions) -> Result<Vec<u8>> {
    check(options, picture.alpha.is_some())?;
    let size = picture.color.size();
    if let Some(alpha) = picture.alpha.filter(|alpha| alpha.size() != size) {
        let message = format!("the colours are {size} pixels, the matte {}", alpha.size());
        return Err(Error::new(Kind::SizeMismatch, message));
    }
    let mut color = Cow::Borrowed(picture.color);
    let mut icc = picture.profile;
    // The AVIF writer has no place for a profile, and says sRGB.
    if (options.metadata == MetadataPolicy::None || options.format == Format::Avif)
        && let Some(profile) = icc.take()
        && !profile.is_srgb()
    {
        to_srgb(color.to_mut(), profile)?;
    }
    let blocks = Blocks { icc: icc.map(Profile::bytes), metadata: picture.metadata.under(options.metadata) };
    write(&Source::Picture { color: &color, alpha: picture.alpha }, &blocks, options)
}

/// Encodes a matte alone as a grey picture; 16 bits only when the options ask for them.
///
/// # Errors
/// As [`encode`].
pub fn encode_gray(matte: &Alpha, options: &WriteOptions) -> Result<Vec<u8>> {
    check(options, false)?;
    write(&Source::Matte(matte), &Blocks::default(), options)
}

fn check(options: &WriteOptions, alpha: bool) -> Result<()> {
    let format = options.format;
    let refuse = |why: &str| Err(Error::new(Kind::OutputUnsupported, format!("{} {why}", format.name())));
    if !WriteOptions::QUALITY.contains(&options.quality) {
        let message = format!("quality {} is not between 1 and 100", options.quality);
        return Err(Error::new(Kind::OptionInvalid, message));
    }
    if !format.is_written() {
        return refuse("is only read, not written");
    }
    if alpha && !format.holds_alpha() {
        return refuse("cannot hold transparency; choose PNG, WebP, TIFF or AVIF, or give a background");
    }
    if options.depth == Depth::Sixteen && !format.holds_sixteen_bits() {
        return refuse("is not written with 16 bits a channel; choose PNG or TIFF");
    }
    Ok(())
}

fn write(source: &Source<'_>, blocks: &Blocks<'_>, options: &WriteOptions) -> Result<Vec<u8>> {
    match options.format {
        Format::Jpeg => jpeg::encode(source, blocks, options),
        Format::Png => png::encode(source, blocks, options),
        Format::WebP => webp::encode(source, blocks),
        Format::Tiff => tiff::encode(source, blocks, options),
        Format::Avif => avif::encode(source, blocks, options),
        Format::Gif | Format::Bmp => {
            Err(Error::new(Kind::OutputUnsupported, format!("{} is not written", options.format.name())))
        }
    }
}

/// Whether the file gets 16 bits a channel.
fn sixteen_bits(source: &Source<'_>, options: &WriteOptions) -> bool {
    let stored = matches!(source, Source::Picture { color, .. } if matches!(color.samples(), Samples::Sixteen(_)));
    match options.depth {
        Depth::Auto => stored && options.format.holds_sixteen_bits(),
        Depth::Eight => false,
        Depth::Sixteen => true,
    }
}

/// A writer's complaint as our error: the memory it writes to has no faults, so it is the picture.
fn refused(format: Format, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::OutputUnsupported, format!("this picture cannot be written as {}: {error}", format.name()))
        .because(error)
}

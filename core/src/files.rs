//! Picture files in and out: decoding under limits, orientation, depth and colour profiles; encoding; atomic writing.
//!
//! Inside the library there is one form: upright, straight RGB of 8 or 16 bits, alpha apart, the
//! ICC profile beside the pixels.

mod animation;
mod atomic;
mod decode;
mod encode;
mod exif;
mod format;
mod jpeg;
mod orientation;
mod png;
mod profile;

use std::{fmt, fs, io::Read, path::Path};

pub use atomic::{IfExists, write_atomically};
pub use decode::decode;
pub use encode::{Compression, Depth, Encodable, MetadataPolicy, WriteOptions, encode, encode_gray};
pub use format::Format;
pub use profile::{Profile, to_srgb};

use crate::{
    Error, Kind, Result,
    limits::Limits,
    pixels::{Alpha, Rgb},
};

/// A decoded picture: upright, with what its file said about it.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Colours, in the space of `profile`.
    pub color: Rgb,
    /// Transparency the file brought along, when any pixel is not opaque.
    pub alpha: Option<Alpha>,
    /// ICC profile of `color`; `None` is sRGB.
    pub profile: Option<Profile>,
    /// Metadata as found, orientation already applied and reset.
    pub metadata: Metadata,
    /// The file's format.
    pub format: Format,
    /// What a reader should know about this file.
    pub warnings: Vec<Warning>,
}

/// Blocks of metadata, as they lie in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// EXIF, from its TIFF header on.
    pub exif: Option<Vec<u8>>,
    /// XMP, an XML document.
    pub xmp: Option<Vec<u8>>,
}

/// Something about a file that was noticed and handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// The file is animated; one frame of this many was read.
    OneFrameOf(u32),
    /// The colour profile cannot be used; colours are taken for sRGB.
    ProfileUnreadable,
    /// Metadata was too large or damaged and was dropped.
    MetadataDropped,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// What a picture may ask of this machine.
    pub limits: Limits,
    /// Which frame of an animated file is read, from 0.
    pub frame: u32,
}

impl Warning {
    /// Stable snake-case code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::OneFrameOf(_) => "one_frame_read",
            Self::ProfileUnreadable => "profile_unreadable",
            Self::MetadataDropped => "metadata_dropped",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneFrameOf(count) => write!(formatter, "the file is animated; one of its {count} frames was read"),
            Self::ProfileUnreadable => {
                formatter.write_str("the colour profile cannot be used; colours are taken for sRGB")
            }
            Self::MetadataDropped => formatter.write_str("metadata was too large or damaged and was dropped"),
        }
    }
}

impl Picture {
    /// Converts the colours to sRGB and drops the profile.
    ///
    /// # Errors
    /// [`Kind::PictureCorrupt`] when the profile cannot be used after all.
    pub fn convert_to_srgb(&mut self) -> Result<()> {
        match self.profile.take() {
            Some(profile) => to_srgb(&mut self.color, &profile),
            None => Ok(()),
        }
    }
}

/// Reads and decodes a file.
///
/// # Errors
/// [`Kind::InputUnreadable`] when it cannot be read, [`Kind::PictureTooLarge`] for a file beyond the
/// limits, and what [`decode`] reports.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Picture> {
    decode(&read_bytes(path, options.limits.file_bytes)?, options)
}

/// Reads a matte: a grey picture, or the alpha of one that has transparency.
///
/// # Errors
/// As [`read`].
pub fn read_matte(path: &Path, options: &ReadOptions) -> Result<Alpha> {
    let picture = read(path, options)?;
    Ok(match picture.alpha {
        Some(alpha) => alpha,
        None => {
            let size = picture.color.size();
            Alpha::new(size, (0..size.area()).map(|index| picture.color.unit(index)[0]).collect())
        }
    })
}

fn read_bytes(path: &Path, most: u64) -> Result<Vec<u8>> {
    let unreadable = |error: std::io::Error| {
        Error::new(Kind::InputUnreadable, format!("cannot read the file: {error}")).because(error)
    };
    let file = fs::File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length > most {
        return Err(Error::new(
            Kind::PictureTooLarge,
            format!("the file has {length} bytes; at most {most} are accepted"),
        ));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // A pipe has no length: it is cut off one byte after the limit, and `decode` refuses it.
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

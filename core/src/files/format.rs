//! The picture formats: their names, extensions and first bytes.

use std::{fmt, path::Path, str::FromStr};

use crate::{Error, Kind};

/// A picture format this library reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG, also animated.
    Png,
    /// WebP.
    WebP,
    /// GIF, read only.
    Gif,
    /// TIFF.
    Tiff,
    /// BMP, read only.
    Bmp,
    /// AVIF, written only.
    Avif,
}

/// Names and extensions; the first extension of a format is the one written.
const NAMES: &[(&str, Format)] = &[
    ("jpg", Format::Jpeg),
    ("jpeg", Format::Jpeg),
    ("jpe", Format::Jpeg),
    ("jfif", Format::Jpeg),
    ("png", Format::Png),
    ("apng", Format::Png),
    ("webp", Format::WebP),
    ("gif", Format::Gif),
    ("tiff", Format::Tiff),
    ("tif", Format::Tiff),
    ("bmp", Format::Bmp),
    ("avif", Format::Avif),
];

impl Format {
    /// The format whose name or extension this is, whatever its case.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(extension)).map(|(_, format)| *format)
    }

    /// The format that a path's extension names.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        Self::from_extension(path.extension()?.to_str()?)
    }

    /// The usual extension, without its dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        NAMES.iter().find(|(_, format)| *format == self).expect("every format is listed").0
    }

    /// Tells the format by a file's first bytes, whatever the file is called.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Self::Tiff),
            [b'B', b'M', ..] => Some(Self::Bmp),
            [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's', ..] => Some(Self::Avif),
            _ => None,
        }
    }

    /// Whether files of this format can be partly transparent.
    #[must_use]
    pub fn holds_alpha(self) -> bool {
        !matches!(self, Self::Jpeg | Self::Bmp)
    }

    /// Whether this library writes the format.
    #[must_use]
    pub fn is_written(self) -> bool {
        !matches!(self, Self::Gif | Self::Bmp)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.extension())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_extension(text)
            .ok_or_else(|| Error::new(Kind::OutputUnsupported, format!("{text:?} is no picture format we know")))
    }
}

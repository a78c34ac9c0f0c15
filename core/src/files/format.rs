//! The picture formats: their names, extensions and first bytes.

use crate::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::{fmt, path::Path, str::FromStr};

/// A picture format that is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG, animated or not.
    Png,
    /// WebP, animated or not.
    WebP,
    /// GIF; read only.
    Gif,
    /// TIFF.
    Tiff,
    /// Windows bitmap; read only.
    Bmp,
    /// AVIF.
    Avif,
}

struct FormatRow {
    format: Format,
    name: &'static str,
    /// The usual extension first.
    extensions: &'static [&'static str],
    written: bool,
    alpha: bool,
    sixteen: bool,
}

const fn row(
    format: Format,
    name: &'static str,
    extensions: &'static [&'static str],
    [written, alpha, sixteen]: [bool; 3],
) -> FormatRow {
    FormatRow { format, name, extensions, written, alpha, sixteen }
}

#[rustfmt::skip]
const FORMATS: &[FormatRow] = &[
    //   format        name    extensions                        written, alpha, 16 bits when written
    row(Format::Jpeg, "JPEG", &["jpg", "jpeg", "jpe", "jfif"], [true,    false, false]),
    row(Format::Png,  "PNG",  &["png", "apng"],                [true,    true,  true]),
    row(Format::WebP, "WebP", &["webp"],                       [true,    true,  false]),
    row(Format::Gif,  "GIF",  &["gif"],                        [false,   true,  false]),
    row(Format::Tiff, "TIFF", &["tiff", "tif"],                [true,    true,  true]),
    row(Format::Bmp,  "BMP",  &["bmp", "dib"],                 [false,   true,  false]),
    row(Format::Avif, "AVIF", &["avif"],                       [true,    true,  false]),
];

impl Format {
    /// Every format, in the order documents list them.
    pub fn all() -> impl Iterator<Item = Self> {
        FORMATS.iter().map(|row| row.format)
    }

    /// The format a file of this extension has, upper or lower case, without the dot.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        let named = |row: &&FormatRow| row.extensions.iter().any(|known| known.eq_ignore_ascii_case(extension));
        FORMATS.iter().find(named).map(|row| row.format)
    }

    /// The format that a path's extension names.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        Self::from_extension(path.extension()?.to_str()?)
    }

    /// The usual extension, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        self.row().extensions[0]
    }

    /// The name people know it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether a file of this format may carry alpha.
    #[must_use]
    pub fn holds_alpha(self) -> bool {
        self.row().alpha
    }

    /// Whether we write 16 bits a channel into this format.
    #[must_use]
    pub fn holds_sixteen_bits(self) -> bool {
        self.row().sixteen
    }

    /// Whether this format can be written, not only read.
    #[must_use]
    pub fn is_written(self) -> bool {
        self.row().written
    }

    /// The format these bytes start like, whatever the file is called.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            // "BM" also starts English text: the four reserved bytes of a bitmap are zero.
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some(Self::Bmp),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => is_avif(bytes).then_some(Self::Avif),
            _ => None,
        }
    }

    fn row(self) -> &'static FormatRow {
        FORMATS.iter().find(|row| row.format == self).expect("a test checks that every format has its row")
    }
}

/// Whether an ISO media file's `ftyp` box names an AVIF brand, first or among the compatible ones.
fn is_avif(bytes: &[u8]) -> bool {
    let Some(length) = bytes.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize) else {
        return false;
    };
    let brands = bytes.get(8..length.min(bytes.len()).min(256)).unwrap_or_default();
    // The second group of four is the minor version, not a brand.
    brands.chunks_exact(4).enumerate().any(|(index, brand)| index != 1 && matches!(brand, b"avif" | b"avis"))
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name().to_ascii_lowercase())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::from_extension(text)
            .ok_or_else(|| Error::new(Kind::OutputUnsupported, format!("`{text}` is not the name of a picture format")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_extensions_and_serde_agree() {
        for format in Format::all() {
            assert_eq!(Format::from_extension(format.extension()), Some(format));
            assert_eq!(Format::from_extension(&format.extension().to_uppercase()), Some(format));
            assert_eq!(Format::from_path(format!("a/b.{}", format.extension()).as_ref()), Some(format));
            assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
            assert_eq!(toml::Value::try_from(format).unwrap().as_str(), Some(format.to_string().as_str()));
        }
        assert_eq!("xcf".parse::<Format>().unwrap_err().kind(), Kind::OutputUnsupported);
        assert_eq!(Format::all().count(), Format::Avif as usize + 1);
    }

    #[test]
    fn first_bytes_decide() {
        let cases: &[(&[u8], Option<Format>)] = &[
            (b"\xff\xd8\xff\xe0", Some(Format::Jpeg)),
            (b"\x89PNG\r\n\x1a\n", Some(Format::Png)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(Format::WebP)),
            (b"RIFF\0\0\0\0WAVEfmt ", None),
            (b"GIF89a", Some(Format::Gif)),
            (b"II*\0\x08\0\0\0", Some(Format::Tiff)),
            (b"MM\0*\0\0\0\x08", Some(Format::Tiff)),
            (b"BM\x46\0\0\0\0\0\0\0\x36", Some(Format::Bmp)),
            (b"BMW is a maker of cars", None),
            (b"\0\0\0\x1cftypavif\0\0\0\0mif1avif", Some(Format::Avif)),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", Some(Format::Avif)),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", None),
            (b"\0\0\0\x18ftyp", None),
            (b"<svg xmlns=", None),
            (b"PK\x03\x04", None),
            (b"", None),
        ];
        for (bytes, format) in cases {
            assert_eq!(Format::sniff(bytes), *format, "{}", bytes.escape_ascii());
        }
    }
}

//! Picture files: reading them into one normal form, and writing them.
//!
//! Reading undoes what belongs to the file and not to the picture: orientation is applied, CMYK and
//! grey become RGB, a profile that cannot be used is dropped with a warning. What comes out is 8 or
//! 16-bit RGB beside its ICC profile, an alpha matte if the file has one that says something, and
//! the metadata as raw blocks. Everything is checked against [`Limits`] before it is allocated, and
//! no decoder's panic escapes.

mod atomic;
mod decode;
mod encode;
mod exif;
mod format;
mod metadata;
mod orientation;
mod profile;
mod warning;

use crate::{
    Error, Kind, Result,
    limits::Limits,
    pixels::{Alpha, Rgb},
};
use std::{fs::File, io::Read, path::Path};

pub use atomic::{IfExists, write_atomically};
pub use decode::{decode, decode_matte};
pub use encode::{Compression, Depth, Encodable, WriteOptions, encode, encode_gray};
pub use format::Format;
pub use metadata::{Metadata, MetadataPolicy};
pub use profile::{Profile, to_srgb};
pub use warning::Warning;

/// A picture in the form the rest of the library works on.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The colours, upright, 8 or 16 bits a channel as in the file.
    pub color: Rgb,
    /// The file's own alpha; `None` when it has none or all of it is opaque.
    pub alpha: Option<Alpha>,
    /// The colour space of `color`; `None` means sRGB.
    pub profile: Option<Profile>,
    /// EXIF and XMP as found, with orientation reset to upright.
    pub metadata: Metadata,
    /// The format it was read from.
    pub format: Format,
    /// What reading could not keep or had to guess.
    pub warnings: Vec<Warning>,
}

impl Picture {
    /// Converts the colours to sRGB and drops the profile.
    ///
    /// # Errors
    /// As [`to_srgb`]; the picture is then unchanged.
    pub fn convert_to_srgb(&mut self) -> Result<()> {
        if let Some(profile) = &self.profile {
            to_srgb(&mut self.color, profile)?;
        }
        self.profile = None;
        Ok(())
    }
}

/// How to read a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// What the picture may ask of this machine.
    pub limits: Limits,
    /// Which frame of an animation to take, counted from 0; ignored for stills.
    pub frame: u32,
}

/// Reads a picture from a file.
///
/// # Errors
/// [`Kind::InputUnreadable`] when the file cannot be opened or read, else as [`decode`].
pub fn read(path: &Path, options: &ReadOptions) -> Result<Picture> {
    decode(&bytes_of(path, &options.limits)?, options)
}

/// Reads a matte: a grey picture's values, or the alpha channel of a picture that has one.
///
/// # Errors
/// As [`read`]; [`Kind::FormatUnsupported`] when the picture is coloured and has no alpha channel.
pub fn read_matte(path: &Path, options: &ReadOptions) -> Result<Alpha> {
    decode_matte(&bytes_of(path, &options.limits)?, options)
}

/// The whole file, unless it is larger than the limits allow.
fn bytes_of(path: &Path, limits: &Limits) -> Result<Vec<u8>> {
    let unreadable = |what: &str, error: std::io::Error| {
        Error::new(Kind::InputUnreadable, format!("the file {what}: {error}")).because(error)
    };
    let file = File::open(path).map_err(|error| unreadable("cannot be opened", error))?;
    let claimed = file.metadata().map_or(0, |metadata| metadata.len());
    decode::check_file_size(claimed, limits)?;
    // A pipe or a growing file may hold more than it claims: one byte past the limit tells.
    let mut bytes = Vec::with_capacity(claimed as usize + 1);
    file.take(limits.file_bytes + 1).read_to_end(&mut bytes).map_err(|error| unreadable("cannot be read", error))?;
    decode::check_file_size(bytes.len() as u64, limits)?;
    Ok(bytes)
}

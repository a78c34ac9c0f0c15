//! What can stand behind the subject: one notation, one table of kinds, one file a kind.
//!
//! The notation is `kind:argument`; colours and paths of pictures may be written without their kind.

pub mod blur;
pub mod color;
pub mod gradient;
pub mod image;

use crate::{
    Error, Kind, Result,
    pixels::{Alpha, Rgb, Size},
};

/// What a background may look at while it is painted.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Size to paint.
    pub canvas: Size,
    /// The picture the subject was cut from, straight sRGB.
    pub picture: &'a Rgb,
    /// The subject's matte, of the picture's size.
    pub alpha: &'a Alpha,
    /// How many pixels of `picture` are one of what people see: below 1 when it is a smaller copy.
    pub scale: f32,
}

/// Paints what stands behind the subject.
pub trait Background: Send + Sync {
    /// Whether painting looks at the picture itself, which must then be kept.
    fn sees_picture(&self) -> bool {
        false
    }

    /// How opaque it is, 0 to 1, the same everywhere.
    fn opacity(&self) -> f32 {
        1.0
    }

    /// Paints a picture of `scene.canvas`, sRGB.
    ///
    /// # Errors
    /// [`Kind::BackgroundInvalid`] when its file cannot be used.
    fn paint(&self, scene: &Scene<'_>) -> Result<Rgb>;
}

/// One kind of background: its name in the notation, whether its argument is a file's path, and how that is read.
struct KindRow {
    name: &'static str,
    names_file: bool,
    parse: fn(&str) -> Result<Box<dyn Background>>,
}

const KINDS: &[KindRow] = &[
    KindRow { name: "color", names_file: false, parse: color::parse },
    KindRow { name: "gradient", names_file: false, parse: gradient::parse },
    KindRow { name: "blur", names_file: false, parse: blur::parse },
    KindRow { name: "image", names_file: true, parse: image::parse },
];

/// Reads the notation; `transparent` is the absence of a background.
///
/// # Errors
/// [`Kind::BackgroundInvalid`] saying what was not understood.
pub fn parse(notation: &str) -> Result<Option<Box<dyn Background>>> {
    let notation = notation.trim();
    if notation.is_empty() {
        return Err(Error::new(Kind::BackgroundInvalid, "the background is empty"));
    }
    if matches!(notation, "transparent" | "none") {
        return Ok(None);
    }
    let (name, argument) = notation.split_once(':').unwrap_or((notation, ""));
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == name) {
        return (kind.parse)(argument.trim()).map(Some);
    }
    if color::parse(notation).is_ok() {
        return color::parse(notation).map(Some);
    }
    image::parse(notation).map(Some)
}

/// Whether a notation names no file, so that it may come from somebody who must not read this machine's.
#[must_use]
pub fn is_self_contained(notation: &str) -> bool {
    let notation = notation.trim();
    let name = notation.split_once(':').map_or(notation, |(name, _)| name);
    match KINDS.iter().find(|kind| kind.name == name) {
        Some(kind) => !kind.names_file,
        None => matches!(notation, "transparent" | "none") || color::parse(notation).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_file_is_not_self_contained() {
        for notation in ["none", "#fff", "tomato", "color:tomato", "gradient:#fff,#000,45", "blur:12", "blur"] {
            assert!(is_self_contained(notation), "{notation}");
        }
        for notation in
            ["image:a.jpg", "a.jpg", "/etc/passwd", "image:contain:a.jpg", "http://a/b.jpg", " image:x", "video:a"]
        {
            assert!(!is_self_contained(notation), "{notation}");
        }
    }
}

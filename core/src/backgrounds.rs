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

    /// Paints a picture of `scene.canvas`, sRGB.
    ///
    /// # Errors
    /// [`Kind::BackgroundInvalid`] when its file cannot be used.
    fn paint(&self, scene: &Scene<'_>) -> Result<Rgb>;
}

/// One kind of background: its name in the notation, how its argument is read, and an example.
struct KindRow {
    name: &'static str,
    parse: fn(&str) -> Result<Box<dyn Background>>,
}

const KINDS: &[KindRow] = &[
    KindRow { name: "color", parse: color::parse },
    KindRow { name: "gradient", parse: gradient::parse },
    KindRow { name: "blur", parse: blur::parse },
    KindRow { name: "image", parse: image::parse },
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
    if color::parse_css(notation).is_ok() {
        return color::parse(notation).map(Some);
    }
    image::parse(notation).map(Some)
}

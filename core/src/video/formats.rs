//! What a clip can be written as, and how ffmpeg is told so.

mod table;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{ffmpeg::Ffmpeg, frame::Matrix, probe::ColorTags};
use crate::{Error, Kind, Result, options::Preset};

pub use table::FORMATS;

/// What of a cut-out clip is written into one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// The subject over its background, opaque.
    Composite,
    /// The subject with transparency: straight colours and alpha.
    Cutout,
    /// The matte as a grey picture.
    Matte,
    /// The subject's own colours, opaque; what they cover is in the matte beside them.
    Color,
}

impl Content {
    /// Whether its frames carry alpha.
    #[must_use]
    pub const fn has_alpha(self) -> bool {
        matches!(self, Self::Cutout)
    }

    /// What its segments are called.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Composite => "composite",
            Self::Cutout => "cutout",
            Self::Matte => "matte",
            Self::Color => "color",
        }
    }
}

/// A format: a container with a codec.
#[derive(Debug)]
pub struct Format {
    /// What people call it.
    pub name: &'static str,
    /// Ends of names that stand for it; the first is used where a name has to be made. None for folders.
    pub extensions: &'static [&'static str],
    /// How frames without alpha are encoded, the best choice first; hardware's come only when asked for.
    opaque: &'static [Encoder],
    /// How frames with alpha are encoded.
    alpha: &'static [Encoder],
    /// How the segments become the file.
    pub ending: Ending,
    /// In one line, for people.
    pub about: &'static str,
}

/// How finished segments become the file that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Joined as they are, together with sound and subtitles.
    Joined(Container),
    /// Encoded anew as an animation of few colours.
    Gif,
    /// Encoded anew as an animated WebP.
    Webp,
    /// One PNG a frame in a folder.
    Pictures,
    /// Frames for another program, on standard output only.
    Piped,
}

/// A file format that holds streams, and what it takes beside pictures.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Container {
    /// ffmpeg's name of its muxer.
    pub muxer: &'static str,
    /// Codecs of sound that it takes as they are; empty takes all.
    pub audio: &'static [&'static str],
    /// What other sound is encoded as: the first that this ffmpeg has.
    pub audio_encoders: &'static [&'static str],
    /// What subtitles of text become; none are kept where it is empty.
    pub subtitles: &'static str,
}

/// One encoder of ffmpeg's.
#[derive(Debug)]
struct Encoder {
    name: &'static str,
    /// Whether it is a circuit of its own, whose pictures differ from machine to machine.
    hardware: bool,
    /// How samples are stored.
    pixels: &'static str,
    /// What the constant quality is called, and its usual value; none for codecs that lose nothing or have no such number.
    quality: Option<(&'static str, u8)>,
    /// What else it is told.
    arguments: &'static [&'static str],
    /// How hard it tries, by preset.
    effort: fn(Preset) -> &'static [&'static str],
    /// Container of its segments.
    container: &'static str,
    /// Whether both sides of a frame must be even.
    even: bool,
}

/// Containers that can be written without going back.
const PIPED: &[&str] = &["yuv4mpegpipe", "rawvideo", "webm", "matroska", "nut"];

/// How one segment is encoded, ready for ffmpeg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Encoding {
    /// Everything ffmpeg is told about it.
    pub arguments: Vec<String>,
    /// Container of the segments.
    pub container: &'static str,
    /// Whether its frames carry alpha.
    pub alpha: bool,
    /// Whether both sides of a frame must be even.
    pub even: bool,
}

/// What is wished of an encoder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// Constant quality in the codec's own numbers.
    pub quality: Option<u8>,
    /// How hard it tries.
    pub preset: Preset,
    /// Whether hardware's encoders may be taken.
    pub hardware: bool,
}

impl Format {
    /// The format of that name.
    ///
    /// # Errors
    /// [`Kind::OutputUnsupported`] listing all names.
    pub fn named(name: &str) -> Result<&'static Self> {
        FORMATS.iter().find(|format| format.name == name).ok_or_else(|| {
            let names: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
            Error::new(
                Kind::OutputUnsupported,
                format!("no video format is called {name:?}; there are {}", names.join(", ")),
            )
        })
    }

    /// The format that a file's name stands for; a name without an end stands for a folder of pictures.
    ///
    /// # Errors
    /// [`Kind::OutputUnsupported`] for an end that nothing is known of.
    pub fn of_path(path: &Path) -> Result<&'static Self> {
        let extension = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
        let Some(extension) = extension else { return Self::named("png") };
        FORMATS.iter().find(|format| format.extensions.contains(&extension.as_str())).ok_or_else(|| {
            let known: Vec<_> =
                FORMATS.iter().flat_map(|format| format.extensions).map(|end| format!(".{end}")).collect();
            let message = format!("{} is not the name of a video; known are {}", path.display(), known.join(", "));
            Error::new(Kind::OutputUnsupported, message)
        })
    }

    /// Whether it can hold transparency.
    #[must_use]
    pub fn holds_alpha(&self) -> bool {
        !self.alpha.is_empty()
    }

    /// How segments of this content are encoded by this ffmpeg.
    ///
    /// # Errors
    /// [`Kind::OutputUnsupported`] when the format cannot hold the content; [`Kind::EncoderMissing`] when this ffmpeg
    /// has none of its encoders; [`Kind::OptionInvalid`] for a quality it does not know.
    pub(super) fn encoding(&self, ffmpeg: &Ffmpeg, content: Content, wish: Wish, color: &Coloring) -> Result<Encoding> {
        let alpha = content.has_alpha();
        let encoders = if alpha { self.alpha } else { self.opaque };
        if encoders.is_empty() {
            let message = if alpha {
                format!("{} holds no transparency", self.name)
            } else {
                format!("{} is for transparency only", self.name)
            };
            return Err(Error::new(Kind::OutputUnsupported, message));
        }
        let usable = |encoder: &&Encoder| (!encoder.hardware || wish.hardware) && ffmpeg.has_encoder(encoder.name);
        let encoder = encoders.iter().find(usable).ok_or_else(|| {
            let names: Vec<_> = encoders.iter().filter(|e| !e.hardware).map(|encoder| encoder.name).collect();
            let message = format!("this ffmpeg has no encoder for {}: {} is needed", self.name, names.join(" or "));
            Error::new(Kind::EncoderMissing, message)
        })?;
        let mut arguments: Vec<String> = vec!["-c:v".into(), encoder.name.into()];
        let mut add = |more: &[&str]| arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        if let Some((name, usual)) = encoder.quality {
            add(&[name, &wish.quality.unwrap_or(usual).to_string()]);
        }
        add(encoder.arguments);
        add((encoder.effort)(wish.preset));
        add(&["-pix_fmt", encoder.pixels]);
        add(&["-colorspace", color.matrix.name(), "-color_range", "tv"]);
        add(&["-color_primaries", &color.primaries, "-color_trc", &color.transfer]);
        Ok(Encoding { arguments, container: encoder.container, alpha, even: encoder.even })
    }

    /// Checks that the format suits where it goes to: standard output, or a file.
    ///
    /// # Errors
    /// [`Kind::OutputUnsupported`].
    pub(super) fn check_place(&self, piped: bool) -> Result<()> {
        let holds = |encoders: &[Encoder]| encoders.iter().any(|encoder| PIPED.contains(&encoder.container));
        let message = match (piped, self.ending) {
            (true, Ending::Joined(_) | Ending::Piped) if holds(self.opaque) || holds(self.alpha) => return Ok(()),
            (true, _) => format!("{} cannot be written to standard output; y4m, raw, webm and mkv can", self.name),
            (false, Ending::Piped) => format!("{} is for standard output: -o -", self.name),
            (false, _) => return Ok(()),
        };
        Err(Error::new(Kind::OutputUnsupported, message))
    }
}

/// The colours of the frames, as players are to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coloring {
    /// From luma and chroma to red, green, blue.
    pub matrix: Matrix,
    primaries: String,
    transfer: String,
}

impl Coloring {
    /// What the file says, and where it says nothing what players take for such a matrix.
    pub fn new(matrix: Matrix, tags: &ColorTags) -> Self {
        let usual = matrix.name().trim_end_matches("nc");
        let or_usual = |tag: &Option<String>, usual: &str| tag.clone().unwrap_or_else(|| usual.to_owned());
        // BT.2020 shares its transfer with BT.709 at 8 bits.
        let transfer = if matrix == Matrix::Bt2020 { "bt709" } else { usual };
        Self { matrix, primaries: or_usual(&tags.primaries, usual), transfer: or_usual(&tags.transfer, transfer) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_formats() {
        let cases = [
            ("a.mp4", "mp4"),
            ("a.M4V", "mp4"),
            ("b.webm", "webm"),
            ("c.mov", "prores"),
            ("frames", "png"),
            ("d.gif", "gif"),
        ];
        for (path, name) in cases {
            assert_eq!(Format::of_path(path.as_ref()).unwrap().name, name, "{path}");
        }
        assert_eq!(Format::of_path("a.txt".as_ref()).unwrap_err().kind(), Kind::OutputUnsupported);
        assert_eq!(Format::named("avi").unwrap_err().kind(), Kind::OutputUnsupported);
        assert!(Format::named("prores").unwrap().holds_alpha() && !Format::named("mp4").unwrap().holds_alpha());
    }
}

//! What stands behind the subject of a clip, frame by frame: painted once, painted from each frame, or another clip.

use std::path::{Path, PathBuf};

use super::{
    ffmpeg::Ffmpeg,
    frame::{Frame, Matrix},
    mix::Behind,
    probe::probe,
    reader::{Reader, Reading, Source},
    time::Ratio,
};
use crate::{
    Error, Kind, Result,
    backgrounds::{self, Background, Scene},
    pixels::{Alpha, Rgb, Size},
};

/// Ends of names that stand for clips.
const CLIPS: &[&str] = &["mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "ts", "m2ts", "wmv"];

/// A background for a clip.
pub(super) enum Backdrop {
    /// Nothing stands behind.
    Transparent,
    /// The same for all frames.
    Still(Frame),
    /// Painted anew for each frame of `size`, at the size of the small copy.
    Painted {
        /// What paints it.
        background: Box<dyn Background>,
        /// Of the clip's frames.
        size: Size,
        /// What was painted last.
        painted: Option<Frame>,
    },
    /// Another clip, from its beginning again when it ends.
    Moving(Box<Reader>, Frame),
}

/// Whether a notation names a clip: `video:PATH`, or a path that ends like one. The path is the answer.
#[must_use]
pub fn clip_of(notation: &str) -> Option<PathBuf> {
    let named = notation.trim().strip_prefix("video:").map(PathBuf::from);
    let path = Path::new(notation.trim());
    let ends = path.extension().is_some_and(|end| CLIPS.contains(&end.to_string_lossy().to_ascii_lowercase().as_str()));
    named.or_else(|| ends.then(|| path.to_owned()))
}

impl Backdrop {
    /// Reads the notation; clips are begun `from` seconds on, at `rate` frames a second.
    ///
    /// # Errors
    /// [`Kind::BackgroundInvalid`], also for a clip that cannot be read.
    pub fn open(
        ffmpeg: &Ffmpeg,
        notation: Option<&str>,
        size: Size,
        matrix: Matrix,
        (rate, from): (Ratio, f64),
    ) -> Result<Self> {
        let Some(notation) = notation else { return Ok(Self::Transparent) };
        if let Some(path) = clip_of(notation) {
            return Self::moving(ffmpeg, &path, size, matrix, (rate, from))
                .map_err(|error| Error::new(Kind::BackgroundInvalid, error.to_string()).on(path.display()));
        }
        let Some(background) = backgrounds::parse(notation)? else { return Ok(Self::Transparent) };
        if background.opacity() < 1.0 {
            let message = format!("the background {notation:?} is not opaque, and nothing of a clip is behind it");
            return Err(Error::new(Kind::BackgroundInvalid, message));
        }
        if background.sees_picture() {
            return Ok(Self::Painted { background, size, painted: None });
        }
        let (picture, alpha) = (Rgb::filled(Size::new(1, 1), [0; 3]), Alpha::filled(Size::new(1, 1), 0.0));
        let scene = Scene { canvas: size, picture: &picture, alpha: &alpha, scale: 1.0 };
        Ok(Self::Still(Frame::from_rgb(&background.paint(&scene)?, matrix)))
    }

    fn moving(ffmpeg: &Ffmpeg, path: &Path, size: Size, matrix: Matrix, (rate, from): (Ratio, f64)) -> Result<Self> {
        let clip = probe(ffmpeg, path)?;
        let (width, height, name) = (size.width, size.height, matrix.name());
        let own = Matrix::of(clip.color.matrix.as_deref(), clip.size).name();
        let filters = vec![
            format!("fps={rate}"),
            format!(
                "scale={width}:{height}:force_original_aspect_ratio=increase:in_color_matrix={own}:out_color_matrix={name}:out_range=tv"
            ),
            format!("crop={width}:{height}"),
        ];
        // Where its length is known, going on in the middle shows what an unbroken run would show there.
        let from = clip.seconds.filter(|seconds| *seconds > 0.0).map_or(0.0, |seconds| from % seconds);
        let reading = Reading { from, filters, repeated: true, decoder: None };
        let reader = Reader::open(ffmpeg, Source::File(path), &reading)?;
        let reader = reader.ok_or_else(|| Error::new(Kind::VideoUnreadable, "the clip has no frames"))?;
        Ok(Self::Moving(Box::new(reader), Frame::black(size)))
    }

    /// What stands behind the next frame, whose small copy and matte are given.
    ///
    /// # Errors
    /// What painting and decoding report.
    pub fn next(&mut self, small: impl FnOnce() -> Rgb, matte: &Alpha, matrix: Matrix) -> Result<Behind<'_>> {
        match self {
            Self::Transparent => Ok(Behind::Nothing),
            Self::Still(frame) => Ok(Behind::Frame(frame)),
            Self::Painted { background, size, painted } => {
                let (picture, canvas) = (small(), matte.size());
                let scale = canvas.diagonal() / size.diagonal();
                let scene = Scene { canvas, picture: &picture, alpha: matte, scale };
                Ok(Behind::Small(painted.insert(Frame::from_rgb(&background.paint(&scene)?, matrix))))
            }
            Self::Moving(reader, frame) => {
                // At the end of a clip that cannot be begun again its last frame stays.
                reader.next(frame)?;
                Ok(Behind::Frame(frame))
            }
        }
    }

    /// Whether nothing stands behind.
    pub fn is_transparent(&self) -> bool {
        matches!(self, Self::Transparent)
    }
}

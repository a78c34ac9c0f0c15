//! What stands behind the subject of a clip, frame by frame: painted once, painted from each frame, or another clip.

use std::path::{Path, PathBuf};

use super::{
    ffmpeg::Ffmpeg,
    frame::{self, Frame, Matrix, chroma_size},
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
    /// Painted anew for each, at the size of the small copy.
    Painted(Box<dyn Background>, Frame),
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
            return Ok(Self::Painted(background, Frame::black(size)));
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

    /// The background of the next frame, whose small copy and matte are given; nothing where it is transparent.
    ///
    /// # Errors
    /// What painting and decoding report.
    pub fn next(&mut self, small: impl FnOnce() -> Rgb, matte: &Alpha, matrix: Matrix) -> Result<Option<&Frame>> {
        match self {
            Self::Transparent => Ok(None),
            Self::Still(frame) => Ok(Some(frame)),
            Self::Painted(background, frame) => {
                let (picture, canvas) = (small(), matte.size());
                let scale = canvas.diagonal() / frame.size().diagonal();
                let painted = background.paint(&Scene { canvas, picture: &picture, alpha: matte, scale })?;
                enlarge(&Frame::from_rgb(&painted, matrix), frame);
                Ok(Some(frame))
            }
            Self::Moving(reader, frame) => {
                // At the end of a clip that cannot be begun again its last frame stays.
                reader.next(frame)?;
                Ok(Some(frame))
            }
        }
    }

    /// Whether nothing stands behind.
    pub fn is_transparent(&self) -> bool {
        matches!(self, Self::Transparent)
    }
}

/// Enlarges a small frame.
fn enlarge(small: &Frame, frame: &mut Frame) {
    let (from, to) = (small.size(), frame.size());
    let sizes = [(from, to), (chroma_size(from), chroma_size(to)), (chroma_size(from), chroma_size(to))];
    for ((source, target), (from, to)) in small.planes().into_iter().zip(frame.planes_mut()).zip(sizes) {
        frame::enlarge(source, from, target, to);
    }
}

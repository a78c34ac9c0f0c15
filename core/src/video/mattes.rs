//! A clip of mattes that were made elsewhere, in place of a network.

use std::path::PathBuf;

use super::{
    ffmpeg::Ffmpeg,
    frame::Frame,
    probe::probe,
    reader::{Reader, Reading, Source},
    time::Ratio,
};
use crate::{
    Error, Kind, Result,
    engine::Tensor,
    files::Picture,
    models::{ModelUsed, Segmented, Segmenter, foreign_memory, given},
    options::Options,
    pixels::{Alpha, Size},
};

/// Gives a clip's mattes one after the other: to be looked at with [`OWN_LOOK`], beginning with a clip's first frame.
///
/// Grey is alpha, white the subject; where the clip has transparency, that is the matte. Brought to the frames' size.
pub struct Mattes {
    ffmpeg: Ffmpeg,
    path: PathBuf,
    from: f64,
    rate: Option<Ratio>,
    used: ModelUsed,
    open: Option<(Reader, Frame)>,
    /// How many were given.
    given: u64,
    /// How many an earlier run was given, which are passed over first.
    over: u64,
}

/// Longer side of what is shown to mattes of one's own: each pixel has its own already.
pub const OWN_LOOK: u32 = u32::MAX;

impl Mattes {
    /// The mattes of the clip at `path`: its frames from the second `from` on, at `rate` frames a second if the other clip is
    /// read so.
    #[must_use]
    pub fn new(ffmpeg: Ffmpeg, path: PathBuf, from: f64, rate: Option<Ratio>) -> Self {
        let used = given::used("mask", path.display().to_string());
        Self { ffmpeg, path, from, rate, used, open: None, given: 0, over: 0 }
    }

    fn open(&self, size: Size) -> Result<(Reader, Frame)> {
        let clip = probe(&self.ffmpeg, &self.path)?;
        let mut filters: Vec<String> = self.rate.iter().map(|rate| format!("fps={rate}")).collect();
        if clip.transparent {
            filters.push("alphaextract".to_owned());
        }
        let Size { width, height } = size;
        filters.push(format!("scale={width}:{height}:flags=bicubic:out_range=pc"));
        filters.push("format=yuv420p".to_owned());
        // ffmpeg's own decoders leave out the transparency that WebM has beside its pictures.
        let decoder = match clip.codec.as_str() {
            "vp9" if clip.transparent => Some("libvpx-vp9"),
            "vp8" if clip.transparent => Some("libvpx"),
            _ => None,
        };
        let reading = Reading { from: self.from, filters, repeated: false, decoder };
        let reader = Reader::open(&self.ffmpeg, Source::File(&self.path), &reading)?.ok_or_else(|| self.ended())?;
        Ok((reader, Frame::black(size)))
    }

    fn ended(&self) -> Error {
        Error::new(Kind::OptionInvalid, format!("its mattes end after {} frames, before the clip does", self.given))
    }

    fn next(&mut self, size: Size) -> Result<Alpha> {
        let (reader, frame) = match &mut self.open {
            Some(open) => open,
            None => {
                let opened = self.open(size)?;
                self.open.insert(opened)
            }
        };
        loop {
            if !reader.next(frame)? {
                return Err(self.ended());
            }
            self.given += 1;
            if self.given > self.over {
                break;
            }
        }
        // Of full range, unlike other frames': that of a clip's transparency is kept as it is.
        Ok(Alpha::from_u8(size, frame.planes()[0]))
    }
}

impl Segmenter for Mattes {
    fn segment(&mut self, picture: &Picture, _: &Options) -> Result<Segmented> {
        let alpha = self.next(picture.color.size()).map_err(|error| error.on(self.path.display()))?;
        Ok(Segmented { alpha, foreground: None, classes: Vec::new(), trimap: None })
    }

    fn shows_softness(&self) -> bool {
        false
    }

    fn follows_edges(&self) -> bool {
        true
    }

    fn remembers(&self) -> bool {
        true
    }

    fn memory(&self) -> Vec<Tensor> {
        vec![Tensor::new(vec![1], vec![self.given.max(self.over) as f32])]
    }

    fn recall(&mut self, memory: Vec<Tensor>) -> Result<()> {
        self.reset();
        match memory.first().map(|tensor| &tensor.values[..]) {
            None => {}
            Some([given]) => self.over = *given as u64,
            Some(_) => return Err(foreign_memory()),
        }
        Ok(())
    }

    fn reset(&mut self) {
        if let Some((reader, _)) = self.open.take() {
            reader.end();
        }
        (self.given, self.over) = (0, 0);
    }

    fn used(&self) -> &ModelUsed {
        &self.used
    }
}

//! Mattes that hold still from frame to frame, and mattes carried from keyframes to the frames between them.

mod cut;
mod edges;
pub mod flow;
mod keyframes;
mod settled;
mod small;
mod trail;
mod warp;
mod window;

use crate::{
    Error, Kind, Result,
    pixels::{Alpha, Rgb, Size},
};
pub(super) use edges::follow;
use keyframes::Keyframes;
use trail::Trail;
use window::Window;

/// How the mattes of a clip are made to belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SteadyOptions {
    /// The network's matte of every frame as it is.
    Off,
    /// The network looks at every frame; what it found is brought together with what it found in the two frames before and
    /// the two after.
    #[default]
    Window,
    /// The network looks at every frame; what it found is brought together with the frames before. Nothing is held back.
    Trail,
    /// The network looks at few frames; their mattes are carried to the frames between.
    Keyframes {
        /// Most frames from one keyframe to the next, 2 to [`MOST_SPACING`]. Where motion is hard to follow they are closer.
        spacing: usize,
    },
}

/// The largest spacing of keyframes: all frames between two are held in memory.
pub const MOST_SPACING: usize = 64;
/// The spacing where none is named.
pub const USUAL_SPACING: usize = 16;

impl SteadyOptions {
    /// Checks the spacing.
    ///
    /// # Errors
    /// [`Kind::OptionInvalid`] when it lies outside 2 to [`MOST_SPACING`].
    pub fn validate(self) -> Result<()> {
        match self {
            Self::Keyframes { spacing } if !(2..=MOST_SPACING).contains(&spacing) => {
                let message = format!("keyframes every {spacing} frames: 2 to {MOST_SPACING} are possible");
                Err(Error::new(Kind::OptionInvalid, message))
            }
            _ => Ok(()),
        }
    }
}

impl std::str::FromStr for SteadyOptions {
    type Err = String;

    /// Reads `off`, `window`, `trail`, `keyframes` or `keyframes:16`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, number) = text.split_once(':').map_or((text, None), |(name, number)| (name, Some(number)));
        let options = match (name, number) {
            ("off", None) => Self::Off,
            ("window", None) => Self::Window,
            ("trail", None) => Self::Trail,
            ("keyframes", None) => Self::Keyframes { spacing: USUAL_SPACING },
            ("keyframes", Some(number)) => {
                Self::Keyframes { spacing: number.parse().map_err(|_| format!("{number:?} is no number of frames"))? }
            }
            _ => return Err("write off, window, trail, keyframes or keyframes:16".to_owned()),
        };
        options.validate().map_err(|error| error.to_string())?;
        Ok(options)
    }
}

/// Finds the subject in one frame; its matte is of the frame's size.
pub type Segment<'a> = dyn FnMut(&Rgb) -> Result<Alpha> + 'a;

/// The mattes of one clip, in order: as many as there were frames.
///
/// What comes out depends on the frames of the same shot alone: at a cut everything begins anew.
pub struct Steady {
    way: Way,
    size: Option<Size>,
}

enum Way {
    Off,
    Window(Window),
    Trail(Trail),
    Keyframes(Keyframes),
}

impl Steady {
    /// For one clip.
    ///
    /// # Errors
    /// As [`SteadyOptions::validate`].
    pub fn new(options: SteadyOptions) -> Result<Self> {
        options.validate()?;
        let way = match options {
            SteadyOptions::Off => Way::Off,
            SteadyOptions::Window => Way::Window(Window::default()),
            SteadyOptions::Trail => Way::Trail(Trail::default()),
            SteadyOptions::Keyframes { spacing } => Way::Keyframes(Keyframes::new(spacing)),
        };
        Ok(Self { way, size: None })
    }

    /// Takes the next frame; answers the mattes of the oldest frames still open, in order, that became final.
    ///
    /// `segment` runs the network on a frame. It is called for this frame, or (with keyframes) for an earlier one.
    ///
    /// # Errors
    /// What `segment` reports; [`Kind::SizeMismatch`] when the frame is not of the size of those before, or a matte not of
    /// its frame's. After an error the clip cannot go on.
    pub fn push(&mut self, frame: Rgb, segment: &mut Segment<'_>) -> Result<Vec<Alpha>> {
        let size = frame.size();
        if *self.size.get_or_insert(size) != size {
            let message = format!("a frame of {size} follows frames of another size");
            return Err(Error::new(Kind::SizeMismatch, message));
        }
        let mut segment = checked(segment);
        match &mut self.way {
            Way::Off => Ok(vec![segment(&frame)?]),
            Way::Window(window) => Ok(window.push(&frame, segment(&frame)?)),
            Way::Trail(trail) => Ok(vec![trail.push(&frame, segment(&frame)?)]),
            Way::Keyframes(keyframes) => keyframes.push(frame, &mut segment),
        }
    }

    /// The clip ends, or a part of it that must depend on its own frames alone: the rest, in order. Afterwards as new.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(&mut self, segment: &mut Segment<'_>) -> Result<Vec<Alpha>> {
        self.size = None;
        match &mut self.way {
            Way::Off => Ok(Vec::new()),
            Way::Window(window) => Ok(window.finish()),
            Way::Trail(trail) => {
                *trail = Trail::default();
                Ok(Vec::new())
            }
            Way::Keyframes(keyframes) => keyframes.finish(&mut checked(segment)),
        }
    }

    /// The most frames that are held back.
    #[must_use]
    pub fn latency(&self) -> usize {
        match &self.way {
            Way::Off | Way::Trail(_) => 0,
            Way::Window(_) => window::REACH,
            Way::Keyframes(keyframes) => keyframes.spacing() - 1,
        }
    }
}

/// Refuses mattes of another size than their frames.
fn checked<'a>(segment: &'a mut Segment<'_>) -> impl FnMut(&Rgb) -> Result<Alpha> + 'a {
    |frame| {
        let matte = segment(frame)?;
        if matte.size() == frame.size() {
            return Ok(matte);
        }
        let message = format!("the matte of a frame of {} is {}", frame.size(), matte.size());
        Err(Error::new(Kind::SizeMismatch, message))
    }
}

#[cfg(test)]
mod tests;

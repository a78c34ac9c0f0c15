//! Mattes that hold still from frame to frame.

use crate::{
    Result,
    pixels::{Alpha, Rgb},
};

/// One clip's state.
#[derive(Debug, Default)]
pub struct Steady;

impl Steady {
    /// Takes the next frame.
    pub fn push(&mut self, frame: Rgb, segment: &mut dyn FnMut(&Rgb) -> Result<Alpha>) -> Result<Vec<Alpha>> {
        Ok(vec![segment(&frame)?])
    }
    /// The end.
    pub fn finish(&mut self, _: &mut dyn FnMut(&Rgb) -> Result<Alpha>) -> Result<Vec<Alpha>> {
        Ok(Vec::new())
    }
    /// Frames held back.
    pub fn latency(&self) -> usize {
        0
    }
}

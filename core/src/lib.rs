//! Take the background out of a picture, or put another one behind the subject.

pub mod error;
pub mod files;
pub mod limits;
pub mod pixels;
pub mod progress;

pub use error::{Error, Kind, Result};

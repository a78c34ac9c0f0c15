//! Take the background out of a picture, or put another one behind the subject.

pub mod backgrounds;
pub mod engine;
pub mod error;
pub mod files;
pub mod limits;
pub mod metrics;
pub mod models;
pub mod options;
pub mod pipeline;
pub mod pixels;
pub mod progress;
pub mod steps;
pub mod tensor;

pub use error::{Error, KINDS, Kind, Result};

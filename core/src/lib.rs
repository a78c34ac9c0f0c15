//! Take the background out of a picture, or put another one behind the subject.
//!
//! ```no_run
//! use backgroundfx_core::{engine::*, files::*, models::*, options::*, pipeline::*, progress::Silent};
//!
//! # fn main() -> backgroundfx_core::Result<()> {
//! let engine = Engine::open(EngineOptions::default())?;
//! let mut segmenter = Catalog::built_in().segmenter(&engine, DEFAULT, Device::Auto, &Silent)?;
//! let recipe = Recipe::new(Options { background: Some("#fff".into()), ..Options::default() })?;
//! let picture = read("photo.jpg".as_ref(), &ReadOptions::default())?;
//! let cutout = remove_background(picture, segmenter.as_mut(), &recipe, &Silent)?;
//! let bytes = encode(&cutout.encodable(), &WriteOptions::new(Format::Jpeg))?;
//! write_atomically("on-white.jpg".as_ref(), &bytes, IfExists::Refuse)?;
//! # Ok(())
//! # }
//! ```
//!
//! The network and its runtime are fetched on first use ([`engine::artifacts`]); everything runs on
//! this machine.

#![deny(unsafe_code)]

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
pub mod video;

pub use error::{Error, KINDS, Kind, Result};

//! Video: mattes for a stream of frames.

pub mod steady;

//! Mattes that hold still from frame to frame.

pub mod flow;

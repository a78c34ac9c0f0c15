//! Clips through the real ffmpeg; the subject is found by colour, so that what comes out is known.

mod breaking;
mod going_on;
mod keeping;
mod support;
mod writing;

//! Clips through the real ffmpeg; the subject is found by colour, so that what comes out is known.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod breaking;
mod going_on;
mod keeping;
mod keying;
mod support;
mod writing;

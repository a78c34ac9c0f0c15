//! Raw frames with exact times on their way into an encoder: a Matroska stream of one uncompressed track.
//!
//! ffmpeg reads raw video without a container, too, but then every frame is as long as the other. Identifiers are those
//! of RFC 9559.

use std::io::{self, Write};

use super::time::Ratio;
use crate::pixels::Size;

/// How samples are laid out, as FourCC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Samples {
    /// Luma, blue chroma, red chroma.
    Opaque,
    /// The same, then alpha of full size.
    WithAlpha,
}

impl Samples {
    const fn fourcc(self) -> [u8; 4] {
        match self {
            Self::Opaque => *b"I420",
            // ffmpeg's own: planes of 4:2:0 (11) with alpha, 8 bits each.
            Self::WithAlpha => [b'Y', b'4', 11, 8],
        }
    }
}

/// Nanoseconds of one tick of the stream's times.
const MICROSECOND: u64 = 1000;

/// Writes everything that stands before the frames.
///
/// # Errors
/// What writing reports.
pub(super) fn begin(out: &mut impl Write, size: Size, samples: Samples, rate: Ratio) -> io::Result<()> {
    let header = [
        unsigned(&[0x42, 0x86], 1),
        unsigned(&[0x42, 0xF7], 1),
        unsigned(&[0x42, 0xF2], 4),
        unsigned(&[0x42, 0xF3], 8),
        element(&[0x42, 0x82], b"matroska"),
        unsigned(&[0x42, 0x87], 4),
        unsigned(&[0x42, 0x85], 2),
    ];
    let info = [
        unsigned(&[0x2A, 0xD7, 0xB1], MICROSECOND),
        element(&[0x4D, 0x80], b"backgroundfx"),
        element(&[0x57, 0x41], b"backgroundfx"),
    ];
    let video = [
        unsigned(&[0xB0], size.width.into()),
        unsigned(&[0xBA], size.height.into()),
        element(&[0x2E, 0xB5, 0x24], &samples.fourcc()),
    ];
    let nanoseconds = 1_000_000_000 * u64::from(rate.denominator) / u64::from(rate.numerator);
    let track = [
        unsigned(&[0xD7], 1),
        unsigned(&[0x73, 0xC5], 1),
        unsigned(&[0x83], 1),
        element(&[0x86], b"V_UNCOMPRESSED"),
        unsigned(&[0x23, 0xE3, 0x83], nanoseconds),
        element(&[0xE0], &video.concat()),
    ];
    out.write_all(&element(&[0x1A, 0x45, 0xDF, 0xA3], &header.concat()))?;
    // The segment's length is not known yet.
    out.write_all(&[0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])?;
    out.write_all(&element(&[0x15, 0x49, 0xA9, 0x66], &info.concat()))?;
    out.write_all(&element(&[0x16, 0x54, 0xAE, 0x6B], &element(&[0xAE], &track.concat())))
}

/// Writes one frame, given as parts that follow each other, as a cluster of its own.
///
/// # Errors
/// What writing reports.
pub(super) fn frame(out: &mut impl Write, parts: &[&[u8]], microseconds: u64) -> io::Result<()> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // Track 1, no time beside the cluster's, a key frame.
    let block = [&[0xA3][..], &size_of(length as u64 + 4), &[0x81, 0, 0, 0x80]].concat();
    let time = unsigned(&[0xE7], microseconds);
    let all = (time.len() + block.len() + length) as u64;
    out.write_all(&[&[0x1F, 0x43, 0xB6, 0x75][..], &size_of(all), &time, &block].concat())?;
    parts.iter().try_for_each(|part| out.write_all(part))
}

fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    [id, &size_of(content.len() as u64), content].concat()
}

fn unsigned(id: &[u8], number: u64) -> Vec<u8> {
    element(id, &number.to_be_bytes())
}

/// A length, always in eight bytes.
fn size_of(length: u64) -> [u8; 8] {
    (length | 1 << 56).to_be_bytes()
}

//! What the fuzz targets share.
//!
//! `./check fuzz` runs every target for a while, from the hostile corpus on.

use std::sync::Once;

use backgroundfx_core::{
    files::{Encodable, Format, ReadOptions, WriteOptions, decode, encode},
    limits::Limits,
};

/// Limits that keep one run short: what they refuse is refused early, which is fuzzed too.
pub fn options() -> ReadOptions {
    let limits = Limits { pixels: 1 << 20, metadata_bytes: 1 << 20, ..Limits::default() };
    ReadOptions { limits, frame: 0 }
}

/// Lets a decoder of somebody else panic: `decode` catches that and calls the file damaged, so it is
/// no finding. What panics in our own code is one.
fn only_our_panics_count() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let abort = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let ours = panic.location().is_none_or(|place| !place.file().contains("/registry/src/"));
            if ours {
                abort(panic);
            }
        }));
    });
}

/// Decodes bytes as one format, whatever they start with, as the first frame and a later one.
pub fn decode_as(magic: &[u8], data: &[u8]) {
    decode_within(&options(), magic, data);
}

/// The same within other limits.
pub fn decode_within(options: &ReadOptions, magic: &[u8], data: &[u8]) {
    only_our_panics_count();
    let Some(rest) = data.get(magic.len()..) else { return };
    let bytes = [magic, rest].concat();
    let _ = decode(&bytes, &ReadOptions { frame: 2, ..*options });
    let Ok(picture) = decode(&bytes, options) else { return };
    // What was read can be written, metadata made safe on the way.
    let encodable = Encodable {
        color: &picture.color,
        alpha: picture.alpha.as_ref(),
        profile: picture.profile.as_ref(),
        metadata: &picture.metadata,
    };
    encode(&encodable, &WriteOptions::new(Format::Png)).expect("what was read can be written");
}

/// A PNG of one pixel with a chunk in front of its data.
pub fn png_with(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    // Deflate, stored: a filter byte and three samples.
    const PIXEL: &[u8] = b"\x78\x01\x01\x04\x00\xfb\xff\x00\x01\x02\x03\x00\x0e\x00\x07";
    let chunks =
        [(b"IHDR", &b"\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0"[..]), (name, data), (b"IDAT", PIXEL), (b"IEND", b"")];
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in chunks {
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(name);
        bytes.extend(data);
        bytes.extend(checksum(name, data).to_be_bytes());
    }
    bytes
}

/// CRC-32 as PNG has it, bit by bit: one small chunk needs no table.
fn checksum(name: &[u8], data: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    };
    !name.iter().chain(data).fold(!0, step)
}

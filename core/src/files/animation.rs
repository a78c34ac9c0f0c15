//! How many frames an animated file has, counted from its container without decoding anything.

use super::Format;

/// The number of frames; 1 for still files and for containers that break off before a second one.
pub fn frame_count(format: Format, bytes: &[u8]) -> u32 {
    match format {
        Format::Png => png_frames(bytes).unwrap_or(1),
        Format::WebP => webp_frames(bytes),
        Format::Gif => gif_frames(bytes).unwrap_or(1),
        _ => 1,
    }
}

/// The `acTL` chunk, which must come before the first `IDAT`, states the number.
fn png_frames(bytes: &[u8]) -> Option<u32> {
    let mut at = 8;
    loop {
        let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
        match bytes.get(at + 4..at + 8)? {
            b"acTL" => return Some(u32::from_be_bytes(bytes.get(at + 8..at + 12)?.try_into().ok()?).max(1)),
            b"IDAT" => return None,
            _ => at = at.checked_add(length)?.checked_add(12)?,
        }
    }
}

/// Each frame is an `ANMF` chunk of the RIFF file.
fn webp_frames(bytes: &[u8]) -> u32 {
    let mut at = 12;
    let mut frames = 0;
    while let Some(header) = bytes.get(at..at + 8) {
        frames += u32::from(&header[..4] == b"ANMF");
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        at = at.saturating_add(8 + length + length % 2);
    }
    frames.max(1)
}

/// Each frame is an image descriptor block; extensions and pixel data are chains of sub-blocks.
fn gif_frames(bytes: &[u8]) -> Option<u32> {
    let table = |packed: u8| if packed & 0x80 != 0 { 3 << ((packed & 7) + 1) } else { 0 };
    let mut at = 13 + table(*bytes.get(10)?);
    let mut frames = 0_u32;
    loop {
        match bytes.get(at) {
            Some(0x2C) => {
                let Some(packed) = bytes.get(at + 9) else { break };
                frames += 1;
                at = skip_sub_blocks(bytes, at + 11 + table(*packed));
            }
            Some(0x21) => at = skip_sub_blocks(bytes, at + 2),
            _ => break,
        }
    }
    Some(frames.max(1))
}

fn skip_sub_blocks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&length) = bytes.get(at) {
        at += 1 + length as usize;
        if length == 0 {
            break;
        }
    }
    at
}

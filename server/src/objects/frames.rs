//! How a sealed object is laid out: a header, then frames that are each encrypted for their place in their object.
//!
//! The header has 512 bytes: `BFXS`, the version 1, a zero, the length of the wrapped data key (16 bits, little-endian), 32 random
//! bytes, the wrapped data key, zeros. The object's own key is derived from the data key, those random bytes and the object's
//! place (HKDF, RFC 5869), so that no two objects share one. A frame is 65 536 bytes, the last one up to as many, encrypted with
//! AES-256-GCM and followed by its tag of 16 bytes; its nonce is its number and whether it is the last (the STREAM construction
//! of Hoang, Reyhanitabar, Rogaway and Vizár, 2015). What is cut off, moved, or put elsewhere cannot be read.

use std::ops::Range;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf,
};

/// Bytes of the header.
pub const HEADER: usize = 512;
/// Bytes of a frame as they are read.
pub const FRAME: usize = 65_536;
/// Bytes that sealing adds to each frame.
const TAG: usize = 16;
/// Bytes of a frame as they are kept.
pub const SEALED_FRAME: usize = FRAME + TAG;
/// Bytes before the wrapped key in the header.
const BEFORE: usize = 40;
/// Most bytes of a wrapped data key.
pub const MOST_WRAPPED: usize = HEADER - BEFORE;

/// Why bytes cannot be opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

/// Writes a header, for a wrapped data key of at most [`MOST_WRAPPED`] bytes.
pub fn header(salt: &[u8; 32], wrapped: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(b"BFXS");
    header[4] = 1;
    header[6..8].copy_from_slice(&(wrapped.len() as u16).to_le_bytes());
    header[8..BEFORE].copy_from_slice(salt);
    header[BEFORE..BEFORE + wrapped.len()].copy_from_slice(wrapped);
    header
}

/// Reads a header: its random bytes and its wrapped data key.
///
/// # Errors
/// When it is none.
pub fn read_header(header: &[u8]) -> Result<(&[u8], &[u8]), Broken> {
    let known = header.len() == HEADER && header.starts_with(b"BFXS\x01\0");
    let broken = Broken("this is no sealed object of this version");
    if !known {
        return Err(broken);
    }
    let length = usize::from(u16::from_le_bytes([header[6], header[7]]));
    let wrapped = header.get(BEFORE..BEFORE + length).ok_or(broken)?;
    Ok((&header[8..BEFORE], wrapped))
}

/// Frames of so many bytes; an empty object has one too.
pub fn frames_of(plain: u64) -> u64 {
    plain.div_ceil(FRAME as u64).max(1)
}

/// Bytes of an object as they are read, by the bytes that are kept.
pub fn plain_size(sealed: u64) -> u64 {
    let body = sealed.saturating_sub(HEADER as u64);
    body.saturating_sub(body.div_ceil(SEALED_FRAME as u64) * TAG as u64)
}

/// The bytes that are kept of some frames.
pub fn place_of(frames: &Range<u64>) -> Range<u64> {
    let at = |frame: u64| HEADER as u64 + frame * SEALED_FRAME as u64;
    at(frames.start)..at(frames.end)
}

/// The key of one object.
pub struct Seal(LessSafeKey);

impl Seal {
    /// Derives it.
    pub fn new(data_key: &[u8; 32], salt: &[u8], place: &str) -> Self {
        let mut derived = [0; 32];
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(data_key);
        let info = [place.as_bytes()];
        let filled = extracted.expand(&info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut derived));
        let key = filled.and_then(|()| UnboundKey::new(&AES_256_GCM, &derived));
        Self(LessSafeKey::new(key.expect("32 bytes are a key of AES-256, and can be derived by SHA-256")))
    }

    /// Encrypts a frame to the end of `into`.
    pub fn seal(&self, number: u64, is_last: bool, frame: &[u8], into: &mut Vec<u8>) {
        let begin = into.len();
        into.extend_from_slice(frame);
        let sealed = self.0.seal_in_place_separate_tag(nonce(number, is_last), Aad::empty(), &mut into[begin..]);
        into.extend_from_slice(sealed.expect("a frame is shorter than AES-GCM allows").as_ref());
    }

    /// Decrypts a frame where it stands; what is read is its beginning.
    ///
    /// # Errors
    /// When it is not this frame of this object, as it was sealed.
    pub fn open<'a>(&self, number: u64, is_last: bool, frame: &'a mut [u8]) -> Result<&'a [u8], Broken> {
        let opened = self.0.open_in_place(nonce(number, is_last), Aad::empty(), frame);
        opened.map(|plain| &*plain).map_err(|_| Broken("a sealed object was changed, or belongs elsewhere"))
    }
}

fn nonce(number: u64, is_last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(is_last);
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_without_reading() {
        for plain in [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 10_000_000] {
            let frames = frames_of(plain as u64);
            let sealed = HEADER as u64 + plain as u64 + frames * TAG as u64;
            assert_eq!(plain_size(sealed), plain as u64, "{plain}");
        }
    }

    #[test]
    fn a_frame_is_opened_in_its_place_only() {
        let seal = Seal::new(&[7; 32], &[1; 32], "results/a");
        let mut sealed = Vec::new();
        seal.seal(3, false, b"a frame", &mut sealed);
        assert!(!sealed.windows(7).any(|bytes| bytes == b"a frame"));
        let open = |seal: &Seal, number, last| seal.open(number, last, &mut sealed.clone()).map(<[u8]>::to_vec);
        assert_eq!(open(&seal, 3, false).unwrap(), b"a frame");
        assert!(open(&seal, 4, false).is_err() && open(&seal, 3, true).is_err());
        assert!(open(&Seal::new(&[7; 32], &[1; 32], "results/b"), 3, false).is_err());
        assert!(open(&Seal::new(&[7; 32], &[2; 32], "results/a"), 3, false).is_err());
        assert!(open(&Seal::new(&[8; 32], &[1; 32], "results/a"), 3, false).is_err());
    }

    #[test]
    fn a_header_gives_back_what_was_put_in() {
        let written = header(&[9; 32], b"wrapped");
        assert_eq!(read_header(&written).unwrap(), (&[9; 32][..], &b"wrapped"[..]));
        assert!(read_header(&written[..500]).is_err() && read_header(&[0; HEADER]).is_err());
        let mut long = written;
        long[7] = 255;
        assert!(read_header(&long).is_err());
    }
}

//! WebP.

use super::{Answer, CORRUPT, Case, SIZE, TOO_LARGE, case, cut_short, legal};
use backgroundfx_core::{files::Format, pixels::Size};

pub fn cases() -> Vec<Case> {
    let whole = legal(Format::WebP, SIZE, false);
    let mut cases = cut_short(Format::WebP, &[0.1, 0.5, 0.9]);
    cases.extend([
        case("webp_riff_only", whole[..12].to_vec(), CORRUPT),
        case("webp_wrong_riff_size", patched(&whole, 4, &[1, 0, 0, 0]), Answer::Either),
        case("webp_huge_riff_size", patched(&whole, 4, &[0xff; 4]), Answer::Either),
        case("webp_huge_chunk_size", patched(&whole, 16, &[0xff; 4]), Answer::Either),
        case("webp_lossless_claims_16383_squared", lossless_of(&whole, 16_383), TOO_LARGE),
        case("webp_lossless_claims_9999_squared", lossless_of(&whole, 9999), CORRUPT),
        case("webp_lossy_claims_16383_squared", lossy(16_383, 16_383), TOO_LARGE),
        case("webp_lossy_claims_9999_squared", lossy(9999, 9999), CORRUPT),
        case("webp_lossy_claims_nothing", lossy(0, 0), CORRUPT),
        case("webp_canvas_16_million_squared", extended(0x00ff_ffff, 0x00ff_ffff, &[]), TOO_LARGE),
        case("webp_canvas_1_with_16383_inside", extended(0, 0, &lossy(16_383, 16_383)[12..]), TOO_LARGE),
        case("webp_canvas_without_picture", extended(63, 47, &[]), CORRUPT),
        case("webp_icc_of_4_billion_bytes", extended(63, 47, b"ICCP\xff\xff\xff\xffabcd"), CORRUPT),
        case("webp_animation_without_frames", animated(0, &[]), CORRUPT),
        case("webp_animation_of_10000_frames", animated(10_000, &whole[12..]), Answer::Decodes),
        case("webp_frame_outside_canvas", animated_at(200, &whole[12..]), CORRUPT),
        case("webp_1x1", legal(Format::WebP, Size::new(1, 1), true), Answer::Decodes),
        case("webp_1x16000", legal(Format::WebP, Size::new(1, 16_000), true), Answer::Decodes),
    ]);
    cases
}

fn patched(bytes: &[u8], at: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

fn lossless_of(bytes: &[u8], side: u32) -> Vec<u8> {
    patched(bytes, 21, &((side - 1) | (side - 1) << 14).to_le_bytes())
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    [b"RIFF", &(chunks.len() as u32 + 4).to_le_bytes()[..], b"WEBP", chunks].concat()
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let padding = vec![0; data.len() % 2];
    [name, &(data.len() as u32).to_le_bytes()[..], data, &padding].concat()
}

/// A key frame's header and nothing behind it.
fn lossy(width: u16, height: u16) -> Vec<u8> {
    let header = [&[0x10, 2, 0, 0x9d, 0x01, 0x2a][..], &width.to_le_bytes(), &height.to_le_bytes(), &[0; 40]].concat();
    riff(&chunk(b"VP8 ", &header))
}

/// An extended file; sides are given less one, as it stores them.
fn extended(width: u32, height: u32, chunks: &[u8]) -> Vec<u8> {
    let sides = [&width.to_le_bytes()[..3], &height.to_le_bytes()[..3]].concat();
    riff(&[chunk(b"VP8X", &[&[0; 4][..], &sides].concat()), chunks.to_vec()].concat())
}

fn animated(frames: usize, picture: &[u8]) -> Vec<u8> {
    animation(frames, 0, picture)
}

fn animated_at(left: u32, picture: &[u8]) -> Vec<u8> {
    animation(1, left, picture)
}

fn animation(frames: usize, left: u32, picture: &[u8]) -> Vec<u8> {
    let place = [left, 0, 63, 47, 100].map(|value| value.to_le_bytes()[..3].to_vec()).concat();
    let frame = chunk(b"ANMF", &[&place[..], &[0], picture].concat());
    let header = chunk(b"VP8X", &[&[2, 0, 0, 0][..], &[63, 0, 0, 47, 0, 0]].concat());
    riff(&[header, chunk(b"ANIM", &[0; 6]), frame.repeat(frames)].concat())
}

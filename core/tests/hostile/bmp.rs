//! Windows bitmaps.

use super::{Answer, CORRUPT, Case, TOO_LARGE, case};

pub fn cases() -> Vec<Case> {
    let whole = file(8, 8, 24, 0, 8 * 24);
    vec![
        case("bmp_legal", whole.clone(), Answer::Decodes),
        case("bmp_header_only", whole[..14].to_vec(), CORRUPT),
        case("bmp_cut_in_pixels", whole[..100].to_vec(), CORRUPT),
        case("bmp_top_down", file(8, -8, 24, 0, 8 * 24), Answer::Decodes),
        case("bmp_negative_width", file(-8, 8, 24, 0, 8 * 24), CORRUPT),
        case("bmp_least_height", file(8, i32::MIN, 24, 0, 8 * 24), TOO_LARGE),
        case("bmp_claims_nothing", file(0, 0, 24, 0, 0), CORRUPT),
        case("bmp_claims_100000_squared", file(100_000, 100_000, 24, 0, 64), TOO_LARGE),
        case("bmp_claims_2_to_the_31", file(i32::MAX, i32::MAX, 32, 0, 64), TOO_LARGE),
        case("bmp_claims_9999_squared", file(9999, 9999, 24, 0, 64), CORRUPT),
        case("bmp_255_bits", file(8, 8, 255, 0, 64), CORRUPT),
        case("bmp_unknown_compression", file(8, 8, 24, 99, 64), CORRUPT),
        case("bmp_run_length_rubbish", file(8, 8, 8, 1, 64), Answer::Either),
        case("bmp_1x30000", file(1, 30_000, 24, 0, 30_000 * 4), Answer::Decodes),
    ]
}

fn file(width: i32, height: i32, bits: u16, compression: u32, pixels: usize) -> Vec<u8> {
    let mut bytes = b"BM".to_vec();
    bytes.extend([54 + pixels as u32, 0, 54, 40].map(u32::to_le_bytes).concat());
    bytes.extend([width, height].map(i32::to_le_bytes).concat());
    bytes.extend([1, bits].map(u16::to_le_bytes).concat());
    bytes.extend([compression, pixels as u32, 2835, 2835, 0, 0].map(u32::to_le_bytes).concat());
    bytes.extend((0..pixels).map(|index| (index * 7) as u8));
    bytes
}

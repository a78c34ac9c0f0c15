//! What is no picture, or one by name only.

use super::{Answer, Case, UNSUPPORTED, case};
use backgroundfx_core::Kind;

pub fn cases() -> Vec<Case> {
    let boxes = |brand: &[u8; 4], rest: &[u8]| [b"\0\0\0\x18ftyp", &brand[..], b"\0\0\0\0mif1", brand, rest].concat();
    vec![
        case("nothing", Vec::new(), Answer::Refused(Kind::InputEmpty)),
        case("one_byte", vec![0xff], UNSUPPORTED),
        case("zeros", vec![0; 4096], UNSUPPORTED),
        case(
            "svg",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"><rect width=\"9\" height=\"9\"/></svg>".to_vec(),
            UNSUPPORTED,
        ),
        case("html_named_jpg", b"<!doctype html><title>404 Not Found</title>".to_vec(), UNSUPPORTED),
        case("zip_named_png", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), UNSUPPORTED),
        case("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3".to_vec(), UNSUPPORTED),
        case("text_that_starts_like_a_bitmap", b"BMW is a maker of cars and motorcycles".to_vec(), UNSUPPORTED),
        case("heic", boxes(b"heic", &[0; 100]), UNSUPPORTED),
        case("wave_sound", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0".to_vec(), UNSUPPORTED),
        case("mp4_named_png", b"\0\0\0\x18ftypisom\0\0\0\0isommp42".to_vec(), UNSUPPORTED),
    ]
}

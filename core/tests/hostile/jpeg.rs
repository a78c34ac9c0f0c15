//! JPEG.

use super::{Answer, CORRUPT, Case, SIZE, TOO_LARGE, case, cut_short, legal, noise};
use backgroundfx_core::{
    files::Format,
    pixels::{Samples, Size},
};
use jpeg_encoder::{ColorType, Encoder};

pub fn cases() -> Vec<Case> {
    let whole = legal(Format::Jpeg, SIZE, false);
    let mut cases = cut_short(Format::Jpeg, &[0.1, 0.5, 0.9]);
    cases.extend([
        case("jpeg_two_bytes_and_a_half", whole[..3].to_vec(), CORRUPT),
        case("jpeg_header_only", whole[..sof(&whole) + 19].to_vec(), CORRUPT),
        case("jpeg_claims_65535_squared", sized(&whole, 65535, 65535), TOO_LARGE),
        case("jpeg_claims_10000_squared", sized(&whole, 10_000, 10_000), CORRUPT),
        case("jpeg_claims_no_width", sized(&whole, 0, 48), CORRUPT),
        case("jpeg_claims_no_height", sized(&whole, 64, 0), CORRUPT),
        case("jpeg_without_tables", without_segments(&whole, &[0xdb, 0xc4]), CORRUPT),
        case("jpeg_with_3000_scans", many_scans(), CORRUPT),
        case("jpeg_arithmetic", with_marker(&whole, 0xc9), super::UNSUPPORTED),
        case("jpeg_lossless", with_marker(&whole, 0xc3), super::UNSUPPORTED),
        case("jpeg_rubbish_in_scan", rubbish_after_header(&whole), Answer::Either),
        case("jpeg_1x1", legal(Format::Jpeg, Size::new(1, 1), false), Answer::Decodes),
        case("jpeg_1x30000", legal(Format::Jpeg, Size::new(1, 30_000), false), Answer::Decodes),
        case("jpeg_segment_without_length", [&whole[..2], &[0xff, 0xe1, 0, 0], &whole[2..]].concat(), CORRUPT),
        case("jpeg_exif_points_outside", with_exif(&whole, &exif_outside()), Answer::Decodes),
        case("jpeg_exif_in_a_loop", with_exif(&whole, &exif_loop()), Answer::Decodes),
        case("jpeg_exif_of_64k_rubbish", with_exif(&whole, &[0xff; 65_000]), Answer::Decodes),
        case("jpeg_icc_rubbish", with_icc(&whole, &[&[0x55; 500][..]]), Answer::Decodes),
        case("jpeg_icc_16_megabytes", with_icc(&whole, &[&[0x55; 65_000][..]; 250]), Answer::Decodes),
    ]);
    cases
}

/// Where the frame header's marker is.
fn sof(bytes: &[u8]) -> usize {
    bytes.windows(2).position(|pair| matches!(pair, [0xff, 0xc0..=0xc2])).expect("every JPEG has a frame header")
}

fn sized(bytes: &[u8], width: u16, height: u16) -> Vec<u8> {
    let at = sof(bytes);
    let mut bytes = bytes.to_vec();
    bytes[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    bytes[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

fn with_marker(bytes: &[u8], marker: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = sof(&bytes);
    bytes[at + 1] = marker;
    bytes
}

/// Where the entropy-coded data of the first scan starts.
fn scan(bytes: &[u8]) -> usize {
    let at = bytes.windows(2).position(|pair| pair == [0xff, 0xda]).expect("every JPEG has a scan");
    at + 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]))
}

fn without_segments(bytes: &[u8], markers: &[u8]) -> Vec<u8> {
    let (mut kept, mut at) = (bytes[..2].to_vec(), 2);
    while bytes[at + 1] != 0xda {
        let next = at + 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        if !markers.contains(&bytes[at + 1]) {
            kept.extend(&bytes[at..next]);
        }
        at = next;
    }
    kept.extend(&bytes[at..]);
    kept
}

fn rubbish_after_header(bytes: &[u8]) -> Vec<u8> {
    let start = scan(bytes);
    let rubbish = (0..20_000u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8 & 0x7f);
    [&bytes[..start], &rubbish.collect::<Vec<u8>>(), &[0xff, 0xd9]].concat()
}

/// A progressive file whose last scan comes again and again.
fn many_scans() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_progressive(true);
    let picture = noise(SIZE);
    let Samples::Eight(samples) = picture.samples() else { unreachable!("made with 8 bits") };
    encoder.encode(samples, 64, 48, ColorType::Rgb).expect("is written");
    let last = bytes.windows(2).rposition(|pair| pair == [0xff, 0xda]).expect("it has scans");
    let (before, end) = bytes.split_at(bytes.len() - 2);
    [before, &before[last..].repeat(3000), end].concat()
}

fn with_segment(bytes: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).expect("fits a segment").to_be_bytes();
    [&bytes[..2], &[0xff, marker], &length, data, &bytes[2..]].concat()
}

fn with_exif(bytes: &[u8], block: &[u8]) -> Vec<u8> {
    with_segment(bytes, 0xe1, &[b"Exif\0\0", block].concat())
}

fn with_icc(bytes: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
    let count = pieces.len() as u8;
    // Each goes in front of the ones before it, so the last comes first.
    pieces.iter().enumerate().rev().fold(bytes.to_vec(), |bytes, (index, piece)| {
        with_segment(&bytes, 0xe2, &[b"ICC_PROFILE\0", &[index as u8 + 1, count][..], piece].concat())
    })
}

/// A directory of 65535 fields that is not there, and values beyond the end.
pub fn exif_outside() -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\xff\xff".to_vec();
    for tag in [0x0112u16, 0x8769, 0x8825, 0x927c] {
        block.extend(tag.to_le_bytes());
        block.extend([4, 0, 0xff, 0xff, 0xff, 0x7f, 0xf0, 0xff, 0xff, 0xff]);
    }
    block
}

/// Directories that are their own next, and their own EXIF and GPS directories.
pub fn exif_loop() -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x02\0".to_vec();
    for tag in [0x8769u16, 0x8825] {
        block.extend(tag.to_le_bytes());
        block.extend([4, 0, 1, 0, 0, 0, 8, 0, 0, 0]);
    }
    block.extend([8, 0, 0, 0]);
    block
}

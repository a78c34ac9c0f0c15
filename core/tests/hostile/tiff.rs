//! TIFF.

use super::{Answer, CORRUPT, Case, SIZE, TOO_LARGE, UNSUPPORTED, case, cut_short, legal};
use backgroundfx_core::{files::Format, pixels::Size};

/// Tag, type (3 SHORT, 4 LONG), count, value or offset.
type Field = (u16, u16, u32, u32);

pub fn cases() -> Vec<Case> {
    let mut cases = cut_short(Format::Tiff, &[0.1, 0.5, 0.9]);
    cases.extend([
        case("tiff_header_only", b"II*\0\x08\0\0\0".to_vec(), CORRUPT),
        case("tiff_directory_outside", b"II*\0\xff\xff\xff\x7f".to_vec(), CORRUPT),
        case("tiff_legal_by_hand", file(&fields(4, 4, &[])), Answer::Decodes),
        case("tiff_claims_100000_squared", file(&fields(100_000, 100_000, &[])), TOO_LARGE),
        case("tiff_claims_2_to_the_31", file(&fields(0x8000_0000, 0x8000_0000, &[])), TOO_LARGE),
        case("tiff_claims_10000_squared", file(&fields(10_000, 10_000, &[])), CORRUPT),
        case("tiff_claims_nothing", file(&fields(0, 0, &[])), CORRUPT),
        case("tiff_4_billion_strips", file(&fields(4, 4, &[(273, 4, u32::MAX, 8), (279, 4, u32::MAX, 8)])), CORRUPT),
        case("tiff_strip_outside", file(&fields(4, 4, &[(273, 4, 1, 0x7fff_ffff)])), CORRUPT),
        case("tiff_strip_of_4_gigabytes", file(&fields(4, 4, &[(279, 4, 1, u32::MAX)])), Answer::Either),
        case("tiff_no_rows_in_a_strip", file(&fields(4, 4, &[(278, 4, 1, 0)])), CORRUPT),
        case("tiff_65535_channels", file(&fields(4, 4, &[(277, 3, 1, 65535)])), Answer::Either),
        case("tiff_no_channels", file(&fields(4, 4, &[(277, 3, 1, 0)])), Answer::Either),
        case("tiff_255_bits", file(&fields(4, 4, &[(258, 3, 1, 255)])), UNSUPPORTED),
        case("tiff_floating_point", file(&fields(4, 4, &[(258, 3, 1, 32), (339, 3, 1, 3)])), UNSUPPORTED),
        case("tiff_unknown_compression", file(&fields(4, 4, &[(259, 3, 1, 34712)])), UNSUPPORTED),
        case("tiff_rubbish_deflate", file(&fields(4, 4, &[(259, 3, 1, 8)])), CORRUPT),
        case("tiff_rubbish_lzw", file(&fields(4, 4, &[(259, 3, 1, 5)])), CORRUPT),
        case("tiff_rubbish_jpeg", file(&fields(4, 4, &[(259, 3, 1, 7)])), CORRUPT),
        case("tiff_jpeg_of_65500_squared_inside", large_jpeg_inside(), CORRUPT),
        case("tiff_rubbish_fax", file(&fields(4, 4, &[(259, 3, 1, 4), (258, 3, 1, 1)])), Answer::Either),
        case("tiff_icc_of_4_gigabytes", file(&fields(4, 4, &[(34675, 7, u32::MAX, 8)])), Answer::Decodes),
        case("tiff_its_own_next", looped(), CORRUPT),
        case("tiff_exif_in_a_loop", file(&fields(4, 4, &[(0x8769, 4, 1, 8), (0x8825, 4, 1, 8)])), Answer::Decodes),
        case("tiff_big_without_directory", b"II+\0\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(), CORRUPT),
        case("tiff_1x1", legal(Format::Tiff, Size::new(1, 1), true), Answer::Decodes),
        case("tiff_1x30000", legal(Format::Tiff, Size::new(1, 30_000), false), Answer::Decodes),
        case("tiff_64x48", legal(Format::Tiff, SIZE, true), Answer::Decodes),
    ]);
    cases
}

/// The fields of a grey picture in one uncompressed strip, with some replaced or added.
fn fields(width: u32, height: u32, other: &[Field]) -> Vec<Field> {
    let mut fields: Vec<Field> = vec![
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, DATA),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, 16),
    ];
    for field in other {
        fields.retain(|kept| kept.0 != field.0);
        fields.push(*field);
    }
    fields.sort_by_key(|field| field.0);
    fields
}

/// Where the strip lies: behind any directory made here.
const DATA: u32 = 300;

fn file(fields: &[Field]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((fields.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in fields {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    bytes.extend([0; 4]);
    bytes.resize(DATA as usize, 0);
    bytes.extend(100..200u8);
    bytes
}

fn looped() -> Vec<u8> {
    let fields = fields(4, 4, &[]);
    let mut bytes = file(&fields);
    let next = 8 + 2 + fields.len() * 12;
    bytes[next..next + 4].copy_from_slice(&8u32.to_le_bytes());
    bytes
}

/// A small picture whose strip is a JPEG that claims to be huge.
fn large_jpeg_inside() -> Vec<u8> {
    let mut jpeg = legal(Format::Jpeg, SIZE, false);
    let at = jpeg.windows(2).position(|pair| matches!(pair, [0xff, 0xc0..=0xc2])).expect("it has a frame header");
    jpeg[at + 5..at + 9].copy_from_slice(&[0xff; 4]);
    let length = jpeg.len() as u32;
    let jpeg_fields = [(259, 3, 1, 7), (277, 3, 1, 3), (262, 3, 1, 2), (279, 4, 1, length)];
    let mut bytes = file(&fields(64, 48, &jpeg_fields));
    bytes.truncate(DATA as usize);
    bytes.extend(jpeg);
    bytes
}

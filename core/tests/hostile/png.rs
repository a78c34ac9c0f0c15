//! PNG.

use super::{Answer, CORRUPT, Case, SIZE, TOO_LARGE, case, cut_short, legal};
use backgroundfx_core::{files::Format, pixels::Size};
use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::Write;

pub fn cases() -> Vec<Case> {
    let whole = legal(Format::Png, SIZE, false);
    let mut cases = cut_short(Format::Png, &[0.1, 0.5, 0.9]);
    cases.extend([
        case("png_signature_only", whole[..8].to_vec(), CORRUPT),
        case("png_header_only", whole[..33].to_vec(), CORRUPT),
        case("png_65_bytes_claiming_100000_squared", bomb(100_000, 100_000, 8, 6), TOO_LARGE),
        case("png_claims_2_to_the_31", bomb(0x8000_0000, 0x8000_0000, 8, 6), TOO_LARGE),
        case("png_claims_2_to_the_31_less_1", bomb(0x7fff_ffff, 0x7fff_ffff, 16, 6), TOO_LARGE),
        case("png_claims_10000_squared_of_16_bits", bomb(10_000, 10_000, 16, 6), CORRUPT),
        case("png_claims_no_width", bomb(0, 5, 8, 2), CORRUPT),
        case("png_claims_no_height", bomb(5, 0, 8, 2), CORRUPT),
        case("png_depth_3", bomb(5, 5, 3, 2), CORRUPT),
        case("png_color_type_9", bomb(5, 5, 8, 9), CORRUPT),
        case("png_bad_header_checksum", flipped(&whole, 30), CORRUPT),
        case("png_bad_data_checksum", flipped(&whole, whole.len() - 14), CORRUPT),
        case("png_bad_zlib", file(&[header(4, 4, 8, 2), chunk(b"IDAT", &[0xff; 40])]), CORRUPT),
        case("png_too_few_rows", file(&[header(4, 4, 8, 2), chunk(b"IDAT", &packed(&[0; 26]))]), CORRUPT),
        case("png_no_data", file(&[header(4, 4, 8, 2)]), CORRUPT),
        case("png_palette_missing", file(&[header(4, 4, 8, 3), chunk(b"IDAT", &packed(&[0; 20]))]), CORRUPT),
        case("png_index_outside_palette", outside_palette(), Answer::Either),
        case("png_zero_bomb_in_data", file(&[header(4, 4, 8, 2), chunk(b"IDAT", &zeros(200 << 20))]), Answer::Either),
        case("png_ztxt_bomb", with(&[chunk(b"zTXt", &[b"a\0\0", &zeros(400 << 20)[..]].concat())]), Answer::Decodes),
        case("png_itxt_bomb", with(&[chunk(b"iTXt", &xmp_bomb())]), Answer::Decodes),
        case("png_iccp_bomb", with(&[chunk(b"iCCP", &[b"a\0\0", &zeros(400 << 20)[..]].concat())]), Answer::Decodes),
        case("png_20000_text_chunks", with(&vec![chunk(b"tEXt", b"key\0value"); 20_000]), Answer::Decodes),
        case("png_text_of_20_megabytes", with(&[chunk(b"tEXt", &vec![b'a'; 20 << 20])]), Answer::Either),
        case("png_exif_in_a_loop", with(&[chunk(b"eXIf", &super::jpeg::exif_loop())]), Answer::Decodes),
        case("png_exif_of_20_megabytes", with(&[chunk(b"eXIf", &vec![0; 20 << 20])]), Answer::Either),
        case("png_chunk_longer_than_file", [&whole[..33], &[0x7f, 0xff, 0xff, 0xff], b"tEXt"].concat(), CORRUPT),
        case("apng_claims_4_billion_frames", with(&[chunk(b"acTL", &[0xff; 8])]), Answer::Either),
        case("apng_of_10000_frames", animation(10_000), Answer::Decodes),
        case("png_1x1", legal(Format::Png, Size::new(1, 1), true), Answer::Decodes),
        case("png_1x30000", legal(Format::Png, Size::new(1, 30_000), true), Answer::Decodes),
        case("png_30000x1", legal(Format::Png, Size::new(30_000, 1), false), Answer::Decodes),
    ]);
    cases
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut checksum = Crc::new();
    checksum.update(name);
    checksum.update(data);
    [&(data.len() as u32).to_be_bytes()[..], name, data, &checksum.sum().to_be_bytes()].concat()
}

fn header(width: u32, height: u32, depth: u8, color: u8) -> Vec<u8> {
    chunk(b"IHDR", &[&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, color, 0, 0, 0]].concat())
}

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat(), chunk(b"IEND", b"")].concat()
}

/// A legal small picture with chunks before its data.
fn with(chunks: &[Vec<u8>]) -> Vec<u8> {
    let data = chunk(b"IDAT", &packed(&[0; 4 * (4 * 3 + 1)]));
    file(&[header(4, 4, 8, 2), chunks.concat(), data])
}

fn bomb(width: u32, height: u32, depth: u8, color: u8) -> Vec<u8> {
    file(&[header(width, height, depth, color), chunk(b"IDAT", &packed(&[0; 8]))])
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory is written");
    encoder.finish().expect("memory is written")
}

/// A zlib stream of so many zeros, made without ever holding them.
fn zeros(count: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    for _ in 0..count >> 16 {
        encoder.write_all(&[0; 1 << 16]).expect("memory is written");
    }
    encoder.finish().expect("memory is written")
}

fn xmp_bomb() -> Vec<u8> {
    [b"XML:com.adobe.xmp\0\x01\0\0\0", &zeros(400 << 20)[..]].concat()
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0x55;
    bytes
}

fn outside_palette() -> Vec<u8> {
    let rows = [0, 200, 201, 202, 203].repeat(4);
    file(&[header(4, 4, 8, 3), chunk(b"PLTE", &[1, 2, 3]), chunk(b"IDAT", &packed(&rows))])
}

fn animation(frames: u32) -> Vec<u8> {
    let control = |sequence: u32| {
        let fields = [sequence, 4, 4, 0, 0].map(u32::to_be_bytes).concat();
        chunk(b"fcTL", &[&fields[..], &[0, 1, 0, 1, 0, 0]].concat())
    };
    let data = packed(&[0; 4 * (4 * 3 + 1)]);
    let mut chunks = vec![header(4, 4, 8, 2), chunk(b"acTL", &[frames, 0].map(u32::to_be_bytes).concat())];
    chunks.extend([control(0), chunk(b"IDAT", &data)]);
    for frame in 1..frames {
        let sequence = (frame * 2).to_be_bytes();
        chunks.extend([control(frame * 2 - 1), chunk(b"fdAT", &[&sequence, &data[..]].concat())]);
    }
    file(&chunks)
}

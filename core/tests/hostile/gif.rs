//! GIF.

use super::{Answer, CORRUPT, Case, TOO_LARGE, case};

pub fn cases() -> Vec<Case> {
    let whole = file((64, 48), &[frame((0, 0), (64, 48))]);
    let cut = |end: usize| whole[..end].to_vec();
    vec![
        case("gif_legal", whole.clone(), Answer::Decodes),
        case("gif_header_only", cut(13), CORRUPT),
        case("gif_cut_in_palette", cut(16), CORRUPT),
        case("gif_cut_in_frame_header", cut(24), CORRUPT),
        case("gif_cut_in_pixels", cut(whole.len() - 20), CORRUPT),
        case("gif_canvas_65535_squared", file((65535, 65535), &[frame((0, 0), (1, 1))]), TOO_LARGE),
        case("gif_frame_65535_squared", file((8, 8), &[frame_claiming((65535, 65535))]), TOO_LARGE),
        case("gif_frame_9999_squared", file((8, 8), &[frame_claiming((9999, 9999))]), CORRUPT),
        case("gif_canvas_of_nothing", file((0, 0), &[frame((0, 0), (1, 1))]), CORRUPT),
        case("gif_frame_of_nothing", file((8, 8), &[frame_claiming((0, 0))]), CORRUPT),
        case("gif_frame_outside_canvas", file((8, 8), &[frame((60_000, 60_000), (8, 8))]), Answer::Decodes),
        case("gif_frame_half_outside", file((8, 8), &[frame((4, 4), (8, 8))]), Answer::Decodes),
        case("gif_without_frames", file((8, 8), &[]), CORRUPT),
        case("gif_without_palette", without_palette(), CORRUPT),
        case("gif_of_10000_frames", file((8, 8), &vec![frame((0, 0), (8, 8)); 10_000]), Answer::Decodes),
        case("gif_of_a_million_extensions", file((8, 8), &extensions(1_000_000)), Answer::Decodes),
        case("gif_code_size_255", file((8, 8), &[frame_of((8, 8), 255, &[1; 20])]), CORRUPT),
        case("gif_rubbish_codes", file((8, 8), &[frame_of((8, 8), 2, &[0xff; 200])]), CORRUPT),
        case("gif_1x1", file((1, 1), &[frame((0, 0), (1, 1))]), Answer::Decodes),
        case("gif_1x30000", file((1, 30_000), &[frame((0, 0), (1, 30_000))]), Answer::Decodes),
    ]
}

/// A file with a palette of four colours.
fn file((width, height): (u16, u16), blocks: &[Vec<u8>]) -> Vec<u8> {
    let palette = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255];
    let header = [b"GIF89a", &width.to_le_bytes()[..], &height.to_le_bytes(), &[0x81, 0, 0]].concat();
    [header, palette.to_vec(), blocks.concat(), vec![0x3b]].concat()
}

fn without_palette() -> Vec<u8> {
    [b"GIF89a\x08\0\x08\0\x01\0\0".to_vec(), frame((0, 0), (8, 8)), vec![0x3b]].concat()
}

fn frame(place: (u16, u16), size: (u16, u16)) -> Vec<u8> {
    let pixels = usize::from(size.0) * usize::from(size.1);
    placed(place, size, 2, &uncompressed(pixels))
}

/// A frame that claims a size and has a few bytes.
fn frame_claiming(size: (u16, u16)) -> Vec<u8> {
    placed((0, 0), size, 2, &uncompressed(4))
}

fn frame_of(size: (u16, u16), code_size: u8, codes: &[u8]) -> Vec<u8> {
    placed((0, 0), size, code_size, codes)
}

fn placed(place: (u16, u16), size: (u16, u16), code_size: u8, codes: &[u8]) -> Vec<u8> {
    let numbers = [place.0, place.1, size.0, size.1].map(u16::to_le_bytes).concat();
    let pieces = codes.chunks(255).flat_map(|piece| [&[piece.len() as u8], piece].concat());
    [&[0x2c][..], &numbers, &[0, code_size], &pieces.collect::<Vec<u8>>(), &[0]].concat()
}

/// LZW that never grows its table: a clear code before every second index; codes of three bits.
fn uncompressed(pixels: usize) -> Vec<u8> {
    let codes = (0..pixels).flat_map(|pixel| [(pixel % 2 == 0).then_some(4), Some((pixel % 4) as u8)]);
    let codes = codes.flatten().chain([5]);
    let (mut bytes, mut held, mut count) = (Vec::new(), 0u32, 0);
    for code in codes {
        held |= u32::from(code) << count;
        count += 3;
        while count >= 8 {
            bytes.push(held as u8);
            held >>= 8;
            count -= 8;
        }
    }
    bytes.push(held as u8);
    bytes
}

/// Graphic controls without end, then a frame.
fn extensions(count: usize) -> Vec<Vec<u8>> {
    let control = [0x21, 0xf9, 4, 0, 0, 0, 0, 0];
    vec![control.repeat(count), frame((0, 0), (8, 8))]
}

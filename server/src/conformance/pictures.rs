//! Pictures that are drawn for the checks: a ball before a green screen, so that networks and keys alike find it.

use backgroundfx_core::{
    files::{self, Encodable, Format, Metadata, WriteOptions},
    pixels::{Rgb, Samples, Size},
};

use super::Outcome;

/// Where the ball is in pictures of this module, as shares of width and height: centre and radius (of the height).
pub const CENTRE: [f32; 2] = [0.4, 0.55];
/// Its radius, as a share of the height.
pub const RADIUS: f32 = 0.25;

/// A ball before a green screen, as JPEG.
pub fn ball(size: Size) -> Result<Vec<u8>, Outcome> {
    let (width, height) = (size.width as f32, size.height as f32);
    let shade = |x: u32, y: u32| {
        let (right, down) = (x as f32 - CENTRE[0] * width, y as f32 - CENTRE[1] * height);
        let distance = right.hypot(down) / (RADIUS * height);
        if distance > 1.0 {
            return [0, 177, 64];
        }
        let light = 1.0 - 0.6 * distance * distance - 0.2 * (right + down) / height;
        let stripe =
            if (down / height * 40.0).floor() as i32 % 2 == 0 { [230.0, 40.0, 60.0] } else { [240.0, 200.0, 210.0] };
        stripe.map(|value: f32| (value * light).clamp(0.0, 255.0) as u8)
    };
    drawn(size, shade)
}

/// A picture without anything in it.
pub fn blank(size: Size) -> Result<Vec<u8>, Outcome> {
    drawn(size, |_, _| [0, 177, 64])
}

/// Two halves of two colours, to see how a background was fitted.
pub fn halves(size: Size) -> Result<Vec<u8>, Outcome> {
    drawn(size, |x, _| if x < size.width / 2 { [20, 20, 220] } else { [220, 220, 20] })
}

fn drawn(size: Size, shade: impl Fn(u32, u32) -> [u8; 3]) -> Result<Vec<u8>, Outcome> {
    let samples =
        (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y))).flat_map(|(x, y)| shade(x, y)).collect();
    let color = Rgb::new(size, Samples::Eight(samples));
    let picture = Encodable { color: &color, alpha: None, profile: None, metadata: &Metadata::default() };
    files::encode(&picture, &WriteOptions { quality: 95, ..WriteOptions::new(Format::Jpeg) })
        .map_err(|error| Outcome::Failed(format!("the check's own picture: {error}")))
}

/// A JPEG that says that it is to be shown turned by a quarter, clockwise.
pub fn turned(jpeg: &[u8]) -> Vec<u8> {
    // EXIF with one entry in its first directory: orientation 6.
    let exif: &[u8] = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    [&jpeg[..2], exif, &jpeg[2..]].concat()
}

/// A PNG that claims 51 megapixels and holds none.
pub fn bomb() -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(8500_u32.to_be_bytes());
    header.extend(6000_u32.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut file, &header);
    chunk(&mut file, b"IDAT\x78\x9c\x03\x00\x00\x00\x00\x01");
    chunk(&mut file, b"IEND");
    file
}

fn chunk(file: &mut Vec<u8>, named: &[u8]) {
    file.extend((named.len() as u32 - 4).to_be_bytes());
    file.extend_from_slice(named);
    file.extend(crc(named).to_be_bytes());
}

/// The checksum of PNG (ISO 3309), bit by bit: it is asked for three times.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// The beginning of an MP4.
pub const CLIP: &[u8] = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41\0\0\0\x08free\0\0\0\0mdat";

//! Writing AVIF: one concrete function over `ravif`.
//!
//! A crate of its own because that library and the encoder below it are generic to the last loop, and small enough at
//! their surface to be inlined: whoever calls them compiles all of AV1. Called from here it is compiled once.

use ravif::{Encoder, Img, RGB8};
use rgb::FromSlice;

/// Why a picture cannot be written, in words.
pub type Wrong = String;

/// An AVIF file of a picture: row-major interleaved 8-bit samples, `channels` of them a pixel (1 is grey, 3 red, green and
/// blue, 4 with straight alpha); `quality` is 1 to 100, `speed` 1 to 10, `exif` a block as it is in files.
///
/// # Errors
/// [`Wrong`].
#[inline(never)]
pub fn encode(
    samples: &[u8],
    channels: usize,
    (width, height): (usize, usize),
    quality: f32,
    speed: u8,
    exif: Option<&[u8]>,
) -> Result<Vec<u8>, Wrong> {
    let mut encoder = Encoder::new().with_quality(quality).with_alpha_quality(quality).with_speed(speed);
    if let Some(block) = exif {
        encoder = encoder.with_exif(block);
    }
    let encoded = match channels {
        // AV1 has grey pictures, but this encoder does not write them.
        1 => {
            let grey: Vec<RGB8> = samples.iter().map(|value| RGB8::new(*value, *value, *value)).collect();
            encoder.encode_rgb(Img::new(&grey, width, height))
        }
        3 => encoder.encode_rgb(Img::new(samples.as_rgb(), width, height)),
        _ => encoder.encode_rgba(Img::new(samples.as_rgba(), width, height)),
    };
    encoded.map(|encoded| encoded.avif_file).map_err(|error| error.to_string())
}

//! Writing AVIF.

use super::{Blocks, Compression, WriteOptions, refused, rows::Source};
use crate::{Result, files::Format};
use ravif::{Encoder, Img, RGB8, RGBA8};
use rgb::FromSlice;

pub(super) fn encode(source: &Source<'_>, blocks: &Blocks<'_>, options: &WriteOptions) -> Result<Vec<u8>> {
    let size = source.size();
    let (width, height) = (size.width as usize, size.height as usize);
    let speed = match options.compression {
        Compression::Fast => 9,
        Compression::Balanced => 7,
        Compression::Small => 4,
    };
    let quality = f32::from(options.quality);
    let mut encoder = Encoder::new().with_quality(quality).with_alpha_quality(quality).with_speed(speed);
    if let Some(block) = blocks.metadata.exif.as_deref() {
        encoder = encoder.with_exif(block);
    }
    let samples = source.all_eight();
    let encoded = match source.channels() {
        // AV1 has grey pictures, but this encoder does not write them.
        1 => {
            let grey: Vec<RGB8> = samples.iter().map(|value| RGB8::new(*value, *value, *value)).collect();
            encoder.encode_rgb(Img::new(&grey, width, height))
        }
        3 => encoder.encode_rgb(Img::new(samples.as_rgb(), width, height)),
        _ => encoder.encode_rgba(Img::<&[RGBA8]>::new(samples.as_rgba(), width, height)),
    };
    encoded.map(|encoded| encoded.avif_file).map_err(|error| refused(Format::Avif, error))
}

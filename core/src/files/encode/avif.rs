//! Writing AVIF.

use super::{Blocks, Compression, WriteOptions, refused, rows::Source};
use crate::{Result, files::Format};

pub(super) fn encode(source: &Source<'_>, blocks: &Blocks<'_>, options: &WriteOptions) -> Result<Vec<u8>> {
    let size = source.size();
    let speed = match options.compression {
        Compression::Fast => 9,
        Compression::Balanced => 7,
        Compression::Small => 4,
    };
    let sides = (size.width as usize, size.height as usize);
    let (samples, exif) = (source.all_eight(), blocks.metadata.exif.as_deref());
    backgroundfx_avif::encode(&samples, source.channels(), sides, f32::from(options.quality), speed, exif)
        .map_err(|error| refused(Format::Avif, std::io::Error::other(error)))
}

//! Writing PNG, row by row.

use super::{Blocks, Compression, WriteOptions, refused, rows::Source, sixteen_bits};
use crate::{Error, Kind, Result, files::Format};
use png::{BitDepth, ColorType, DeflateCompression, Encoder, EncodingError, Filter, Info};
use std::io::Write;

pub(super) fn encode(source: &Source<'_>, blocks: &Blocks<'_>, options: &WriteOptions) -> Result<Vec<u8>> {
    let size = source.size();
    let sixteen = sixteen_bits(source, options);
    let mut info = Info::with_size(size.width, size.height);
    info.bit_depth = if sixteen { BitDepth::Sixteen } else { BitDepth::Eight };
    info.color_type = match source.channels() {
        1 => ColorType::Grayscale,
        3 => ColorType::Rgb,
        _ => ColorType::Rgba,
    };
    info.icc_profile = blocks.icc.map(Into::into);
    info.exif_metadata = blocks.metadata.exif.as_deref().map(Into::into);

    let mut file = Vec::with_capacity(size.area() / 2 + 1024);
    let mut encoder = Encoder::with_info(&mut file, info).map_err(complaint)?;
    let (deflate, filter) = effort(options.compression);
    encoder.set_deflate_compression(deflate);
    encoder.set_filter(filter);
    if let Some(packet) = blocks.metadata.xmp.as_deref().and_then(|packet| std::str::from_utf8(packet).ok()) {
        encoder.add_itxt_chunk("XML:com.adobe.xmp".into(), packet.into()).map_err(complaint)?;
    }
    let mut writer = encoder.write_header().map_err(complaint)?;
    let mut stream = writer.stream_writer().map_err(complaint)?;
    write_rows(source, sixteen, &mut stream).map_err(|error| complaint(error.into()))?;
    stream.finish().map_err(complaint)?;
    writer.finish().map_err(complaint)?;
    Ok(file)
}

fn effort(compression: Compression) -> (DeflateCompression, Filter) {
    match compression {
        Compression::Fast => (DeflateCompression::FdeflateUltraFast, Filter::Up),
        Compression::Balanced => (DeflateCompression::Level(4), Filter::Adaptive),
        Compression::Small => (DeflateCompression::Level(9), Filter::Adaptive),
    }
}

fn write_rows(source: &Source<'_>, sixteen: bool, stream: &mut impl Write) -> std::io::Result<()> {
    let stride = source.size().width as usize * source.channels();
    let height = source.size().height as usize;
    if sixteen {
        let mut row = vec![0u16; stride];
        for y in 0..height {
            source.sixteen(y, &mut row);
            // PNG stores the high byte first.
            row.iter_mut().for_each(|sample| *sample = sample.to_be());
            stream.write_all(bytemuck::cast_slice(&row))?;
        }
    } else if let Some(samples) = source.as_eight() {
        stream.write_all(samples)?;
    } else {
        let mut row = vec![0u8; stride];
        for y in 0..height {
            source.eight(y, &mut row);
            stream.write_all(&row)?;
        }
    }
    Ok(())
}

fn complaint(error: EncodingError) -> Error {
    match error {
        EncodingError::LimitsExceeded => Error::new(Kind::OutOfMemory, "the PNG does not fit into memory"),
        error => refused(Format::Png, error),
    }
}

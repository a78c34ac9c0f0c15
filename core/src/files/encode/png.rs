//! Writing PNG, rows made when they are needed.
//!
//! Fast goes through fdeflate, whose one fixed code is made for filtered 8-bit rows: on cut-outs of 12
//! megapixels it takes a third of zlib's quickest level and packs better. The low bytes of 16-bit
//! samples are noise to it, and its output would be larger than its input; they go through zlib.

mod bands;

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
    if let Some(packet) = blocks.metadata.xmp.as_deref().and_then(|packet| std::str::from_utf8(packet).ok()) {
        encoder.add_itxt_chunk("XML:com.adobe.xmp".into(), packet.into()).map_err(complaint)?;
    }
    if options.compression == Compression::Fast && !sixteen {
        encoder.set_deflate_compression(DeflateCompression::FdeflateUltraFast);
        encoder.set_filter(Filter::Adaptive);
        stream(source, encoder).map_err(complaint)?;
        return Ok(file);
    }
    let mut writer = encoder.write_header().map_err(complaint)?;
    let pixel = source.channels() * if sixteen { 2 } else { 1 };
    let layout = bands::Layout { rows: size.height as usize, stride: size.width as usize * pixel, pixel };
    for piece in bands::compress(layout, options.compression, |y, row| write_row(source, sixteen, y, row))? {
        writer.write_chunk(png::chunk::IDAT, &piece).map_err(complaint)?;
    }
    writer.finish().map_err(complaint)?;
    Ok(file)
}

fn stream(source: &Source<'_>, encoder: Encoder<'_, &mut Vec<u8>>) -> Result<(), EncodingError> {
    let mut writer = encoder.write_header()?;
    let mut stream = writer.stream_writer()?;
    if let Some(samples) = source.as_eight() {
        stream.write_all(samples)?;
    } else {
        let mut row = vec![0; source.size().width as usize * source.channels()];
        for y in 0..source.size().height as usize {
            source.eight(y, &mut row);
            stream.write_all(&row)?;
        }
    }
    stream.finish()?;
    writer.finish()
}

fn write_row(source: &Source<'_>, sixteen: bool, y: usize, row: &mut [u8]) {
    if sixteen {
        let mut samples = vec![0u16; row.len() / 2];
        source.sixteen(y, &mut samples);
        // PNG stores the high byte first.
        let pairs = row.as_chunks_mut::<2>().0.iter_mut();
        pairs.zip(samples).for_each(|(pair, sample)| *pair = sample.to_be_bytes());
    } else {
        source.eight(y, row);
    }
}

fn complaint(error: EncodingError) -> Error {
    match error {
        EncodingError::LimitsExceeded => Error::new(Kind::OutOfMemory, "the PNG does not fit into memory"),
        error => refused(Format::Png, error),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        files::{Compression, Format, ReadOptions, WriteOptions, decode_matte, encode_gray},
        pixels::{Alpha, Size},
    };

    #[test]
    fn many_bands_are_read_back_as_one_picture() {
        for (width, height) in [(1500, 2000), (1, 1), (70_000, 40)] {
            let size = Size::new(width, height);
            let bytes: Vec<u8> = (0..size.area()).map(|i| (i * i / 977 + i / 3) as u8).collect();
            for compression in [Compression::Fast, Compression::Balanced] {
                let options = WriteOptions { compression, ..WriteOptions::new(Format::Png) };
                let encoded = encode_gray(&Alpha::from_u8(size, &bytes), &options).unwrap();
                let read = decode_matte(&encoded, &ReadOptions::default()).unwrap().to_u8();
                assert!(read == bytes, "{width} × {height}");
            }
        }
    }
}

//! Writing TIFF: deflated strips, alpha as unassociated.
//!
//! Strips are predicted and packed here, all cores at once; the `tiff` crate keeps the directory. Its
//! own picture writer would need the whole picture interleaved, and predicts alpha as if it were colour.

use super::{Blocks, Compression, WriteOptions, refused, rows::Source, sixteen_bits};
use crate::{Result, files::Format};
use flate2::write::ZlibEncoder;
use rayon::prelude::*;
use std::io::{Cursor, Write};
use tiff::{
    TiffError,
    encoder::TiffEncoder,
    tags::{CompressionMethod, ExtraSamples, PhotometricInterpretation, Predictor, Tag},
};

/// Bytes of a strip, about: enough to pack well, little enough that many are worked on at once.
const STRIP: usize = 1 << 18;

pub(super) fn encode(source: &Source<'_>, blocks: &Blocks<'_>, options: &WriteOptions) -> Result<Vec<u8>> {
    let sixteen = sixteen_bits(source, options);
    let stride = source.size().width as usize * source.channels() * if sixteen { 2 } else { 1 };
    let height = source.size().height as usize;
    let rows = (STRIP / stride).clamp(1, height);
    let level = flate2::Compression::new(match options.compression {
        Compression::Fast => 1,
        Compression::Balanced => 6,
        Compression::Small => 9,
    });
    let strips = (0..height.div_ceil(rows)).into_par_iter().map(|strip| {
        let lines = strip * rows..height.min((strip + 1) * rows);
        let mut packed = ZlibEncoder::new(Vec::with_capacity(lines.len() * stride / 2), level);
        if sixteen {
            let mut row = vec![0u16; stride / 2];
            for y in lines {
                source.sixteen(y, &mut row);
                predict(&mut row, source.channels(), |value, before| value.wrapping_sub(before));
                packed.write_all(bytemuck::cast_slice(&row))?;
            }
        } else {
            let mut row = vec![0u8; stride];
            for y in lines {
                source.eight(y, &mut row);
                predict(&mut row, source.channels(), |value, before| value.wrapping_sub(before));
                packed.write_all(&row)?;
            }
        }
        packed.finish()
    });
    let strips = strips.collect::<std::io::Result<Vec<Vec<u8>>>>().map_err(|error| refused(Format::Tiff, error))?;
    assembled(source, sixteen, rows, &strips, blocks).map_err(|error| refused(Format::Tiff, error))
}

/// Each sample minus the one before it in its channel (TIFF 6.0, section 14).
fn predict<T: Copy>(row: &mut [T], channels: usize, minus: impl Fn(T, T) -> T) {
    for at in (channels..row.len()).rev() {
        row[at] = minus(row[at], row[at - channels]);
    }
}

fn assembled(
    source: &Source<'_>,
    sixteen: bool,
    rows: usize,
    strips: &[Vec<u8>],
    blocks: &Blocks<'_>,
) -> Result<Vec<u8>, TiffError> {
    let (size, channels) = (source.size(), source.channels());
    let mut file = Cursor::new(Vec::with_capacity(strips.iter().map(Vec::len).sum::<usize>() + 4096));
    let mut encoder = TiffEncoder::new(&mut file)?;
    let mut directory = encoder.image_directory()?;
    let mut offsets = Vec::with_capacity(strips.len());
    for strip in strips {
        offsets.push(u32::try_from(directory.write_data(&strip[..])?)?);
    }
    let lengths = strips.iter().map(|strip| u32::try_from(strip.len())).collect::<Result<Vec<u32>, _>>()?;
    let light = if channels == 1 { PhotometricInterpretation::BlackIsZero } else { PhotometricInterpretation::RGB };
    directory.write_tag(Tag::ImageWidth, size.width)?;
    directory.write_tag(Tag::ImageLength, size.height)?;
    directory.write_tag(Tag::BitsPerSample, &vec![if sixteen { 16u16 } else { 8 }; channels][..])?;
    directory.write_tag(Tag::Compression, CompressionMethod::Deflate.to_u16())?;
    directory.write_tag(Tag::PhotometricInterpretation, light.to_u16())?;
    directory.write_tag(Tag::StripOffsets, &offsets[..])?;
    directory.write_tag(Tag::SamplesPerPixel, channels as u16)?;
    directory.write_tag(Tag::RowsPerStrip, rows as u32)?;
    directory.write_tag(Tag::StripByteCounts, &lengths[..])?;
    directory.write_tag(Tag::Predictor, Predictor::Horizontal.to_u16())?;
    if channels == 4 {
        directory.write_tag(Tag::ExtraSamples, ExtraSamples::UnassociatedAlpha.to_u16())?;
    }
    if let Some(icc) = blocks.icc {
        directory.write_tag(Tag::IccProfile, icc)?;
    }
    if let Some(packet) = &blocks.metadata.xmp {
        directory.write_tag(Tag::Unknown(700), &packet[..])?;
    }
    directory.finish()?;
    Ok(file.into_inner())
}

//! PNG files out: rows are filtered and deflated in bands, all cores at once, then joined to one stream.
//!
//! A band ends at a byte boundary with an empty stored block, as pigz does it, so that bands can
//! simply be put one after the other; the checksum of the whole is combined from those of the bands.

use flate2::{Compress, FlushCompress, Status};
use png::{BitDepth, ColorType, Encoder};
use rayon::prelude::*;

use super::encode::{Compression, Encodable, Kept, row};
use crate::{Error, Kind, Result, pixels::Size};

/// Raw bytes a band has at least: large enough that starting without a dictionary costs under a percent.
const BAND_BYTES: usize = 1 << 20;

/// Encodes a colour picture with or without alpha.
pub fn encode(picture: &Encodable<'_>, sixteen: bool, compression: Compression, kept: &Kept) -> Result<Vec<u8>> {
    let channels = if picture.alpha.is_some() { 4 } else { 3 };
    let layout = Layout { size: picture.color.size(), channels, sixteen };
    stream(&layout, compression, kept, |y| row(picture, y, sixteen))
}

/// Encodes rows of grey, 8 bits or 16 in native order.
pub fn encode_gray(bytes: &[u8], size: Size, sixteen: bool, compression: Compression) -> Result<Vec<u8>> {
    let layout = Layout { size, channels: 1, sixteen };
    let stride = layout.stride();
    stream(&layout, compression, &Kept::default(), |y| bytes[y * stride..(y + 1) * stride].to_vec())
}

struct Layout {
    size: Size,
    channels: usize,
    sixteen: bool,
}

impl Layout {
    fn pixel_bytes(&self) -> usize {
        self.channels * if self.sixteen { 2 } else { 1 }
    }

    fn stride(&self) -> usize {
        self.size.width as usize * self.pixel_bytes()
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Internal, format!("cannot encode PNG: {error}"))
}

fn stream(
    layout: &Layout,
    compression: Compression,
    kept: &Kept,
    row: impl Fn(usize) -> Vec<u8> + Sync,
) -> Result<Vec<u8>> {
    let size = layout.size;
    let mut info = png::Info::with_size(size.width, size.height);
    info.color_type = match layout.channels {
        1 => ColorType::Grayscale,
        3 => ColorType::Rgb,
        _ => ColorType::Rgba,
    };
    info.bit_depth = if layout.sixteen { BitDepth::Sixteen } else { BitDepth::Eight };
    info.icc_profile = kept.icc.as_deref().map(Into::into);
    info.exif_metadata = kept.exif.as_deref().map(Into::into);
    let mut out = Vec::new();
    let mut encoder = Encoder::with_info(&mut out, info).map_err(failed)?;
    if let Some(xmp) = kept.xmp.as_deref().and_then(|xmp| std::str::from_utf8(xmp).ok()) {
        encoder.add_itxt_chunk("XML:com.adobe.xmp".to_owned(), xmp.to_owned()).map_err(failed)?;
    }
    let mut writer = encoder.write_header().map_err(failed)?;
    for chunk in bands(layout, compression, row)? {
        writer.write_chunk(png::chunk::IDAT, &chunk).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    Ok(out)
}

/// The zlib stream of all filtered rows, in pieces.
fn bands(layout: &Layout, compression: Compression, row: impl Fn(usize) -> Vec<u8> + Sync) -> Result<Vec<Vec<u8>>> {
    let height = layout.size.height as usize;
    let rows = (BAND_BYTES / (layout.stride() + 1)).clamp(1, height);
    let count = height.div_ceil(rows);
    let deflated = (0..count).into_par_iter().map(|band| {
        let first = band * rows;
        let last = (first + rows).min(height);
        let mut filtered = Vec::with_capacity((last - first) * (layout.stride() + 1));
        let mut above = if first == 0 { vec![0; layout.stride()] } else { big_endian(row(first - 1), layout.sixteen) };
        for y in first..last {
            let current = big_endian(row(y), layout.sixteen);
            filter(&current, &above, layout.pixel_bytes(), &mut filtered);
            above = current;
        }
        let bytes = deflate(&filtered, compression, band + 1 == count)?;
        Ok((bytes, adler32(&filtered), filtered.len()))
    });
    let deflated: Vec<(Vec<u8>, u32, usize)> = deflated.collect::<Result<_>>()?;
    let checksum = deflated.iter().fold(1, |sum, (_, band, length)| join_adler32(sum, *band, *length));
    let mut pieces: Vec<Vec<u8>> = deflated.into_iter().map(|(bytes, ..)| bytes).collect();
    // RFC 1950: a window of 32 KiB, no dictionary.
    pieces[0].splice(0..0, [0x78, 0x01]);
    if let Some(last) = pieces.last_mut() {
        last.extend(checksum.to_be_bytes());
    }
    Ok(pieces)
}

fn big_endian(mut row: Vec<u8>, sixteen: bool) -> Vec<u8> {
    if sixteen && cfg!(target_endian = "little") {
        row.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
    }
    row
}

/// Appends a row with its filter: `Up` for rows like the one above (flat and transparent areas), else `Paeth`.
fn filter(current: &[u8], above: &[u8], pixel: usize, out: &mut Vec<u8>) {
    if current == above {
        out.push(2);
        out.resize(out.len() + current.len(), 0);
        return;
    }
    out.push(4);
    let start = out.len();
    out.resize(start + current.len(), 0);
    let out = &mut out[start..];
    let head = pixel.min(current.len());
    for i in 0..head {
        out[i] = current[i].wrapping_sub(above[i]);
    }
    let triples = current[..current.len() - head].iter().zip(&above[head..]).zip(&above[..above.len() - head]);
    for ((out, &value), ((&left, &up), &corner)) in out[head..].iter_mut().zip(&current[head..]).zip(triples) {
        *out = value.wrapping_sub(paeth(left, up, corner));
    }
}

/// PNG specification, 9.4: of left, above and corner, the one nearest to left + above − corner.
#[inline]
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(corner));
    let (to_left, to_up, to_corner) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
    if to_left <= to_up && to_left <= to_corner {
        left
    } else if to_up <= to_corner {
        up
    } else {
        corner
    }
}

fn deflate(bytes: &[u8], compression: Compression, is_last: bool) -> Result<Vec<u8>> {
    let level = match compression {
        Compression::Fast => 1,
        Compression::Balanced => 6,
        Compression::Small => 9,
    };
    let mut deflater = Compress::new(flate2::Compression::new(level), false);
    let flush = if is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut out = Vec::with_capacity(bytes.len() / 2 + 1024);
    loop {
        let done = deflater.total_in() as usize;
        let status = deflater.compress_vec(&bytes[done..], &mut out, flush).map_err(failed)?;
        let all_in = deflater.total_in() as usize == bytes.len();
        let all_out = if is_last { status == Status::StreamEnd } else { all_in && out.len() < out.capacity() };
        if all_out {
            return Ok(out);
        }
        out.reserve(bytes.len() / 4 + 1024);
    }
}

const ADLER_BASE: u32 = 65_521;

/// RFC 1950's checksum of bytes.
fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    // 5552 sums of 255 stay below 2³².
    for part in bytes.chunks(5552) {
        for &byte in part {
            low += u32::from(byte);
            high += low;
        }
        low %= ADLER_BASE;
        high %= ADLER_BASE;
    }
    high << 16 | low
}

/// The checksum of two runs of bytes from those of each, `length` being the second's.
fn join_adler32(first: u32, second: u32, length: usize) -> u32 {
    let (low1, high1) = (u64::from(first & 0xFFFF), u64::from(first >> 16));
    let (low2, high2) = (u64::from(second & 0xFFFF), u64::from(second >> 16));
    let (base, length) = (u64::from(ADLER_BASE), length as u64 % u64::from(ADLER_BASE));
    let low = (low1 + low2 + base - 1) % base;
    let high = (high1 + high2 + length * ((low1 + base - 1) % base)) % base;
    (high << 16 | low) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_join() {
        let bytes: Vec<u8> = (0..100_000_u64).map(|i| ((i * i) >> 3) as u8).collect();
        for cut in [0, 1, 777, 50_000, 100_000] {
            let (first, second) = bytes.split_at(cut);
            assert_eq!(join_adler32(adler32(first), adler32(second), second.len()), adler32(&bytes), "{cut}");
        }
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    #[test]
    fn many_bands_are_read_back_as_one_picture() {
        for (sixteen, width, height) in [(false, 1500, 2000), (true, 900, 1500), (false, 1, 1), (false, 70_000, 40)] {
            let size = Size::new(width, height);
            let pixel = if sixteen { 2 } else { 1 };
            let bytes: Vec<u8> = (0..size.area() * pixel).map(|i| (i * i / 977 + i / 3) as u8).collect();
            for compression in [Compression::Fast, Compression::Balanced] {
                let encoded = encode_gray(&bytes, size, sixteen, compression).unwrap();
                let read = image::load_from_memory(&encoded).unwrap();
                let got: Vec<u8> = if sixteen {
                    read.into_luma16().into_raw().iter().flat_map(|value| value.to_ne_bytes()).collect()
                } else {
                    read.into_luma8().into_raw()
                };
                assert!(got == bytes, "{width} × {height}");
            }
        }
    }
}

//! The zlib stream inside a PNG: rows are filtered and deflated in bands, all cores at once, then joined.
//!
//! A band ends at a byte boundary with an empty stored block, as pigz does it, so that bands can
//! simply be put one after the other; the checksum of the whole is combined from those of the bands.

use flate2::{Compress, FlushCompress, Status};
use rayon::prelude::*;

use crate::{Error, Kind, Result, files::Compression};

/// Raw bytes a band has at least: large enough that starting without a dictionary costs under a percent.
const BAND_BYTES: usize = 1 << 20;

/// How the rows lie in memory.
#[derive(Clone, Copy)]
pub struct Layout {
    /// How many rows there are.
    pub rows: usize,
    /// Bytes in a row.
    pub stride: usize,
    /// Bytes in a pixel.
    pub pixel: usize,
}

/// The zlib stream of all rows, in pieces; `row` writes a row's bytes, high byte first.
///
/// # Errors
/// [`Kind::Internal`] when the compressor fails.
pub fn compress(
    layout: Layout,
    compression: Compression,
    row: impl Fn(usize, &mut [u8]) + Sync,
) -> Result<Vec<Vec<u8>>> {
    let rows = (BAND_BYTES / (layout.stride + 1)).clamp(1, layout.rows);
    let count = layout.rows.div_ceil(rows);
    let deflated = (0..count).into_par_iter().map(|band| {
        let first = band * rows;
        let last = (first + rows).min(layout.rows);
        let mut filtered = Vec::with_capacity((last - first) * (layout.stride + 1));
        let (mut above, mut current) = (vec![0; layout.stride], vec![0; layout.stride]);
        if first > 0 {
            row(first - 1, &mut above);
        }
        for y in first..last {
            row(y, &mut current);
            filter(&current, &above, layout.pixel, &mut filtered);
            std::mem::swap(&mut above, &mut current);
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

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Internal, format!("cannot compress the PNG: {error}"))
}

/// Appends a row under the filter that leaves the least: PNG's own advice for choosing (12.7).
fn filter(current: &[u8], above: &[u8], pixel: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + 1 + current.len(), 0);
    let row = &mut out[start..];
    if current == above {
        row[0] = 2;
        return;
    }
    let mut best = u64::MAX;
    let mut tried = vec![0; current.len()];
    for number in 1..=4 {
        match number {
            1 => sub(current, pixel, &mut tried),
            2 => up(current, above, &mut tried),
            3 => average(current, above, pixel, &mut tried),
            _ => paeth_filter(current, above, pixel, &mut tried),
        }
        let left: u64 = tried.iter().map(|byte| u64::from(byte.cast_signed().unsigned_abs())).sum();
        if left < best {
            best = left;
            row[0] = number;
            row[1..].copy_from_slice(&tried);
        }
    }
}

fn sub(current: &[u8], pixel: usize, out: &mut [u8]) {
    let head = pixel.min(current.len());
    out[..head].copy_from_slice(&current[..head]);
    let pairs = current[head..].iter().zip(current);
    out[head..].iter_mut().zip(pairs).for_each(|(out, (value, left))| *out = value.wrapping_sub(*left));
}

fn up(current: &[u8], above: &[u8], out: &mut [u8]) {
    out.iter_mut().zip(current.iter().zip(above)).for_each(|(out, (value, up))| *out = value.wrapping_sub(*up));
}

fn average(current: &[u8], above: &[u8], pixel: usize, out: &mut [u8]) {
    let head = pixel.min(current.len());
    for at in 0..head {
        out[at] = current[at].wrapping_sub(above[at] / 2);
    }
    let pairs = current.iter().zip(&above[head..]).map(|(left, up)| ((u16::from(*left) + u16::from(*up)) / 2) as u8);
    let values = current[head..].iter().zip(pairs);
    out[head..].iter_mut().zip(values).for_each(|(out, (value, mean))| *out = value.wrapping_sub(mean));
}

fn paeth_filter(current: &[u8], above: &[u8], pixel: usize, out: &mut [u8]) {
    let head = pixel.min(current.len());
    up(&current[..head], &above[..head], &mut out[..head]);
    let triples = current.iter().zip(&above[head..]).zip(above);
    for ((out, value), ((left, up), corner)) in out[head..].iter_mut().zip(&current[head..]).zip(triples) {
        *out = value.wrapping_sub(paeth(*left, *up, *corner));
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
}

//! JPEG, including CMYK and YCCK as Adobe writes them.

use super::{
    Raw,
    channels::{Channels, separate, zeroed},
    corrupt,
};
use crate::{
    Error, Kind, Result,
    files::{Format, Metadata, ReadOptions, Warning, exif, profile},
    pixels::Size,
};
use std::cell::Cell;
use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{
        bytestream::{ZByteIoError, ZByteReaderTrait, ZSeekFrom},
        colorspace::ColorSpace,
        options::DecoderOptions,
    },
};

/// Progressive encoders write about ten scans; more only make a small file slow to decode.
const MOST_SCANS: usize = 50;

pub(super) fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Raw> {
    check_coding(bytes)?;
    let ran_out = Cell::new(false);
    let limits = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(MOST_SCANS);
    let mut decoder = JpegDecoder::new_with_options(Watched { bytes, position: 0, ran_out: &ran_out }, limits);
    decoder.decode_headers().map_err(complaint)?;
    let info = decoder.info().ok_or_else(|| corrupt(Format::Jpeg, "it has no header"))?;
    let size = Size::new(info.width.into(), info.height.into());
    options.limits.check(size)?;
    check_plausible(size, bytes.len())?;

    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    let (wanted, channels) = match stored {
        ColorSpace::Luma => (ColorSpace::Luma, 1),
        ColorSpace::CMYK | ColorSpace::YCCK => (stored, 4),
        _ => (ColorSpace::RGB, 3),
    };
    decoder.set_options(limits.jpeg_set_out_colorspace(wanted));
    let mut samples = zeroed::<u8>(size, channels)?;
    decoder.decode_into(&mut samples).map_err(complaint)?;
    if ran_out.get() {
        return Err(corrupt(Format::Jpeg, "it ends before its last row"));
    }

    let icc = decoder.icc_profile();
    let metadata = Metadata {
        exif: decoder.exif().map(|block| exif::without_prefix(block).to_vec()),
        xmp: decoder.xmp().cloned(),
    };
    let mut raw = match channels {
        1 => Raw { icc, ..Raw::new(separate(samples, Channels::Grey, size)?) },
        4 => from_inks(samples, stored, has_adobe_marker(bytes), icc.as_deref(), size)?,
        _ => Raw { icc, ..Raw::new(separate(samples, Channels::Rgb, size)?) },
    };
    raw.metadata = metadata;
    Ok(raw)
}

/// Every 8 × 8 block costs at least one bit: a file with fewer claims a size it does not have.
fn check_plausible(size: Size, length: usize) -> Result<()> {
    let blocks = u64::from(size.width.div_ceil(8)) * u64::from(size.height.div_ceil(8));
    if blocks / 8 > length as u64 {
        return Err(corrupt(Format::Jpeg, format!("{length} bytes cannot hold {size} pixels")));
    }
    Ok(())
}

/// CMYK or YCCK to sRGB; Adobe's programs store inks inverted and say so by their marker.
fn from_inks(mut inks: Vec<u8>, stored: ColorSpace, adobe: bool, icc: Option<&[u8]>, size: Size) -> Result<Raw> {
    if stored == ColorSpace::YCCK {
        ycck_to_cmyk(&mut inks);
    }
    if adobe {
        inks.iter_mut().for_each(|ink| *ink = 255 - *ink);
    }
    let (samples, through_profile) = profile::cmyk_to_srgb(inks, icc);
    let mut raw = Raw::new(separate(samples, Channels::Rgb, size)?);
    if !through_profile {
        raw.warnings.push(Warning::ColorsApproximated);
    }
    Ok(raw)
}

/// YCC stands for the complement of CMY (ITU-T T.872); K is stored plainly.
///
/// The complement is taken back, so that C, M, Y and K are stored one way: as the file stores K.
fn ycck_to_cmyk(inks: &mut [u8]) {
    for [y, cb, cr, _] in inks.as_chunks_mut::<4>().0 {
        [*y, *cb, *cr] = light_of([*y, *cb, *cr]).map(|light| 255 - light);
    }
}

/// `Y Cb Cr` to `R G B` in place, by JFIF's matrix.
pub(super) fn ycc_to_rgb(mut samples: Vec<u8>) -> Vec<u8> {
    samples.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| *pixel = light_of(*pixel));
    samples
}

fn light_of([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|light| (light + 0.5) as u8)
}

/// Whether a marker segment before the pixels is Adobe's APP14.
fn has_adobe_marker(bytes: &[u8]) -> bool {
    segments(bytes).any(|(marker, data)| marker == 0xee && data.starts_with(b"Adobe"))
}

/// Baseline and progressive pictures of 8 bits are read; the standard's other kinds hardly exist.
fn check_coding(bytes: &[u8]) -> Result<()> {
    let what = match frame_header(bytes) {
        Some((0xc0..=0xc2, [8, ..])) | None => return Ok(()),
        Some((0xc0..=0xc2, _)) => "more than 8 bits a channel",
        Some((0xc3 | 0xc7 | 0xcb | 0xcf, _)) => "lossless coding",
        Some((0xc9 | 0xca | 0xcd | 0xce, _)) => "arithmetic coding",
        Some(_) => "hierarchical coding",
    };
    Err(Error::new(Kind::FormatUnsupported, format!("JPEG with {what} is not read here")))
}

/// Marker and data of the segment that states how the picture is coded and how large it is.
fn frame_header(bytes: &[u8]) -> Option<(u8, &[u8])> {
    // Among the markers of frames there are three of tables.
    let is_frame = |marker: u8| matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
    segments(bytes).find(|(marker, _)| is_frame(*marker))
}

/// The size a JPEG states, without decoding anything.
pub(super) fn frame_size(bytes: &[u8]) -> Option<Size> {
    let (_, data) = frame_header(bytes)?;
    let side = |at: usize| Some(u32::from(u16::from_be_bytes(*data.get(at..)?.first_chunk()?)));
    Some(Size::new(side(3)?, side(1)?))
}

/// Markers and data of the segments before the pixels.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        // Any number of 0xff may stand before a marker.
        while let [0xff, 0xff, ..] = rest {
            rest = &rest[1..];
        }
        let [0xff, marker, high, low, ..] = rest else { return None };
        let (marker, length) = (*marker, usize::from(u16::from_be_bytes([*high, *low])));
        let data = rest.get(4..2 + length)?;
        rest = &rest[2 + length..];
        (marker != 0xda).then_some((marker, data))
    })
}

fn complaint(error: DecodeErrors) -> Error {
    corrupt(Format::Jpeg, format!("{error:?}"))
}

/// A reader that remembers whether the decoder wanted more than there is: it fills the rest with
/// grey and reports success, and a picture half grey is not what was asked for.
struct Watched<'a> {
    bytes: &'a [u8],
    position: usize,
    ran_out: &'a Cell<bool>,
}

impl Watched<'_> {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }
}

impl ZByteReaderTrait for Watched<'_> {
    #[inline(always)]
    fn read_byte_no_error(&mut self) -> u8 {
        let byte = self.bytes.get(self.position).copied();
        self.position += 1;
        byte.unwrap_or_else(|| {
            self.ran_out.set(true);
            0
        })
    }

    #[inline(always)]
    fn read_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        self.peek_exact_bytes(buffer)?;
        self.position += buffer.len();
        Ok(())
    }

    fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        let count = self.peek_bytes(buffer)?;
        self.position += count;
        Ok(count)
    }

    fn peek_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        let count = buffer.len().min(self.rest().len());
        buffer[..count].copy_from_slice(&self.rest()[..count]);
        Ok(count)
    }

    #[inline(always)]
    fn peek_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        let rest = self.rest();
        let there = rest.get(..buffer.len()).ok_or(ZByteIoError::NotEnoughBytes(rest.len(), buffer.len()))?;
        buffer.copy_from_slice(there);
        Ok(())
    }

    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        let (base, offset) = match from {
            ZSeekFrom::Start(offset) => (0, i64::try_from(offset).unwrap_or(i64::MAX)),
            ZSeekFrom::Current(offset) => (self.position as i64, offset),
            ZSeekFrom::End(offset) => (self.bytes.len() as i64, offset),
        };
        let target = base.saturating_add(offset);
        self.position = usize::try_from(target).map_err(|_| ZByteIoError::SeekError("before the start"))?;
        Ok(self.position as u64)
    }

    #[inline(always)]
    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        Ok(self.position >= self.bytes.len())
    }

    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        Ok(self.position as u64)
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        let before = sink.len();
        sink.extend_from_slice(self.rest());
        self.position = self.bytes.len().max(self.position);
        Ok(sink.len() - before)
    }
}

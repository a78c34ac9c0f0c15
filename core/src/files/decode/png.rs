//! PNG: every colour type and depth, and single frames of animations.

use super::{
    Raw,
    canvas::{After, Blend, Canvas, Frame},
    channels::{Channels, Pixels, separate, zeroed},
    corrupt, no_such_frame,
};
use crate::{
    Error, Result,
    files::{Format, Metadata, ReadOptions, exif},
    pixels::{Rect, Size},
};
use flate2::read::ZlibDecoder;
use png::{BitDepth, BlendOp, ColorType, Decoder, DecodingError, DisposeOp, FrameControl, Transformations};
use std::io::{Cursor, Read};

pub(super) fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Raw> {
    let mut decoder = opened(bytes, options);
    decoder.set_transformations(Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(complaint)?;
    let size = Size::new(header.width, header.height);
    options.limits.check(size)?;
    check_plausible(header, bytes.len())?;
    let mut reader = decoder.read_info().map_err(complaint)?;

    let (color, depth) = reader.output_color_type();
    let channels = match color {
        ColorType::Grayscale => Channels::Grey,
        ColorType::GrayscaleAlpha => Channels::GreyAlpha,
        ColorType::Rgb | ColorType::Indexed => Channels::Rgb,
        ColorType::Rgba => Channels::Rgba,
    };
    let frames = reader.info().animation_control.map_or(1, |control| control.num_frames);
    if options.frame > 0 && options.frame >= frames {
        return Err(no_such_frame(options.frame, frames));
    }
    let pixels = match depth {
        _ if options.frame > 0 => animated(bytes, size, options)?,
        BitDepth::Sixteen => {
            let mut samples = zeroed::<u16>(size, channels as usize)?;
            reader.next_frame(bytemuck::cast_slice_mut(&mut samples)).map_err(complaint)?;
            samples.iter_mut().for_each(|sample| *sample = u16::from_be(*sample));
            separate(samples, channels, size)?
        }
        _ => {
            let mut samples = zeroed::<u8>(size, channels as usize)?;
            reader.next_frame(&mut samples).map_err(complaint)?;
            separate(samples, channels, size)?
        }
    };
    let (icc, metadata) = blocks(bytes, options.limits.metadata_bytes);
    Ok(Raw { icc, metadata, frames, ..Raw::new(pixels) })
}

fn opened<'a>(bytes: &'a [u8], options: &ReadOptions) -> Decoder<Cursor<&'a [u8]>> {
    let room = options.limits.metadata_bytes.saturating_add(64 << 20);
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: room });
    // We read these ourselves, under our own bounds: compressed text may unpack to anything.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder
}

/// A later frame of an animation, drawn over those before it, in 8 bits.
fn animated(bytes: &[u8], size: Size, options: &ReadOptions) -> Result<Pixels> {
    let mut decoder = opened(bytes, options);
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(complaint)?;
    let is_grey = reader.output_color_type().0 == ColorType::GrayscaleAlpha;
    let mut samples = zeroed::<u8>(size, if is_grey { 2 } else { 4 })?;
    // A picture that stands before the first frame's control is for readers that know no animation.
    if reader.info().frame_control.is_none() {
        reader.next_frame(&mut samples).map_err(complaint)?;
    }
    let mut canvas = Canvas::new(size)?;
    for number in 0..=options.frame {
        reader.next_frame(&mut samples).map_err(complaint)?;
        let missing = || corrupt(Format::Png, "a frame has no control");
        let frame = placed(reader.info().frame_control.as_ref().ok_or_else(missing)?);
        let painted = |at: usize| match is_grey {
            true => [samples[at * 2], samples[at * 2], samples[at * 2], samples[at * 2 + 1]],
            false => std::array::from_fn(|channel| samples[at * 4 + channel]),
        };
        if number < options.frame {
            canvas.pass(&frame, painted);
        } else {
            canvas.draw(&frame, painted);
        }
    }
    separate(canvas.into_samples(), Channels::Rgba, size)
}

fn placed(control: &FrameControl) -> Frame {
    Frame {
        place: Rect { left: control.x_offset, top: control.y_offset, size: Size::new(control.width, control.height) },
        blend: if control.blend_op == BlendOp::Over { Blend::Over } else { Blend::Replace },
        after: match control.dispose_op {
            DisposeOp::None => After::Stay,
            DisposeOp::Background => After::Clear,
            DisposeOp::Previous => After::Restore,
        },
    }
}

/// Deflate packs at most 1032 bytes into one: a file that needs more claims a size it does not have.
fn check_plausible(header: &png::Info<'_>, length: usize) -> Result<()> {
    let needed = header.raw_row_length() as u64 * u64::from(header.height);
    if needed / 1032 > length as u64 {
        let message = format!("{length} bytes cannot hold {} × {} pixels", header.width, header.height);
        return Err(corrupt(Format::Png, message));
    }
    Ok(())
}

/// The colour profile, EXIF and XMP among a file's chunks; none of them unpacked beyond `most_bytes`.
fn blocks(bytes: &[u8], most_bytes: usize) -> (Option<Vec<u8>>, Metadata) {
    let (mut icc, mut metadata) = (None, Metadata::default());
    for (name, data) in chunks(bytes) {
        match name {
            // A name, a zero, the compression method 0, then the packed profile.
            b"iCCP" => icc = after_zero(data).and_then(|rest| unpacked(rest.strip_prefix(&[0])?, most_bytes)),
            b"eXIf" => metadata.exif = Some(exif::without_prefix(data).to_vec()),
            b"iTXt" => {
                if let Some(packet) = data.strip_prefix(b"XML:com.adobe.xmp\0") {
                    metadata.xmp = xmp(packet, most_bytes);
                }
            }
            _ => {}
        }
    }
    (icc, metadata)
}

/// International text after its keyword: packed or not, method, language, translated keyword, text.
fn xmp(text: &[u8], most_bytes: usize) -> Option<Vec<u8>> {
    let (flags, rest) = text.split_at_checked(2)?;
    let packet = after_zero(after_zero(rest)?)?;
    if flags[0] == 0 { Some(packet.to_vec()) } else { unpacked(packet, most_bytes) }
}

fn after_zero(data: &[u8]) -> Option<&[u8]> {
    data.iter().position(|byte| *byte == 0).map(|zero| &data[zero + 1..])
}

/// One byte more than the bound is let through, so that the caller sees it was passed.
fn unpacked(packed: &[u8], most_bytes: usize) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    ZlibDecoder::new(packed).take(most_bytes as u64 + 1).read_to_end(&mut data).ok()?;
    Some(data)
}

/// Names and data of a file's chunks, to the first that does not fit.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let (data, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        rest = after.get(4..).unwrap_or_default();
        Some((name, data))
    })
}

fn complaint(error: DecodingError) -> Error {
    corrupt(Format::Png, error)
}

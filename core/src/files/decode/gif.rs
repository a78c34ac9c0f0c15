//! GIF, still and animated.

use super::{
    Raw,
    canvas::{After, Blend, Canvas, Frame},
    channels::{Channels, separate},
    corrupt, no_such_frame,
};
use crate::{
    Error, Kind, Result,
    files::{Format, Metadata, ReadOptions},
    pixels::{Rect, Size},
};
use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, DisposalMethod, MemoryLimit};

pub(super) fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Raw> {
    let frames = frame_count(bytes);
    if frames == 0 {
        return Err(corrupt(Format::Gif, "it has no frame"));
    }
    if options.frame >= frames {
        return Err(no_such_frame(options.frame, frames));
    }
    let mut settings = DecodeOptions::new();
    settings.set_color_output(ColorOutput::Indexed);
    // Pixels are bounded by our own check of every frame; this leaves it nothing to refuse.
    settings.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = settings.read_info(bytes).map_err(complaint)?;
    let size = Size::new(decoder.width().into(), decoder.height().into());
    options.limits.check(size)?;
    let mut canvas = Canvas::new(size)?;
    for number in 0..=options.frame {
        let (frame, painted) = next_frame(&mut decoder, options)?;
        if number < options.frame {
            canvas.pass(&frame, painted);
        } else {
            canvas.draw(&frame, painted);
        }
    }
    let block = |block: Option<&[u8]>| block.map(<[u8]>::to_vec);
    let icc = block(decoder.icc_profile());
    let metadata = Metadata { exif: None, xmp: block(decoder.xmp_metadata()) };
    let pixels = separate(canvas.into_samples(), Channels::Rgba, size)?;
    Ok(Raw { icc, metadata, frames, ..Raw::new(pixels) })
}

/// Decodes the next frame: where it goes, and its pixels by index.
fn next_frame(
    decoder: &mut Decoder<&[u8]>,
    options: &ReadOptions,
) -> Result<(Frame, impl Fn(usize) -> [u8; 4] + use<>)> {
    let missing = || corrupt(Format::Gif, "it ends before this frame");
    let info = decoder.next_frame_info().map_err(complaint)?.ok_or_else(missing)?;
    let place =
        Rect { left: info.left.into(), top: info.top.into(), size: Size::new(info.width.into(), info.height.into()) };
    options.limits.check(place.size)?;
    let after = match info.dispose {
        DisposalMethod::Any | DisposalMethod::Keep => After::Stay,
        DisposalMethod::Background => After::Clear,
        DisposalMethod::Previous => After::Restore,
    };
    let transparent = info.transparent;
    let own_palette = info.palette.clone();
    let palette = own_palette.or_else(|| decoder.global_palette().map(<[u8]>::to_vec));
    let palette = palette.ok_or_else(|| corrupt(Format::Gif, "a frame has no palette"))?;
    let mut indices = super::channels::zeroed::<u8>(place.size, 1)?;
    decoder.read_into_buffer(&mut indices).map_err(complaint)?;
    let painted = move |at: usize| {
        let index = indices[at];
        let color = palette.as_chunks::<3>().0.get(usize::from(index)).filter(|_| Some(index) != transparent);
        color.map_or([0; 4], |[r, g, b]| [*r, *g, *b, 255])
    };
    Ok((Frame { place, blend: Blend::Over, after }, painted))
}

/// Counts image blocks without decoding them; blocks are chains of pieces that state their length.
fn frame_count(bytes: &[u8]) -> u32 {
    let palette = |packed: u8| if packed & 0x80 != 0 { 3 << ((packed & 7) + 1) } else { 0 };
    let Some(packed) = bytes.get(10) else { return 0 };
    let mut at = 13 + palette(*packed);
    let mut frames = 0;
    loop {
        at = match (bytes.get(at), bytes.get(at + 9)) {
            (Some(0x2c), Some(packed)) => {
                frames += 1;
                after_pieces(bytes, at + 11 + palette(*packed))
            }
            (Some(0x21), _) => after_pieces(bytes, at + 2),
            _ => return frames,
        };
    }
}

fn after_pieces(bytes: &[u8], mut at: usize) -> usize {
    while let Some(length) = bytes.get(at) {
        at += 1 + usize::from(*length);
        if *length == 0 {
            break;
        }
    }
    at
}

fn complaint(error: DecodingError) -> Error {
    match error {
        DecodingError::OutOfMemory | DecodingError::MemoryLimit => {
            Error::new(Kind::OutOfMemory, "a frame of the GIF does not fit into memory")
        }
        error => corrupt(Format::Gif, error),
    }
}

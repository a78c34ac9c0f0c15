//! Writing lossless WebP.

use super::{Blocks, refused, rows::Source};
use crate::{Error, Kind, Result, files::Format};
use image_webp::{ColorType, WebPEncoder};
use std::borrow::Cow;

/// The most pixels a side of a WebP picture has; 16384 would fit its 14 bits too, but readers trip over it.
const MOST: u32 = 16383;

pub(super) fn encode(source: &Source<'_>, blocks: &Blocks<'_>) -> Result<Vec<u8>> {
    let size = source.size();
    if size.width > MOST || size.height > MOST {
        let message = format!("WebP holds at most {MOST} pixels a side, and the picture is {size}");
        return Err(Error::new(Kind::OutputUnsupported, message));
    }
    let mut file = Vec::with_capacity(size.area() / 2 + 1024);
    let mut encoder = WebPEncoder::new(&mut file);
    let owned = |block: Option<&[u8]>| block.unwrap_or_default().to_vec();
    encoder.set_icc_profile(owned(blocks.icc));
    encoder.set_exif_metadata(owned(blocks.metadata.exif.as_deref()));
    encoder.set_xmp_metadata(owned(blocks.metadata.xmp.as_deref()));
    let color = match source.channels() {
        1 => ColorType::L8,
        3 => ColorType::Rgb8,
        _ => ColorType::Rgba8,
    };
    let samples = source.as_eight().map_or_else(|| Cow::Owned(source.all_eight()), Cow::Borrowed);
    encoder.encode(&samples, size.width, size.height, color).map_err(|error| refused(Format::WebP, error))?;
    Ok(file)
}

//! Writing JPEG.

use super::{Blocks, WriteOptions, refused, rows::Source};
use crate::{Error, Kind, Result, files::Format};
use jpeg_encoder::{ColorType, Encoder, EncodingError, SamplingFactor};
use std::borrow::Cow;

/// The most bytes a marker segment holds after its length.
const SEGMENT: usize = 65533;
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

pub(super) fn encode(source: &Source<'_>, blocks: &Blocks<'_>, options: &WriteOptions) -> Result<Vec<u8>> {
    let size = source.size();
    let (Ok(width), Ok(height)) = (u16::try_from(size.width), u16::try_from(size.height)) else {
        let message = format!("JPEG holds at most 65535 pixels a side, and the picture is {size}");
        return Err(Error::new(Kind::OutputUnsupported, message));
    };
    let mut file = Vec::with_capacity(size.area() / 4);
    let mut encoder = Encoder::new(&mut file, options.quality);
    // Above this, people look for fine colour edges, which halved chroma blurs.
    let fine = options.quality > 92;
    encoder.set_sampling_factor(if fine { SamplingFactor::F_1_1 } else { SamplingFactor::F_2_2 });
    embed(&mut encoder, blocks).map_err(|error| refused(Format::Jpeg, error))?;
    let samples = source.as_eight().map_or_else(|| Cow::Owned(source.all_eight()), Cow::Borrowed);
    let color = if source.channels() == 1 { ColorType::Luma } else { ColorType::Rgb };
    encoder.encode(&samples, width, height, color).map_err(|error| refused(Format::Jpeg, error))?;
    Ok(file)
}

/// Profile, EXIF and XMP as marker segments; EXIF comes first because some readers expect it there.
fn embed<W: jpeg_encoder::JfifWrite>(encoder: &mut Encoder<W>, blocks: &Blocks<'_>) -> Result<(), EncodingError> {
    let fits = |prefix: usize, block: &&Vec<u8>| prefix + block.len() <= SEGMENT;
    if let Some(block) = blocks.metadata.exif.as_ref().filter(|block| fits(6, block)) {
        encoder.add_exif_metadata(block)?;
    }
    if let Some(packet) = blocks.metadata.xmp.as_ref().filter(|packet| fits(XMP.len(), packet)) {
        encoder.add_app_segment(1, [XMP, packet].concat())?;
    }
    blocks.icc.map_or(Ok(()), |icc| encoder.add_icc_profile(icc))
}

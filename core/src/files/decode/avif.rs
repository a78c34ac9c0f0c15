//! AVIF stills: the container is read here, the pictures inside by `rav1d` (ISO/IEC 23000-22 and
//! 23008-12, <https://aomediacodec.github.io/av1-avif/>).
//!
//! Of a sequence only the still beside it is read. Colours of high dynamic range stay as stored.

#[expect(unsafe_code, reason = "the decoder's interface is that of a C library")]
mod av1;
mod boxes;
mod codes;
mod colors;
mod container;
mod frames;
mod location;
mod pictures;
mod placement;
mod planes;
mod properties;

use super::{
    Raw,
    channels::{Pixels, unmultiplied},
    corrupt,
};
use crate::{
    Error, Kind, Result,
    files::{Format, Metadata, ReadOptions, Warning, exif},
    pixels::{Alpha, Size},
};
use codes::ColorCodes;
use container::Container;
use placement::Placement;
use planes::Layout;
use properties::Property;

pub(super) fn decode(bytes: &[u8], options: &ReadOptions) -> Result<Raw> {
    let file = Container::parse(bytes)?;
    if file.is_sequence && options.frame > 0 {
        let message = format!("frame {} was asked for, but of AVIF sequences only the first is read", options.frame);
        return Err(Error::new(Kind::OptionInvalid, message));
    }
    let id = file.primary()?;
    let properties = file.properties(id)?;
    let planes = pictures::decode(&file, id, &options.limits)?;
    let placement = Placement::of(&properties, planes.size)?;
    let codes = properties.iter().find_map(codes_of).unwrap_or(planes.codes);
    let color = placement.crop_color(colors::to_rgb(&planes, codes)?);
    let (size, is_grey) = (planes.size, planes.layout == Layout::Grey);
    drop(planes);
    let alpha_id = alpha_of(&file, id)?;
    let alpha = alpha_id.map(|alpha| decode_alpha(&file, alpha, size, options)).transpose()?.flatten();
    let alpha = alpha.map(|alpha| placement.crop_alpha(alpha));
    let is_multiplied = alpha_id.is_some_and(|alpha| file.referred(*b"prem", id).contains(&alpha));
    let color = match &alpha {
        Some(alpha) if is_multiplied => unmultiplied(color, alpha),
        _ => color,
    };
    let mut raw = Raw::new(Pixels { color, alpha, had_alpha: alpha_id.is_some(), is_grey });
    // Said by the file even when it says nothing: EXIF has no say in it.
    raw.orientation = Some(placement.orientation);
    raw.frames = u32::from(!file.is_sequence);
    raw.metadata = metadata(&file, id);
    add_profile(&mut raw, &properties, codes);
    Ok(raw)
}

fn codes_of(property: &Property<'_>) -> Option<ColorCodes> {
    if let Property::Codes(codes) = property { Some(*codes) } else { None }
}

/// The item that is alpha for another (`auxl`).
fn alpha_of(file: &Container<'_>, id: u32) -> Result<Option<u32>> {
    for auxiliary in file.referring(*b"auxl", id) {
        if file.properties(auxiliary)?.iter().any(|property| matches!(property, Property::Alpha)) {
            return Ok(Some(auxiliary));
        }
    }
    Ok(None)
}

/// Alpha, unless all of it is opaque.
fn decode_alpha(file: &Container<'_>, id: u32, size: Size, options: &ReadOptions) -> Result<Option<Alpha>> {
    let planes = pictures::decode(file, id, &options.limits)?;
    if planes.size != size {
        return Err(corrupt(Format::Avif, format!("its alpha has {} pixels, its colours {size}", planes.size)));
    }
    Ok(colors::to_alpha(&planes))
}

/// EXIF and XMP that describe the picture (`cdsc`); what cannot be found is left out, as it is no pixels.
fn metadata(file: &Container<'_>, id: u32) -> Metadata {
    let mut metadata = Metadata::default();
    for described in file.referring(*b"cdsc", id) {
        let (Ok(item), Ok(bytes)) = (file.item(described), file.bytes_of(described)) else { continue };
        match (&item.kind, item.content_type) {
            (b"Exif", _) => metadata.exif = exif_block(&bytes).map(<[u8]>::to_vec),
            (b"mime", b"application/rdf+xml") => metadata.xmp = Some(bytes.into_owned()),
            _ => {}
        }
    }
    metadata
}

/// Four bytes tell how far on the TIFF header is (ISO/IEC 23008-12, A.2.1: `ExifDataBlock`).
fn exif_block(bytes: &[u8]) -> Option<&[u8]> {
    let (skipped, block) = bytes.split_first_chunk::<4>()?;
    let block = block.get(u32::from_be_bytes(*skipped) as usize..)?;
    Some(exif::without_prefix(block))
}

/// The file's profile, or one made from its code points.
fn add_profile(raw: &mut Raw, properties: &[Property<'_>], codes: ColorCodes) {
    let stored = properties.iter().find_map(|property| match property {
        Property::Profile(profile) => Some(profile.to_vec()),
        _ => None,
    });
    raw.icc = match stored {
        Some(profile) => Some(profile),
        None if raw.pixels.is_grey => None,
        None => codes.profile().unwrap_or_else(|_| {
            raw.warnings.push(Warning::ProfileUnreadable);
            None
        }),
    };
}

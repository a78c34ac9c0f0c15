//! What a file says about its items (ISO/IEC 23008-12, 6.5 and 9.3: `iprp`, `ipco`, `ipma`).

use super::{
    boxes::{Fields, Name},
    codes::ColorCodes,
    container::identifier,
};
use crate::{Result, pixels::Size};

/// One property of the list that items share.
#[derive(Debug, Clone, Copy)]
pub(super) enum Property<'a> {
    /// `ispe`: the picture's sides, before it is cropped and turned.
    Size(Size),
    /// `colr` with a profile's bytes.
    Profile(&'a [u8]),
    /// `colr` with code points.
    Codes(ColorCodes),
    /// `irot`: quarters to turn against the clock.
    Turn(u8),
    /// `imir`: 0 swaps top and bottom, 1 left and right.
    Mirror(u8),
    /// `clap`.
    Aperture(CleanAperture),
    /// `auxC` naming alpha.
    Alpha,
    /// What the AV1 data says itself, or what does not change the pixels.
    Known,
    /// Anything else.
    Unknown(Name),
}

/// The part of a picture to be shown, as fractions: numerator and denominator of the width, the
/// height and the distances of the part's centre from the picture's (ISO/IEC 14496-12, 12.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CleanAperture {
    pub width: [u32; 2],
    pub height: [u32; 2],
    pub right: [i32; 2],
    pub down: [i32; 2],
}

/// That an item has a property: an index from 1, and whether one must know it to show the item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Association(u16);

impl Association {
    const ESSENTIAL: u16 = 0x8000;

    /// The property's place in the list, from 0.
    pub fn index(self) -> Option<usize> {
        usize::from(self.0 & !Self::ESSENTIAL).checked_sub(1)
    }

    pub fn is_essential(self) -> bool {
        self.0 & Self::ESSENTIAL != 0
    }
}

/// Reads `iprp`: the list of properties and which item has which.
pub(super) fn read<'a>(
    mut iprp: Fields<'a>,
    properties: &mut Vec<Property<'a>>,
    mut found: impl FnMut(u32, Association),
) -> Result<()> {
    while let Some((name, mut inside)) = iprp.next_box()? {
        match &name {
            b"ipco" => {
                // More than can be referred to are not kept.
                while let Some((name, property)) = inside.next_box()?
                    && properties.len() < usize::from(Association::ESSENTIAL)
                {
                    properties.push(read_property(name, property)?);
                }
            }
            b"ipma" => read_associations(inside, &mut found)?,
            _ => {}
        }
    }
    Ok(())
}

fn read_associations(mut table: Fields<'_>, found: &mut impl FnMut(u32, Association)) -> Result<()> {
    let (version, flags) = table.version_and_flags()?;
    for _ in 0..table.u32()? {
        let id = identifier(&mut table, version > 0)?;
        for _ in 0..table.u8()? {
            let association = if flags & 1 == 1 {
                table.u16()?
            } else {
                let narrow = u16::from(table.u8()?);
                narrow & 0x7f | (narrow & 0x80) << 8
            };
            found(id, Association(association));
        }
    }
    Ok(())
}

fn read_property<'a>(name: Name, mut fields: Fields<'a>) -> Result<Property<'a>> {
    const ALPHA: [&[u8]; 2] = [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"];
    Ok(match &name {
        b"ispe" => {
            fields.version_and_flags()?;
            Property::Size(Size::new(fields.u32()?, fields.u32()?))
        }
        b"colr" => match &fields.name()? {
            b"prof" | b"rICC" => Property::Profile(fields.rest()),
            b"nclx" => Property::Codes(ColorCodes {
                primaries: fields.u16()?.into(),
                transfer: fields.u16()?.into(),
                matrix: fields.u16()?.into(),
                is_full_range: fields.u8()? & 0x80 != 0,
            }),
            _ => Property::Known,
        },
        b"irot" => Property::Turn(fields.u8()? & 3),
        b"imir" => Property::Mirror(fields.u8()? & 1),
        b"clap" => {
            let mut pair = || Ok([fields.u32()?, fields.u32()?]);
            let [width, height, right, down] = [pair()?, pair()?, pair()?, pair()?];
            let signed = |pair: [u32; 2]| pair.map(u32::cast_signed);
            Property::Aperture(CleanAperture { width, height, right: signed(right), down: signed(down) })
        }
        b"auxC" => {
            fields.version_and_flags()?;
            if ALPHA.contains(&fields.text()) { Property::Alpha } else { Property::Known }
        }
        b"av1C" | b"pixi" | b"pasp" | b"a1lx" | b"clli" | b"mdcv" | b"cclv" | b"amve" => Property::Known,
        _ => Property::Unknown(name),
    })
}

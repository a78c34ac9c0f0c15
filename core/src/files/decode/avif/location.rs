//! Where an item's bytes lie (ISO/IEC 14496-12, 8.11.3: `iloc`).

use super::{boxes::Fields, container::identifier};
use crate::{Error, Kind, Result, files::Format, files::decode::corrupt};
use std::borrow::Cow;

/// One item's entry, its extents not yet read: an entry without widths can claim thousands for nothing.
#[derive(Debug)]
pub(super) struct Location<'a> {
    /// Where the extents are counted from: 0 the file, 1 `idat`.
    method: u16,
    /// Whether the bytes are in this file.
    is_here: bool,
    base: u64,
    count: u16,
    widths: Widths,
    extents: Fields<'a>,
}

/// Bytes of the numbers in an extent: 0, 4 or 8 each.
#[derive(Debug, Clone, Copy)]
struct Widths {
    index: usize,
    offset: usize,
    length: usize,
}

/// Reads the table and hands over each item's location.
pub(super) fn read<'a>(mut table: Fields<'a>, mut found: impl FnMut(u32, Location<'a>)) -> Result<()> {
    let (version, _) = table.version_and_flags()?;
    if version > 2 {
        return Err(Error::new(Kind::FormatUnsupported, "AVIF with this version of `iloc` is not read here"));
    }
    let (high, low) = (table.u8()?, table.u8()?);
    let [offset, length, base_width, index] = [high >> 4, high & 15, low >> 4, low & 15].map(usize::from);
    let widths = Widths { offset, length, index: if version > 0 { index } else { 0 } };
    if [offset, length, base_width, widths.index].iter().any(|width| !matches!(width, 0 | 4 | 8)) {
        return Err(corrupt(Format::Avif, "its `iloc` has numbers of a strange width"));
    }
    for _ in 0..identifier(&mut table, version > 1)? {
        let id = identifier(&mut table, version > 1)?;
        let method = if version > 0 { table.u16()? & 15 } else { 0 };
        let is_here = table.u16()? == 0;
        let base = table.number(base_width)?;
        let count = table.u16()?;
        let extents = table.take(usize::from(count) * (widths.index + offset + length))?;
        found(id, Location { method, is_here, base, count, widths, extents: Fields::new(extents) });
    }
    Ok(())
}

impl<'a> Location<'a> {
    /// The item's bytes out of the file's or those of `idat`.
    ///
    /// # Errors
    /// `PictureCorrupt` when they lie outside, or are none; `FormatUnsupported` when they are elsewhere.
    pub fn bytes(&self, file: &'a [u8], data: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        let source = match self.method {
            0 if self.is_here => file,
            1 => data,
            _ => return Err(Error::new(Kind::FormatUnsupported, "AVIF with items inside others is not read here")),
        };
        let (mut extents, mut bytes) = (self.extents, Cow::Borrowed(&[][..]));
        for _ in 0..self.count {
            extents.take(self.widths.index)?;
            let (offset, length) = (extents.number(self.widths.offset)?, extents.number(self.widths.length)?);
            let outside = || corrupt(Format::Avif, "an item lies outside of the file");
            let extent = extent(source, self.base.checked_add(offset), length).ok_or_else(outside)?;
            // Parts of a file are no longer than the file, unless they overlap to fill memory.
            if bytes.len() + extent.len() > source.len() {
                return Err(corrupt(Format::Avif, "an item is longer than the file"));
            }
            match bytes.is_empty() {
                true => bytes = Cow::Borrowed(extent),
                false => bytes.to_mut().extend_from_slice(extent),
            }
        }
        if bytes.is_empty() {
            return Err(corrupt(Format::Avif, "an item has no bytes"));
        }
        Ok(bytes)
    }
}

/// A length of 0 means everything from the offset on.
fn extent(source: &[u8], offset: Option<u64>, length: u64) -> Option<&[u8]> {
    let rest = source.get(usize::try_from(offset?).ok()?..)?;
    if length == 0 { Some(rest) } else { rest.get(..usize::try_from(length).ok()?) }
}

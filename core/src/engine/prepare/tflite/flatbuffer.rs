//! Reads the tables of a FlatBuffers file, trusting none of its offsets (format: flatbuffers.dev/internals).

use crate::{Error, Kind, Result};

/// A table of a file: fields by number, each of which may be left out.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where each field lies behind `at`, two bytes each, 0 for one left out.
    fields: &'a [u8],
}

impl<'a> Table<'a> {
    /// A table whose fields are all left out.
    pub const EMPTY: Self = Self { bytes: &[], at: 0, fields: &[] };

    /// The table that a file begins with.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`], as from all that follows, when something lies outside the file.
    pub fn root(bytes: &'a [u8]) -> Result<Self> {
        Self::behind(bytes, 0)
    }

    /// The table that the offset at `place` leads to.
    fn behind(bytes: &'a [u8], place: usize) -> Result<Self> {
        let at = follow(bytes, place)?;
        let back = i64::from(i32::from_le_bytes(number(bytes, at)?));
        let list = usize::try_from(at as i64 - back).map_err(|_| damaged(at))?;
        let length = usize::from(u16::from_le_bytes(number(bytes, list)?));
        let fields = bytes.get(list..).and_then(|rest| rest.get(4..length)).ok_or_else(|| damaged(list))?;
        Ok(Self { bytes, at, fields })
    }

    fn place(&self, field: usize) -> Option<usize> {
        let pair = self.fields.get(2 * field..2 * field + 2)?;
        let offset = u16::from_le_bytes([pair[0], pair[1]]);
        (offset != 0).then(|| self.at + usize::from(offset))
    }

    fn scalar<const N: usize>(&self, field: usize) -> Result<Option<[u8; N]>> {
        self.place(field).map(|place| number(self.bytes, place)).transpose()
    }

    /// A field of one byte; 0 when it is left out.
    ///
    /// # Errors
    /// As [`root`](Self::root).
    pub fn byte(&self, field: usize) -> Result<u8> {
        Ok(self.scalar(field)?.map_or(0, u8::from_le_bytes))
    }

    /// A field of four bytes; `otherwise` when it is left out.
    ///
    /// # Errors
    /// As [`root`](Self::root).
    pub fn int(&self, field: usize, otherwise: i32) -> Result<i32> {
        Ok(self.scalar(field)?.map_or(otherwise, i32::from_le_bytes))
    }

    /// A field that is a table.
    ///
    /// # Errors
    /// As [`root`](Self::root).
    pub fn table(&self, field: usize) -> Result<Option<Self>> {
        self.place(field).map(|place| Self::behind(self.bytes, place)).transpose()
    }

    /// A field that is a list of tables; empty when it is left out.
    ///
    /// # Errors
    /// As [`root`](Self::root).
    pub fn tables(&self, field: usize) -> Result<Vec<Self>> {
        let Some((start, list)) = self.list(field, 4)? else { return Ok(Vec::new()) };
        (0..list.len() / 4).map(|index| Self::behind(self.bytes, start + 4 * index)).collect()
    }

    /// A field that is a list of whole numbers; empty when it is left out. More than `most` are refused: many fields may
    /// lead to one list, so that copies of it would grow beyond the file.
    ///
    /// # Errors
    /// As [`root`](Self::root), and when there are more.
    pub fn ints(&self, field: usize, most: usize) -> Result<Vec<i32>> {
        let Some((start, list)) = self.list(field, 4)? else { return Ok(Vec::new()) };
        if list.len() / 4 > most {
            let message = format!("a list of {} numbers at byte {start}, {most} are allowed", list.len() / 4);
            return Err(Error::new(Kind::ModelMismatch, message));
        }
        Ok(list.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
    }

    /// A field that is bytes; empty when it is left out.
    ///
    /// # Errors
    /// As [`root`](Self::root).
    pub fn data(&self, field: usize) -> Result<&'a [u8]> {
        Ok(self.list(field, 1)?.map_or(&[], |(_, list)| list))
    }

    /// A field that is text.
    ///
    /// # Errors
    /// As [`root`](Self::root).
    pub fn text(&self, field: usize) -> Result<&'a str> {
        std::str::from_utf8(self.data(field)?).map_err(|_| damaged(self.at))
    }

    /// Where the elements of a list begin, and their bytes.
    fn list(&self, field: usize, element: usize) -> Result<Option<(usize, &'a [u8])>> {
        let Some(place) = self.place(field) else { return Ok(None) };
        let at = follow(self.bytes, place)?;
        let count = u32::from_le_bytes(number(self.bytes, at)?) as usize;
        let length = count.checked_mul(element).ok_or_else(|| damaged(at))?;
        let rest = &self.bytes[at + 4..];
        Ok(Some((at + 4, rest.get(..length).ok_or_else(|| damaged(at))?)))
    }
}

/// Where the offset at `place` leads to.
fn follow(bytes: &[u8], place: usize) -> Result<usize> {
    let offset = u32::from_le_bytes(number(bytes, place)?) as usize;
    place.checked_add(offset).ok_or_else(|| damaged(place))
}

fn number<const N: usize>(bytes: &[u8], place: usize) -> Result<[u8; N]> {
    bytes.get(place..).and_then(|rest| rest.first_chunk()).copied().ok_or_else(|| damaged(place))
}

fn damaged(place: usize) -> Error {
    Error::new(Kind::ModelMismatch, format!("the file is damaged or cut short: byte {place} leads outside of it"))
}

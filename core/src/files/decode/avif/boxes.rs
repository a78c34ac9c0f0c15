//! Boxes of ISO media files and the fields inside: read in order, every end checked, nothing copied.
//!
//! A box's claimed length only ever narrows the bytes it came from, so that no claim costs memory
//! (ISO/IEC 14496-12, 4.2: `Box` and `FullBox`).

use crate::{Result, files::Format, files::decode::corrupt};

/// A box's four-character code.
pub(super) type Name = [u8; 4];

/// What is left to read of a box or of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next bytes.
    ///
    /// # Errors
    /// As all below: `PictureCorrupt` when fewer are left.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let cut = || corrupt(Format::Avif, "a box ends before its fields do");
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(cut)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A big-endian number of up to eight bytes; of none it is 0.
    pub fn number(&mut self, bytes: usize) -> Result<u64> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.number(1)? as u8)
    }

    pub fn u16(&mut self) -> Result<u16> {
        Ok(self.number(2)? as u16)
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(self.number(4)? as u32)
    }

    pub fn name(&mut self) -> Result<Name> {
        Ok(self.u32()?.to_be_bytes())
    }

    /// The version and flags that a `FullBox` starts with.
    pub fn version_and_flags(&mut self) -> Result<(u8, u32)> {
        Ok((self.u8()?, self.number(3)? as u32))
    }

    /// A text that ends at a zero byte, or with the box.
    pub fn text(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| *byte == 0).unwrap_or(self.rest.len());
        let text = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        text
    }

    /// Everything that is left.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// The next box: its name and what is inside; `None` at the end.
    pub fn next_box(&mut self) -> Result<Option<(Name, Fields<'a>)>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let whole = self.rest.len() as u64;
        let (short, name) = (self.u32()?, self.name()?);
        let length = match short {
            // To the end of what it is in.
            0 => whole,
            // The length did not fit and follows.
            1 => self.number(8)?,
            length => u64::from(length),
        };
        let header = whole - self.rest.len() as u64;
        let inside = length.checked_sub(header).and_then(|inside| usize::try_from(inside).ok());
        let inside = inside.ok_or_else(|| corrupt(Format::Avif, "a box is shorter than its own header"))?;
        Ok(Some((name, Fields::new(self.take(inside)?))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_kind_are_followed_and_lies_are_not() {
        type Case = (&'static [u8], Option<(&'static [u8], usize)>);
        let cases: &[Case] = &[
            (b"\0\0\0\x0aabcdXYrest", Some((b"XY", 4))),
            (b"\0\0\0\0abcdXYrest", Some((b"XYrest", 0))),
            (b"\0\0\0\x01abcd\0\0\0\0\0\0\0\x12XYrest", Some((b"XY", 4))),
            (b"\0\0\0\x08abcd", Some((b"", 0))),
            (b"\0\0\0\x07abcd", None),
            (b"\0\0\0\x09abcd", None),
            (b"\0\0\0\x01abcd\0\0\0\0\0\0\0\x0f", None),
            (b"\0\0\0\x01abcd\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\0\0\0\x08abc", None),
        ];
        for (bytes, wanted) in cases {
            let mut fields = Fields::new(bytes);
            let got = fields.next_box().ok().flatten().map(|(_, inside)| (inside.rest(), fields.rest().len()));
            assert_eq!(got, *wanted, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn numbers_and_texts() {
        let mut fields = Fields::new(b"\x01\x02\x03mime\0type\0rest");
        assert_eq!((fields.number(0).unwrap(), fields.number(3).unwrap()), (0, 0x010203));
        assert_eq!(
            (fields.text(), fields.text(), fields.text(), fields.text()),
            (&b"mime"[..], &b"type"[..], &b"rest"[..], &b""[..])
        );
        assert!(fields.u8().is_err());
    }
}

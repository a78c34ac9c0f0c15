//! EXIF blocks: reading and resetting the orientation, taking out what tells where and by whom.
//!
//! A block is a small TIFF file: directories of 12-byte entries that point into the block. Nothing
//! in it is trusted; whatever does not hold together makes the whole block be dropped.

const ORIENTATION: u16 = 0x0112;
const EXIF_DIRECTORY: u16 = 0x8769;
const GPS_DIRECTORY: u16 = 0x8825;
const MAKER_NOTE: u16 = 0x927C;

/// A block with a checked header.
struct Block<'a> {
    bytes: &'a mut [u8],
    little: bool,
}

/// The orientation, 1 to 8, or 1 where the block names none.
pub fn orientation(exif: &[u8]) -> u8 {
    let mut copy = exif.to_vec();
    let found = Block::new(&mut copy).and_then(|block| {
        let entries = block.entries(block.first()?)?;
        let at = entries.into_iter().find(|&at| block.u16(at) == Some(ORIENTATION))?;
        u8::try_from(block.u16(at + 8)?).ok()
    });
    found.filter(|value| (1..=8).contains(value)).unwrap_or(1)
}

/// The block with orientation 1, for pixels that were turned upright; `None` when it is damaged.
pub fn upright(mut exif: Vec<u8>) -> Option<Vec<u8>> {
    let mut block = Block::new(&mut exif)?;
    let entries = block.entries(block.first()?)?;
    for at in entries {
        if block.u16(at)? == ORIENTATION {
            block.put_u16(at + 8, 1)?;
        }
    }
    Some(exif)
}

/// The block without position, maker's notes and thumbnail; `None` when it is damaged.
///
/// Their bytes are overwritten, not only unlinked. Maker's notes may hold positions in forms nobody
/// documents, and a thumbnail shows the background that was taken out.
pub fn without_private(mut exif: Vec<u8>) -> Option<Vec<u8>> {
    let mut block = Block::new(&mut exif)?;
    let first = block.first()?;
    let details = block.pointer(first, EXIF_DIRECTORY);
    if let Some(position) = block.pointer(first, GPS_DIRECTORY) {
        block.wipe_directory(position)?;
        block.remove(first, GPS_DIRECTORY)?;
    }
    if let Some(details) = details {
        block.remove(details, MAKER_NOTE)?;
    }
    block.cut_thumbnail(first)?;
    Some(exif)
}

impl<'a> Block<'a> {
    fn new(bytes: &'a mut [u8]) -> Option<Self> {
        let little = match bytes.get(..4)? {
            [b'I', b'I', 42, 0] => true,
            [b'M', b'M', 0, 42] => false,
            _ => return None,
        };
        Some(Self { bytes, little })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let pair = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let four = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) } as usize)
    }

    fn put_u16(&mut self, at: usize, value: u16) -> Option<()> {
        let pair = if self.little { value.to_le_bytes() } else { value.to_be_bytes() };
        self.bytes.get_mut(at..at + 2)?.copy_from_slice(&pair);
        Some(())
    }

    /// Offset of the first directory.
    fn first(&self) -> Option<usize> {
        self.u32(4)
    }

    /// Offsets of a directory's entries; all of them lie inside the block.
    fn entries(&self, directory: usize) -> Option<Vec<usize>> {
        let count = self.u16(directory)? as usize;
        let end = directory.checked_add(2 + count * 12)?;
        (end <= self.bytes.len()).then(|| (0..count).map(|index| directory + 2 + index * 12).collect())
    }

    /// The directory that an entry of another one points to.
    fn pointer(&self, directory: usize, tag: u16) -> Option<usize> {
        let at = self.entries(directory)?.into_iter().find(|&at| self.u16(at) == Some(tag))?;
        self.u32(at + 8)
    }

    /// Bytes that an entry's value takes, and where they lie when not inside the entry.
    fn value(&self, at: usize) -> Option<(usize, usize)> {
        let unit = match self.u16(at + 2)? {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => return None,
        };
        let length = self.u32(at + 4)?.checked_mul(unit)?;
        Some((if length > 4 { self.u32(at + 8)? } else { at + 8 }, length))
    }

    fn wipe(&mut self, from: usize, length: usize) -> Option<()> {
        self.bytes.get_mut(from..from.checked_add(length)?)?.fill(0);
        Some(())
    }

    /// Overwrites all values of a directory and its entries, leaving it empty.
    fn wipe_directory(&mut self, directory: usize) -> Option<()> {
        for at in self.entries(directory)? {
            let (from, length) = self.value(at)?;
            self.wipe(from, length)?;
            self.wipe(at, 12)?;
        }
        self.put_u16(directory, 0)
    }

    /// Takes one entry out of a directory and overwrites its value.
    fn remove(&mut self, directory: usize, tag: u16) -> Option<()> {
        let entries = self.entries(directory)?;
        let Some(index) = entries.iter().position(|&at| self.u16(at) == Some(tag)) else { return Some(()) };
        let at = entries[index];
        let (from, length) = self.value(at)?;
        self.wipe(from, length)?;
        // The entries behind it and the link to the next directory move up.
        let end = directory + 2 + entries.len() * 12;
        let link = if end + 4 <= self.bytes.len() { 4 } else { 0 };
        self.bytes.copy_within(at + 12..end + link, at);
        self.wipe(end + link - 12, 12)?;
        self.put_u16(directory, entries.len() as u16 - 1)
    }

    /// Overwrites the second directory and the thumbnail it points to.
    fn cut_thumbnail(&mut self, first: usize) -> Option<()> {
        const OFFSET: u16 = 0x0201;
        const LENGTH: u16 = 0x0202;
        let link = first + 2 + self.entries(first)?.len() * 12;
        let Some(second) = self.u32(link).filter(|&second| second != 0) else { return Some(()) };
        if let (Some(from), Some(length)) = (self.pointer(second, OFFSET), self.pointer(second, LENGTH)) {
            self.wipe(from, length)?;
        }
        self.wipe_directory(second)?;
        self.wipe(link, 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Little-endian: orientation 6 and a pointer to a position of one text entry, then a thumbnail.
    fn block() -> Vec<u8> {
        let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
        let entry = |tag: u16, kind: u16, count: u32, value: u32| {
            let mut entry = Vec::new();
            entry.extend(tag.to_le_bytes());
            entry.extend(kind.to_le_bytes());
            entry.extend(count.to_le_bytes());
            entry.extend(value.to_le_bytes());
            entry
        };
        bytes.extend(2_u16.to_le_bytes());
        bytes.extend(entry(ORIENTATION, 3, 1, 6));
        bytes.extend(entry(GPS_DIRECTORY, 4, 1, 38));
        bytes.extend(66_u32.to_le_bytes());
        bytes.extend(1_u16.to_le_bytes());
        bytes.extend(entry(0x001D, 2, 10, 56));
        assert_eq!(bytes.len(), 52);
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(b"Lake Como\0");
        bytes.extend(2_u16.to_le_bytes());
        bytes.extend(entry(0x0201, 4, 1, 96));
        bytes.extend(entry(0x0202, 4, 1, 5));
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(b"THUMB");
        bytes
    }

    #[test]
    fn orientation_is_read_and_reset() {
        assert_eq!(orientation(&block()), 6);
        assert_eq!(orientation(&upright(block()).unwrap()), 1);
    }

    #[test]
    fn position_and_thumbnail_are_overwritten() {
        let safe = without_private(block()).unwrap();
        let text = String::from_utf8_lossy(&safe);
        assert!(!text.contains("Como") && !text.contains("THUMB"), "{text}");
        assert_eq!(orientation(&safe), 6, "the rest stays");
    }

    #[test]
    fn damaged_blocks_are_dropped_whole() {
        for length in 0..block().len() {
            let cut = block()[..length].to_vec();
            let _ = (orientation(&cut), upright(cut.clone()), without_private(cut));
        }
        let mut looping = block();
        looping[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(without_private(looping), None);
    }
}

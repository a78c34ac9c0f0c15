//! EXIF blocks: reading and resetting orientation, and rebuilding a block without private fields.
//!
//! An EXIF block is a small TIFF file: a header and directories of tagged values (Exif 2.32, 4.5).
//! Every offset is checked; what does not lie inside the block does not exist.

use super::orientation::Orientation;

const ORIENTATION: u16 = 0x0112;
const EXIF_DIRECTORY: u16 = 0x8769;
const GPS_DIRECTORY: u16 = 0x8825;
const INTEROPERABILITY_DIRECTORY: u16 = 0xa005;

/// Bytes of a block whose one directory has no field.
const EMPTY: usize = 8 + 2 + 4;

/// Fields that say who or where: a serial number names a person as well as a place does.
const PRIVATE: &[u16] = &[
    0x927c, // maker note: serial numbers, faces, sometimes places
    0x9286, // user comment: apps write places and paths into it
    0xa430, // camera owner
    0xa431, // body serial number
    0xa435, // lens serial number
    0x02bc, // XMP inside TIFF
    0x83bb, // IPTC: city, country
    0x8649, // Photoshop resources
    0xc4a5, // print image matching
    0xea1c, // padding that editors leave, with remains of what stood there
    0xea1d, // offset of the maker note
];

/// Fields that describe how the file's own pixels are stored; wrong for any other file.
const STRUCTURE: &[u16] = &[
    0x00fe, 0x00ff, 0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x010a, 0x0111, 0x0115, 0x0116, 0x0117, 0x011c, 0x0120,
    0x0121, 0x013d, 0x0140, 0x0142, 0x0143, 0x0144, 0x0145, 0x014a, 0x0152, 0x0153, 0x015b, 0x0201, 0x0202, 0x0211,
    0x0212, 0x0213, 0x0214, 0x02bc, 0x83bb, 0x8649, 0x8773, 0x927c, 0xc612,
];

/// Which fields a rebuilt block leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Without {
    /// Only how pixels are stored: for a block gathered from a TIFF file's own directory.
    Structure,
    /// That, and everything private: place, maker note, thumbnail, serial numbers.
    Private,
}

impl Without {
    fn leaves_out(self, tag: u16) -> bool {
        let private = || PRIVATE.contains(&tag) || tag == GPS_DIRECTORY || tag == INTEROPERABILITY_DIRECTORY;
        STRUCTURE.contains(&tag) || (self == Self::Private && private())
    }
}

/// The block without the `Exif\0\0` that JPEG puts before it and some writers leave in other formats.
pub(super) fn without_prefix(block: &[u8]) -> &[u8] {
    block.strip_prefix(b"Exif\0\0").unwrap_or(block)
}

/// The orientation the block states; upright when it states none.
pub(super) fn orientation(block: &[u8]) -> Orientation {
    let value = Block::new(block).and_then(|block| {
        let entry = block.entries(block.first_directory()?).find(|entry| entry.tag == ORIENTATION)?;
        block.u16(entry.value_at)
    });
    Orientation::from_exif(value.unwrap_or(1))
}

/// Writes 1 over every orientation in the block: the picture's own, and its thumbnail's.
pub(super) fn reset_orientation(block: &mut [u8]) {
    let Some(reader) = Block::new(block) else { return };
    let big_endian = reader.big_endian;
    let Some(first) = reader.first_directory() else { return };
    let directories = [Some(first), reader.next_directory(first)];
    let found: Vec<usize> = directories
        .into_iter()
        .flatten()
        .flat_map(|directory| reader.entries(directory))
        .filter(|entry| entry.tag == ORIENTATION && entry.length == 2)
        .map(|entry| entry.value_at)
        .collect();
    for at in found {
        block[at..at + 2].copy_from_slice(&if big_endian { [0, 1] } else { [1, 0] });
    }
}

/// A new block with the same fields but those left out, and no thumbnail.
///
/// `None` when the block cannot be read, nothing of it is left, or it would come out larger than
/// `most_bytes`: many fields may point at the same bytes, so a small block can claim to be a large one.
pub(super) fn rebuilt(block: &[u8], without: Without, most_bytes: usize) -> Option<Vec<u8>> {
    let reader = Block::new(block)?;
    let mut written = block[..8].to_vec();
    reader.put_u32(&mut written, 4, 8);
    reader.copy_directory(reader.first_directory()?, without, &mut written, most_bytes, 0)?;
    (written.len() > EMPTY).then_some(written)
}

/// A readable block.
struct Block<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

/// One field of a directory.
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    /// Where the value starts: in the entry itself when it is short.
    value_at: usize,
    /// The value's bytes; they lie inside the block.
    length: usize,
}

impl Entry {
    /// Whether the field leads to another directory.
    fn is_directory(&self) -> bool {
        matches!(self.tag, EXIF_DIRECTORY | GPS_DIRECTORY | INTEROPERABILITY_DIRECTORY)
    }

    /// Whether the value is a LONG, as offsets are.
    fn is_one_offset(&self) -> bool {
        (self.kind, self.count) == (4, 1)
    }
}

impl<'a> Block<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..4)? {
            b"MM\0*" => true,
            b"II*\0" => false,
            _ => return None,
        };
        bytes.get(4..8).map(|_| Self { bytes, big_endian })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn put_u16(&self, into: &mut [u8], at: usize, value: u16) {
        into[at..at + 2].copy_from_slice(&if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn put_u32(&self, into: &mut [u8], at: usize, value: u32) {
        into[at..at + 4].copy_from_slice(&if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn first_directory(&self) -> Option<usize> {
        self.u32(4).map(|at| at as usize)
    }

    fn next_directory(&self, at: usize) -> Option<usize> {
        let count = usize::from(self.u16(at)?);
        self.u32(at + 2 + count * 12).map(|next| next as usize).filter(|next| *next != 0 && *next != at)
    }

    /// The fields of a directory whose values lie inside the block.
    fn entries(&self, directory: usize) -> impl Iterator<Item = Entry> {
        let count = self.u16(directory).map_or(0, usize::from);
        (0..count)
            .map_while(move |index| self.bytes.get(directory + 2 + index * 12..)?.get(..12).map(|_| index))
            .filter_map(move |index| self.entry(directory + 2 + index * 12))
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        // Bytes of one value of each type: BYTE ASCII SHORT LONG RATIONAL SBYTE UNDEFINED SSHORT
        // SLONG SRATIONAL FLOAT DOUBLE.
        const SIZES: [usize; 13] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
        let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.u32(at + 4)?);
        let size = SIZES.get(usize::from(kind)).copied().filter(|size| *size > 0)?;
        let length = size.checked_mul(count as usize)?;
        let value_at = if length <= 4 { at + 8 } else { self.u32(at + 8)? as usize };
        self.bytes.get(value_at..value_at.checked_add(length)?)?;
        Some(Entry { tag, kind, count, value_at, length })
    }

    /// Appends one directory with its values, and the directories below it.
    fn copy_directory(
        &self,
        directory: usize,
        without: Without,
        into: &mut Vec<u8>,
        most_bytes: usize,
        depth: u8,
    ) -> Option<()> {
        let keeps = |entry: &Entry| !without.leaves_out(entry.tag) && (!entry.is_directory() || entry.is_one_offset());
        let kept: Vec<Entry> = self.entries(directory).filter(keeps).collect();
        let start = into.len();
        into.resize(start + 2 + kept.len() * 12 + 4, 0);
        self.put_u16(into, start, u16::try_from(kept.len()).ok()?);
        for (index, entry) in kept.iter().enumerate() {
            let at = start + 2 + index * 12;
            self.put_u16(into, at, entry.tag);
            self.put_u16(into, at + 2, entry.kind);
            self.put_u32(into, at + 4, entry.count);
            let next = u32::try_from(into.len()).ok()?;
            if entry.is_directory() {
                self.put_u32(into, at + 8, next);
                let target = self.u32(entry.value_at)? as usize;
                // Three levels are all there are: anything deeper is a loop.
                (depth < 2).then_some(())?;
                self.copy_directory(target, without, into, most_bytes, depth + 1)?;
            } else if entry.length <= 4 {
                into[at + 8..at + 12].copy_from_slice(&self.bytes[entry.value_at..entry.value_at + 4]);
            } else {
                self.put_u32(into, at + 8, next);
                into.extend_from_slice(&self.bytes[entry.value_at..entry.value_at + entry.length]);
                // Values start at even offsets.
                into.resize(into.len().next_multiple_of(2), 0);
            }
            (into.len() <= most_bytes).then_some(())?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block with one directory of short fields, in either byte order.
    fn block(big_endian: bool, fields: &[(u16, u16)]) -> Vec<u8> {
        let u16 = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let u32 = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut bytes = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        bytes.extend(u32(8));
        bytes.extend(u16(fields.len() as u16));
        for (tag, value) in fields {
            bytes.extend([u16(*tag), u16(3)].concat());
            bytes.extend(u32(1));
            bytes.extend([u16(*value), [0, 0]].concat());
        }
        bytes.extend(u32(0));
        bytes
    }

    #[test]
    fn orientation_is_read_and_reset_in_both_byte_orders() {
        for big_endian in [false, true] {
            for value in 1..=8 {
                let mut bytes = block(big_endian, &[(0x010f, 9), (ORIENTATION, value)]);
                assert_eq!(orientation(&bytes), Orientation::from_exif(value));
                reset_orientation(&mut bytes);
                assert_eq!(orientation(&bytes), Orientation::UPRIGHT);
                assert_eq!(bytes, block(big_endian, &[(0x010f, 9), (ORIENTATION, 1)]));
            }
        }
    }

    #[test]
    fn broken_blocks_are_upright_and_never_panic() {
        let whole = block(true, &[(ORIENTATION, 6)]);
        for end in 0..whole.len() {
            let mut cut = whole[..end].to_vec();
            orientation(&cut);
            reset_orientation(&mut cut);
            rebuilt(&cut, Without::Private, 1 << 20);
        }
        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent[at] = 0xff;
            orientation(&bent);
            reset_orientation(&mut bent);
            rebuilt(&bent, Without::Structure, 1 << 20);
        }
    }

    #[test]
    fn a_directory_that_holds_itself_ends() {
        let mut bytes = block(false, &[(EXIF_DIRECTORY, 8)]);
        bytes[12] = 4; // a LONG
        assert_eq!(rebuilt(&bytes, Without::Private, 1 << 20), None);
    }

    #[test]
    fn a_block_of_which_nothing_is_left_is_none() {
        assert_eq!(rebuilt(b"II*\0\xff\xff\xff\x7f", Without::Private, 1 << 20), None);
        assert_eq!(rebuilt(&block(true, &[(0x927c, 1)]), Without::Private, 1 << 20), None);
    }

    #[test]
    fn an_offset_of_another_type_is_no_directory() {
        let strange = block(false, &[(0x010f, 7), (EXIF_DIRECTORY, 8)]);
        assert_eq!(rebuilt(&strange, Without::Private, 1 << 20), Some(block(false, &[(0x010f, 7)])));
    }

    #[test]
    fn private_fields_go_and_others_stay() {
        let bytes = block(false, &[(0x010f, 7), (GPS_DIRECTORY, 8), (0x927c, 1), (0x0128, 2)]);
        assert_eq!(rebuilt(&bytes, Without::Private, 1 << 20), Some(block(false, &[(0x010f, 7), (0x0128, 2)])));
    }
}

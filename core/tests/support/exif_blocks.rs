//! EXIF blocks made by hand, little-endian.
#![allow(dead_code, reason = "each test file uses some of these")]

/// A field of a directory: tag, type, count, and its value's bytes.
pub struct Field(pub u16, pub u16, pub u32, pub Vec<u8>);

/// A SHORT.
pub fn short(tag: u16, value: u16) -> Field {
    Field(tag, 3, 1, value.to_le_bytes().to_vec())
}

/// An ASCII text.
pub fn text(tag: u16, value: &str) -> Field {
    let bytes = [value.as_bytes(), b"\0"].concat();
    Field(tag, 2, bytes.len() as u32, bytes)
}

/// A block whose only field is the orientation.
pub fn oriented(orientation: u16) -> Vec<u8> {
    block(vec![short(0x0112, orientation)], vec![], vec![])
}

/// A block with a main directory, and EXIF and GPS directories where they have fields.
pub fn block(mut main: Vec<Field>, exif: Vec<Field>, gps: Vec<Field>) -> Vec<u8> {
    let below = [(0x8769, exif), (0x8825, gps)].into_iter().filter(|(_, fields)| !fields.is_empty());
    let below: Vec<(u16, Vec<Field>)> = below.collect();
    for (tag, _) in &below {
        main.push(Field(*tag, 4, 1, vec![0; 4]));
    }
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    let pointers = directory(&mut bytes, &main);
    for (tag, fields) in &below {
        let at = bytes.len() as u32;
        let pointer = pointers.iter().find(|(found, _)| found == tag).expect("pushed above").1;
        bytes[pointer..pointer + 4].copy_from_slice(&at.to_le_bytes());
        directory(&mut bytes, fields);
    }
    bytes
}

/// Appends a directory and its values; tells where each field's value slot is.
fn directory(bytes: &mut Vec<u8>, fields: &[Field]) -> Vec<(u16, usize)> {
    let start = bytes.len();
    bytes.extend((fields.len() as u16).to_le_bytes());
    bytes.resize(start + 2 + fields.len() * 12 + 4, 0);
    let mut slots = Vec::new();
    for (index, Field(tag, kind, count, value)) in fields.iter().enumerate() {
        let at = start + 2 + index * 12;
        bytes[at..at + 2].copy_from_slice(&tag.to_le_bytes());
        bytes[at + 2..at + 4].copy_from_slice(&kind.to_le_bytes());
        bytes[at + 4..at + 8].copy_from_slice(&count.to_le_bytes());
        if value.len() <= 4 {
            bytes[at + 8..at + 8 + value.len()].copy_from_slice(value);
        } else {
            let offset = bytes.len() as u32;
            bytes[at + 8..at + 12].copy_from_slice(&offset.to_le_bytes());
            bytes.extend(value);
        }
        slots.push((*tag, at + 8));
    }
    slots
}

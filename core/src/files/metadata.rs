//! EXIF and XMP beside a picture, and how much of them a written file keeps.

use super::exif;
use serde::{Deserialize, Serialize};

/// Metadata as raw blocks, as found in the file.
///
/// Their orientation already says upright, because the pixels were turned when they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// EXIF: a TIFF header and directories, without the `Exif\0\0` that JPEG puts in front.
    pub exif: Option<Vec<u8>>,
    /// XMP: an XML packet.
    pub xmp: Option<Vec<u8>>,
}

/// How much of a picture's metadata a written file keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetadataPolicy {
    /// ICC profile, EXIF and XMP, unchanged but for orientation.
    Keep,
    /// ICC profile, and EXIF without place, maker note, thumbnail, comments, owner and serial numbers.
    /// XMP goes: it may carry the same facts under names nobody can list. EXIF that cannot be read goes.
    #[default]
    Safe,
    /// Pixels only. Colours in another space are converted to sRGB first, so that they still look right.
    None,
}

impl Metadata {
    /// What is left of this metadata under a policy.
    #[must_use]
    pub fn under(&self, policy: MetadataPolicy) -> Self {
        match policy {
            MetadataPolicy::Keep => self.clone(),
            MetadataPolicy::Safe => {
                // Values are put at even offsets, so a compact block may grow a little.
                let safe = |block: &Vec<u8>| exif::rebuilt(block, exif::Without::Private, 2 * block.len());
                Self { exif: self.exif.as_ref().and_then(safe), xmp: None }
            }
            MetadataPolicy::None => Self::default(),
        }
    }

    /// Makes every orientation inside say upright.
    pub(super) fn reset_orientation(&mut self) {
        if let Some(block) = &mut self.exif {
            exif::reset_orientation(block);
        }
        if let Some(packet) = &mut self.xmp {
            reset_xmp_orientation(packet);
        }
    }
}

/// Overwrites the digit in `tiff:Orientation="6"` or `<tiff:Orientation>6<`: some programs turn by it.
fn reset_xmp_orientation(packet: &mut [u8]) {
    const NAME: &[u8] = b"tiff:Orientation";
    let mut from = 0;
    while let Some(found) = packet[from..].windows(NAME.len()).position(|window| window == NAME) {
        from += found + NAME.len();
        let rest = &mut packet[from..];
        let skipped = rest.iter().take_while(|byte| matches!(byte, b'=' | b'"' | b'\'' | b'>' | b' ')).count();
        if let Some(digit @ b'2'..=b'8') = rest.get_mut(skipped) {
            *digit = b'1';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xmp_orientation_is_reset_in_both_notations() {
        let cases = [
            (&b"<x tiff:Orientation=\"6\" y='6'/>"[..], &b"<x tiff:Orientation=\"1\" y='6'/>"[..]),
            (b"<tiff:Orientation>8</tiff:Orientation>", b"<tiff:Orientation>1</tiff:Orientation>"),
            (b"tiff:Orientation", b"tiff:Orientation"),
            (b"", b""),
        ];
        for (before, after) in cases {
            let mut packet = before.to_vec();
            reset_xmp_orientation(&mut packet);
            assert_eq!(packet, after, "{}", before.escape_ascii());
        }
    }
}

//! What the numbers of a picture mean, as code points of ISO/IEC 23091-2 (also ITU-T H.273).

use crate::{Error, Kind, Result};
use moxcms::ColorProfile;

/// Primaries, transfer and matrix, each as a code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ColorCodes {
    pub primaries: u32,
    pub transfer: u32,
    pub matrix: u32,
    /// Whether samples use their whole range, not the one of television.
    pub is_full_range: bool,
}

impl ColorCodes {
    /// The profile that says the same, for a picture that has no other.
    ///
    /// `None` for sRGB and for all that is shown like it, as the curve of television is.
    ///
    /// # Errors
    /// [`Kind::PictureCorrupt`] when there is none here: high dynamic range and rare primaries.
    pub fn profile(self) -> Result<Option<Vec<u8>>> {
        let unknown = |what: String| Error::new(Kind::PictureCorrupt, format!("no profile says {what}"));
        let mut profile = match (self.primaries, self.transfer) {
            (1 | 2 | 5 | 6, 1 | 2 | 6 | 13 | 14 | 15) => return Ok(None),
            (9, 1 | 2 | 6 | 13 | 14 | 15) => ColorProfile::new_bt2020(),
            (12, 1 | 2 | 6 | 13 | 14 | 15) => ColorProfile::new_display_p3(),
            (primaries, transfer) => return Err(unknown(format!("primaries {primaries} with transfer {transfer}"))),
        };
        let srgb = ColorProfile::new_srgb();
        (profile.red_trc, profile.green_trc, profile.blue_trc) = (srgb.red_trc, srgb.green_trc, srgb.blue_trc);
        profile.encode().map(Some).map_err(|error| unknown(error.to_string()))
    }
}

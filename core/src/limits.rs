//! What a picture may ask of this machine before anything is allocated for it.

use crate::{Error, Kind, Result, pixels::Size};

/// Upper bounds checked against what a file claims, before its pixels are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most pixels (width × height) a picture may have.
    pub pixels: u64,
    /// Most bytes an encoded picture may have.
    pub file_bytes: u64,
    /// Most bytes of metadata (ICC, EXIF, XMP, text) kept from one file; larger blocks are dropped.
    pub metadata_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pixels: 100_000_000, file_bytes: 1 << 30, metadata_bytes: 4 << 20 }
    }
}

impl Limits {
    /// The default limits with another bound on pixels, given in millions.
    #[must_use]
    pub fn with_megapixels(megapixels: u32) -> Self {
        Self { pixels: u64::from(megapixels) * 1_000_000, ..Self::default() }
    }

    /// Checks what a picture claims to be.
    ///
    /// # Errors
    /// [`Kind::PictureTooLarge`] above the bound on pixels; [`Kind::PictureCorrupt`] for an empty side.
    pub fn check(&self, size: Size) -> Result<()> {
        if size.width == 0 || size.height == 0 {
            return Err(Error::new(Kind::PictureCorrupt, format!("the picture claims {size} pixels")));
        }
        if size.pixels() > self.pixels {
            let megapixels = self.pixels as f64 / 1e6;
            return Err(Error::new(
                Kind::PictureTooLarge,
                format!("the picture claims {size} pixels; at most {megapixels} megapixels are accepted"),
            ));
        }
        Ok(())
    }
}

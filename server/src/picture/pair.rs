//! Colours and matte as two files in a ZIP, as clients of remove.bg expect them: `color.jpg` and `alpha.png`.

use std::io::{Cursor, Write};

use backgroundfx_core::{
    self as core,
    files::{self, Encodable, Format, WriteOptions},
    pipeline::Cutout,
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::Result;

/// Encodes both; they are of one size, and neither is compressed again.
pub fn encode(cutout: &Cutout, options: WriteOptions) -> Result<Vec<u8>> {
    let colors = Encodable { alpha: None, ..cutout.encodable() };
    let color = files::encode(&colors, &WriteOptions { format: Format::Jpeg, ..options })?;
    let alpha = files::encode_gray(&cutout.matte, &WriteOptions { format: Format::Png, ..options })?;
    let failed =
        |error: zip::result::ZipError| core::Error::new(core::Kind::Internal, "cannot write the ZIP").because(error);
    let mut archive = ZipWriter::new(Cursor::new(Vec::with_capacity(color.len() + alpha.len() + 1024)));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("color.jpg", color), ("alpha.png", alpha)] {
        archive.start_file(name, stored).map_err(failed)?;
        archive.write_all(&bytes).map_err(|error| failed(error.into()))?;
    }
    Ok(archive.finish().map_err(failed)?.into_inner())
}

//! Reads anything as an EXIF block: orientation, and what is left when it is made safe.
#![no_main]

use backgroundfx_core::files::{Metadata, MetadataPolicy, decode};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let picture = decode(&backgroundfx_fuzz::png_with(b"eXIf", data), &backgroundfx_fuzz::options());
    assert!(picture.is_ok(), "EXIF never makes a picture unreadable");
    let metadata = Metadata { exif: Some(data.to_vec()), xmp: Some(data.to_vec()) };
    let safe = metadata.under(MetadataPolicy::Safe);
    let Some(exif) = &safe.exif else { return };
    assert!(exif.len() <= 2 * data.len(), "{} bytes became {}", data.len(), exif.len());
    assert_eq!(safe.under(MetadataPolicy::Safe), safe, "what is safe stays as it is");
});

//! Decodes anything as TIFF.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| backgroundfx_fuzz::decode_as(b"II*\0", data));

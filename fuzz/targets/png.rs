//! Decodes anything as PNG.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| backgroundfx_fuzz::decode_as(b"\x89PNG\r\n\x1a\n", data));

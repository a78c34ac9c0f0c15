//! Decodes anything as GIF.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| backgroundfx_fuzz::decode_as(b"GIF89a", data));

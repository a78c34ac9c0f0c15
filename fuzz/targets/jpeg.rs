//! Decodes anything as JPEG.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| backgroundfx_fuzz::decode_as(b"\xff\xd8\xff", data));

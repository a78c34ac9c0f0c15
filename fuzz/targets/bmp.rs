//! Decodes anything as BMP.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| backgroundfx_fuzz::decode_as(b"BM\0\0\0\0\0\0\0\0", data));

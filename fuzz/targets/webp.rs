//! Decodes anything as WebP.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| backgroundfx_fuzz::decode_as(b"RIFF\xff\xff\xff\x7fWEBP", data));

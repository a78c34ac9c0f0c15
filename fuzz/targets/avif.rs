//! Decodes anything as AVIF, tiny: with the assertions that fuzzing turns on, its decoder checks every
//! access to a picture against all others and takes a second for 64 × 64 pixels.
#![no_main]

use backgroundfx_core::{files::ReadOptions, limits::Limits};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let limits = Limits { pixels: 1 << 10, ..backgroundfx_fuzz::options().limits };
    let magic = b"\0\0\0\x18ftypavif\0\0\0\0avifmif1";
    backgroundfx_fuzz::decode_within(&ReadOptions { limits, frame: 0 }, magic, data);
});

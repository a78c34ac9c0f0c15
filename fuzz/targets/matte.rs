//! Reads anything as a matte, of the format it looks like.
#![no_main]

use backgroundfx_core::files::decode_matte;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(matte) = decode_matte(data, &backgroundfx_fuzz::options()) {
        assert!(matte.values().iter().all(|value| (0.0..=1.0).contains(value)));
    }
});

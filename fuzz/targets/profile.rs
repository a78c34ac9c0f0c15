//! Reads anything as a colour profile, and converts with it.
#![no_main]

use backgroundfx_core::{
    files::{Profile, to_srgb},
    pixels::{Rgb, Samples, Size},
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(profile) = Profile::new(data) else { return };
    let _ = profile.is_srgb();
    let size = Size::new(3, 2);
    let _ = to_srgb(&mut Rgb::filled(size, [10, 128, 250]), &profile);
    let _ = to_srgb(&mut Rgb::new(size, Samples::Sixteen((0..18).map(|value| value * 3600).collect())), &profile);
});

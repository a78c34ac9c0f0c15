//! Makes a folder of frames' mattes steady, for measuring: `steady WAY FRAMES RAW OUT`.
//!
//! WAY is `off`, `window`, `trail` or the spacing of keyframes. FRAMES holds one clip's pictures, sorted by name; RAW what a
//! network found in each, as PNG of the same stem (`backgroundfx remove FRAMES/* -o 'RAW/{stem}.png' --output-kind alpha`),
//! so that different ways are compared on the same findings. OUT receives the mattes. Prints how many frames the network
//! was asked about and the milliseconds a frame took besides.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use backgroundfx_core::{
    Error, Kind, Result,
    files::{self, Encodable, Format, IfExists, Metadata, ReadOptions, WriteOptions},
    pixels::{Alpha, Rgb, Samples, unit_to_u8},
    video::steady::{Steady, SteadyOptions},
};

fn options(word: &str) -> Option<SteadyOptions> {
    match word {
        "off" => Some(SteadyOptions::Off),
        "window" => Some(SteadyOptions::Window),
        "trail" => Some(SteadyOptions::Trail),
        word => word.parse().ok().map(|spacing| SteadyOptions::Keyframes { spacing }),
    }
}

/// The pictures of a folder, sorted by name.
fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable =
        |error| Error::new(Kind::InputUnreadable, format!("cannot list {}", folder.display())).because(error);
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    Ok(paths)
}

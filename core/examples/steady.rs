//! Makes a folder of frames' mattes steady, for measuring: `steady WAY FRAMES RAW OUT`.
//!
//! WAY is `off`, `window`, `trail` or the spacing of keyframes. FRAMES holds one clip's pictures, sorted by name; RAW what a
//! network found in each, as PNG of the same stem (`backgroundfx remove FRAMES/* -o 'RAW/{stem}.png' --output-kind alpha`),
//! so that different ways are compared on the same findings. OUT receives the mattes. Prints how many frames the network
//! was asked about and the milliseconds a frame took besides.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use backgroundfx_core::{
    Error, Kind, Result,
    files::{self, Encodable, Format, IfExists, Metadata, ReadOptions, WriteOptions},
    pixels::{Alpha, Rgb, Samples},
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

/// A network that has looked at every frame already.
struct Findings {
    frames: Vec<Rgb>,
    mattes: Vec<Alpha>,
    asked: usize,
}

impl Findings {
    fn read(frames: &[PathBuf], raw: &Path) -> Result<Self> {
        let found = |path: &PathBuf| {
            let name = path.with_extension("png").file_name().map(|name| raw.join(name));
            files::read_matte(&name.unwrap_or_default(), &ReadOptions::default())
        };
        let pictures: Result<Vec<Rgb>> =
            frames.iter().map(|path| Ok(files::read(path, &ReadOptions::default())?.color)).collect();
        let mattes: Result<Vec<Alpha>> = frames.iter().map(found).collect();
        Ok(Self { frames: pictures?, mattes: mattes?, asked: 0 })
    }

    fn of(&mut self, frame: &Rgb) -> Result<Alpha> {
        self.asked += 1;
        let index = self.frames.iter().position(|other| other == frame);
        let index = index.ok_or_else(|| Error::new(Kind::Internal, "a frame that was not among the clip's"))?;
        Ok(self.mattes[index].clone())
    }
}

fn write(matte: &Alpha, path: &Path) -> Result<()> {
    let samples = matte.to_u8().iter().flat_map(|&value| [value; 3]).collect();
    let color = Rgb::new(matte.size(), Samples::Eight(samples));
    let metadata = Metadata::default();
    let picture = Encodable { color: &color, alpha: None, profile: None, metadata: &metadata };
    files::write_atomically(path, &files::encode(&picture, &WriteOptions::new(Format::Png))?, IfExists::Replace)
}

fn steady(options: SteadyOptions, frames: &Path, raw: &Path, out: &Path) -> Result<()> {
    let paths = pictures(frames)?;
    let mut findings = Findings::read(&paths, raw)?;
    let clip = findings.frames.clone();
    let mut steady = Steady::new(options)?;
    let mut mattes = Vec::with_capacity(clip.len());
    let started = Instant::now();
    for frame in clip {
        mattes.extend(steady.push(frame, &mut |frame| findings.of(frame))?);
    }
    mattes.extend(steady.finish(&mut |frame| findings.of(frame))?);
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0 / mattes.len() as f64;
    for (matte, path) in mattes.iter().zip(&paths) {
        let name = path.with_extension("png").file_name().map(|name| out.join(name));
        write(matte, &name.unwrap_or_default())?;
    }
    println!("{} frames, network asked {} times, {milliseconds:.1} ms a frame besides", mattes.len(), findings.asked);
    Ok(())
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (Some(options), [_, frames, raw, out]) = (words.first().and_then(|word| options(word)), words.as_slice())
    else {
        eprintln!("steady off|window|trail|SPACING FRAMES RAW OUT");
        std::process::exit(2);
    };
    if let Err(error) = steady(options, frames.as_ref(), raw.as_ref(), out.as_ref()) {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

//! Makes a folder of frames' mattes steady, for measuring: `steady WAY FRAMES RAW OUT [TRUTH]`.
//!
//! WAY is `off`, `window`, `trail` or the spacing of keyframes. FRAMES holds one clip's pictures, sorted by name; RAW what a
//! network found in each, as PNG of the same stem (`backgroundfx remove FRAMES/* -o 'RAW/{stem}.png' --output-kind alpha`),
//! so that different ways are compared on the same findings. OUT receives the mattes. Prints how many frames the network
//! was asked about, the milliseconds a frame took besides, and with TRUTH (true mattes of the same stems) how far off they are;
//! MESSDdt along motion found by our own flow.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use backgroundfx_core::{
    Error, Kind, Result,
    files::{self, Encodable, Format, IfExists, Metadata, ReadOptions, WriteOptions},
    metrics::{self, Distances, moving},
    pixels::{Alpha, Rgb, Samples},
    steps::planes::Plane,
    video::steady::{
        Steady, SteadyOptions,
        flow::{self, Pyramid},
    },
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

/// A frame's matte in another folder.
fn named(frame: &Path, folder: &Path) -> PathBuf {
    folder.join(frame.with_extension("png").file_name().unwrap_or_default())
}

fn read_matte(frame: &Path, folder: &Path) -> Result<Alpha> {
    files::read_matte(&named(frame, folder), &ReadOptions::default())
}

/// A network that has looked at every frame already.
struct Findings {
    frames: Vec<Rgb>,
    mattes: Vec<Alpha>,
    asked: usize,
}

impl Findings {
    fn read(frames: &[PathBuf], raw: &Path) -> Result<Self> {
        let pictures: Result<Vec<Rgb>> =
            frames.iter().map(|path| Ok(files::read(path, &ReadOptions::default())?.color)).collect();
        let mattes: Result<Vec<Alpha>> = frames.iter().map(|path| read_matte(path, raw)).collect();
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

/// The motion from every frame but the first to the one before, at full size.
fn motions(frames: &[Rgb]) -> Vec<Vec<[f32; 2]>> {
    let luma = |frame: &Rgb| {
        let values = (0..frame.size().area()).map(|index| {
            let [red, green, blue] = frame.unit(index);
            255.0 * (0.299 * red + 0.587 * green + 0.114 * blue)
        });
        Pyramid::new(&Plane { size: frame.size(), values: values.collect() })
    };
    let pyramids: Vec<Pyramid> = frames.iter().map(luma).collect();
    pyramids.windows(2).map(|pair| flow::between(&pair[1], &pair[0], None).vectors).collect()
}

fn score(mattes: &[Alpha], paths: &[PathBuf], frames: &[Rgb], truth: &Path) -> Result<()> {
    let truths: Result<Vec<Alpha>> = paths.iter().map(|path| read_matte(path, truth)).collect();
    let truths = truths?;
    let each: Result<Vec<Distances>> = mattes.iter().zip(&truths).map(|(a, b)| metrics::compare(a, b)).collect();
    let each = each?;
    let mean = |value: fn(&Distances) -> f64| each.iter().map(value).sum::<f64>() / each.len() as f64;
    let (mad, iou) = (1000.0 * mean(|distances| distances.mae), mean(|distances| distances.iou));
    let change = moving::dt_ssd(mattes, &truths)?;
    let flicker = moving::messd_dt(mattes, &truths, &motions(frames))?;
    println!("MAD {mad:.2}  IoU {iou:.3}  dtSSD {change:.2}  MESSDdt {flicker:.2}");
    Ok(())
}

fn steady(options: SteadyOptions, [frames, raw, out]: [&Path; 3], truth: Option<&Path>) -> Result<()> {
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
    std::fs::create_dir_all(out)
        .map_err(|error| Error::new(Kind::OutputUnwritable, format!("cannot make {}", out.display())).because(error))?;
    for (matte, path) in mattes.iter().zip(&paths) {
        write(matte, &named(path, out))?;
    }
    println!("{} frames, network asked {} times, {milliseconds:.1} ms a frame besides", mattes.len(), findings.asked);
    truth.map_or(Ok(()), |truth| score(&mattes, &paths, &findings.frames, truth))
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let folders: Vec<&Path> = words.iter().skip(1).map(Path::new).collect();
    let (Some(options), [frames, raw, out, truth @ ..]) =
        (words.first().and_then(|word| options(word)), folders.as_slice())
    else {
        eprintln!("steady off|window|trail|SPACING FRAMES RAW OUT [TRUTH]");
        std::process::exit(2);
    };
    if let Err(error) = steady(options, [frames, raw, out], truth.first().copied()) {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

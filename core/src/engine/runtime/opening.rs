//! From a graph on disk to a session: widened and trimmed once, optimised once, kept for the next start.

use std::path::{Path, PathBuf};

use ort::{
    environment::Environment,
    session::{
        Session,
        builder::{GraphOptimizationLevel, SessionBuilder},
    },
};
use prost::Message;

use super::{EngineOptions, calibration, devices, session::OrtNetwork};
use crate::{
    Error, Kind, Result,
    engine::{
        Device, Precision, prepare,
        quantize::{self, Ranges},
    },
    files::{IfExists, write_atomically},
};

/// A graph on disk and what is known of it.
pub struct GraphFile<'a> {
    /// The file as it was published.
    pub published: &'a Path,
    /// The one output to keep when half precision is widened.
    pub widened_output: Option<&'a str>,
    /// Names the content; `None` for files whose content may change.
    pub key: Option<&'a str>,
    /// Where the ranges of its inner values come from, if from anywhere.
    pub ranges: Option<RangesFrom>,
}

/// Where the ranges of a graph's inner values come from.
pub enum RangesFrom {
    /// Found on pictures of the user's.
    Pictures(Ranges),
    /// From the tables of this build, if they have this network: that is known once the graph is prepared.
    ThisBuild,
}

impl RangesFrom {
    /// Names the ranges: others have another number.
    pub fn state(&self) -> u32 {
        match self {
            Self::Pictures(own) => crc32fast::hash(own.to_text().as_bytes()),
            Self::ThisBuild => quantize::tables(),
        }
    }
}

/// What the runtime does to a graph while loading it.
enum Optimise<'a> {
    /// Optimises it.
    Now,
    /// Optimises it and writes the result.
    AndKeep(&'a Path),
    /// Nothing: this file is such a result.
    Done,
}

/// Opens sessions; what it makes of graphs is kept in a folder.
pub struct Opener<'a> {
    /// The runtime.
    pub environment: &'a Environment,
    /// Threads and memory of the sessions.
    pub options: &'a EngineOptions,
    /// Where graphs made from weights are kept.
    pub prepared: PathBuf,
}

impl Opener<'_> {
    /// Opens the graph on the device, from what was kept of an earlier start where there is such, and tells in which
    /// numbers it computes.
    ///
    /// # Errors
    /// [`Kind::InferenceFailed`] or [`Kind::DeviceUnavailable`] when it cannot be loaded there, and
    /// what preparing the graph reports.
    pub fn open(&self, graph: &GraphFile<'_>, device: Device) -> Result<(OrtNetwork, Precision)> {
        let precision = self.precision(graph, device);
        match self.open_in(graph, device, precision) {
            // Ranges of an older graph, say: nobody insisted on them.
            Err(error) if error.kind() == Kind::PrecisionUnavailable && self.options.precision != Precision::Int8 => {
                // Where it cannot be noted, the next start finds out anew.
                let _ = self.unfit(graph).map(|note| std::fs::write(note, error.to_string()));
                Ok((self.open_in(graph, device, Precision::Fp32)?, Precision::Fp32))
            }
            opened => Ok((opened?, precision)),
        }
    }

    fn open_in(&self, graph: &GraphFile<'_>, device: Device, precision: Precision) -> Result<OrtNetwork> {
        let prepared = &self.prepared;
        let int8 = precision == Precision::Int8;
        if int8 {
            self.check_int8(graph, device)?;
        }
        let optimised = match graph.key {
            Some(key) if device == Device::Cpu && is_worth_keeping(graph.published) => {
                Some(prepared.join(optimised_name(key, graph.ranges.as_ref().filter(|_| int8))))
            }
            _ => None,
        };
        if let Some(folder) = optimised.as_deref().filter(|folder| folder.is_dir()) {
            match self.open_session(&folder.join(GRAPH), device, &Optimise::Done) {
                Ok(session) => return OrtNetwork::new(session),
                // Cut short or of another runtime: it is made again.
                Err(_) => drop(std::fs::remove_dir_all(folder)),
            }
        }
        let plain = match graph.key {
            Some(key) => prepare::prepared(graph.published, key, graph.widened_output, prepared)?,
            None => graph.published.to_owned(),
        };
        let plain = match (&graph.ranges, graph.key) {
            (Some(ranges), Some(key)) if int8 => {
                let file = prepared.join(format!("{}-int8.onnx", short(key)));
                quantised(&plain, graph.published, ranges, file, prepared)?
            }
            _ => plain,
        };
        let Some(folder) = optimised else {
            return OrtNetwork::new(self.open_session(&plain, device, &Optimise::Now)?);
        };
        let session = self.open_and_keep(&plain, &folder)?;
        if plain != graph.published && folder.is_dir() {
            let _ = std::fs::remove_file(&plain);
        }
        OrtNetwork::new(session)
    }

    /// In which numbers the graph is to compute on the device.
    fn precision(&self, graph: &GraphFile<'_>, device: Device) -> Precision {
        match self.options.precision {
            Precision::Auto if device == Device::Cpu && graph.ranges.is_some() && quantize::is_fast_here() => {
                let unfit = self.unfit(graph).is_some_and(|note| note.is_file());
                if unfit { Precision::Fp32 } else { Precision::Int8 }
            }
            Precision::Auto => Precision::Fp32,
            asked => asked,
        }
    }

    /// The file that notes that the ranges do not fit the graph.
    fn unfit(&self, graph: &GraphFile<'_>) -> Option<PathBuf> {
        Some(self.prepared.join(optimised_name(graph.key?, graph.ranges.as_ref())).with_added_extension("unfit"))
    }

    /// Removes what was kept of a graph in 8 bits; where it cannot be removed it only takes room.
    pub fn forget_int8(&self, key: &str) {
        let start = format!("{}-v{}-int8-", short(key), prepare::VERSION);
        let entries = std::fs::read_dir(&self.prepared).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&start)) {
            let path = entry.path();
            let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        }
    }

    fn check_int8(&self, graph: &GraphFile<'_>, device: Device) -> Result<()> {
        match &graph.ranges {
            _ if device != Device::Cpu => {
                let message = format!("8 bits are for the processor, not for {device}");
                Err(Error::new(Kind::PrecisionUnavailable, message))
            }
            None => Err(no_ranges(graph.published)),
            Some(_) => Ok(()),
        }
    }

    /// Opens a graph on the processor and keeps what the runtime made of it, so that it starts faster next time.
    fn open_and_keep(&self, plain: &Path, folder: &Path) -> Result<Session> {
        let temporary = folder.with_added_extension(format!("{}.part", std::process::id()));
        let kept = std::fs::create_dir_all(&temporary)
            .is_ok()
            .then(|| self.open_session(plain, Device::Cpu, &Optimise::AndKeep(&temporary.join(GRAPH))));
        if let Some(Ok(session)) = kept {
            // Fails when another process was first, whose folder is as good.
            let _ = std::fs::rename(&temporary, folder);
            let _ = std::fs::remove_dir_all(&temporary);
            return Ok(session);
        }
        // No room for it: then it starts as slowly as before.
        let _ = std::fs::remove_dir_all(&temporary);
        self.open_session(plain, Device::Cpu, &Optimise::Now)
    }

    fn open_session(&self, file: &Path, device: Device, optimise: &Optimise<'_>) -> Result<Session> {
        let failed = |error: ort::Error| {
            let kind = if device == Device::Cpu { Kind::InferenceFailed } else { Kind::DeviceUnavailable };
            Error::new(kind, format!("cannot load {} on {device}: {error}", file.display()))
        };
        let mut builder = self.builder(optimise).map_err(failed)?;
        devices::register(&mut builder, device, self.options.keep_memory)?;
        builder.commit_from_file(file).map_err(failed)
    }

    fn builder(&self, optimise: &Optimise<'_>) -> ort::Result<SessionBuilder> {
        let threads =
            self.options.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let builder = Session::builder(self.environment)?;
        let builder = builder.with_intra_threads(threads)?;
        // Spinning threads would take the cores from decoding and encoding, and win nothing.
        let builder = builder.with_intra_op_spinning(false)?;
        match optimise {
            Optimise::Now => Ok(builder),
            Optimise::AndKeep(path) => {
                // Weights in a file of their own are mapped into memory instead of read.
                let builder =
                    builder.with_config_entry("session.optimized_model_external_initializers_file_name", WEIGHTS)?;
                let builder = builder
                    .with_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "1024")?;
                Ok(builder.with_optimized_model_path(path)?)
            }
            Optimise::Done => Ok(builder.with_optimization_level(GraphOptimizationLevel::Disable)?),
        }
    }
}

/// The 8-bit form of a plain graph, as `file`; it takes the plain one's place when that lies in `folder`.
///
/// # Errors
/// [`Kind::PrecisionUnavailable`] when no ranges are known or they do not fit; [`Kind::OutputUnwritable`].
pub fn quantised(plain: &Path, published: &Path, ranges: &RangesFrom, file: PathBuf, folder: &Path) -> Result<PathBuf> {
    let mut model = calibration::read(plain)?;
    let known = match ranges {
        RangesFrom::Pictures(own) => Some(own.clone()),
        RangesFrom::ThisBuild => model.graph.as_ref().and_then(quantize::known),
    };
    quantize::quantize(&mut model, &known.ok_or_else(|| no_ranges(published))?)
        .map_err(|error| Error::new(Kind::PrecisionUnavailable, error.to_string()).because(error))?;
    write_atomically(&file, &model.encode_to_vec(), IfExists::Replace)?;
    if plain.starts_with(folder) {
        let _ = std::fs::remove_file(plain);
    }
    Ok(file)
}

fn no_ranges(published: &Path) -> Error {
    let message = format!("no ranges are known for computing {} in 8 bits", published.display());
    Error::new(Kind::PrecisionUnavailable, message)
}

/// Names inside the folder of an optimised graph.
const GRAPH: &str = "graph.onnx";
const WEIGHTS: &str = "weights.bin";

/// Beyond this the seconds saved are not worth the disk.
const LARGEST_KEPT: u64 = 400_000_000;

fn is_worth_keeping(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|facts| facts.len() <= LARGEST_KEPT)
}

/// As much of a key as names files made from its content.
pub fn short(key: &str) -> &str {
    &key[..key.len().min(16)]
}

/// The runtime lays weights out for the processor's registers and its own version.
fn optimised_name(key: &str, ranges: Option<&RangesFrom>) -> String {
    let registers = match () {
        #[cfg(target_arch = "x86_64")]
        () if std::arch::is_x86_feature_detected!("avx512f") => "avx512",
        #[cfg(target_arch = "x86_64")]
        () if std::arch::is_x86_feature_detected!("avx2") => "avx2",
        () => std::env::consts::ARCH,
    };
    // The description names the runtime's commit; as a number it makes a shorter name.
    let build = crc32fast::hash(ort::info().as_bytes());
    // Other ranges make another graph.
    let int8 = ranges.map_or(String::new(), |ranges| format!("-int8-{:08x}", ranges.state()));
    format!("{}-v{}{int8}-{registers}-{build:08x}", short(key), prepare::VERSION)
}

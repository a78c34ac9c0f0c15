//! ONNX Runtime: loading its library, and each network once.
//!
//! Only this file and its folder know the `ort` crate, whose interface still moves.

mod calibration;
mod devices;
mod opening;
mod portable;
mod session;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use ort::environment::Environment;

use super::{
    Device, Network, Precision, Tensor,
    artifacts::{Artifact, Manifest, Store, StoreOptions},
    cards::roomiest,
    quantize::{Ranges, Table},
};
use crate::{
    Error, Kind, Result,
    files::{IfExists, write_atomically},
    progress::Progress,
};
use opening::{GraphFile, Opener, RangesFrom};
pub use portable::Portable;

/// What the manifest calls the runtime's library.
const LIBRARY: &str = "onnxruntime";
/// The store's folder of graphs made from weights.
const PREPARED: &str = "prepared";

/// How an engine is set up.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Where weights and libraries are kept and how they are fetched.
    pub store: StoreOptions,
    /// A runtime library to use instead of the store's.
    pub runtime: Option<PathBuf>,
    /// Threads one network uses; `None` is one for each core.
    pub threads: Option<usize>,
    /// In which numbers networks compute.
    pub precision: Precision,
    /// Keep a network's working memory from run to run: quicker for many pictures, 300 MB more for IS-Net.
    pub keep_memory: bool,
}

/// Where a network's file comes from.
#[derive(Debug, Clone, Copy)]
pub enum Weights<'a> {
    /// The best file that the manifest has under a model's name, fetched if need be.
    Listed(&'a Manifest, &'a str),
    /// A file of the user's own.
    Own(&'a Path),
}

/// A network's file, found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The file as it was published.
    pub file: PathBuf,
    /// Its SHA-256 in hexadecimal; `None` for one of the list that has none recorded.
    pub sha256: Option<String>,
    /// The list's entry, if it is of the list.
    pub artifact: Option<Artifact>,
    /// SHA-256 of what is in the file, recorded or not.
    digest: String,
}

impl Found {
    /// Names the content.
    fn key(&self) -> &str {
        &self.digest
    }

    /// The output that is the network's answer, where the list names it.
    #[must_use]
    pub fn output(&self) -> Option<&str> {
        self.artifact.as_ref()?.network.get("outputs")?.as_array()?.first()?.as_str()
    }

    /// The one output to keep when half precision is widened.
    fn widened_output(&self) -> Option<&str> {
        self.artifact.as_ref()?.network.get("widen")?.as_str()
    }
}

/// A device and whether it can be used here.
#[derive(Debug, Clone)]
pub struct DeviceStatus {
    /// The device.
    pub device: Device,
    /// `Ok` when a session can be opened on it, else why not.
    pub usable: std::result::Result<(), String>,
}

/// A network ready to run, with where it came from.
#[derive(Clone)]
pub struct Loaded {
    /// The network.
    pub network: Arc<dyn Network>,
    /// Where it runs.
    pub device: Device,
    /// In which numbers it computes.
    pub precision: Precision,
    /// Why devices that `auto` tried earlier were passed over.
    pub passed_over: Vec<String>,
}

/// Loads networks lazily, each once, and shares them between threads.
pub struct Engine {
    options: EngineOptions,
    store: Store,
    networks: Mutex<HashMap<(PathBuf, Device), Loaded>>,
}

impl Engine {
    /// Opens the store; nothing is loaded or fetched yet.
    ///
    /// # Errors
    /// What [`Store::open`] reports.
    pub fn open(options: EngineOptions) -> Result<Self> {
        let store = Store::open(options.store.clone())?;
        Ok(Self { options, store, networks: Mutex::default() })
    }

    /// The store of weights and libraries.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The network of these weights, fetched if need be, loaded now or shared from before.
    ///
    /// # Errors
    /// What [`Store::obtain`], reading the file, preparing the graph and [`Engine::network`] report.
    pub fn model(&self, weights: Weights<'_>, device: Device, progress: &dyn Progress) -> Result<(Found, Loaded)> {
        let found = self.find(weights, progress)?;
        let graph = GraphFile {
            published: &found.file,
            widened_output: found.widened_output(),
            key: Some(found.key()),
            ranges: self.ranges(&found),
        };
        let loaded = self.load(&graph, device, progress)?;
        Ok((found, loaded))
    }

    fn find(&self, weights: Weights<'_>, progress: &dyn Progress) -> Result<Found> {
        match weights {
            Weights::Listed(manifest, model) => {
                let (artifact, file) = self.store.obtain(manifest, model, progress)?;
                let digest = artifact.sha256.clone().map_or_else(|| self.store.digest(&file), Ok)?;
                Ok(Found { file, sha256: artifact.sha256.clone(), artifact: Some(artifact), digest })
            }
            Weights::Own(file) => {
                let digest = self.store.digest(file)?;
                Ok(Found { file: file.to_owned(), sha256: Some(digest.clone()), artifact: None, digest })
            }
        }
    }

    /// Where the ranges of a file's inner values come from: found on pictures of the user's, else from this build,
    /// which has some for networks of the list.
    fn ranges(&self, found: &Found) -> Option<RangesFrom> {
        let own = std::fs::read_to_string(self.ranges_file(found.sha256.as_deref()?)).ok();
        match own.and_then(|text| Ranges::from_text(&text).ok()) {
            Some(own) => Some(RangesFrom::Pictures(own)),
            None => found.widened_output().map(|_| RangesFrom::ThisBuild),
        }
    }

    fn ranges_file(&self, key: &str) -> PathBuf {
        self.store.folder().join(PREPARED).join(format!("{}.ranges", opening::short(key)))
    }

    /// Finds the ranges of a model's inner values on pictures, for computing it in 8 bits, and keeps them. The table tells
    /// them independent of the file, as [`quantize::known`](super::quantize::known) has them.
    ///
    /// `inputs` are the pictures as the network takes them; `seen` is told after each.
    ///
    /// # Errors
    /// [`Kind::PrecisionUnavailable`] when nothing of the network could be computed in 8 bits, and what
    /// [`Engine::model`] and running the network report.
    pub fn calibrate(
        &self,
        weights: Weights<'_>,
        inputs: impl Iterator<Item = Result<Tensor>>,
        progress: &dyn Progress,
    ) -> Result<Table> {
        let found = self.find(weights, progress)?;
        let key = found.key();
        let folder = self.store.folder().join(PREPARED);
        // In single precision whatever the engine is set to: there are no ranges for anything else yet.
        let options = EngineOptions { precision: Precision::Fp32, ..self.options.clone() };
        let opener = Opener { environment: self.environment(progress)?, options: &options, prepared: folder.clone() };
        let (ranges, table) =
            calibration::ranges(&found.file, key, found.widened_output(), &folder, inputs, |graph| {
                let watched = GraphFile { published: graph, widened_output: None, key: None, ranges: None };
                Ok(opener.open(&watched, Device::Cpu)?.0)
            })?;
        opener.forget_int8(key);
        write_atomically(&self.ranges_file(key), ranges.to_text().as_bytes(), IfExists::Replace)?;
        Ok(table)
    }

    /// The network in an ONNX file of the user's own.
    ///
    /// # Errors
    /// [`Kind::RuntimeUnusable`] without a working library, [`Kind::DeviceUnavailable`] when a named
    /// device cannot be used, [`Kind::InferenceFailed`] when the file cannot be loaded.
    pub fn network(&self, file: &Path, device: Device, progress: &dyn Progress) -> Result<Loaded> {
        self.load(&GraphFile { published: file, widened_output: None, key: None, ranges: None }, device, progress)
    }

    /// Removes the graphs that were made from weights; they are made again when needed. Ranges found on the user's
    /// pictures stay.
    ///
    /// # Errors
    /// [`Kind::OutputUnwritable`] when they cannot be removed.
    pub fn forget_prepared(store: &Store) -> Result<()> {
        let Ok(entries) = std::fs::read_dir(store.folder().join(PREPARED)) else { return Ok(()) };
        for path in entries.flatten().map(|entry| entry.path()) {
            let removed = match path.extension() {
                Some(extension) if extension == "ranges" => Ok(()),
                _ if path.is_dir() => std::fs::remove_dir_all(&path),
                _ => std::fs::remove_file(&path),
            };
            removed.map_err(|error| {
                Error::new(Kind::OutputUnwritable, format!("cannot remove {}", path.display())).because(error)
            })?;
        }
        Ok(())
    }

    fn load(&self, graph: &GraphFile<'_>, device: Device, progress: &dyn Progress) -> Result<Loaded> {
        // Held while loading, so that two threads never load the same network twice.
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (graph.published.to_owned(), device);
        if let Some(loaded) = networks.get(&key) {
            return Ok(loaded.clone());
        }
        let environment = self.environment(progress)?;
        let opener = Opener { environment, options: &self.options, prepared: self.store.folder().join(PREPARED) };
        let loaded = if device == Device::Auto {
            first_usable(&opener, graph)?
        } else {
            let (network, precision) = opener.open(graph, device)?;
            Loaded { network: Arc::new(network), device, precision, passed_over: Vec::new() }
        };
        networks.insert(key, loaded.clone());
        Ok(loaded)
    }

    /// Forgets networks that nobody but this engine holds, so that their memory is given back. They are loaded again when
    /// needed.
    pub fn release_unused(&self) {
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        networks.retain(|_, loaded| Arc::strong_count(&loaded.network) > 1);
    }

    /// Every device this program knows, and whether the runtime can use it here.
    ///
    /// # Errors
    /// [`Kind::RuntimeUnusable`] without a working library, and what fetching it reports.
    pub fn devices(&self, progress: &dyn Progress) -> Result<Vec<DeviceStatus>> {
        let environment = self.environment(progress)?;
        let status = |device| DeviceStatus { device, usable: devices::probe(environment, device) };
        Ok(Device::AUTO_ORDER.into_iter().map(status).collect())
    }

    /// The runtime's own description of itself, and the library it was loaded from.
    ///
    /// # Errors
    /// [`Kind::RuntimeUnusable`] without a working library, and what fetching it reports.
    pub fn runtime(&self, progress: &dyn Progress) -> Result<(&'static str, PathBuf)> {
        self.environment(progress)?;
        Ok((ort::info(), self.library(progress)?))
    }

    fn library(&self, progress: &dyn Progress) -> Result<PathBuf> {
        match &self.options.runtime {
            Some(path) => Ok(path.clone()),
            None => Ok(self.store.obtain(Manifest::built_in(), LIBRARY, progress)?.1),
        }
    }

    fn environment(&self, progress: &dyn Progress) -> Result<&'static Environment> {
        // The runtime allows one environment in a process, whoever asks first brings the library.
        static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
        static LOADING: Mutex<()> = Mutex::new(());
        if let Some(environment) = ENVIRONMENT.get() {
            return Ok(environment);
        }
        let _loading = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(environment) = ENVIRONMENT.get() {
            return Ok(environment);
        }
        let library = self.library(progress)?;
        let unusable = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(Kind::RuntimeUnusable, format!("cannot load {}: {error}", library.display())).because(error)
        };
        let builder = ort::init_from(&library).map_err(|error| unusable(error.to_string().into()))?;
        let environment = builder.with_telemetry(false).build().map_err(|error| unusable(error.to_string().into()))?;
        environment.set_log_level(ort::logging::LogLevel::Fatal);
        Ok(ENVIRONMENT.get_or_init(|| environment))
    }
}

/// The network on the first device of the list that takes it.
fn first_usable(opener: &Opener<'_>, graph: &GraphFile<'_>) -> Result<Loaded> {
    let mut passed_over = Vec::new();
    for device in Device::AUTO_ORDER {
        if device != Device::Cpu && !devices::is_built_in(device) {
            continue;
        }
        let device = match device {
            Device::TensorRt(_) => Device::TensorRt(roomiest()),
            Device::Cuda(_) => Device::Cuda(roomiest()),
            other => other,
        };
        match opener.open(graph, device) {
            Ok((network, precision)) => {
                return Ok(Loaded { network: Arc::new(network), device, precision, passed_over });
            }
            Err(error) if device == Device::Cpu => return Err(error),
            Err(error) => passed_over.push(format!("{device}: {error}")),
        }
    }
    Err(Error::new(Kind::Internal, "the list of devices does not end with the processor"))
}

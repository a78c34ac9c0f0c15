//! ONNX Runtime: loading its library, opening sessions on a device, running them.
//!
//! The only file that knows the `ort` crate, whose interface still moves.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use ort::{
    environment::Environment,
    ep,
    session::{
        RunOptions, Session,
        builder::{GraphOptimizationLevel, SessionBuilder},
    },
    value::{TensorElementType, TensorRef, ValueType},
};

use super::{
    Device, Network, Port, Tensor,
    artifacts::{Artifact, Manifest, Store, StoreOptions},
    prepare,
};
use crate::{Error, Kind, Result, progress::Progress};

/// What the manifest calls the runtime's library.
const LIBRARY: &str = "onnxruntime";

/// How an engine is set up.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Where weights and libraries are kept and how they are fetched.
    pub store: StoreOptions,
    /// A runtime library to use instead of the store's.
    pub runtime: Option<PathBuf>,
    /// Threads one network uses; `None` is one for each core.
    pub threads: Option<usize>,
    /// Keep a network's working memory from run to run: quicker for many pictures, 300 MB more for IS-Net.
    pub keep_memory: bool,
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

    /// The network that provides `model`, fetched if need be, loaded now or shared from before.
    ///
    /// # Errors
    /// What [`Store::obtain`], preparing the graph and [`Engine::network`] report.
    pub fn model(
        &self,
        manifest: &Manifest,
        model: &str,
        device: Device,
        progress: &dyn Progress,
    ) -> Result<(Artifact, Loaded)> {
        let (artifact, file) = self.store.obtain(manifest, model, progress)?;
        let graph = GraphFile {
            published: &file,
            widened_output: artifact.network.get("widen").and_then(|output| output.as_str()),
            key: Some(artifact.sha256.as_deref().unwrap_or(&artifact.file)),
        };
        let loaded = self.load(&graph, device, progress)?;
        Ok((artifact, loaded))
    }

    /// The network in a file of the user's own.
    ///
    /// # Errors
    /// [`Kind::RuntimeUnusable`] without a working library, [`Kind::DeviceUnavailable`] when a named
    /// device cannot be used, [`Kind::InferenceFailed`] when the file cannot be loaded.
    pub fn network(&self, file: &Path, device: Device, progress: &dyn Progress) -> Result<Loaded> {
        self.load(&GraphFile { published: file, widened_output: None, key: None }, device, progress)
    }

    /// Removes the graphs that were made from weights; they are made again when needed.
    ///
    /// # Errors
    /// [`Kind::OutputUnwritable`] when they cannot be removed.
    pub fn forget_prepared(store: &Store) -> Result<()> {
        let folder = store.folder().join("prepared");
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::new(Kind::OutputUnwritable, format!("cannot remove {}", folder.display())).because(error))
            }
            _ => Ok(()),
        }
    }

    fn load(&self, graph: &GraphFile<'_>, device: Device, progress: &dyn Progress) -> Result<Loaded> {
        // Held while loading, so that two threads never load the same network twice.
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (graph.published.to_owned(), device);
        if let Some(loaded) = networks.get(&key) {
            return Ok(loaded.clone());
        }
        let environment = self.environment(progress)?;
        let loaded = if device == Device::Auto {
            self.first_usable(environment, graph)?
        } else {
            let network = Arc::new(self.session(environment, graph, device)?);
            Loaded { network, device, passed_over: Vec::new() }
        };
        networks.insert(key, loaded.clone());
        Ok(loaded)
    }

    fn first_usable(&self, environment: &Environment, graph: &GraphFile<'_>) -> Result<Loaded> {
        let mut passed_over = Vec::new();
        for device in Device::AUTO_ORDER {
            if device != Device::Cpu && !is_built_in(device) {
                continue;
            }
            match self.session(environment, graph, device) {
                Ok(session) => return Ok(Loaded { network: Arc::new(session), device, passed_over }),
                Err(error) if device == Device::Cpu => return Err(error),
                Err(error) => passed_over.push(format!("{device}: {error}")),
            }
        }
        Err(Error::new(Kind::Internal, "the list of devices does not end with the processor"))
    }

    /// Every device this program knows, and whether the runtime can use it here.
    ///
    /// # Errors
    /// [`Kind::RuntimeUnusable`] without a working library, and what fetching it reports.
    pub fn devices(&self, progress: &dyn Progress) -> Result<Vec<DeviceStatus>> {
        let environment = self.environment(progress)?;
        let status = |device| DeviceStatus { device, usable: probe(environment, device) };
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

    fn session(&self, environment: &Environment, graph: &GraphFile<'_>, device: Device) -> Result<OrtNetwork> {
        let prepared = self.store.folder().join("prepared");
        let optimised = match graph.key {
            Some(key) if device == Device::Cpu && is_worth_keeping(graph.published) => {
                Some(prepared.join(optimised_name(key)))
            }
            _ => None,
        };
        if let Some(folder) = optimised.as_deref().filter(|folder| folder.is_dir()) {
            match self.open_session(environment, &folder.join(GRAPH), device, &Optimise::Done) {
                Ok(session) => return OrtNetwork::new(session),
                // Cut short or of another runtime: it is made again.
                Err(_) => drop(std::fs::remove_dir_all(folder)),
            }
        }
        let plain = match (graph.widened_output, graph.key) {
            (Some(output), Some(key)) => prepare::prepared(graph.published, key, output, &prepared)?,
            _ => graph.published.to_owned(),
        };
        let Some(folder) = optimised else {
            return OrtNetwork::new(self.open_session(environment, &plain, device, &Optimise::Now)?);
        };
        let session = self.open_and_keep(environment, &plain, &folder)?;
        if plain != graph.published && folder.is_dir() {
            let _ = std::fs::remove_file(&plain);
        }
        OrtNetwork::new(session)
    }

    /// Opens a graph on the processor and keeps what the runtime made of it, so that it starts faster next time.
    fn open_and_keep(&self, environment: &Environment, plain: &Path, folder: &Path) -> Result<Session> {
        let temporary = folder.with_added_extension(format!("{}.part", std::process::id()));
        let kept = std::fs::create_dir_all(&temporary)
            .is_ok()
            .then(|| self.open_session(environment, plain, Device::Cpu, &Optimise::AndKeep(&temporary.join(GRAPH))));
        if let Some(Ok(session)) = kept {
            // Fails when another process was first, whose folder is as good.
            let _ = std::fs::rename(&temporary, folder);
            let _ = std::fs::remove_dir_all(&temporary);
            return Ok(session);
        }
        // No room for it: then it starts as slowly as before.
        let _ = std::fs::remove_dir_all(&temporary);
        self.open_session(environment, plain, Device::Cpu, &Optimise::Now)
    }

    fn open_session(
        &self,
        environment: &Environment,
        file: &Path,
        device: Device,
        optimise: &Optimise<'_>,
    ) -> Result<Session> {
        let failed = |error: ort::Error| {
            let kind = if device == Device::Cpu { Kind::InferenceFailed } else { Kind::DeviceUnavailable };
            Error::new(kind, format!("cannot load {} on {device}: {error}", file.display()))
        };
        let mut builder = self.builder(environment, optimise).map_err(failed)?;
        register(&mut builder, device, self.options.keep_memory)?;
        builder.commit_from_file(file).map_err(failed)
    }

    fn builder(&self, environment: &Environment, optimise: &Optimise<'_>) -> ort::Result<SessionBuilder> {
        let threads =
            self.options.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let builder = Session::builder(environment)?;
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

/// A graph on disk and what is known of it.
struct GraphFile<'a> {
    published: &'a Path,
    /// The one output to keep when half precision is widened.
    widened_output: Option<&'a str>,
    /// Names the content; `None` for files whose content may change.
    key: Option<&'a str>,
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

/// Names inside the folder of an optimised graph.
const GRAPH: &str = "graph.onnx";
const WEIGHTS: &str = "weights.bin";

/// Beyond this the seconds saved are not worth the disk.
const LARGEST_KEPT: u64 = 400_000_000;

fn is_worth_keeping(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|facts| facts.len() <= LARGEST_KEPT)
}

/// The runtime lays weights out for the processor's registers and its own version.
fn optimised_name(key: &str) -> String {
    let registers = match () {
        #[cfg(target_arch = "x86_64")]
        () if std::arch::is_x86_feature_detected!("avx512f") => "avx512",
        #[cfg(target_arch = "x86_64")]
        () if std::arch::is_x86_feature_detected!("avx2") => "avx2",
        () => std::env::consts::ARCH,
    };
    // The description names the runtime's commit; as a number it makes a shorter name.
    let build = crc32fast::hash(ort::info().as_bytes());
    format!("{}-{registers}-{build:08x}", &key[..key.len().min(16)])
}

fn is_built_in(device: Device) -> bool {
    use ep::ExecutionProvider;
    let built_in = match device {
        Device::Auto | Device::Cpu => Ok(true),
        Device::Cuda(_) => ep::CUDA::is_available(),
        Device::TensorRt(_) => ep::TensorRT::is_available(),
        Device::CoreMl => ep::CoreML::is_available(),
        Device::DirectMl(_) => ep::DirectML::is_available(),
    };
    built_in.unwrap_or(false)
}

fn probe(environment: &Environment, device: Device) -> std::result::Result<(), String> {
    let mut builder = Session::builder(environment).map_err(|error| error.to_string())?;
    register(&mut builder, device, false).map_err(|error| error.to_string())
}

/// Puts `device` in front of the processor, or fails: nothing falls back here.
fn register(builder: &mut SessionBuilder, device: Device, keep_memory: bool) -> Result<()> {
    use ep::ExecutionProvider;
    if !is_built_in(device) {
        return Err(Error::new(
            Kind::DeviceUnavailable,
            format!("this ONNX Runtime library was built without {device}"),
        ));
    }
    let registered = match device {
        // Without the arena each run asks the system for its memory anew, and gives it back.
        Device::Auto | Device::Cpu => ep::CPU::default().with_arena_allocator(keep_memory).register(builder),
        Device::Cuda(number) => ep::CUDA::default().with_device_id(number as i32).register(builder),
        Device::TensorRt(number) => ep::TensorRT::default().with_device_id(number as i32).register(builder),
        Device::CoreMl => ep::CoreML::default().register(builder),
        Device::DirectMl(number) => ep::DirectML::default().with_device_id(number as i32).register(builder),
    };
    registered.map_err(|error| Error::new(Kind::DeviceUnavailable, format!("{device} cannot be used: {error}")))
}

/// A session of ONNX Runtime as a [`Network`].
struct OrtNetwork {
    /// One run at a time: a run already uses all threads, and each further one would need its memory again.
    session: Mutex<Session>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    input_types: Vec<TensorElementType>,
}

impl OrtNetwork {
    fn new(session: Session) -> Result<Self> {
        let mut inputs = Vec::new();
        let mut input_types = Vec::new();
        for outlet in session.inputs() {
            let (port, kind) = port(outlet.name(), outlet.dtype())?;
            inputs.push(port);
            input_types.push(kind);
        }
        let outputs = session
            .outputs()
            .iter()
            .filter_map(|outlet| port(outlet.name(), outlet.dtype()).ok())
            .map(|(port, _)| port)
            .collect();
        Ok(Self { session: Mutex::new(session), inputs, outputs, input_types })
    }
}

fn port(name: &str, kind: &ValueType) -> Result<(Port, TensorElementType)> {
    let ValueType::Tensor { ty, shape, .. } = kind else {
        return Err(Error::new(Kind::ModelMismatch, format!("{name} of the graph is no tensor")));
    };
    let shape = shape.iter().map(|&length| usize::try_from(length).ok()).collect();
    Ok((Port { name: name.to_owned(), shape }, *ty))
}

impl Network for OrtNetwork {
    fn ports(&self) -> (&[Port], &[Port]) {
        (&self.inputs, &self.outputs)
    }

    fn run(&self, inputs: &[Tensor], output: &str) -> Result<Tensor> {
        if inputs.len() != self.inputs.len() {
            let message = format!("the graph takes {} inputs, {} were given", self.inputs.len(), inputs.len());
            return Err(Error::new(Kind::ModelMismatch, message));
        }
        if !self.outputs.iter().any(|port| port.name == output) {
            return Err(Error::new(Kind::ModelMismatch, format!("the graph has no output {output:?}")));
        }
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        run(&mut session, &self.inputs, &self.input_types, inputs, output)
    }
}

fn run(
    session: &mut Session,
    ports: &[Port],
    types: &[TensorElementType],
    inputs: &[Tensor],
    output: &str,
) -> Result<Tensor> {
    let started = Instant::now();
    let failed = |error: ort::Error| {
        let text = error.to_string();
        let memory = text.contains("alloc") && text.contains("memory") || text.contains("bad_alloc");
        let kind = if memory { Kind::OutOfMemory } else { Kind::InferenceFailed };
        Error::new(kind, format!("the network failed after {:.1} s: {text}", started.elapsed().as_secs_f32()))
    };
    let mut values = Vec::with_capacity(inputs.len());
    for ((tensor, port), kind) in inputs.iter().zip(ports).zip(types) {
        let value = match kind {
            TensorElementType::Float16 => {
                let halves: Vec<half::f16> = tensor.values.iter().map(|&value| half::f16::from_f32(value)).collect();
                ort::value::Tensor::from_array((tensor.shape.clone(), halves)).map_err(failed)?.into()
            }
            _ => ort::session::SessionInputValue::from(
                TensorRef::from_array_view((tensor.shape.clone(), tensor.values.as_slice())).map_err(failed)?,
            ),
        };
        values.push((std::borrow::Cow::Borrowed(port.name.as_str()), value));
    }
    // Only the output that is used: the others cost time and memory.
    let selected = ort::session::OutputSelector::no_default().with(output);
    let options = RunOptions::new().map_err(failed)?.with_outputs(selected);
    let outputs = session.run_with_options(values, &options).map_err(failed)?;
    let value = &outputs[output];
    let tensor = match value.dtype().tensor_type() {
        Some(TensorElementType::Float16) => {
            let (shape, halves) = value.try_extract_tensor::<half::f16>().map_err(failed)?;
            (shape.to_vec(), halves.iter().map(|value| value.to_f32()).collect::<Vec<_>>())
        }
        _ => {
            let (shape, values) = value.try_extract_tensor::<f32>().map_err(failed)?;
            (shape.to_vec(), values.to_vec())
        }
    };
    let shape = tensor.0.iter().map(|&length| usize::try_from(length).unwrap_or(0)).collect();
    Ok(Tensor::new(shape, tensor.1))
}

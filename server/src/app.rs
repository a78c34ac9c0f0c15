//! What requests and jobs share, built once.

use std::{
    fs::{self, File},
    ops::Deref,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use backgroundfx_core::{
    engine::Engine,
    limits::Limits,
    models::{self, Catalog},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{Notify, Semaphore, broadcast, watch};
use uuid::Uuid;

use crate::{
    Config, Error, Kind, Result,
    caches::{self, Cache},
    coalesce::Coalescer,
    db::{self, Database},
    documents::{self, Documents},
    fetch::Fetcher,
    http::graphql,
    inference::Inference,
    objects::Objects,
    rates::Rates,
    redis::Redis,
    replicas::Replicas,
    vault::Vault,
};

/// Longer than any clip is worked on.
const LONG_LEFT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Everything that requests and jobs of the organisations of one database share. There is one for each shard.
pub struct App {
    /// What the operator set.
    pub config: Config,
    /// The tables.
    pub db: Database,
    /// What is known of everything that was made.
    pub documents: Arc<dyn Documents>,
    /// Databases that follow the first, if there are any.
    pub replicas: Option<Replicas>,
    /// The jobs that changed, as they change.
    pub changes: broadcast::Sender<String>,
    /// Tells the worker that something waits.
    pub wake: Notify,
    /// Counts how often the worker has looked for work.
    pub looked: watch::Sender<u64>,
    /// Tells the sender of messages that something waits.
    pub post: Notify,
    /// Tells the sender of webhooks that something waits.
    pub tell: Notify,
    /// The GraphQL schema, built when it is first asked.
    pub graphql: OnceLock<graphql::Api>,
    /// Which of the databases it is.
    pub shard: usize,
    process: Arc<Process>,
}

/// What all shards of a process share.
pub struct Process {
    /// The databases of all shards, the first first.
    pub databases: Vec<Database>,
    /// Uploads and results.
    pub objects: Objects,
    /// Caches before the service, which are told what is gone.
    pub caches: Vec<Arc<dyn Cache>>,
    /// The threads that networks run on.
    pub inference: Arc<Inference>,
    /// Identical pictures that are asked for at the same time are made once.
    pub coalescer: Coalescer,
    /// Fetches what clients name.
    pub fetcher: Fetcher,
    /// What processes share, if they share a Redis.
    pub redis: Option<Redis>,
    /// How much each key may still send.
    pub rates: Rates,
    /// How often an address, and everybody together, may try to sign in.
    pub sign_ins: Rates,
    /// See `sign_ins`.
    pub all_sign_ins: Rates,
    /// Bodies that may be held in memory, in units of [`App::BODY_UNIT`] bytes.
    pub bodies: Arc<Semaphore>,
    /// What is counted.
    pub metrics: PrometheusHandle,
    /// When the server began.
    pub started: Instant,
    /// Encrypts what must not be read in the database, and signs.
    pub vault: Vault,
    /// What this process calls itself in leases.
    pub worker: String,
    /// Held while files for browsers are fetched and made.
    pub making_device_files: tokio::sync::Mutex<()>,
    stopping: watch::Sender<bool>,
    warm: AtomicBool,
    scratch: PathBuf,
    _lock: Option<File>,
}

impl Deref for App {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl App {
    /// The grain of [`App::bodies`].
    pub const BODY_UNIT: u64 = 16 * 1024;

    /// Opens everything under the configured folder: one for each database, the first first.
    ///
    /// # Errors
    /// What is wrong with the configuration, the folder or a database.
    pub async fn open(
        config: Config,
        engine: Engine,
        catalog: Catalog,
        metrics: PrometheusHandle,
    ) -> Result<Vec<Arc<Self>>> {
        let process = Arc::new(Process::open(&config, engine, catalog, metrics).await?);
        let replicas = match (&process.redis, config.replicas.as_slice()) {
            (Some(redis), urls @ [_, ..]) => Some(Replicas::at(urls, redis.clone())?),
            _ => None,
        };
        let mut apps = vec![Arc::new(Self::on(&process, 0, config.clone(), replicas).await?)];
        for (number, url) in config.shards.iter().enumerate() {
            let config = Config { database: Some(url.clone()), database_direct: None, ..config.clone() };
            apps.push(Arc::new(Self::on(&process, number + 1, config, None).await?));
        }
        Ok(apps)
    }

    async fn on(process: &Arc<Process>, shard: usize, config: Config, replicas: Option<Replicas>) -> Result<Self> {
        let db = process.databases[shard].clone();
        Ok(Self {
            documents: documents::at(config.documents.as_deref(), &db).await?,
            replicas,
            changes: broadcast::Sender::new(1024),
            wake: Notify::new(),
            looked: watch::Sender::new(0),
            post: Notify::new(),
            tell: Notify::new(),
            graphql: OnceLock::new(),
            shard,
            process: process.clone(),
            config,
            db,
        })
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        now()
    }

    /// A new identifier that orders by time: the noun, an underscore, and 32 hexadecimal digits.
    #[must_use]
    pub fn new_id(&self, noun: &str) -> String {
        new_id(noun)
    }

    /// What pictures may ask of this machine.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let file_bytes = self.config.body_megabytes * 1_000_000;
        Limits { file_bytes, ..Limits::with_megapixels(self.config.max_megapixels) }
    }

    /// When the files of what ends now are deleted.
    #[must_use]
    pub fn expiry(&self) -> i64 {
        self.now() + self.config.result_hours as i64 * 3_600_000
    }

    /// Where lists of an organisation's things are read: what it wrote itself is there.
    pub async fn reading(&self, organisation: &str) -> &Database {
        match &self.replicas {
            Some(replicas) => replicas.reading(&self.db, organisation).await,
            None => &self.db,
        }
    }

    /// Notes that an organisation's things have changed, before anybody is told.
    pub async fn wrote(&self, organisation: &str) {
        if let Some(replicas) = &self.replicas {
            replicas.wrote(&self.db, organisation).await;
        }
    }

    /// Tells everybody who waits, in all processes, that a job changed.
    pub fn job_changed(&self, job: &str) {
        self.heard_of(job);
        if let Some(redis) = self.redis.clone() {
            let (sender, job) = (self.worker.clone(), job.to_owned());
            tokio::spawn(async move { redis.tell(&sender, &job).await });
        }
    }

    /// Tells everybody who waits in this process that a job changed.
    pub fn heard_of(&self, job: &str) {
        // Nobody may be waiting.
        let _ = self.changes.send(job.to_owned());
    }

    /// The model for requests that name none.
    #[must_use]
    pub fn model(&self) -> &str {
        self.config.model.as_deref().unwrap_or(models::DEFAULT)
    }
}

impl Process {
    async fn open(config: &Config, engine: Engine, catalog: Catalog, metrics: PrometheusHandle) -> Result<Self> {
        config.validate()?;
        // Before anything is made that would be left.
        let caches = caches::at(&config.caches)?;
        let folder = config.folder()?;
        let unusable = |error: std::io::Error| {
            let message = format!("the folder {} cannot be used: {error}", folder.display());
            Error::new(Kind::ConfigInvalid, message).because(error)
        };
        let worker = format!("worker_{}", Uuid::now_v7().simple());
        fs::create_dir_all(&folder).map_err(unusable)?;
        let (databases, scratch, lock) = match &config.database {
            // Processes that share a database share the folder too, each with a corner of its own.
            Some(url) => (databases(config, url).await?, folder.join("scratch").join(&worker), None),
            None => {
                let lock = lock(&folder)?;
                (vec![Database::open_in(&folder).await?], folder.join("scratch"), Some(lock))
            }
        };
        clear(&folder.join("scratch"), lock.is_some());
        fs::create_dir_all(&scratch).map_err(unusable)?;
        let vault = Vault::open(&config.secret_key.clone().unwrap_or_else(|| folder.join("secret.key")))?;
        for db in &databases {
            db::vault::check(db, &vault.fingerprint()).await?;
        }
        let redis = config.redis.as_deref().map(|url| Redis::at(url, &vault.fingerprint())).transpose()?;
        know_models(config, &catalog)?;
        let inference = Inference::start(Arc::new(engine), Arc::new(catalog), config)?;
        Ok(Self {
            objects: objects(config, &folder, redis.clone()).await?,
            caches,
            fetcher: Fetcher::new(&config.fetch_hosts)?,
            rates: Rates::new("megapixels", config.rate_megapixels, redis.clone()),
            sign_ins: Rates::new("sign_ins", 10, redis.clone()),
            all_sign_ins: Rates::new("all_sign_ins", 120, redis.clone()),
            redis,
            bodies: Arc::new(Semaphore::new((config.bodies_megabytes * 1_000_000 / App::BODY_UNIT) as usize)),
            inference: Arc::new(inference),
            coalescer: Coalescer::default(),
            making_device_files: tokio::sync::Mutex::default(),
            stopping: watch::Sender::new(false),
            warm: AtomicBool::new(false),
            started: Instant::now(),
            vault,
            worker,
            scratch,
            _lock: lock,
            databases,
            metrics,
        })
    }

    /// A folder for files while they are worked on; empty at every start.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Notes that the default network is loaded.
    pub fn set_warm(&self) {
        self.warm.store(true, Ordering::Relaxed);
    }

    /// Whether the default network is loaded.
    #[must_use]
    pub fn is_warm(&self) -> bool {
        self.warm.load(Ordering::Relaxed)
    }

    /// Tells all parts that the server is being stopped.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the server is being stopped.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Ends when the server is being stopped.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // It fails only when the sender is gone, and then nothing is left to wait for.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}

/// The store of objects, sealed if there is a key for it.
async fn objects(config: &Config, folder: &Path, redis: Option<Redis>) -> Result<Objects> {
    let objects = match &config.objects {
        Some(url) => {
            let first = Objects::at(url).await?;
            let both = match &config.objects_second {
                Some(second) => first.mirrored(&Objects::at(second).await?),
                None => first,
            };
            both.cached(config.cache_megabytes, redis)
        }
        None => Objects::in_folder(&folder.join("objects"))?,
    };
    match config.object_keys.as_slice() {
        [] => Ok(objects),
        keys => objects.sealed(keys).await,
    }
}

/// Checks that the models of the configuration are known.
fn know_models(config: &Config, catalog: &Catalog) -> Result<()> {
    catalog.card(config.model.as_deref().unwrap_or(models::DEFAULT))?;
    for name in &config.work_models {
        catalog.card(name)?;
    }
    if let Some(name) = &config.type_model
        && catalog.card(name)?.output.classes.is_empty()
    {
        let message = format!("serve.type_model is {name:?}, which tells no classes apart");
        return Err(Error::new(Kind::ConfigInvalid, message));
    }
    Ok(())
}

/// The databases that processes share, with their tables up to date.
async fn databases(config: &Config, first: &str) -> Result<Vec<Database>> {
    let mut all = vec![database(config, first, config.database_direct.as_deref()).await?];
    for url in &config.shards {
        all.push(database(config, url, None).await?);
    }
    Ok(all)
}

async fn database(config: &Config, url: &str, direct: Option<&str>) -> Result<Database> {
    let db = Database::open_at(url).await?;
    match (config.migrate, direct) {
        (true, Some(direct)) => {
            let direct = Database::open_at(direct).await?;
            direct.migrate().await?;
            direct.close().await;
        }
        (true, None) => _ = db.migrate().await?,
        (false, _) => db.is_up_to_date().await?,
    }
    Ok(db)
}

/// Deletes what earlier processes were working with: all of it, or, where others may be working, what is long left.
fn clear(scratch: &Path, all: bool) {
    if all {
        let _ = fs::remove_dir_all(scratch);
        return;
    }
    let Ok(corners) = fs::read_dir(scratch) else { return };
    for corner in corners.flatten() {
        let age = corner.metadata().and_then(|facts| facts.modified()).map(|then| then.elapsed().unwrap_or_default());
        if age.is_ok_and(|age| age > LONG_LEFT) {
            let _ = fs::remove_dir_all(corner.path());
        }
    }
}

/// Milliseconds since 1970.
#[must_use]
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// A new identifier, as [`App::new_id`] gives it.
#[must_use]
pub fn new_id(noun: &str) -> String {
    format!("{noun}_{}", Uuid::now_v7().simple())
}

/// Keeps a second server out of the folder, for as long as the file is open.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let taken = |error: std::io::Error| {
        let message =
            format!("the folder {} cannot be used; another server may be using it: {error}", folder.display());
        Error::new(Kind::ConfigInvalid, message).because(error)
    };
    let file = File::create(&path).map_err(taken)?;
    file.try_lock().map_err(|error| taken(error.into()))?;
    Ok(file)
}

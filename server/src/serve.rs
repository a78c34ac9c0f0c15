//! Starting and stopping: listen, make the first key, load the network, serve until a signal, drain.

mod connections;
mod observe;
pub mod organisations;
mod tls;
mod told;

use std::{
    io::Write,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use backgroundfx_core::{
    engine::{Device, Engine},
    models::Catalog,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_rustls::TlsAcceptor;

use crate::{
    App, Config, Error, Kind, Result, caches, db, documents, http, queue, redis, replicas, sweep, webhooks, worker,
};

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The API and the web app; jobs too unless the configuration says that others make them.
    Service,
    /// Jobs; its address answers only whether it lives and what it counts.
    Worker,
}

/// Brings the tables of the configured database up to date: what was done, a line for each step.
///
/// # Errors
/// What is wrong with the configuration or the database.
pub fn migrate(config: &Config) -> Result<Vec<String>> {
    config.validate()?;
    block_on(async {
        let Some(url) = config.database_direct.as_ref().or(config.database.as_ref()) else {
            let message =
                "the embedded database is brought up to date by `serve` itself: set serve.database for another";
            return Err(Error::new(Kind::ConfigInvalid, message));
        };
        let mut all = Vec::new();
        for url in [url].into_iter().chain(&config.shards) {
            let db = db::Database::open_at(url).await?;
            let done = db.migrate().await;
            db.close().await;
            all.extend(done?);
        }
        Ok(all)
    })
}

/// Does a piece of work from a program that has no runtime of its own.
///
/// # Errors
/// What the work says.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    runtime()?.block_on(work)
}

fn runtime() -> Result<Runtime> {
    Runtime::new().map_err(|error| Error::new(Kind::Internal, "cannot start the runtime").because(error))
}

/// Plays its part until the process is asked to stop. What a person must see goes to `screen`, the log to standard error.
///
/// # Errors
/// What is wrong with the configuration, the folder, the database or the address.
pub fn serve(config: Config, part: Part, engine: Engine, catalog: Catalog, screen: &mut dyn Write) -> Result<()> {
    config.validate()?;
    if part == Part::Worker && config.database.is_none() {
        let message = "a worker shares its database with others: set serve.database to the address of a PostgreSQL";
        return Err(Error::new(Kind::ConfigInvalid, message));
    }
    // Several are built in, for different clients; this one is ours. Another program around us may have chosen before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = runtime()?;
    let traces = observe::start(&config)?;
    let result = runtime.block_on(run(config, part, engine, catalog, screen));
    observe::end(traces);
    // A thread in a network cannot be stopped; its result is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(200));
    result
}

async fn run(config: Config, part: Part, engine: Engine, catalog: Catalog, screen: &mut dyn Write) -> Result<()> {
    let server = Server::open(config, part, engine, catalog).await?;
    let told = server.told();
    // At once: who reads the first line only must not end it.
    let written = screen.write_all(told.as_bytes()).and_then(|()| screen.flush());
    written.map_err(|error| Error::new(Kind::Internal, "cannot write to standard output").because(error))?;
    server.run(stop_signal()).await;
    Ok(())
}

/// A server that listens and does not serve yet.
pub struct Server {
    /// One for each shard; the first is the process's own.
    apps: Vec<Arc<App>>,
    listener: (TcpListener, Option<TlsAcceptor>),
    address: SocketAddr,
    first_key: Option<String>,
    part: Part,
}

impl Server {
    /// Takes the address, opens the folder, and makes the first key if there is none.
    ///
    /// # Errors
    /// What is wrong with the configuration, the folder, the database or the address.
    pub async fn open(config: Config, part: Part, engine: Engine, catalog: Catalog) -> Result<Self> {
        config.validate()?;
        let address = config.listen;
        let taken = |error: std::io::Error| {
            Error::new(Kind::ListenFailed, format!("cannot listen on {address}: {error}")).because(error)
        };
        let listener = TcpListener::bind(address).await.map_err(taken)?;
        let (address, tls) = (listener.local_addr().map_err(taken)?, tls::acceptor(&config)?);
        let apps = App::open(config, engine, catalog, recorder()?).await?;
        // A worker has nobody to show a key to.
        let first_key = if part == Part::Service { organisations::set_up(&apps[0]).await? } else { None };
        for app in &apps {
            // An embedded database is this process's alone: whatever runs in it was left. In a shared one leases tell.
            let ended_by = if app.db.engine() == db::Engine::Sqlite { i64::MAX } else { app.now() };
            worker::recover(app, ended_by).await?;
        }
        Ok(Self { apps, listener: (listener, tls), address, first_key, part })
    }

    /// What a person must see of it.
    fn told(&self) -> String {
        let scheme = if self.listener.1.is_some() { "https" } else { "http" };
        let listening = format!("listening on {scheme}://{}\n", self.address);
        // A browser keeps what follows the # to itself.
        match (self.part, &self.first_key) {
            (Part::Worker, _) => listening,
            (Part::Service, None) => format!("{listening}web app: {scheme}://{}/\n", self.address),
            (Part::Service, Some(key)) => {
                format!("api key: {key}\n{listening}web app: {scheme}://{}/#key={key}\n", self.address)
            }
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The owner's key, at the first start in a folder.
    #[must_use]
    pub fn first_key(&self) -> Option<&str> {
        self.first_key.as_deref()
    }

    /// Serves until `stop` ends, then waits for running requests, as long as is configured.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let first = self.apps[0].clone();
        tokio::spawn(warm_up(first.clone()));
        self.apps.iter().for_each(attend);
        let works = self.part == Part::Worker || first.config.work;
        if let Some(url) = first.config.queue.as_ref().filter(|_| works) {
            // A message wakes the worker, which looks into all shards.
            tokio::spawn(queue::consume(first.clone(), url.clone()));
        }
        let apps = self.apps.clone();
        let worker = tokio::spawn(async move {
            if works {
                worker::run(apps).await
            }
        });
        let router = match self.part {
            Part::Service => http::shards::all(&self.apps),
            Part::Worker => http::watching(&first),
        };
        let drained = connections::serve(&first, self.listener, router, stop).await;
        let most = Duration::from_secs(first.config.drain_seconds);
        let finished = tokio::time::timeout(most, worker).await.is_ok();
        tracing::info!(finished, "jobs are handed back");
        for app in &self.apps {
            app.db.close().await;
        }
        tracing::info!(drained, "stopped");
    }
}

/// Begins what goes on beside requests and jobs for a shard.
fn attend(app: &Arc<App>) {
    tokio::spawn(sweep::run(app.clone()));
    tokio::spawn(webhooks::run(app.clone()));
    if let Some(url) = app.config.database_direct.clone().or_else(|| app.config.database.clone()) {
        tokio::spawn(told::listen(app.clone(), url));
    }
    if let Some(shared) = app.redis.clone() {
        tokio::spawn(redis::listen(app.clone(), shared));
    }
    tokio::spawn(replicas::watch(app.clone()));
    if app.config.documents.is_some() {
        tokio::spawn(documents::relay(app.clone()));
    }
    if !app.caches.is_empty() {
        tokio::spawn(caches::relay(app.clone()));
    }
    if let Some(url) = &app.config.queue {
        tokio::spawn(queue::relay(app.clone(), url.clone()));
    }
}

/// Loads the default network before the first request needs it.
async fn warm_up(app: Arc<App>) {
    let (model, began) = (app.model().to_owned(), Instant::now());
    let permit = app.inference.permit().await;
    let loaded = app.inference.run(permit, move |hand, _| hand.segmenter(&model, Device::Auto).map(|_| ())).await;
    match loaded {
        Ok(()) => {
            app.set_warm();
            tracing::info!(took_ms = began.elapsed().as_millis() as u64, model = app.model(), "ready");
        }
        Err(error) => tracing::error!(code = error.kind().code(), hint = error.kind().hint(), "{error}"),
    }
}

/// Ends with the first SIGTERM or SIGINT.
async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

/// The recorder of this process; there can be one only.
///
/// # Errors
/// [`Kind::Internal`] when another is installed already.
fn recorder() -> Result<PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let buckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];
    let install = || PrometheusBuilder::new().set_buckets(&buckets).ok()?.install_recorder().ok();
    HANDLE.get_or_init(install).clone().ok_or_else(|| Error::new(Kind::Internal, "metrics cannot be recorded"))
}

//! A server of its own for each test.

use std::{net::SocketAddr, path::PathBuf};

use backgroundfx_core::{
    engine::{Engine, EngineOptions},
    models::Catalog,
};
use backgroundfx_server::{
    Config,
    serve::{Part, Server, organisations},
};
use serde_json::Value;
use sqlx::Connection;
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

/// A running server. It ends with the test.
pub struct Stage {
    pub address: SocketAddr,
    pub key: String,
    pub http: reqwest::Client,
    pub folder: TempDir,
    settings: Config,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// Settings of tests: any port, the key `chroma`.
pub fn config(folder: &TempDir) -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        data: Some(folder.path().to_owned()),
        model: Some("chroma".to_owned()),
        threads: Some(2),
        ..Config::default()
    }
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = config(&folder);
        engines(&mut settings).await;
        change(&mut settings);
        Self::open(settings, folder).await
    }

    /// Another process, as it were, on the same database and objects: in the same folder where those are files, else with the
    /// secret key alone in common.
    pub async fn beside(&self, part: Part, change: impl FnOnce(&mut Config)) -> Self {
        let (mut settings, own) = (self.settings.clone(), tempfile::tempdir().unwrap());
        if settings.objects.is_some() {
            settings.data = Some(own.path().to_owned());
            settings.secret_key = Some(self.folder.path().join("secret.key"));
        }
        change(&mut settings);
        let other = Self::open_as(settings, part, own).await;
        Self { key: self.key.clone(), ..other }
    }

    /// One that knows other models too.
    pub async fn knowing(catalog: Catalog, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = config(&folder);
        change(&mut settings);
        Self::start(settings, Part::Service, folder, catalog).await
    }

    async fn open(settings: Config, folder: TempDir) -> Self {
        Self::open_as(settings, Part::Service, folder).await
    }

    async fn open_as(settings: Config, part: Part, folder: TempDir) -> Self {
        Self::start(settings, part, folder, Catalog::built_in()).await
    }

    async fn start(settings: Config, part: Part, folder: TempDir, catalog: Catalog) -> Self {
        let kept = settings.clone();
        let engine = Engine::open(EngineOptions::default()).unwrap();
        let server = Server::open(settings, part, engine, catalog).await.unwrap();
        let (address, key) = (server.address(), server.first_key().unwrap_or_default().to_owned());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async move {
            let _ = stopped.await;
        }));
        Self { address, key, http: reqwest::Client::new(), folder, settings: kept, stop: Some(stop), running }
    }

    /// The same folder with another server, as after a restart; keys stay what they were.
    pub async fn restart(self) -> Self {
        self.restart_with(|_| ()).await
    }

    /// The same with other settings.
    pub async fn restart_with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        self.stop();
        self.running.await.unwrap();
        let (mut settings, key) = (self.settings, self.key);
        change(&mut settings);
        Self { key, ..Self::open(settings, self.folder).await }
    }

    /// Another organisation beside the first: the key of its owner.
    pub async fn organisation(&self, name: &str, owner: &str) -> String {
        organisations::add(&self.settings, name, owner, 0).await.unwrap().1
    }

    /// What the operator set.
    pub fn settings(&self) -> &Config {
        &self.settings
    }

    /// Asks the server to stop.
    pub fn stop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
    }

    pub async fn stopped(self) {
        self.running.await.unwrap();
    }

    /// Where objects are as files: the service's own, or those of the S3 server of `server/engines/run`.
    pub fn objects(&self) -> PathBuf {
        match &self.settings.objects {
            None => self.folder.path().join("objects"),
            Some(bucket) => {
                let engines = PathBuf::from(std::env::var("ENGINES").unwrap());
                engines.join("s3/files").join(bucket.trim_start_matches("s3://"))
            }
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(self.url(path)).header("x-api-key", &self.key)
    }

    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(self.url(path)).header("x-api-key", &self.key)
    }
}

/// The engines that the environment names (`server/engines/run`), with nothing in them; where it names none, the embedded ones.
async fn engines(settings: &mut Config) {
    let named = |name: &str| std::env::var(name).ok();
    let Some(server) = named("POSTGRES_TEST_URL") else { return };
    let name = format!("service_{}", uuid::Uuid::now_v7().simple());
    let mut admin = sqlx::PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
    settings.database = Some(format!("{server}/{name}"));
    if let Some(pool) = named("PGBOUNCER_TEST_URL") {
        settings.database_direct = settings.database.replace(format!("{pool}/{name}"));
    }
    settings.redis = named("REDIS_TEST_URL");
    settings.replicas = named("REPLICA_TEST_URL").map(|server| format!("{server}/{name}")).into_iter().collect();
    settings.queue = named("RABBITMQ_TEST_URL");
    settings.documents = named("MONGODB_TEST_URL").map(|server| format!("{server}/{name}"));
    // The server of tests makes names of files of whole addresses, and files' names may not be long.
    settings.objects = named("S3_TEST_URL").map(|bucket| format!("{bucket}/{}", &name[name.len() - 8..]));
    if settings.objects.is_some() {
        let key = settings.data.as_ref().unwrap().join("object.key");
        std::fs::write(&key, [5; 32]).unwrap();
        settings.object_keys = vec![format!("file:{}", key.display())];
    }
}

/// Status and JSON body of an answer.
pub async fn json(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

/// A JPEG of a red disc before a green screen.
pub fn disc(width: u32, height: u32) -> Vec<u8> {
    use backgroundfx_core::{
        files::{Encodable, Format, Metadata, WriteOptions, encode},
        pixels::{Rgb, Samples, Size},
    };
    let size = Size::new(width, height);
    let inside = |x: u32, y: u32| {
        let (right, down) = (x as f32 - width as f32 / 2.0, y as f32 - height as f32 / 2.0);
        right.hypot(down) < height as f32 / 4.0
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let samples = pixels.flat_map(|(x, y)| if inside(x, y) { [220, 40, 60] } else { [0, 177, 64] }).collect();
    let color = Rgb::new(size, Samples::Eight(samples));
    let picture = Encodable { color: &color, alpha: None, profile: None, metadata: &Metadata::default() };
    encode(&picture, &WriteOptions::new(Format::Jpeg)).unwrap()
}

//! What an operator can set about the service. Every field has a default that makes a laptop a complete server.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, Kind, Result, jobs::JobKind};

/// The settings of the service. Unknown fields are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Folder of the embedded database, uploads and results; the one of this user when unset.
    pub data: Option<PathBuf>,
    /// A PostgreSQL that several processes share, as `postgres://user:password@host/name`; the embedded database when unset.
    pub database: Option<String>,
    /// The PostgreSQL itself, where `database` is a pool in transaction mode such as PgBouncer: for messages and migrations.
    pub database_direct: Option<String>,
    /// PostgreSQLs that follow `database`, for lists: what an organisation has just written is read from `database` until they
    /// have it. Needs `redis`, where all processes note who wrote.
    pub replicas: Vec<String>,
    /// Whether the database's tables are brought up to date at the start; otherwise `backgroundfx migrate` does it.
    pub migrate: bool,
    /// A RabbitMQ that wakes workers, as `amqp://user:password@host:5672/%2f`; the database does when unset.
    pub queue: Option<String>,
    /// A Redis that several processes share, as `redis://:password@host:6379/0`; each counts for itself when unset.
    pub redis: Option<String>,
    /// Bucket of uploads and results, as `s3://bucket/prefix`; a folder of `data` when unset.
    pub objects: Option<String>,
    /// Most millions of bytes of a bucket's small results that are remembered in memory, and as long in the Redis if there is one;
    /// none when 0.
    pub cache_megabytes: u64,
    /// A MongoDB of what is known of everything that was made, as `mongodb://user:password@host:27017/name`; the database when
    /// unset.
    pub documents: Option<String>,
    /// Days that this is kept.
    pub document_days: u64,
    /// Keys that encrypt uploads and results, as `file:PATH` of 32 bytes or `kms:KEY` of AWS's protocol; the first encrypts, all
    /// decrypt. As they are when empty.
    pub object_keys: Vec<String>,
    /// File of the 32 bytes that encrypt secrets in the database and sign tokens; `secret.key` in `data` when unset.
    pub secret_key: Option<PathBuf>,
    /// Whether this process also makes the items of jobs, beside `backgroundfx worker` processes.
    pub work: bool,
    /// The kinds of jobs this process makes items of, `pictures` and `video`; both when empty.
    pub work_kinds: Vec<JobKind>,
    /// The models whose items this process makes; all when empty.
    pub work_models: Vec<String>,
    /// Pictures worked on at the same time; one for each core, at most 8, when unset.
    pub threads: Option<usize>,
    /// Most requests that wait for their turn; one more is answered 429 at once.
    pub waiting: usize,
    /// Most seconds a request waits and works; 503 after.
    pub request_seconds: u64,
    /// Most millions of bytes of one request's body.
    pub body_megabytes: u64,
    /// Most millions of bytes of all bodies held in memory at one time; one more is answered 429 at once.
    pub bodies_megabytes: u64,
    /// Most pixels of a picture, in millions.
    pub max_megapixels: u32,
    /// Megapixels a key may send in a minute.
    pub rate_megapixels: u32,
    /// Most millions of bytes of a file that comes in pieces, or of a clip at an address.
    pub upload_megabytes: u64,
    /// Hours that results are kept.
    pub result_hours: u64,
    /// Seconds that running work is waited for when the server is stopped.
    pub drain_seconds: u64,
    /// Whether pictures may be cut out without a key.
    pub anonymous: bool,
    /// Whether browsers may have the default model, to cut pictures out by themselves.
    pub on_device: bool,
    /// Hosts of the own network that may be fetched from, as `host` or `host:port`; all others must be public.
    pub fetch_hosts: Vec<String>,
    /// Model used when a request names none.
    pub model: Option<String>,
    /// A second bucket, in another region say, which has the results too.
    pub objects_second: Option<String>,
    /// Further PostgreSQLs, each with some of the organisations; their order is theirs for good.
    pub shards: Vec<String>,
    /// Caches before the service that are told when results are gone: `http://…`, `cloudfront:…`.
    pub caches: Vec<String>,
    /// Minutes that another model than the default stays in memory when nobody asks for it.
    pub model_minutes: u64,
    /// Certificates and private key as PEM files; with both, the server speaks TLS only.
    pub tls_certificate: Option<PathBuf>,
    /// See `tls_certificate`.
    pub tls_key: Option<PathBuf>,
    /// The ffmpeg that reads and writes clips; the one on the search path when unset.
    pub ffmpeg: Option<PathBuf>,
    /// Address of an OpenTelemetry collector that takes OTLP over HTTP, as `http://localhost:4318`.
    pub otlp: Option<String>,
    /// Model that tells what the subject is, for remove.bg's `X-Type`; without one it is `other`.
    pub type_model: Option<String>,
    /// How the log is written.
    pub log: LogFormat,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Pretty,
    /// A JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: None,
            database: None,
            database_direct: None,
            replicas: Vec::new(),
            migrate: true,
            queue: None,
            redis: None,
            objects: None,
            cache_megabytes: 64,
            documents: None,
            document_days: 365,
            object_keys: Vec::new(),
            secret_key: None,
            work: true,
            work_kinds: Vec::new(),
            work_models: Vec::new(),
            threads: None,
            waiting: 32,
            request_seconds: 120,
            body_megabytes: 23,
            bodies_megabytes: 400,
            max_megapixels: 50,
            rate_megapixels: 500,
            upload_megabytes: 4000,
            result_hours: 24,
            drain_seconds: 20,
            anonymous: false,
            on_device: true,
            fetch_hosts: Vec::new(),
            model: None,
            objects_second: None,
            shards: Vec::new(),
            caches: Vec::new(),
            model_minutes: 15,
            tls_certificate: None,
            tls_key: None,
            ffmpeg: None,
            otlp: None,
            type_model: None,
            log: LogFormat::default(),
        }
    }
}

impl Config {
    /// Checks every field and reports all that is wrong at once.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] naming each field, its value and what it allows.
    pub fn validate(&self) -> Result<()> {
        let mut problems = Vec::new();
        let mut within = |field: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                problems.push(format!("serve.{field} is {value}, allowed is {low} to {high}"));
            }
        };
        within("threads", self.threads.unwrap_or(1) as u64, 1, 256);
        within("waiting", self.waiting as u64, 0, 100_000);
        within("request_seconds", self.request_seconds, 1, 3600);
        within("body_megabytes", self.body_megabytes, 1, 10_000);
        within("bodies_megabytes", self.bodies_megabytes, self.body_megabytes, 1_000_000);
        within("max_megapixels", u64::from(self.max_megapixels), 1, 1000);
        within("rate_megapixels", u64::from(self.rate_megapixels), 1, 1_000_000_000);
        within("upload_megabytes", self.upload_megabytes, 1, 1_000_000);
        within("result_hours", self.result_hours, 1, 24 * 366);
        within("cache_megabytes", self.cache_megabytes, 0, 1_000_000);
        within("model_minutes", self.model_minutes, 0, 1_000_000);
        within("document_days", self.document_days, 1, 36_600);
        within("drain_seconds", self.drain_seconds, 0, 3600);
        if !self.work && self.database.is_none() {
            problems.push("serve.work is false, and no other process can make jobs without serve.database".to_owned());
        }
        if self.objects_second.is_some() && self.objects.is_none() {
            problems.push("serve.objects_second is set, and serve.objects, whose second it is, is not".to_owned());
        }
        for (field, set) in [
            ("queue", self.queue.is_some()),
            ("database_direct", self.database_direct.is_some()),
            ("shards", !self.shards.is_empty()),
        ] {
            if set && self.database.is_none() {
                problems.push(format!("serve.{field} is set, and serve.database, which it serves, is not"));
            }
        }
        if !self.replicas.is_empty() && (self.database.is_none() || self.redis.is_none()) {
            problems.push(
                "serve.replicas is set, and serve.database and serve.redis, which it needs, are not both".to_owned(),
            );
        }
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            problems.push("serve.tls_certificate and serve.tls_key go together".to_owned());
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::new(Kind::ConfigInvalid, problems.join("; "))) }
    }

    /// The folder of everything that is kept.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] when none is set and this user has none.
    pub fn folder(&self) -> Result<PathBuf> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let own = || match () {
            () if cfg!(windows) => variable("LOCALAPPDATA"),
            () if cfg!(target_os = "macos") => variable("HOME").map(|home| home.join("Library/Application Support")),
            () => variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share"))),
        };
        self.data.clone().or_else(|| Some(own()?.join("backgroundfx/server"))).ok_or_else(|| {
            Error::new(
                Kind::ConfigInvalid,
                "serve.data is not set and this user has no folder for data; name one with --data",
            )
        })
    }

    /// Pictures worked on at the same time: one more than the network works on keeps it busy.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_all_that_is_wrong_is_told_at_once() {
        assert!(Config::default().validate().is_ok());
        let wrong = Config { request_seconds: 0, max_megapixels: 0, ..Config::default() };
        let message = wrong.validate().unwrap_err().to_string();
        assert!(message.contains("request_seconds") && message.contains("max_megapixels"), "{message}");
    }
}

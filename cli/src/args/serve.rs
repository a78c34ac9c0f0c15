//! What `serve` understands. Everything else about the service is set in the configuration.

use std::{net::SocketAddr, path::PathBuf};

/// Examples below the help.
pub const EXAMPLES: &str = "\
Examples:
  backgroundfx serve                             # prints an API key at its first start
  curl -H 'X-API-Key: bfx_…' -F image=@photo.jpg http://127.0.0.1:8080/v1/remove -o cutout.png
  backgroundfx serve --listen 0.0.0.0:8080 --data /srv/backgroundfx

Clients of remove.bg use http://127.0.0.1:8080/v1.0 instead of https://api.remove.bg/v1.0; those of rembg's server,
http://127.0.0.1:8080/api/remove. `backgroundfx config default` explains all settings.";

/// Examples below the help of `worker`.
pub const WORKER_EXAMPLES: &str = "\
Examples:
  export BACKGROUNDFX_SERVE_DATABASE=postgres://backgroundfx@db.internal/backgroundfx
  BACKGROUNDFX_SERVE_WORK=false backgroundfx serve --listen 0.0.0.0:8080 --data /shared/backgroundfx
  backgroundfx worker --data /shared/backgroundfx        # as often as you like, on any machine

All share the database and the folder; with BACKGROUNDFX_SERVE_OBJECTS=s3://bucket and BACKGROUNDFX_SERVE_SECRET_KEY=FILE no
folder is needed. A worker's address answers /v1/health, /v1/ready and /metrics, nothing else.";

/// What `serve` and `worker` understand.
#[derive(Debug, clap::Args)]
pub struct ServeArguments {
    /// Address and port to listen on [default: 127.0.0.1:8080; of a worker 127.0.0.1:8081]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Folder for the database, uploads and results
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// A PostgreSQL to share with other processes, as postgres://user@host/name, instead of the embedded database
    #[arg(long, value_name = "ADDRESS")]
    pub database: Option<String>,
    /// Model for requests that name none
    #[arg(short, long, value_name = "NAME")]
    pub model: Option<String>,
    /// Let everybody who reaches the address cut out pictures, without a key
    #[arg(long)]
    pub anonymous: bool,
    /// Write the log as JSON, an object a line
    #[arg(long)]
    pub log_json: bool,
    /// Threads the network uses
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Precision the network computes in
    #[arg(long, value_name = "PRECISION")]
    pub precision: Option<backgroundfx_core::engine::Precision>,
}

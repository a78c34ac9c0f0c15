//! `serve` and `worker`: the HTTP service, and what makes jobs beside it.

use std::net::SocketAddr;

use backgroundfx_core::engine::{Engine, EngineOptions};
use backgroundfx_server::{self as server, config::LogFormat, serve::Part};

use super::catalog;
use crate::{
    args::ServeArguments,
    config::Config,
    exit::{self, DONE, Ended},
    stdout::say,
};

/// Brings the tables of a database that processes share up to date.
pub fn migrate(database: Option<String>, config: &Config) -> Ended {
    let mut settings = config.serve.clone().unwrap_or_default();
    if let Some(database) = database {
        (settings.database, settings.database_direct) = (Some(database), None);
    }
    Ok(match server::serve::migrate(&settings) {
        Ok(done) => {
            for step in &done {
                say!("{step}");
            }
            if done.is_empty() {
                say!("nothing to do");
            }
            DONE
        }
        Err(error) => exit::served(&error),
    })
}

/// Serves, or makes jobs, until the process is asked to stop.
pub fn run(arguments: ServeArguments, part: Part, config: &Config) -> Ended {
    let mut settings = config.serve.clone().unwrap_or_default();
    // Beside a service on the same machine.
    let beside = SocketAddr::from(([127, 0, 0, 1], 8081));
    let usual = if part == Part::Worker { beside } else { settings.listen };
    settings.listen = arguments.listen.unwrap_or(usual);
    settings.database = arguments.database.or(settings.database);
    settings.data = arguments.data.or(settings.data);
    settings.model = arguments.model.or(settings.model).or_else(|| config.model.clone());
    settings.ffmpeg = settings.ffmpeg.or_else(|| config.ffmpeg.clone());
    settings.anonymous |= arguments.anonymous;
    if arguments.log_json {
        settings.log = LogFormat::Json;
    }
    let options = EngineOptions { keep_memory: true, ..config.engine(arguments.threads, arguments.precision) };
    let (engine, catalog) = (Engine::open(options)?, catalog(config)?);
    let served = server::serve::serve(settings, part, engine, catalog, &mut std::io::stdout().lock());
    Ok(match served {
        Ok(()) => DONE,
        Err(error) => exit::served(&error),
    })
}

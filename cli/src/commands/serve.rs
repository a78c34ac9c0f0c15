//! `serve`: the HTTP service, in this process.

use backgroundfx_core::engine::{Engine, EngineOptions};
use backgroundfx_server::{self as server, config::LogFormat};

use super::catalog;
use crate::{
    args::ServeArguments,
    config::Config,
    exit::{self, DONE, Ended},
};

/// Serves until the process is asked to stop.
pub fn run(arguments: ServeArguments, config: &Config) -> Ended {
    let mut settings = config.serve.clone().unwrap_or_default();
    settings.listen = arguments.listen.unwrap_or(settings.listen);
    settings.data = arguments.data.or(settings.data);
    settings.model = arguments.model.or(settings.model).or_else(|| config.model.clone());
    settings.ffmpeg = settings.ffmpeg.or_else(|| config.ffmpeg.clone());
    settings.anonymous |= arguments.anonymous;
    if arguments.log_json {
        settings.log = LogFormat::Json;
    }
    let options = EngineOptions { keep_memory: true, ..config.engine(arguments.threads, arguments.precision) };
    let (engine, catalog) = (Engine::open(options)?, catalog(config)?);
    let served = server::serve::serve(settings, engine, catalog, &mut std::io::stdout().lock());
    Ok(match served {
        Ok(()) => DONE,
        Err(error) => exit::served(&error),
    })
}

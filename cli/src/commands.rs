//! The commands, one file each.

mod compare;
mod doctor;
mod models;
#[cfg(feature = "server")]
mod organisations;
#[cfg(feature = "server")]
mod removebg;
#[cfg(feature = "server")]
mod serve;
#[cfg(feature = "server")]
mod service;
mod shell;

#[cfg(feature = "server")]
use crate::args::{DoctorArguments, DoctorCommand};
use crate::{
    args::{Arguments, Command, ConfigCommand},
    config::{self, Config},
    exit::{DONE, Ended},
    remove,
    stdout::say,
    video,
};
use backgroundfx_core::{Error, Kind};
#[cfg(feature = "server")]
use backgroundfx_server::serve::Part;
pub use models::catalog;

/// Runs what the command line asks for.
pub fn run(arguments: Arguments) -> Ended {
    let shared = arguments.shared;
    match arguments.command {
        Command::Remove(arguments) => remove::run(&arguments, &shared, &Config::load(&shared)?),
        Command::Video(arguments) => video::run(&arguments, &shared, &Config::load(&shared)?),
        #[cfg(feature = "server")]
        Command::Serve(arguments) => serve::run(arguments, Part::Service, &Config::load(&shared)?),
        #[cfg(feature = "server")]
        Command::Worker(arguments) => serve::run(arguments, Part::Worker, &Config::load(&shared)?),
        #[cfg(feature = "server")]
        Command::Migrate { database } => serve::migrate(database, &Config::load(&shared)?),
        #[cfg(feature = "server")]
        Command::Organisations(command) => organisations::run(command, &Config::load(&shared)?),
        Command::Models(command) => models::run(&command, &shared, &Config::load(&shared)?),
        Command::Compare(arguments) => compare::run(&arguments),
        #[cfg(feature = "server")]
        Command::Doctor(DoctorArguments { at: Some(DoctorCommand::Removebg(arguments)), .. }) => {
            removebg::run(&arguments)
        }
        #[cfg(feature = "server")]
        Command::Doctor(DoctorArguments { at: Some(DoctorCommand::Service(arguments)), .. }) => {
            service::run(&arguments)
        }
        Command::Doctor(arguments) => doctor::run(&arguments, &shared),
        Command::Config(command) => configuration(&command, &shared),
        #[cfg(feature = "server")]
        Command::Codes { markdown, service: true } => shell::service_codes(markdown),
        Command::Codes { markdown, .. } => shell::codes(markdown),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man { folder } => shell::manual(folder.as_deref()),
    }
}

fn configuration(command: &ConfigCommand, shared: &crate::args::Shared) -> Ended {
    match command {
        ConfigCommand::Path => match shared.config.clone().or_else(config::default_path) {
            Some(path) => say!("{}", path.display()),
            None => return Err(Error::new(Kind::ConfigInvalid, "neither HOME nor XDG_CONFIG_HOME is set")),
        },
        ConfigCommand::Default => say!("{}", config::ANNOTATED.trim_end()),
        ConfigCommand::Show => {
            let text = toml::to_string(&Config::load(shared)?)
                .map_err(|error| Error::new(Kind::Internal, "cannot write the configuration").because(error))?;
            say!("{}", text.trim_end());
        }
    }
    Ok(DONE)
}

//! The configuration: defaults, then a TOML file, then `BACKGROUNDFX_*` in the environment; flags come on top.

use std::{
    fs,
    path::{Path, PathBuf},
};

use backgroundfx_core::{
    Error, Kind, Result,
    engine::{Device, EngineOptions, artifacts::StoreOptions},
    options::Preset,
};
use serde::{Deserialize, Serialize};

use crate::args::Shared;

/// Everything that can be configured. Unknown fields are refused.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Preset used when none is named: low, medium, high or ultra.
    pub preset: Option<Preset>,
    /// Model used when none is named.
    pub model: Option<String>,
    /// TOML file that describes models of your own.
    pub models_file: Option<PathBuf>,
    /// Device used when none is named.
    pub device: Option<Device>,
    /// Threads the network uses; one for each core when unset.
    pub threads: Option<usize>,
    /// Pictures worked on at the same time; one for each core when unset.
    pub jobs: Option<usize>,
    /// Most pixels of a picture, in millions; 100 when unset.
    pub max_megapixels: Option<u32>,
    /// Whether nothing may be fetched.
    pub offline: Option<bool>,
    /// Which models may be used: commercial or any.
    pub license: Option<License>,
    /// Folder where weights and the runtime are kept.
    pub folder: Option<PathBuf>,
    /// Address or folder tried first for every file that is fetched.
    pub mirror: Option<String>,
    /// ONNX Runtime library to use instead of the one that is fetched.
    pub runtime: Option<PathBuf>,
}

/// Which models may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum License {
    /// Those whose weights may be used commercially.
    Commercial,
    /// All.
    Any,
}

/// Names of the fields, as they are after `BACKGROUNDFX_` in the environment.
const FIELDS: [&str; 12] = [
    "preset",
    "model",
    "models_file",
    "device",
    "threads",
    "jobs",
    "max_megapixels",
    "offline",
    "license",
    "folder",
    "mirror",
    "runtime",
];

impl Config {
    /// The configuration in effect before flags.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] naming every field that is wrong; [`Kind::InputUnreadable`] when a named file is not there.
    pub fn load(shared: &Shared) -> Result<Self> {
        let mut table = match file(shared.config.as_deref())? {
            Some((path, text)) => parse(&path, &text)?,
            None => toml::Table::new(),
        };
        let mut problems = Vec::new();
        for field in FIELDS {
            if let Ok(text) = std::env::var(format!("BACKGROUNDFX_{}", field.to_uppercase())) {
                table.insert(field.to_owned(), value(&text));
            }
        }
        for (field, value) in &table {
            // One field at a time, so that all problems are told at once.
            let single = toml::Table::from_iter([(field.clone(), value.clone())]);
            if let Err(error) = single.try_into::<Self>() {
                problems.push(format!("{field}: {}", error.message()));
            }
        }
        if !problems.is_empty() {
            return Err(Error::new(Kind::ConfigInvalid, problems.join("; ")));
        }
        let mut config: Self = table.try_into().map_err(|error: toml::de::Error| {
            Error::new(Kind::ConfigInvalid, error.message().to_owned()).because(error)
        })?;
        if shared.offline {
            config.offline = Some(true);
        }
        match shared.license.as_deref() {
            Some("any") => config.license = Some(License::Any),
            Some(_) => config.license = Some(License::Commercial),
            None => {}
        }
        Ok(config)
    }

    /// How the engine is set up.
    #[must_use]
    pub fn engine(&self, threads: Option<usize>) -> EngineOptions {
        EngineOptions { store: self.store(), runtime: self.runtime.clone(), threads: threads.or(self.threads) }
    }

    /// How files are kept and fetched.
    #[must_use]
    pub fn store(&self) -> StoreOptions {
        StoreOptions {
            folder: self.folder.clone(),
            offline: self.offline.unwrap_or(false),
            mirror: self.mirror.clone(),
            allow_non_commercial: self.license == Some(License::Any),
            ..StoreOptions::default()
        }
    }
}

/// Where the configuration file is looked for when none is named.
#[must_use]
pub fn default_path() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = if cfg!(windows) {
        variable("APPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        variable("XDG_CONFIG_HOME").or_else(|| variable("HOME").map(|home| home.join(".config")))
    };
    Some(folder?.join("backgroundfx").join("config.toml"))
}

/// A named file must be there; the default one may be missing.
fn file(named: Option<&Path>) -> Result<Option<(PathBuf, String)>> {
    let Some(path) = named.map(Path::to_owned).or_else(|| default_path().filter(|path| path.is_file())) else {
        return Ok(None);
    };
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error) => {
            let message = format!("cannot read the configuration {}: {error}", path.display());
            Err(Error::new(Kind::InputUnreadable, message).because(error))
        }
    }
}

fn parse(path: &Path, text: &str) -> Result<toml::Table> {
    text.parse::<toml::Table>().map_err(|error| {
        Error::new(Kind::ConfigInvalid, format!("{}: {}", path.display(), error.message())).because(error)
    })
}

/// Text of the environment as the value it looks like.
fn value(text: &str) -> toml::Value {
    match text {
        "true" => toml::Value::Boolean(true),
        "false" => toml::Value::Boolean(false),
        _ => text.parse::<i64>().map_or_else(|_| toml::Value::String(text.to_owned()), toml::Value::Integer),
    }
}

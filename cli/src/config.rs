//! The configuration: defaults, then a TOML file, then `BACKGROUNDFX_*` in the environment; flags come on top.

use std::{
    fs,
    path::{Path, PathBuf},
};

use backgroundfx_core::{
    Error, Kind, Result,
    engine::{Device, EngineOptions, Precision, artifacts::StoreOptions},
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
    /// Precision used when none is named.
    pub precision: Option<Precision>,
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
    /// The ffmpeg that reads and writes clips; the one on the search path when unset.
    pub ffmpeg: Option<PathBuf>,
    /// Megabytes that a clip's frames may take while they are worked on.
    pub video_memory: Option<u32>,
    /// The settings of `serve`.
    #[cfg(feature = "server")]
    pub serve: Option<backgroundfx_server::Config>,
}

/// Which models may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum License {
    /// Those whose weights may be used commercially.
    Commercial,
    /// All.
    Any,
}

/// A file that sets nothing and says what could be set.
pub const ANNOTATED: &str = include_str!("config/default.toml");

/// The fields, and how their text in the environment (`BACKGROUNDFX_` and the name in capitals) is read.
const FIELDS: &[(&str, Shape)] = &[
    ("preset", Shape::Text),
    ("model", Shape::Text),
    ("models_file", Shape::Text),
    ("device", Shape::Text),
    ("precision", Shape::Text),
    ("threads", Shape::Number),
    ("jobs", Shape::Number),
    ("max_megapixels", Shape::Number),
    ("offline", Shape::Switch),
    ("license", Shape::Text),
    ("folder", Shape::Text),
    ("mirror", Shape::Text),
    ("runtime", Shape::Text),
    ("ffmpeg", Shape::Text),
    ("video_memory", Shape::Number),
];

/// Variables that begin like ours and are read elsewhere: the configuration's own place, and the store's folders.
const OTHER_VARIABLES: [&str; 3] = ["CONFIG", "HOME", "MODELS"];

#[derive(Debug, Clone, Copy)]
enum Shape {
    Text,
    Number,
    Switch,
}

impl Config {
    /// The configuration in effect: the file, the environment on top, then the flags that every command has.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] naming every field that is wrong; [`Kind::InputUnreadable`] when a named file is not there.
    pub fn load(shared: &Shared) -> Result<Self> {
        let (place, table) = match file(shared.config.as_deref())? {
            Some((path, text)) => (path.display().to_string(), parse(&path, &text)?),
            None => (String::new(), toml::Table::new()),
        };
        let mut problems = check(&table, |field| format!("{place}: {field}"));
        let environment = from_environment(std::env::vars_os(), &mut problems);
        problems.extend(check(&environment, |field| format!("BACKGROUNDFX_{}", field.to_uppercase())));
        if !problems.is_empty() {
            return Err(Error::new(Kind::ConfigInvalid, problems.join("; ")));
        }
        let mut together = table;
        for (field, value) in environment {
            match (together.get_mut(&field), value) {
                (Some(toml::Value::Table(below)), toml::Value::Table(above)) => below.extend(above),
                (_, value) => _ = together.insert(field, value),
            }
        }
        let mut config: Self = together.try_into().map_err(|error: toml::de::Error| {
            Error::new(Kind::ConfigInvalid, error.message().to_owned()).because(error)
        })?;
        config.apply(shared);
        Ok(config)
    }

    fn apply(&mut self, shared: &Shared) {
        if shared.offline {
            self.offline = Some(true);
        }
        if let Some(license) = shared.license {
            self.license = Some(license);
        }
        if let Some(file) = &shared.models_file {
            self.models_file = Some(file.clone());
        }
    }

    /// How the engine is set up.
    #[must_use]
    pub fn engine(&self, threads: Option<usize>, precision: Option<Precision>) -> EngineOptions {
        EngineOptions {
            store: self.store(),
            runtime: self.runtime.clone(),
            threads: threads.or(self.threads),
            precision: precision.or(self.precision).unwrap_or_default(),
            keep_memory: false,
        }
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

/// What is wrong with a table's fields, looked at one at a time so that all problems are told at once.
fn check(table: &toml::Table, name: impl Fn(&str) -> String) -> Vec<String> {
    let problem = |(field, value): (&String, &toml::Value)| {
        let single = toml::Table::from_iter([(field.clone(), value.clone())]);
        let config = match single.try_into::<Config>() {
            Ok(config) => config,
            Err(error) => return Some(format!("{}: {}", name(field), error.message())),
        };
        let numbers = [config.max_megapixels, config.video_memory].map(|number| number.map(|number| number as usize));
        let zero = [config.threads, config.jobs, numbers[0], numbers[1]];
        zero.contains(&Some(0)).then(|| format!("{}: is 0, allowed is 1 and more", name(field)))
    };
    table.iter().filter_map(problem).collect()
}

/// The fields that the environment sets. A name that no field has is a problem: a setting that is misspelt and
/// passed over would be missed only when it matters.
fn from_environment(
    variables: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
    problems: &mut Vec<String>,
) -> toml::Table {
    let mut table = toml::Table::new();
    for (name, text) in variables {
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix("BACKGROUNDFX_")) else { continue };
        if OTHER_VARIABLES.contains(&name) || text.is_empty() {
            continue;
        }
        #[cfg(feature = "server")]
        if let Some(field) = name.strip_prefix("SERVE_") {
            match serve_field(field, &text.to_string_lossy()) {
                Ok((field, value)) => {
                    let serve = table.entry("serve").or_insert_with(|| toml::Value::Table(toml::Table::new()));
                    serve.as_table_mut().map(|serve| serve.insert(field, value));
                }
                Err(problem) => problems.push(problem),
            }
            continue;
        }
        let Some((field, shape)) = FIELDS.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)) else {
            problems.push(format!("BACKGROUNDFX_{name}: there is no such setting"));
            continue;
        };
        let text = text.to_string_lossy();
        match shape.read(&text) {
            Some(value) => _ = table.insert((*field).to_owned(), value),
            None => problems.push(format!("BACKGROUNDFX_{name}: is {text:?}, {}", shape.allowed())),
        }
    }
    table
}

/// A setting of the service from its text: the first reading of it that the field takes.
#[cfg(feature = "server")]
fn serve_field(name: &str, text: &str) -> std::result::Result<(String, toml::Value), String> {
    let field = name.to_lowercase();
    let list = text.split(',').map(|part| toml::Value::String(part.trim().to_owned())).collect();
    let readings = [
        Some(toml::Value::String(text.to_owned())),
        Shape::Number.read(text),
        Shape::Switch.read(text),
        Some(toml::Value::Array(list)),
    ];
    let mut problem = None;
    for reading in readings.into_iter().flatten() {
        match toml::Table::from_iter([(field.clone(), reading.clone())]).try_into::<backgroundfx_server::Config>() {
            Ok(_) => return Ok((field, reading)),
            Err(error) => _ = problem.get_or_insert_with(|| error.message().to_owned()),
        }
    }
    Err(format!("BACKGROUNDFX_SERVE_{name}: {}", problem.unwrap_or_default()))
}

impl Shape {
    fn read(self, text: &str) -> Option<toml::Value> {
        match self {
            Self::Text => Some(toml::Value::String(text.to_owned())),
            Self::Number => text.parse().ok().map(toml::Value::Integer),
            Self::Switch => match text.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Some(toml::Value::Boolean(true)),
                "0" | "false" | "no" | "off" => Some(toml::Value::Boolean(false)),
                _ => None,
            },
        }
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Text => "allowed is text",
            Self::Number => "allowed is a whole number",
            Self::Switch => "allowed is true or false",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (toml::Table, Vec<String>) {
        let mut problems = Vec::new();
        let variables = variables.iter().map(|(name, text)| ((*name).into(), (*text).into()));
        (from_environment(variables, &mut problems), problems)
    }

    #[test]
    fn the_environment_is_read_by_field() {
        let (table, problems) = read(&[
            ("BACKGROUNDFX_OFFLINE", "1"),
            ("BACKGROUNDFX_MODEL", "123"),
            ("BACKGROUNDFX_THREADS", "4"),
            ("BACKGROUNDFX_HOME", "/elsewhere"),
            ("BACKGROUNDFX_DEVICE", ""),
            ("PATH", "/bin"),
        ]);
        assert_eq!(problems, [""; 0]);
        let config: Config = table.try_into().unwrap();
        assert_eq!((config.offline, config.model.as_deref(), config.threads), (Some(true), Some("123"), Some(4)));
    }

    #[cfg(feature = "server")]
    #[test]
    fn the_service_is_set_up_by_the_environment_field_by_field() {
        let (table, problems) = read(&[
            ("BACKGROUNDFX_SERVE_LISTEN", "0.0.0.0:80"),
            ("BACKGROUNDFX_SERVE_WAITING", "7"),
            ("BACKGROUNDFX_SERVE_ANONYMOUS", "yes"),
            ("BACKGROUNDFX_SERVE_FETCH_HOSTS", "a.example, b.example:81"),
        ]);
        assert_eq!(problems, [""; 0]);
        let serve = table.try_into::<Config>().unwrap().serve.unwrap();
        assert_eq!((serve.listen.port(), serve.waiting, serve.anonymous), (80, 7, true));
        assert_eq!(serve.fetch_hosts, ["a.example", "b.example:81"]);
        let (_, problems) = read(&[("BACKGROUNDFX_SERVE_LISTEN", "here"), ("BACKGROUNDFX_SERVE_COLOUR", "1")]);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("LISTEN") && problems[1].contains("COLOUR"), "{problems:?}");
    }

    #[test]
    fn everything_wrong_in_the_environment_is_told() {
        let (_, problems) = read(&[("BACKGROUNDFX_MODLE", "u2net"), ("BACKGROUNDFX_OFFLINE", "maybe")]);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("BACKGROUNDFX_MODLE"));
    }

    #[test]
    fn every_field_is_in_the_table_and_told_when_wrong() {
        let sorted = |table: &toml::Table| {
            let mut names: Vec<String> = table.keys().cloned().collect();
            names.sort_unstable();
            names
        };
        let mut fields: Vec<_> = FIELDS.iter().map(|(field, _)| (*field).to_owned()).collect();
        fields.sort_unstable();
        let all = toml::to_string(&Config::everything()).unwrap();
        assert_eq!(sorted(&all.parse().unwrap()), fields);
        assert!(ANNOTATED.parse::<toml::Table>().unwrap().is_empty());
        let annotated: String = ANNOTATED.lines().filter(|line| !line.starts_with("# ")).collect::<Vec<_>>().join("\n");
        let mut annotated: toml::Table = annotated.replace('#', "").parse().unwrap();
        #[cfg(feature = "server")]
        {
            let serve = annotated.remove("serve").unwrap();
            let whole: backgroundfx_server::Config = serve.clone().try_into().unwrap();
            // What is not written below the table would not be told to anybody.
            let all = toml::Table::try_from(backgroundfx_server::Config {
                data: Some(PathBuf::new()),
                database: Some(String::new()),
                database_direct: Some(String::new()),
                queue: Some(String::new()),
                redis: Some(String::new()),
                objects: Some(String::new()),
                documents: Some(String::new()),
                secret_key: Some(PathBuf::new()),
                threads: Some(1),
                model: Some(String::new()),
                ffmpeg: Some(PathBuf::new()),
                otlp: Some(String::new()),
                type_model: Some(String::new()),
                objects_second: Some(String::new()),
                tls_certificate: Some(PathBuf::new()),
                tls_key: Some(PathBuf::new()),
                ..whole
            });
            assert_eq!(sorted(serve.as_table().unwrap()), sorted(&all.unwrap()));
        }
        assert_eq!(sorted(&annotated), fields);
        assert_eq!(check(&annotated, str::to_owned), [""; 0]);
        let wrong: toml::Table = "threads = 0\ndevice = \"gpu\"\ncolour = 1".parse().unwrap();
        let problems = check(&wrong, str::to_owned).join("; ");
        for field in ["threads", "device", "colour"] {
            assert!(problems.contains(field), "{field}: {problems}");
        }
    }

    impl Config {
        /// A configuration that sets every field.
        fn everything() -> Self {
            Self {
                preset: Some(Preset::Low),
                model: Some(String::new()),
                models_file: Some(PathBuf::new()),
                device: Some(Device::Cpu),
                precision: Some(Precision::Fp32),
                threads: Some(1),
                jobs: Some(1),
                max_megapixels: Some(1),
                offline: Some(true),
                license: Some(License::Any),
                folder: Some(PathBuf::new()),
                mirror: Some(String::new()),
                runtime: Some(PathBuf::new()),
                ffmpeg: Some(PathBuf::new()),
                video_memory: Some(1),
                #[cfg(feature = "server")]
                serve: None,
            }
        }
    }
}

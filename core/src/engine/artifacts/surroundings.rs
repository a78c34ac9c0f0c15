//! What the store takes from around it: folders, package clients, patience. Tests hand in their own.

use std::{ffi::OsString, path::PathBuf, time::Duration};

/// What the store takes from around it.
///
/// [`Surroundings::of_process`] reads the environment once; apart from the proxy, nothing else in the store does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Where files are kept when no folder is named; `None` when the environment names no home.
    pub folder: Option<PathBuf>,
    /// Folders filled by hand (`BACKGROUNDFX_MODELS`), read only.
    pub filled_folders: Vec<PathBuf>,
    /// Folders where rembg keeps its weights, read only.
    pub rembg_folders: Vec<PathBuf>,
    /// Ways to start the npm client, each a program and its first arguments; the first installed one is used.
    pub npm: Vec<Vec<OsString>>,
    /// Ways to start the pip client, likewise.
    pub pip: Vec<Vec<OsString>>,
    /// Whether to go through the proxy that the process's environment names (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`,
    /// except for the hosts of `NO_PROXY`).
    pub use_proxy: bool,
    /// How long looking up a host, and connecting to it, may each take.
    pub connect_timeout: Duration,
    /// How long a connection may deliver nothing.
    pub stall_timeout: Duration,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self { use_proxy: true, ..Self::from_variables(&|name| std::env::var_os(name)) }
    }

    /// Those that these environment variables describe, without a proxy.
    #[must_use]
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |name: &str| set(name).map(PathBuf::from);
        Self {
            folder: path("BACKGROUNDFX_HOME").or_else(|| data_folder(&path)),
            filled_folders: set("BACKGROUNDFX_MODELS")
                .map(|list| std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect())
                .unwrap_or_default(),
            rembg_folders: rembg_folders(&path),
            npm: commands(if cfg!(windows) { &["npm.cmd"] } else { &["npm"] }),
            pip: commands(if cfg!(windows) {
                &["py -m pip", "python -m pip", "pip"]
            } else {
                &["python3 -m pip", "pip3", "pip"]
            }),
            use_proxy: false,
            // A blocked network must not cost more than a moment before the next source is tried.
            connect_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(30),
        }
    }
}

type Lookup<'a> = &'a dyn Fn(&str) -> Option<PathBuf>;

fn home(path: Lookup) -> Option<PathBuf> {
    path(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
}

fn data_folder(path: Lookup) -> Option<PathBuf> {
    let base = if cfg!(windows) {
        path("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home(path).map(|home| home.join("Library/Application Support"))
    } else {
        // The XDG rules: a relative path is not valid and is ignored.
        path("XDG_DATA_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| home(path).map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("backgroundfx"))
}

/// The folders that rembg's versions have used: one flat folder, later `models/NAME/NAME.onnx` in its home.
fn rembg_folders(path: Lookup) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for home in [path("U2NET_HOME"), path("REMBG_HOME")].into_iter().flatten() {
        folders.extend([home.join("models"), home]);
    }
    if let Some(data) = path("XDG_DATA_HOME") {
        folders.extend([data.join("rembg/models"), data.join(".u2net")]);
    }
    if let Some(home) = home(path) {
        folders.extend([home.join(".rembg/models"), home.join(".u2net")]);
    }
    folders
}

fn commands(lines: &[&str]) -> Vec<Vec<OsString>> {
    lines.iter().map(|line| line.split(' ').map(OsString::from).collect()).collect()
}

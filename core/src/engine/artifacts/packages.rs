//! Fetches a package with the machine's own npm or pip client, through whichever registry that is configured for.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use super::{
    child::{self, Outcome},
    surroundings::Surroundings,
};
use crate::{Error, Kind, Result, progress::Progress};

/// Fetches an npm package's archive into `folder`.
pub(super) fn npm(
    around: &Surroundings,
    package: &str,
    version: &str,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf> {
    let mut arguments: Vec<OsString> =
        ["pack", "--silent", "--loglevel=error", "--ignore-scripts"].map(Into::into).into();
    // One more try, not several with pauses of ten seconds; a cache of its own, so that nothing large stays behind.
    arguments.extend(["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--cache"].map(OsString::from));
    arguments.push(folder.join("cache").into());
    arguments.extend(["--pack-destination".into(), folder.into(), format!("{package}@{version}").into()]);
    run(&around.npm, "npm", &arguments, folder, package, progress)?;
    delivered(folder, ".tgz", "npm")
}

/// Which wheel is meant.
pub(super) struct Wheel<'a> {
    pub(super) package: &'a str,
    pub(super) version: &'a str,
    pub(super) python: &'a str,
    pub(super) platform: &'a str,
}

/// Fetches a wheel into `folder`.
pub(super) fn pip(around: &Surroundings, wheel: &Wheel, folder: &Path, progress: &dyn Progress) -> Result<PathBuf> {
    let mut arguments: Vec<OsString> =
        ["download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--retries=1", "--quiet"]
            .map(Into::into)
            .into();
    arguments.extend(["--disable-pip-version-check", "--implementation", "cp"].map(OsString::from));
    arguments.extend(["--python-version", wheel.python, "--platform", wheel.platform, "-d"].map(OsString::from));
    arguments.extend([folder.into(), format!("{}=={}", wheel.package, wheel.version).into()]);
    run(&around.pip, "pip", &arguments, folder, wheel.package, progress)?;
    delivered(folder, ".whl", "pip")
}

/// Uses the first client that is installed. A Python without pip counts as not installed.
fn run(
    clients: &[Vec<OsString>],
    name: &str,
    arguments: &[OsString],
    folder: &Path,
    subject: &str,
    progress: &dyn Progress,
) -> Result<()> {
    for line in clients {
        match child::run(line, arguments, folder, subject, progress)? {
            Outcome::Done => return Ok(()),
            Outcome::NotInstalled => {}
            Outcome::Failed(complaint) if complaint.contains("No module named pip") => {}
            Outcome::Failed(complaint) => return Err(Error::new(Kind::DownloadFailed, complaint)),
        }
    }
    Err(Error::new(Kind::DownloadFailed, format!("{name} is not installed")))
}

fn delivered(folder: &Path, ending: &str, name: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut packages = entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().ends_with(ending));
    packages.next().ok_or_else(|| Error::new(Kind::DownloadFailed, format!("{name} left no {ending} file")))
}

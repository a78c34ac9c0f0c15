//! Runs a package client as a child process: arguments as a list, its complaints kept, ended when cancelled.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::ErrorKind,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::part::{one_line, report, unwritable};
use crate::{Error, Kind, Result, progress::Progress};

/// How often a running child is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// How a child came to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It did what it was asked.
    Done,
    /// There is no such program.
    NotInstalled,
    /// It failed; this is what it complained of.
    Failed(String),
}

/// Runs a client in a folder of its own, where it may leave nothing we do not remove later.
///
/// Progress is the size of what lies in `folder`, because no client tells how much there will be.
pub(super) fn run(
    line: &[OsString],
    arguments: &[OsString],
    folder: &Path,
    subject: &str,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let Some((program, first)) = line.split_first() else { return Ok(Outcome::NotInstalled) };
    let complaints = folder.join("complaints.txt");
    let stderr = File::create(&complaints).map_err(|error| unwritable(&complaints, error))?;
    let mut command = Command::new(program);
    command.args(first).args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    // Clients unpack beside their result, not on a temporary file system that may be small.
    command.envs(["TMPDIR", "TMP", "TEMP"].map(|name| (name, folder)));
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Outcome::NotInstalled),
        Err(error) => return Ok(Outcome::Failed(one_line(&error))),
    };
    let succeeded = watch(&mut child, folder, subject, progress)?;
    if succeeded { Ok(Outcome::Done) } else { Ok(Outcome::Failed(gist(&complaints))) }
}

fn watch(child: &mut Child, folder: &Path, subject: &str, progress: &dyn Progress) -> Result<bool> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) => {}
            Err(error) => {
                end(child);
                return Err(Error::new(Kind::DownloadFailed, one_line(&error)).because(error));
            }
        }
        if let Err(cancelled) = report(progress, subject, size(folder), None) {
            end(child);
            return Err(cancelled);
        }
        thread::sleep(PAUSE);
    }
}

/// Ends the child and waits for it. On Windows the client is a script whose interpreter has to be ended with it.
fn end(child: &mut Child) {
    if cfg!(windows) {
        let id = child.id().to_string();
        let _ = Command::new("taskkill").args(["/T", "/F", "/PID", &id]).stdout(Stdio::null()).status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The bytes of all files below a folder. Files come and go meanwhile: what cannot be read counts nothing.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(facts) if facts.is_dir() => size(&entry.path()),
            Ok(facts) => facts.len(),
            Err(_) => 0,
        })
        .sum()
}

/// What a client complained of, in one line: what it calls errors, or else everything, up to a few lines.
fn gist(complaints: &Path) -> String {
    let text = String::from_utf8_lossy(&fs::read(complaints).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_error = |line: &&&str| {
        let line = line.to_ascii_lowercase();
        line.starts_with("error") || line.starts_with("npm err")
    };
    let errors: Vec<&str> = lines.iter().filter(is_error).copied().collect();
    let chosen = if errors.is_empty() { lines } else { errors };
    let told: Vec<&str> = chosen
        .into_iter()
        .map(|line| line.trim_start_matches("npm error").trim_start_matches("npm ERR!").trim())
        // The log it points to is removed together with everything else it left.
        .filter(|line| !line.is_empty() && !line.contains("complete log of this run"))
        .take(4)
        .collect();
    if told.is_empty() { "failed without a word".into() } else { told.join("; ") }
}

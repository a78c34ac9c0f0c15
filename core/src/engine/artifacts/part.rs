//! A file on its way into the store: written as `NAME.part`, hashed while it is written, renamed when it is right.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::verified::{feed, hex};
use crate::{
    Error, Kind, Result,
    progress::{Progress, Step},
};

/// Where a file without a recorded size is cut off: more than any network we know, less than a disk.
const MOST_BYTES: u64 = 8 << 30;

/// What is to arrive, and under which name.
#[derive(Debug, Clone)]
pub(super) struct Want {
    pub(super) folder: PathBuf,
    pub(super) file: String,
    pub(super) bytes: Option<u64>,
    pub(super) sha256: Option<String>,
}

impl Want {
    pub(super) fn target(&self) -> PathBuf {
        self.folder.join(&self.file)
    }

    pub(super) fn part(&self) -> PathBuf {
        self.folder.join(format!("{}.part", self.file))
    }

    /// How much of it lies there from an earlier try.
    pub(super) fn kept(&self) -> u64 {
        fs::metadata(self.part()).map_or(0, |facts| facts.len())
    }
}

/// A file being written.
pub(super) struct Part<'a> {
    want: &'a Want,
    progress: &'a dyn Progress,
    file: File,
    hasher: Sha256,
    done: u64,
    /// What the sender says the whole will be; replaced by the recorded size when there is one.
    total: Option<u64>,
}

/// A file that arrived whole.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    pub(super) path: PathBuf,
    pub(super) sha256: String,
}

impl<'a> Part<'a> {
    /// Starts from nothing.
    pub(super) fn create(want: &'a Want, progress: &'a dyn Progress) -> Result<Self> {
        let mut part = Self::resume(want, progress)?;
        part.restart()?;
        Ok(part)
    }

    /// Goes on after what an earlier try left.
    pub(super) fn resume(want: &'a Want, progress: &'a dyn Progress) -> Result<Self> {
        let opened = OpenOptions::new().read(true).append(true).create(true).open(want.part());
        let file = opened.map_err(|error| unwritable(&want.part(), error))?;
        let mut hasher = Sha256::new();
        let done = feed(&mut hasher, &file).map_err(|error| unwritable(&want.part(), error))?;
        Ok(Self { want, progress, file, hasher, done, total: want.bytes })
    }

    /// How many bytes are there.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Whether nothing more can be expected.
    pub(super) fn is_full(&self) -> bool {
        self.want.bytes.is_some_and(|bytes| self.done >= bytes)
    }

    /// Drops what is there.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.file.set_len(0).map_err(|error| unwritable(&self.want.part(), error))?;
        (self.hasher, self.done) = (Sha256::new(), 0);
        Ok(())
    }

    /// Takes the sender's word for the size of the whole; refuses it when another is recorded.
    pub(super) fn expect(&mut self, total: Option<u64>) -> Result<()> {
        match (self.want.bytes, total) {
            (Some(wanted), Some(total)) if wanted != total => {
                Err(Error::new(Kind::DownloadFailed, format!("offers {total} bytes, {wanted} are expected")))
            }
            (wanted, total) => {
                self.total = wanted.or(total);
                Ok(())
            }
        }
    }

    /// Writes everything a reader has, reporting progress; a cancelled or broken transfer keeps what is there.
    pub(super) fn fill(&mut self, mut reader: impl Read) -> Result<()> {
        let mut buffer = vec![0; 1 << 17];
        loop {
            report(self.progress, &self.want.file, self.done, self.total)?;
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.write(&buffer[..count])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::new(Kind::DownloadFailed, one_line(&error)).because(error)),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let most = self.want.bytes.unwrap_or(MOST_BYTES);
        if self.done + bytes.len() as u64 > most {
            discard(&self.want.part());
            return Err(Error::new(Kind::ChecksumMismatch, format!("delivers more than the {most} bytes expected")));
        }
        self.file.write_all(bytes).map_err(|error| unwritable(&self.want.part(), error))?;
        self.hasher.update(bytes);
        self.done += bytes.len() as u64;
        Ok(())
    }

    /// Checks the size and the checksum, and gives the file its name. What is wrong is removed; what is merely
    /// short is kept to go on from.
    pub(super) fn finish(mut self) -> Result<Arrived> {
        if let Some(total) = self.total.filter(|total| self.done < *total) {
            let message = format!("ended after {} of {total} bytes", self.done);
            return Err(Error::new(Kind::DownloadFailed, message));
        }
        let (part, path) = (self.want.part(), self.want.target());
        let sha256 = hex(&std::mem::take(&mut self.hasher).finalize());
        if let Some(wanted) = self.want.sha256.as_ref().filter(|wanted| **wanted != sha256) {
            discard(&part);
            return Err(Error::new(Kind::ChecksumMismatch, format!("has SHA-256 {sha256}, {wanted} is expected")));
        }
        self.file.sync_all().map_err(|error| unwritable(&part, error))?;
        // Where the file system has no locks, another process may have written to the same file.
        if self.file.metadata().map(|facts| facts.len()).ok() != Some(self.done) {
            discard(&part);
            return Err(Error::new(Kind::DownloadFailed, "another process wrote to the same file"));
        }
        fs::rename(&part, &path).map_err(|error| unwritable(&path, error))?;
        Ok(Arrived { path, sha256 })
    }
}

impl Drop for Part<'_> {
    /// A try that brought nothing leaves nothing.
    fn drop(&mut self) {
        if self.done == 0 {
            discard(&self.want.part());
        }
    }
}

/// Reports how far a file is.
pub(super) fn report(progress: &dyn Progress, subject: &str, done: u64, total: Option<u64>) -> Result<()> {
    match progress.report(Step { name: "download", subject, done, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => {
            Err(Error::new(Kind::Cancelled, format!("{subject}: stopped after {done} bytes; they are kept")))
        }
    }
}

/// The error for a place in the store that cannot be written. A full disk gets its unfinished file back, because
/// everything else on it needs the room more than a later try needs the bytes.
pub(super) fn unwritable(path: &Path, error: io::Error) -> Error {
    if error.kind() == ErrorKind::StorageFull && path.extension().is_some_and(|ending| ending == "part") {
        discard(path);
    }
    Error::new(Kind::OutputUnwritable, format!("{}: {}", path.display(), one_line(&error))).because(error)
}

/// Removes a file or folder of ours; that it is not there, or stays, is no error: the next try overwrites it.
pub(super) fn discard(path: &Path) {
    if path.is_dir() {
        let _ = fs::remove_dir_all(path);
    } else {
        let _ = fs::remove_file(path);
    }
}

/// An error's first line, for a list of tries, without the HTTP client's word for "input or output".
pub(super) fn one_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("io: ").to_string()
}

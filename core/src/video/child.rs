//! One run of ffmpeg: its complaints kept for the error, waited for on every path.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    thread::{self, JoinHandle},
};

use crate::{Error, Kind, Result};

/// Most complaints that are kept; a torn file has thousands.
const KEPT: usize = 6;

/// What ffmpeg complained of.
#[derive(Debug, Default, Clone)]
pub(super) struct Complaints {
    /// The first few, in its own words.
    pub lines: Vec<String>,
    /// How many there were.
    pub count: usize,
}

/// A running ffmpeg. Dropped before its end, it is killed.
pub(super) struct Running {
    child: Child,
    listener: Option<JoinHandle<Complaints>>,
}

impl Running {
    /// Starts it; `hear` takes each line it prints on standard error and answers whether that was meant for it. The
    /// others are kept as complaints when their level is error or worse.
    pub fn start(mut command: Command, mut hear: impl FnMut(&str) -> bool + Send + 'static) -> Result<Self> {
        let mut child = command.spawn().map_err(|error| {
            let program = command.get_program().display().to_string();
            Error::new(Kind::FfmpegUnusable, format!("{program} cannot be started: {error}")).because(error)
        })?;
        let stderr =
            child.stderr.take().ok_or_else(|| Error::new(Kind::Internal, "the child has no standard error"))?;
        let listen = move || {
            let mut complaints = Complaints::default();
            // Bytes, not text: names of files may be anything.
            for line in BufReader::new(stderr).split(b'\n').map_while(std::io::Result::ok) {
                let line = String::from_utf8_lossy(&line);
                if !hear(&line) {
                    complaints.add(&line);
                }
            }
            complaints
        };
        let started = thread::Builder::new().name("ffmpeg's words".to_owned()).spawn(listen);
        let mut running = Self { child, listener: None };
        running.listener =
            Some(started.map_err(|error| Error::new(Kind::Internal, "cannot start a thread").because(error))?);
        Ok(running)
    }

    /// Where it reads from, if that is a pipe; the first to ask gets it.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take().inspect(widen)
    }

    /// Where it writes to, if that is a pipe; the first to ask gets it.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take().inspect(widen)
    }

    /// Waits for its end and tells what it complained of.
    ///
    /// # Errors
    /// `kind`, with what it said, when it failed; [`Kind::OutputUnwritable`] when the disk was full.
    pub fn finish(mut self, kind: Kind, what: &str) -> Result<Complaints> {
        drop(self.child.stdin.take());
        let status = self.child.wait().map_err(|error| Error::new(kind, format!("{what}: {error}")).because(error))?;
        let complaints = self.listener.take().and_then(|listener| listener.join().ok()).unwrap_or_default();
        if status.success() { Ok(complaints) } else { Err(complaints.error(kind, what)) }
    }

    /// Ends it now and tells what it had complained of.
    pub fn end(mut self) -> Complaints {
        self.kill();
        self.listener.take().and_then(|listener| listener.join().ok()).unwrap_or_default()
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets a pipe hold a third of a frame in high definition, so that the two ends take turns less often. Where the system allows
/// no more than it gave, that has to do.
#[cfg(target_os = "linux")]
fn widen(pipe: &impl std::os::fd::AsFd) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, 1 << 20);
}

#[cfg(not(target_os = "linux"))]
fn widen<T>(_: &T) {}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Complaints {
    fn add(&mut self, line: &str) {
        let Some(words) = ["[error]", "[fatal]", "[panic]"].iter().find_map(|level| line.split_once(level)) else {
            return;
        };
        self.count += 1;
        if self.lines.len() < KEPT {
            self.lines.push(words.1.trim().to_owned());
        }
    }

    /// The error they amount to: `kind`, unless the disk was full.
    pub fn error(&self, kind: Kind, what: &str) -> Error {
        let said =
            if self.lines.is_empty() { "ffmpeg failed without a word".to_owned() } else { self.lines.join("; ") };
        let full = self.lines.iter().any(|line| line.contains("No space left on device"));
        Error::new(if full { Kind::OutputUnwritable } else { kind }, format!("{what}: {said}"))
    }
}

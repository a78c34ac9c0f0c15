//! One fetch of a file at a time, across threads and processes.

use std::{
    fs::{self, File, TryLockError},
    ops::ControlFlow,
    path::Path,
    thread,
    time::Duration,
};

use super::part::unwritable;
use crate::{
    Error, Kind, Result,
    progress::{Progress, Step},
};

/// How often a lock that another holds is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// Holds the lock of one file name until dropped; waits for whoever has it, and stops waiting when cancelled.
///
/// Lock files stay: removing one could take it from under a process that has just opened it.
pub(super) fn hold(folder: &Path, file: &str, progress: &dyn Progress) -> Result<File> {
    let locks = folder.join("locks");
    fs::create_dir_all(&locks).map_err(|error| unwritable(&locks, error))?;
    let path = locks.join(format!("{file}.lock"));
    let lock = File::create(&path).map_err(|error| unwritable(&path, error))?;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) => {}
            // Some network file systems have no locks; `Part::finish` notices when two wrote to one file.
            Err(TryLockError::Error(_)) => return Ok(lock),
        }
        if let ControlFlow::Break(()) = progress.report(Step { name: "wait", subject: file, done: 0, total: None }) {
            return Err(Error::new(Kind::Cancelled, format!("{file}: stopped while another process fetches it")));
        }
        thread::sleep(PAUSE);
    }
}

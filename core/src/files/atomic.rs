//! Writing a file so that it is there whole or not at all.

use crate::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, Write},
    path::Path,
};

/// What to do when the output already exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IfExists {
    /// Leave it and fail.
    #[default]
    Refuse,
    /// Put the new file in its place.
    Replace,
}

/// Writes a file under a temporary name in the same folder, then renames it.
///
/// Nobody ever sees half a file, and after a failure nothing is left behind.
///
/// # Errors
/// [`Kind::OutputExists`] when it exists and may not be replaced, [`Kind::OutputUnwritable`] when
/// the folder is missing, read-only or full.
pub fn write_atomically(path: &Path, bytes: &[u8], if_exists: IfExists) -> Result<()> {
    let exists = || Error::new(Kind::OutputExists, format!("{} exists", path.display()));
    let unwritable = |error: io::Error| {
        Error::new(Kind::OutputUnwritable, format!("cannot write {}: {error}", path.display())).because(error)
    };
    // Asked early so that nothing is written in vain; the rename below is what holds.
    if if_exists == IfExists::Refuse && path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    if path.is_dir() {
        return Err(unwritable(io::ErrorKind::IsADirectory.into()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = temporary(folder).map_err(unwritable)?;
    file.write_all(bytes).map_err(unwritable)?;
    let renamed = match if_exists {
        IfExists::Replace => file.persist(path),
        IfExists::Refuse => file.persist_noclobber(path),
    };
    renamed.map(drop).map_err(|failed| match failed.error.kind() {
        io::ErrorKind::AlreadyExists => exists(),
        _ => unwritable(failed.error),
    })
}

/// A temporary file that gets the rights any new file gets: by itself it would be private to its owner.
fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".backgroundfx-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

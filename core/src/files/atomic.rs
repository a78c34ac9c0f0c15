//! Files that appear whole or not at all.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{Error, Kind, Result};

/// What happens when the file is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfExists {
    /// It stays and the call fails.
    Refuse,
    /// It is replaced.
    Replace,
}

/// Writes a file under a temporary name beside its own, then renames it.
///
/// # Errors
/// [`Kind::OutputExists`], [`Kind::OutputUnwritable`]; neither leaves anything behind.
pub fn write_atomically(path: &Path, bytes: &[u8], if_exists: IfExists) -> Result<()> {
    let exists = || Error::new(Kind::OutputExists, format!("{} exists", path.display()));
    if if_exists == IfExists::Refuse && path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let temporary = temporary_name(path);
    let written = write(&temporary, bytes).and_then(|()| match if_exists {
        IfExists::Replace => fs::rename(&temporary, path),
        // A hard link, unlike a rename, fails when the name was taken meanwhile.
        IfExists::Refuse => fs::hard_link(&temporary, path).or_else(|error| match error.kind() {
            ErrorKind::AlreadyExists => Err(error),
            // Some file systems have no hard links.
            _ => fs::rename(&temporary, path),
        }),
    });
    // After a successful rename there is nothing under this name any more.
    let _ = fs::remove_file(&temporary);
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(),
        _ => Error::new(Kind::OutputUnwritable, format!("cannot write {}: {error}", path.display())).because(error),
    })
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)
}

fn temporary_name(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}-{number}.part", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_refused_or_replaced_and_nothing_is_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        write_atomically(&path, b"first", IfExists::Refuse).unwrap();
        let refused = write_atomically(&path, b"second", IfExists::Refuse).unwrap_err();
        assert_eq!(refused.kind(), Kind::OutputExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write_atomically(&path, b"third", IfExists::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(&folder.path().join("no/a.png"), b"x", IfExists::Replace).unwrap_err();
        assert_eq!(error.kind(), Kind::OutputUnwritable);
    }
}

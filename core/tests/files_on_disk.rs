//! Reading from and writing to a folder: what is missing is said, and nothing half-written is left.

use backgroundfx_core::{
    Kind,
    files::{IfExists, ReadOptions, read, write_atomically},
};
use std::{fs, path::Path};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("is a folder");
    entries.map(|entry| entry.expect("is listed").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn an_existing_file_is_refused_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    write_atomically(&path, b"first", IfExists::Refuse).unwrap();
    assert_eq!(write_atomically(&path, b"second", IfExists::Refuse).unwrap_err().kind(), Kind::OutputExists);
    assert_eq!(fs::read(&path).unwrap(), b"first");
    write_atomically(&path, b"third", IfExists::Replace).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"third");
    assert_eq!(names(folder.path()), ["a.png"]);
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"x").unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    for path in ["missing/a.png", "file/a.png", "folder"] {
        let error = write_atomically(&folder.path().join(path), b"x", IfExists::Replace).unwrap_err();
        assert_eq!(error.kind(), Kind::OutputUnwritable, "{path}");
    }
    assert_eq!(names(folder.path()).len(), 2);
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let written = write_atomically(&folder.path().join("a.png"), b"x", IfExists::Refuse);
    // The superuser may write everywhere; then there is nothing to tell.
    if let Err(error) = written {
        assert_eq!(error.kind(), Kind::OutputUnwritable);
        assert!(names(folder.path()).is_empty());
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_new_file_has_the_rights_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, plain) = (folder.path().join("a"), folder.path().join("b"));
    write_atomically(&ours, b"x", IfExists::Refuse).unwrap();
    fs::write(&plain, b"x").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.png");
    fs::write(&empty, b"").unwrap();
    let cases = [
        (folder.path().join("missing.png"), Kind::InputUnreadable),
        (folder.path().to_owned(), Kind::InputUnreadable),
        (empty, Kind::InputEmpty),
    ];
    for (path, kind) in cases {
        assert_eq!(read(&path, &ReadOptions::default()).unwrap_err().kind(), kind, "{}", path.display());
    }
}

//! Takes single files out of packages and release archives (`.tgz`, `.zip`, `.whl`), streaming.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use super::part::{Part, one_line, unwritable};
use crate::{Error, Kind, Result};

/// A list of pieces is text of a few kilobytes; more is not one.
const MOST_LIST_BYTES: u64 = 1 << 20;

/// Writes one member of an archive to `part`. Archives whose name ends in `.tgz` or `.tar.gz` are tar, others zip.
pub(super) fn member(archive: &Path, member: &str, part: &mut Part) -> Result<()> {
    if is_tar(archive) {
        let mut tar = open_tar(archive)?;
        for entry in tar.entries().map_err(|error| broken(&error))? {
            let entry = entry.map_err(|error| broken(&error))?;
            if is_named(&entry, member) && entry.header().entry_type().is_file() {
                return part.fill(entry);
            }
        }
        return Err(lacks(member));
    }
    let file = File::open(archive).map_err(|error| broken(&error))?;
    let mut zip = zip::ZipArchive::new(BufReader::new(file)).map_err(|error| broken(&error))?;
    let entry = zip.by_name(member).map_err(|_| lacks(member))?;
    part.fill(entry)
}

fn is_tar(archive: &Path) -> bool {
    let name = archive.to_string_lossy();
    name.ends_with(".tgz") || name.ends_with(".tar.gz")
}

/// Some archives write their paths as `./folder/file`.
fn is_named(entry: &tar::Entry<impl Read>, name: &str) -> bool {
    let path = entry.path_bytes();
    path.strip_prefix(b"./").unwrap_or(&path) == name.as_bytes()
}

fn open_tar(archive: &Path) -> Result<tar::Archive<impl Read>> {
    let file = File::open(archive).map_err(|error| broken(&error))?;
    Ok(tar::Archive::new(MultiGzDecoder::new(BufReader::new(file))))
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::DownloadFailed, format!("the archive cannot be read: {}", one_line(error)))
}

fn lacks(member: &str) -> Error {
    Error::new(Kind::DownloadFailed, format!("the archive holds no {member}"))
}

#[derive(Deserialize)]
struct Joined {
    chunks: Vec<Piece>,
    size: u64,
}

#[derive(Deserialize)]
struct Piece {
    hash: String,
    offsets: [u64; 2],
}

/// Joins the pieces that a list in the archive names to one file `into`.
///
/// The archive holds the pieces in the order of their names, so each is written to its own place in the file.
pub(super) fn join(archive: &Path, list: &str, entry: &str, into: &Path) -> Result<()> {
    let joined = read_list(archive, list, entry)?;
    let folder = list.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut places: HashMap<PathBuf, [u64; 2]> = joined
        .chunks
        .into_iter()
        .map(|piece| (PathBuf::from(format!("{folder}{}", piece.hash)), piece.offsets))
        .collect();
    let mut file = File::create(into).map_err(|error| unwritable(into, error))?;
    let mut tar = open_tar(archive)?;
    for member in tar.entries().map_err(|error| broken(&error))? {
        let member = member.map_err(|error| broken(&error))?;
        let path = member.path().map_err(|error| broken(&error))?.into_owned();
        let Some([from, to]) = places.remove(&path) else { continue };
        file.seek(SeekFrom::Start(from)).map_err(|error| unwritable(into, error))?;
        if copy(member.take(to - from), &mut file, into)? != to - from {
            return Err(Error::new(Kind::DownloadFailed, format!("{} is too short", path.display())));
        }
    }
    match places.keys().next() {
        Some(path) => Err(lacks(&path.display().to_string())),
        None => Ok(()),
    }
}

/// Copies and counts; tells an archive that cannot be read from a disk that cannot be written.
fn copy(mut from: impl Read, to: &mut File, path: &Path) -> Result<u64> {
    let mut buffer = vec![0; 1 << 17];
    let mut done = 0;
    loop {
        let count = from.read(&mut buffer).map_err(|error| broken(&error))?;
        if count == 0 {
            return Ok(done);
        }
        to.write_all(&buffer[..count]).map_err(|error| unwritable(path, error))?;
        done += count as u64;
    }
}

/// Reads the list and checks that its pieces lie end to end and make up the whole.
fn read_list(archive: &Path, list: &str, entry: &str) -> Result<Joined> {
    let mut text = Vec::new();
    let mut tar = open_tar(archive)?;
    for member in tar.entries().map_err(|error| broken(&error))? {
        let member = member.map_err(|error| broken(&error))?;
        if is_named(&member, list) {
            member.take(MOST_LIST_BYTES).read_to_end(&mut text).map_err(|error| broken(&error))?;
            break;
        }
    }
    let mut lists: HashMap<String, serde_json::Value> =
        serde_json::from_slice(&text).map_err(|error| broken(&error))?;
    let value = lists.remove(entry).ok_or_else(|| lacks(entry))?;
    let joined: Joined = serde_json::from_value(value).map_err(|error| broken(&error))?;
    let end = joined
        .chunks
        .iter()
        .try_fold(0, |at, piece| (piece.offsets[0] == at && piece.offsets[1] > at).then_some(piece.offsets[1]));
    if end == Some(joined.size) { Ok(joined) } else { Err(broken(&format!("the pieces of {entry} leave gaps"))) }
}

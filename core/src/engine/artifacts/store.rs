//! The folder where artifacts live: finding, obtaining, verifying and removing them.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::{
    download::Http,
    fetch::Tries,
    lock,
    manifest::{Artifact, Manifest},
    part::{discard, unwritable},
    surroundings::Surroundings,
    verified::{self, Verified},
};
use crate::{
    Error, Kind, Result,
    progress::{Progress, Step},
};

/// How a store is to behave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// Where files are kept; `None` for `$BACKGROUNDFX_HOME` or the platform's place for a program's data.
    pub folder: Option<PathBuf>,
    /// Folders filled by someone else, searched after the store's own.
    pub read_only_folders: Vec<PathBuf>,
    /// Whether nothing may be fetched.
    pub offline: bool,
    /// Whether files without a recorded checksum may be fetched; what arrives is recorded and held to later.
    pub trust_unknown: bool,
    /// A base address or folder tried before all other sources, as `MIRROR/FILE`.
    pub mirror: Option<String>,
    /// Whether files may be used whose licence forbids commercial use.
    pub allow_non_commercial: bool,
}

/// The files at hand, and the means to get more.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) folder: PathBuf,
    pub(super) options: StoreOptions,
    pub(super) around: Surroundings,
    pub(super) http: Http,
}

impl Store {
    /// Opens the store in this process's surroundings. Nothing is created before something is kept.
    ///
    /// # Errors
    /// [`Kind::OptionInvalid`] when no folder is named and the environment has no home.
    pub fn open(options: StoreOptions) -> Result<Self> {
        Self::open_in(options, Surroundings::of_process())
    }

    /// Opens the store in the surroundings given.
    ///
    /// # Errors
    /// [`Kind::OptionInvalid`] when neither the options nor the surroundings name a folder.
    pub fn open_in(options: StoreOptions, around: Surroundings) -> Result<Self> {
        let folder = options.folder.clone().or_else(|| around.folder.clone()).ok_or_else(|| {
            Error::new(
                Kind::OptionInvalid,
                "no folder for models: set BACKGROUNDFX_HOME, the environment names no home",
            )
        })?;
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Ok(Self { folder, http: Http::new(&around), options, around })
    }

    /// The folder where files are kept.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gets what provides `provides`: a file that is there already, or else the first that can be fetched.
    ///
    /// Reports the step `download` with the file's bytes, or `wait` while another process fetches the same file.
    /// Stopping keeps what has come; the next call goes on from there.
    ///
    /// # Errors
    /// [`Kind::ModelUnknown`] when the manifest has no such row, [`Kind::LicenceRefused`],
    /// [`Kind::ArtifactMissing`] (offline, or no source), [`Kind::ChecksumUnknown`], [`Kind::DownloadFailed`] or
    /// [`Kind::ChecksumMismatch`] (every source tried, one line each), [`Kind::OutputUnwritable`],
    /// [`Kind::Cancelled`].
    pub fn obtain(&self, manifest: &Manifest, provides: &str, progress: &dyn Progress) -> Result<(Artifact, PathBuf)> {
        let variants = self.allowed(manifest, provides)?;
        for artifact in &variants {
            if let Some(path) = self.find(artifact) {
                return Ok(((*artifact).clone(), path));
            }
        }
        if self.options.offline {
            return Err(self.not_here(&variants, "and nothing may be fetched (offline)"));
        }
        let mut tries = Tries::default();
        for artifact in &variants {
            if let Some(path) = self.fetch_once(artifact, progress, &mut tries)? {
                return Ok(((*artifact).clone(), path));
            }
        }
        Err(tries.into_error(provides, || self.not_here(&variants, "and no public source is known")))
    }

    /// Fetches an artifact, unless another process does so meanwhile; `None` when it may not or cannot be fetched.
    fn fetch_once(&self, artifact: &Artifact, progress: &dyn Progress, tries: &mut Tries) -> Result<Option<PathBuf>> {
        if artifact.sources.is_empty() && self.options.mirror.is_none() {
            return Ok(None);
        }
        if !self.may_fetch(artifact) {
            tries.add_unknown(artifact);
            return Ok(None);
        }
        fs::create_dir_all(&self.folder).map_err(|error| unwritable(&self.folder, error))?;
        let _lock = lock::hold(&self.folder, &artifact.file, progress)?;
        match self.find(artifact) {
            Some(path) => Ok(Some(path)),
            None => self.fetch(artifact, progress, tries),
        }
    }

    /// Whether what arrives could be checked, or need not be.
    fn may_fetch(&self, artifact: &Artifact) -> bool {
        self.options.trust_unknown
            || self.wanted_sha256(artifact).is_some()
            || artifact.sources.iter().any(super::fetch::is_pinned)
    }

    /// The variants for this platform whose licence is allowed; an error when there is none.
    fn allowed<'a>(&self, manifest: &'a Manifest, provides: &'a str) -> Result<Vec<&'a Artifact>> {
        let variants: Vec<&Artifact> = manifest.variants(provides).collect();
        let Some(first) = variants.first() else {
            return Err(match manifest.iter().any(|artifact| artifact.is_for(provides)) {
                true => Error::new(Kind::ArtifactMissing, format!("{provides}: there is none for this platform")),
                false => Error::new(Kind::ModelUnknown, format!("{provides}: not in the list of artifacts")),
            });
        };
        let license = format!("{}: licence {}", first.id, first.license.weights);
        let allowed: Vec<&Artifact> = variants
            .into_iter()
            .filter(|artifact| artifact.license.commercial || self.options.allow_non_commercial)
            .collect();
        if allowed.is_empty() { Err(Error::new(Kind::LicenceRefused, license)) } else { Ok(allowed) }
    }

    /// The error for files that were not found: missing, changed, or there without a checksum to hold them to.
    fn not_here(&self, variants: &[&Artifact], why: &str) -> Error {
        let unknown = variants.iter().filter(|artifact| self.wanted_sha256(artifact).is_none());
        if let Some(path) = unknown.flat_map(|artifact| self.candidates(artifact)).find(|path| path.is_file()) {
            let message = format!("{}: no checksum is recorded for it", path.display());
            return Error::new(Kind::ChecksumUnknown, message);
        }
        if let Some(path) = variants.iter().map(|row| self.folder.join(&row.file)).find(|path| path.is_file()) {
            let message = format!("{}: is not the file that was published, {why}", path.display());
            return Error::new(Kind::ChecksumMismatch, message);
        }
        let files: Vec<&str> = variants.iter().map(|artifact| artifact.file.as_str()).collect();
        let mut message = format!("{} is not in {}, {why}", files.join(" or "), self.folder.display());
        for note in variants.iter().filter(|artifact| artifact.sources.is_empty()).filter_map(|row| row.note.as_ref()) {
            message += &format!("; {note}");
        }
        Error::new(Kind::ArtifactMissing, message)
    }

    /// Reads a file that is there from end to end and checks it, whatever was remembered of it.
    ///
    /// # Errors
    /// [`Kind::ArtifactMissing`], [`Kind::ChecksumMismatch`], or [`Kind::ChecksumUnknown`] when nothing is recorded
    /// to check it against.
    pub fn verify(&self, artifact: &Artifact) -> Result<PathBuf> {
        let own = self.folder.join(&artifact.file);
        let path = if own.is_file() { own } else { self.find(artifact).unwrap_or(own) };
        if !path.is_file() {
            return Err(self.not_here(&[artifact], "so it cannot be verified"));
        }
        let wanted = self.wanted_sha256(artifact).ok_or_else(|| {
            Error::new(Kind::ChecksumUnknown, format!("{}: nothing is recorded to verify it against", path.display()))
        })?;
        let seen = verified::hash(&path).map_err(|error| {
            Error::new(Kind::InputUnreadable, format!("{}: cannot be read", path.display())).because(error)
        })?;
        if seen == wanted {
            self.verified().remember(&path, &seen);
            return Ok(path);
        }
        self.verified().forget(&path);
        let message = format!("{}: has SHA-256 {seen}, {wanted} is expected", path.display());
        Err(Error::new(Kind::ChecksumMismatch, message))
    }

    /// The SHA-256 of any file, remembered by its size and time.
    ///
    /// # Errors
    /// [`Kind::InputUnreadable`].
    pub fn digest(&self, file: &Path) -> Result<String> {
        let digest = file.canonicalize().and_then(|file| self.verified().digest(&file));
        digest.map_err(|error| {
            Error::new(Kind::InputUnreadable, format!("cannot read {}", file.display())).because(error)
        })
    }

    /// Removes the store's own copy and what belongs to it; answers whether there was one.
    ///
    /// Copies in folders of other programs are left alone.
    ///
    /// # Errors
    /// [`Kind::OutputUnwritable`] when it cannot be removed, or is being fetched at this moment.
    pub fn remove(&self, artifact: &Artifact) -> Result<bool> {
        if !self.folder.is_dir() {
            return Ok(false);
        }
        let path = self.folder.join(&artifact.file);
        let never_wait = |_: Step<'_>| ControlFlow::Break(());
        let _lock = lock::hold(&self.folder, &artifact.file, &never_wait).map_err(|error| match error.kind() {
            Kind::Cancelled => {
                Error::new(Kind::OutputUnwritable, format!("{}: is being fetched just now", path.display()))
            }
            _ => error,
        })?;
        for ending in ["part", "sha256", "fetch", "archive", "archive.part"] {
            discard(&self.folder.join(format!("{}.{ending}", artifact.file)));
        }
        match fs::remove_file(&path) {
            Ok(()) => {
                self.verified().forget(&path);
                Ok(true)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(unwritable(&path, error)),
        }
    }

    pub(super) fn verified(&self) -> Verified {
        Verified::new(&self.folder)
    }
}

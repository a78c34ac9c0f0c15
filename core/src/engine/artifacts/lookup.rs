//! Finds a file that is already on this machine: in the store, in folders filled by hand, in rembg's folders.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{manifest::Artifact, part::unwritable, store::Store};
use crate::Result;

impl Store {
    /// Where the file already is, if its checksum fits. Nothing is fetched.
    ///
    /// A file without a recorded checksum is found once one was accepted, or when the options trust it.
    #[must_use]
    pub fn find(&self, artifact: &Artifact) -> Option<PathBuf> {
        let wanted = self.wanted_sha256(artifact);
        self.candidates(artifact).into_iter().find(|path| self.fits(artifact, wanted.as_deref(), path))
    }

    /// Every place where the file may lie, the store's own first.
    pub(super) fn candidates(&self, artifact: &Artifact) -> Vec<PathBuf> {
        let mut candidates = vec![self.folder.join(&artifact.file)];
        let folders = [&self.options.read_only_folders, &self.around.filled_folders, &self.around.rembg_folders];
        for folder in folders.into_iter().flatten() {
            for name in std::iter::once(&artifact.file).chain(&artifact.aliases) {
                let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
                // rembg keeps `NAME.onnx` flat in older versions and as `NAME/NAME.onnx` in newer ones.
                candidates.extend([folder.join(name), folder.join(stem).join(name)]);
            }
        }
        candidates
    }

    fn fits(&self, artifact: &Artifact, wanted: Option<&str>, path: &Path) -> bool {
        let Ok(facts) = fs::metadata(path) else { return false };
        if !facts.is_file() || artifact.bytes.is_some_and(|bytes| bytes != facts.len()) {
            return false;
        }
        let Ok(seen) = self.verified().digest(path) else { return false };
        match wanted {
            Some(wanted) => seen == wanted,
            None => self.options.trust_unknown && self.record(artifact, &seen).is_ok(),
        }
    }

    /// The SHA-256 the file must have: the manifest's, or the one recorded when it was first accepted.
    pub(super) fn wanted_sha256(&self, artifact: &Artifact) -> Option<String> {
        artifact.sha256.clone().or_else(|| {
            let text = fs::read_to_string(self.record_path(artifact)).ok()?;
            text.split_whitespace().next().map(str::to_string)
        })
    }

    /// Records the SHA-256 of a file that was accepted without one, in the form that `sha256sum -c` reads.
    pub(super) fn record(&self, artifact: &Artifact, sha256: &str) -> Result<()> {
        let path = self.record_path(artifact);
        fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(&path, format!("{sha256}  {}\n", artifact.file)))
            .map_err(|error| unwritable(&path, error))
    }

    fn record_path(&self, artifact: &Artifact) -> PathBuf {
        self.folder.join(format!("{}.sha256", artifact.file))
    }
}

//! What can be fetched: one row per file, with its sources, size, checksum and licence.

use std::{path::Path, sync::LazyLock};

use serde::Deserialize;

use super::parse;
use crate::{Error, Kind, Result};

/// One file that can be fetched and kept: weights or a native library.
///
/// Several artifacts may provide the same thing (another precision, another build); callers ask for
/// [`provides`](Self::provides) and get the first that is there or can be had.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    /// Unique name of this file, as in `isnet-general-use/fp32`.
    pub id: String,
    /// What callers ask for, as in `isnet-general-use`; more than one name where several models share the file.
    pub provides: Vec<String>,
    /// The file's name in the store.
    pub file: String,
    /// Other names under which the same file may lie in folders filled by hand or by other programs.
    pub aliases: Vec<String>,
    /// Size in bytes, when it is known.
    pub bytes: Option<u64>,
    /// SHA-256 in lower-case hexadecimal; `None` when nobody has recorded it.
    pub sha256: Option<String>,
    /// MD5 in lower-case hexadecimal, where that is what the origin publishes; for people to compare, not checked.
    pub md5: Option<String>,
    /// The platform a native library is for, as in `linux-x86_64`; `None` for any.
    pub platform: Option<String>,
    /// Anything a reader should know.
    pub note: Option<String>,
    /// What may be done with it.
    pub license: License,
    /// Facts about the network inside that differ from file to file (`input`, `outputs`, …), handed through unread.
    /// Without names, the file's first input and first output are meant.
    pub network: toml::Table,
    /// Where it can be had, in order of preference.
    pub sources: Vec<Source>,
}

/// The licences of one artifact. Code, weights and training data often differ.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct License {
    /// Licence of the code that defines the network or library.
    pub code: String,
    /// Licence of the weights or the binary.
    pub weights: String,
    /// What is known of the training data's terms.
    pub data: Option<String>,
    /// Whether commercial use is allowed.
    pub commercial: bool,
    /// Anything a reader should know.
    pub note: Option<String>,
}

/// One place an artifact can be had from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A plain address, of the file itself or of an archive that holds it.
    Url {
        /// The address.
        url: String,
        /// The file's path inside the archive, when the address is an archive's.
        member: Option<String>,
        /// SHA-256 of what the address delivers, when that is an archive.
        sha256: Option<String>,
    },
    /// Part of a package in the registry that the machine's npm client is configured for.
    Npm {
        /// The package's name.
        package: String,
        /// Its exact version.
        version: String,
        /// What to take out of it.
        take: Take,
    },
    /// A file inside a wheel in the index that the machine's pip client is configured for.
    Pip {
        /// The package's name.
        package: String,
        /// Its exact version.
        version: String,
        /// The Python version whose wheel is meant.
        python: String,
        /// The platform tag of the wheel.
        platform: String,
        /// The file's path inside the wheel.
        member: String,
    },
}

/// What to take out of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Take {
    /// One file, by its path from the package's root.
    Member(String),
    /// Pieces to join, named by a JSON list of `{ENTRY: {"chunks": [{"hash", "offsets": [from, to]}], "size"}}`;
    /// each piece is a file beside the list, named by its hash.
    Pieces {
        /// The list's path from the package's root.
        list: String,
        /// The list's entry to use.
        entry: String,
    },
}

/// Whether an artifact's bytes can be checked against something recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The manifest names the SHA-256.
    Recorded,
    /// It does not: the first download needs the user's consent.
    Unknown,
}

/// The list of all artifacts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    artifacts: Vec<Artifact>,
}

static BUILT_IN: LazyLock<Manifest> = LazyLock::new(|| {
    Manifest::from_toml(include_str!("manifest.toml")).expect("a test reads the manifest that is compiled in")
});

impl Manifest {
    /// The manifest that comes with this library.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// The built-in manifest followed by the rows of a file.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] with every problem of the file, one per line.
    pub fn with_file(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(Kind::ConfigInvalid, format!("{}: cannot be read: {error}", path.display())).because(error)
        })?;
        parse::rows(&text, &Self::built_in().artifacts)
            .map(|artifacts| Self { artifacts })
            .map_err(|error| error.on(path.display()))
    }

    /// A manifest of exactly these rows.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] with every problem of the text, one per line.
    pub fn from_toml(text: &str) -> Result<Self> {
        parse::rows(text, &[]).map(|artifacts| Self { artifacts })
    }

    /// All artifacts, of every platform, in the order of the rows.
    pub fn iter(&self) -> impl Iterator<Item = &Artifact> {
        self.artifacts.iter()
    }

    /// What provides `provides` on this platform, in order of preference.
    pub fn variants<'a>(&'a self, provides: &'a str) -> impl Iterator<Item = &'a Artifact> {
        self.iter().filter(move |artifact| artifact.is_for(provides) && artifact.fits_here())
    }

    /// The artifact of this id, of any platform.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&Artifact> {
        self.iter().find(|artifact| artifact.id == id)
    }
}

impl Artifact {
    /// Whether it provides what callers ask for by that name.
    #[must_use]
    pub fn is_for(&self, provides: &str) -> bool {
        self.provides.iter().any(|name| name == provides)
    }

    /// Whether its bytes can be checked against something recorded.
    #[must_use]
    pub fn trust(&self) -> Trust {
        if self.sha256.is_some() { Trust::Recorded } else { Trust::Unknown }
    }

    /// Whether it is for this platform, or for any.
    #[must_use]
    pub fn fits_here(&self) -> bool {
        self.platform.as_deref().is_none_or(|platform| platform == this_platform())
    }
}

/// This machine's platform in the manifest's words, as in `linux-x86_64`.
fn this_platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url { url, .. } => formatter.write_str(url),
            Self::Npm { package, version, .. } => write!(formatter, "npm {package}@{version}"),
            Self::Pip { package, version, platform, .. } => write!(formatter, "pip {package}=={version} ({platform})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rows_are_valid_and_every_file_can_be_had() {
        let manifest = Manifest::built_in();
        for artifact in manifest.iter() {
            let by_hand = artifact.note.as_deref().is_some_and(|note| note.contains("put it into the folder"));
            assert!(!artifact.sources.is_empty() || by_hand, "{}: no source, and no word why", artifact.id);
            assert!(
                artifact.sha256.is_none() || artifact.bytes.is_some(),
                "{}: a checksum without a size",
                artifact.id
            );
            let forbids = ["rmbg", "matanyone"].iter().any(|family| artifact.provides[0].starts_with(family));
            assert_eq!(artifact.license.commercial, !forbids, "{}", artifact.id);
        }
        for provides in ["isnet-general-use", "birefnet-general-lite", "u2net", "selfie", "ben2", "modnet"] {
            assert!(manifest.variants(provides).any(|artifact| artifact.trust() == Trust::Recorded), "{provides}");
        }
    }

    #[test]
    fn the_runtime_is_listed_for_every_platform_we_build_for() {
        let platforms =
            ["linux-x86_64", "linux-aarch64", "macos-aarch64", "macos-x86_64", "windows-x86_64", "windows-aarch64"];
        for platform in platforms {
            let mut rows = Manifest::built_in().iter().filter(|row| row.platform.as_deref() == Some(platform));
            let first = rows.next().expect(platform);
            assert_eq!((first.is_for("onnxruntime"), first.trust()), (true, Trust::Recorded), "{platform}");
        }
    }
}

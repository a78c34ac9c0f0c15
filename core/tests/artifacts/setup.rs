//! What every test needs: a store in an empty folder, surroundings without clients, a manifest of a few rows.

use std::{path::PathBuf, time::Duration};

use backgroundfx_core::{
    Error,
    engine::artifacts::{Artifact, Manifest, Store, StoreOptions, Surroundings},
    progress::Silent,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub struct Setup {
    pub root: TempDir,
    pub options: StoreOptions,
    pub around: Surroundings,
}

impl Setup {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = Some(root.path().join("store"));
        let around = Surroundings {
            npm: vec![vec!["no-such-npm-client".into()]],
            pip: vec![vec!["no-such-pip-client".into()]],
            connect_timeout: Duration::from_secs(2),
            stall_timeout: Duration::from_millis(400),
            ..Surroundings::from_variables(&|_| None)
        };
        Self { root, options: StoreOptions { folder, ..StoreOptions::default() }, around }
    }

    pub fn store(&self) -> Store {
        Store::open_in(self.options.clone(), self.around.clone()).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A file in the store's folder, which is made if it is not there yet.
    pub fn kept(&self, name: &str) -> PathBuf {
        std::fs::create_dir_all(self.path("store")).unwrap();
        self.path("store").join(name)
    }

    pub fn obtain(&self, manifest: &Manifest) -> Result<(Artifact, PathBuf), Error> {
        self.store().obtain(manifest, "thing", &Silent)
    }

    /// The names of the files in the store, without its own bookkeeping.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("store")).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "locks" && name != "verified.txt");
        names.sort();
        names
    }
}

/// Bytes without a pattern that a wrong offset could hide in.
pub fn content(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A row that provides `thing` as `NAME.bin` and knows these bytes.
pub fn row(name: &str, bytes: &[u8], sources: &str) -> String {
    let facts = format!("bytes = {}\nsha256 = \"{}\"", bytes.len(), sha256(bytes));
    row_of(name, &facts, true, sources)
}

pub fn row_of(name: &str, facts: &str, commercial: bool, sources: &str) -> String {
    format!(
        "[[artifact]]\nid = \"thing/{name}\"\nprovides = \"thing\"\nfile = \"{name}.bin\"\n{facts}\n\
         license = {{ code = \"MIT\", weights = \"CC-BY-NC-4.0\", commercial = {commercial} }}\nsources = [{sources}]\n"
    )
}

pub fn url(address: &str) -> String {
    format!("{{ url = \"{address}\" }},")
}

pub fn manifest(rows: &[String]) -> Manifest {
    Manifest::from_toml(&rows.concat()).unwrap()
}

/// A compressed tar archive of these files.
pub fn tgz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Written as it is: the builder's own way would tidy `./` away.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

//! Remembers which files were hashed, by path, size and time, so that large files are not hashed on every start.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use sha2::{Digest, Sha256};

/// The list of files that were hashed: one line each, `SHA256 BYTES MODIFIED-NANOSECONDS PATH`.
#[derive(Debug)]
pub(super) struct Verified {
    path: PathBuf,
}

impl Verified {
    pub(super) fn new(folder: &Path) -> Self {
        Self { path: folder.join("verified.txt") }
    }

    /// The file's SHA-256, from memory when neither its size nor its time has changed.
    pub(super) fn digest(&self, file: &Path) -> io::Result<String> {
        let key = key(file)?;
        let lines = fs::read_to_string(&self.path).unwrap_or_default();
        let known = lines.lines().find_map(|line| line.split_once(' ').filter(|(_, rest)| *rest == key));
        if let Some((digest, _)) = known {
            return Ok(digest.to_string());
        }
        let digest = hash(file)?;
        self.remember(file, &digest);
        Ok(digest)
    }

    /// Notes a file's digest. Where the list cannot be written, the file is hashed again next time: no error.
    pub(super) fn remember(&self, file: &Path, digest: &str) {
        let _ = key(file).and_then(|key| self.replace_line(file, Some(format!("{digest} {key}"))));
    }

    /// Forgets a file.
    pub(super) fn forget(&self, file: &Path) {
        let _ = self.replace_line(file, None);
    }

    /// Two processes may lose each other's line here; that file is hashed once more, nothing else.
    fn replace_line(&self, file: &Path, line: Option<String>) -> io::Result<()> {
        let ending = format!(" {}", file.display());
        let lines = fs::read_to_string(&self.path).unwrap_or_default();
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        for line in lines.lines().filter(|line| !line.ends_with(&ending)).chain(line.as_deref()) {
            writeln!(new, "{line}")?;
        }
        new.persist(&self.path)?;
        Ok(())
    }
}

fn key(file: &Path) -> io::Result<String> {
    let facts = fs::metadata(file)?;
    let modified = facts.modified()?.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos());
    Ok(format!("{} {modified} {}", facts.len(), file.display()))
}

/// The SHA-256 of a file's bytes, in lower-case hexadecimal.
pub(super) fn hash(file: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    feed(&mut hasher, File::open(file)?)?;
    Ok(hex(&hasher.finalize()))
}

/// Hashes everything a reader has; answers how many bytes that was.
pub(super) fn feed(hasher: &mut Sha256, mut reader: impl Read) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 17];
    let mut done = 0;
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(done),
            count => {
                hasher.update(&buffer[..count]);
                done += count as u64;
            }
        }
    }
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

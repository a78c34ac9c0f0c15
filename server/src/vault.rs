//! What only this server may read or write: secrets in the database are encrypted, tokens signed, by one key of its folder.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, RandomizedNonceKey},
    hkdf, hmac,
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};

use crate::{Error, Kind, Result};

/// Bytes of the key.
const LENGTH: usize = 32;

/// Keeps and uses the key.
pub struct Vault {
    secrets: RandomizedNonceKey,
    signing: [u8; LENGTH],
    fingerprint: [u8; LENGTH],
    links: hmac::Key,
}

impl Vault {
    /// Reads the key from its file; a new one is made where there is none.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] when the file cannot be read or written, or holds no key.
    pub fn open(file: &Path) -> Result<Self> {
        let wrong = |why: String| {
            let message = format!("the key {} {why}; without it, what it has encrypted is lost", file.display());
            Error::new(Kind::ConfigInvalid, message)
        };
        let key: [u8; LENGTH] = match fs::read(file) {
            Ok(bytes) => bytes.try_into().map_err(|_| wrong(format!("is not {LENGTH} bytes long")))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key: [u8; LENGTH] = rand::random();
                match write(file, &key) {
                    Ok(()) => key,
                    // Another process that shares the folder was quicker.
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Self::open(file),
                    Err(error) => return Err(wrong(format!("cannot be written: {error}"))),
                }
            }
            Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
        };
        let unusable = |_| Error::new(Kind::Internal, "the key cannot be used");
        let secrets = derive(&key, b"secrets").ok_or(aws_lc_rs::error::Unspecified).map_err(unusable)?;
        let signing = derive(&key, b"tokens").ok_or(aws_lc_rs::error::Unspecified).map_err(unusable)?;
        let fingerprint = derive(&key, b"fingerprint").ok_or(aws_lc_rs::error::Unspecified).map_err(unusable)?;
        let secrets = RandomizedNonceKey::new(&AES_256_GCM, &secrets).map_err(unusable)?;
        let links = derive(&key, b"links").ok_or(aws_lc_rs::error::Unspecified).map_err(unusable)?;
        Ok(Self { secrets, signing, fingerprint, links: hmac::Key::new(hmac::HMAC_SHA256, &links) })
    }

    /// By what the key is known again, without telling anything of it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        BASE64_STANDARD.encode(self.fingerprint)
    }

    /// The key that tokens are signed with.
    #[must_use]
    pub fn signing(&self) -> &[u8] {
        &self.signing
    }

    /// A signature of a text, for an address.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.links, text.as_bytes()))
    }

    /// Whether a signature is this key's, of this text. How long that takes tells nothing.
    #[must_use]
    pub fn has_signed(&self, text: &str, signature: &str) -> bool {
        let tag = BASE64_URL_SAFE_NO_PAD.decode(signature);
        tag.is_ok_and(|tag| hmac::verify(&self.links, text.as_bytes(), &tag).is_ok())
    }

    /// Encrypts a secret for a row; it can be read back for that row only.
    ///
    /// # Errors
    /// [`Kind::Internal`].
    pub fn lock(&self, secret: &str, row: &str) -> Result<String> {
        let mut bytes = secret.as_bytes().to_vec();
        let nonce = self
            .secrets
            .seal_in_place_append_tag(Aad::from(row.as_bytes()), &mut bytes)
            .map_err(|_| Error::new(Kind::Internal, "a secret cannot be encrypted"))?;
        Ok(BASE64_STANDARD.encode([&nonce.as_ref()[..], &bytes[..]].concat()))
    }

    /// Reads a secret back.
    ///
    /// # Errors
    /// [`Kind::Internal`] when it was encrypted by another key or for another row.
    pub fn unlock(&self, text: &str, row: &str) -> Result<String> {
        let unreadable = || Error::new(Kind::Internal, "a secret cannot be read: the server's key is another one now");
        let mut bytes = BASE64_STANDARD.decode(text).map_err(|_| unreadable())?;
        let (nonce, sealed) = bytes.split_first_chunk_mut::<12>().ok_or_else(unreadable)?;
        let nonce = aws_lc_rs::aead::Nonce::from(&*nonce);
        let opened = self.secrets.open_in_place(nonce, Aad::from(row.as_bytes()), sealed).map_err(|_| unreadable())?;
        String::from_utf8(opened.to_vec()).map_err(|_| unreadable())
    }
}

/// A key for one purpose, so that none serves two (HKDF, RFC 5869).
fn derive(key: &[u8], purpose: &[u8]) -> Option<[u8; LENGTH]> {
    let mut derived = [0; LENGTH];
    let info = [purpose];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"backgroundfx").extract(key);
    extracted.expand(&info, hkdf::HKDF_SHA256).ok()?.fill(&mut derived).ok()?;
    Some(derived)
}

/// Writes a file that only this user may read.
fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file)?;
    opened.write_all(bytes)?;
    opened.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_back_by_the_same_key_for_the_same_row_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        let vault = Vault::open(&file).unwrap();
        let (locked, other) = (vault.lock("whsec_abc", "row").unwrap(), vault.lock("whsec_abc", "row").unwrap());
        assert!(locked != other && !locked.contains("whsec"));
        let again = Vault::open(&file).unwrap();
        assert_eq!(again.unlock(&locked, "row").unwrap(), "whsec_abc");
        assert!(again.unlock(&locked, "another").is_err() && again.unlock("", "row").is_err());
        let stranger = Vault::open(&folder.path().join("other.key")).unwrap();
        assert!(stranger.unlock(&locked, "row").is_err());
        std::fs::write(&file, b"short").unwrap();
        assert_eq!(Vault::open(&file).err().unwrap().kind(), Kind::ConfigInvalid);
    }
}

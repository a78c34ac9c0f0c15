//! The keys that objects are sealed with. A data key seals many objects for some minutes; it is kept beside each of them, wrapped by
//! a key that stays where it is: in a file of the operator's, or in a key management service.

use std::{
    collections::HashMap,
    error::Error as _,
    fs,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex as AsyncMutex;

use super::kms::Kms;
use crate::{Error, Kind, Result};

/// How long one data key seals objects.
const RENEWED: Duration = Duration::from_secs(300);
/// How long an unwrapped data key opens objects without its service being asked.
const REMEMBERED: Duration = Duration::from_secs(300);
/// Most unwrapped data keys that are remembered.
const MOST_REMEMBERED: usize = 1000;
/// By what a data key is told that a file has wrapped, before the eight bytes that tell which.
const OF_FILE: u8 = b'f';
/// The same of a key management service.
const OF_KMS: u8 = b'k';

/// A key that seals objects.
#[derive(Clone)]
pub struct DataKey {
    /// The key itself, which is kept nowhere.
    pub secret: [u8; 32],
    /// What is kept beside the objects.
    pub wrapped: Vec<u8>,
}

/// Makes and unwraps data keys.
pub struct Keys {
    wrapping: Vec<Wrapping>,
    current: AsyncMutex<Option<(DataKey, Instant)>>,
    known: Mutex<HashMap<Vec<u8>, (DataKey, Instant)>>,
}

enum Wrapping {
    File { name: [u8; 8], key: RandomizedNonceKey },
    Kms(Kms),
}

impl Keys {
    /// The keys at some addresses: `file:PATH` of 32 bytes, or `kms:KEY` of AWS's protocol, by its id, ARN or `alias/name`. The
    /// first wraps new data keys; all unwrap.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`].
    pub async fn at(addresses: &[String]) -> Result<Self> {
        let mut wrapping = Vec::new();
        for address in addresses {
            let wrong = |why: &str| Error::new(Kind::ConfigInvalid, format!("serve.object_keys has {address:?}{why}"));
            wrapping.push(match address.split_once(':') {
                Some(("file", path)) => in_file(path).map_err(|why| wrong(&format!(", which {why}")))?,
                Some(("kms", key)) if !key.is_empty() => Wrapping::Kms(Kms::new(key)?),
                _ => return Err(wrong(", which is neither file:PATH nor kms:KEY")),
            });
        }
        let keys = Self { wrapping, current: AsyncMutex::default(), known: Mutex::default() };
        // Before anything is accepted that could not be kept; who starts it is told what clients are not.
        keys.fresh().await.map_err(|error| {
            let why = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            Error::new(error.kind(), format!("{error}{why}")).because(error)
        })?;
        Ok(keys)
    }

    /// A data key to seal with.
    ///
    /// # Errors
    /// [`Kind::StorageUnusable`] when the service does not give one.
    pub async fn fresh(&self) -> Result<DataKey> {
        let mut current = self.current.lock().await;
        if let Some((key, since)) = &*current
            && since.elapsed() < RENEWED
        {
            return Ok(key.clone());
        }
        let (kind, secret, wrapped) = match &self.wrapping[0] {
            Wrapping::File { name, key } => {
                let secret: [u8; 32] = rand::random();
                let mut sealed = secret.to_vec();
                let nonce = key.seal_in_place_append_tag(Aad::from(name), &mut sealed).map_err(|_| unusable())?;
                (OF_FILE, secret, [name, &nonce.as_ref()[..], &sealed].concat())
            }
            Wrapping::Kms(kms) => {
                let (secret, wrapped) = kms.generate().await?;
                (OF_KMS, secret, wrapped)
            }
        };
        let key = DataKey { secret, wrapped: [&[kind], &wrapped[..]].concat() };
        if key.wrapped.len() > super::frames::MOST_WRAPPED {
            return Err(Error::new(
                Kind::StorageUnusable,
                "the key service wraps its keys in more bytes than there is room for",
            ));
        }
        self.remember(&key);
        *current = Some((key.clone(), Instant::now()));
        Ok(key)
    }

    /// The data key that an object was sealed with.
    ///
    /// # Errors
    /// [`Kind::StorageUnusable`] when none of the keys has wrapped it, or the service does not answer.
    pub async fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey> {
        if let Some((key, since)) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(wrapped)
            && since.elapsed() < REMEMBERED
        {
            return Ok(key.clone());
        }
        let (&kind, inner) = wrapped.split_first().ok_or_else(unusable)?;
        let mut secret = Err(Error::new(
            Kind::StorageUnusable,
            "an object was sealed by a key that serve.object_keys does not have",
        ));
        for wrapping in &self.wrapping {
            match wrapping {
                Wrapping::File { name, key } if kind == OF_FILE && inner.starts_with(name) => {
                    secret = open(key, name, &inner[name.len()..]);
                }
                Wrapping::Kms(kms) if kind == OF_KMS => secret = kms.decrypt(inner).await,
                _ => continue,
            }
            if secret.is_ok() {
                break;
            }
        }
        let key = DataKey { secret: secret?, wrapped: wrapped.to_vec() };
        self.remember(&key);
        Ok(key)
    }

    fn remember(&self, key: &DataKey) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_REMEMBERED {
            known.retain(|_, (_, since)| since.elapsed() < REMEMBERED);
        }
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(key.wrapped.clone(), (key.clone(), Instant::now()));
    }
}

/// The key of a file, by whose fingerprint what it has wrapped is known again.
fn in_file(path: &str) -> Result<Wrapping, String> {
    let bytes = fs::read(path).map_err(|error| {
        format!("cannot be read: {error}; a new one is made by `head -c 32 /dev/urandom > {path}`, and kept as carefully as the pictures")
    })?;
    let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| "is not 32 bytes long".to_owned())?;
    let mut name = [0; 8];
    name.copy_from_slice(&Sha256::new().chain_update(b"backgroundfx object key").chain_update(&bytes).finalize()[..8]);
    Ok(Wrapping::File { name, key })
}

fn open(key: &RandomizedNonceKey, name: &[u8; 8], sealed: &[u8]) -> Result<[u8; 32]> {
    let (nonce, sealed) = sealed.split_first_chunk::<12>().ok_or_else(unusable)?;
    let mut bytes = sealed.to_vec();
    let opened = key.open_in_place(Nonce::from(nonce), Aad::from(name), &mut bytes).map_err(|_| unusable())?;
    (&*opened).try_into().map_err(|_| unusable())
}

fn unusable() -> Error {
    Error::new(Kind::StorageUnusable, "the key of an object cannot be used")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_key_wraps_and_all_unwrap() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            format!("file:{}", path.display())
        };
        let (old, new) = (file("old", &[1; 32]), file("new", &[2; 32]));
        let before = Keys::at(std::slice::from_ref(&old)).await.unwrap();
        let key = before.fresh().await.unwrap();
        assert_eq!(before.fresh().await.unwrap().wrapped, key.wrapped, "one for some minutes");
        let both = Keys::at(&[new.clone(), old]).await.unwrap();
        assert_eq!(both.unwrap(&key.wrapped).await.unwrap().secret, key.secret);
        let later = both.fresh().await.unwrap();
        assert_ne!(later.secret, key.secret);
        let after = Keys::at(&[new]).await.unwrap();
        assert_eq!(after.unwrap(&later.wrapped).await.unwrap().secret, later.secret);
        assert_eq!(after.unwrap(&key.wrapped).await.err().unwrap().kind(), Kind::StorageUnusable);
        let mut changed = later.wrapped.clone();
        changed[30] ^= 1;
        assert!(after.unwrap(&changed).await.is_err());
        for wrong in [file("short", b"short"), "file:/not/there".into(), "kms:".into(), "vault:x".into()] {
            assert_eq!(
                Keys::at(std::slice::from_ref(&wrong)).await.err().unwrap().kind(),
                Kind::ConfigInvalid,
                "{wrong}"
            );
        }
    }
}

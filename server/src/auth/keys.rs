//! API keys: `bfx_` and 32 random letters and digits. Only their hashes are kept.

use rand::Rng;
use sha2::{Digest, Sha256};

/// What every key begins with, so that scanners of leaked secrets find it.
pub const PREFIX: &str = "bfx_";

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new key: 190 bits from the system's random source.
#[must_use]
pub fn generate() -> String {
    let mut random = rand::rng();
    let letters = (0..32).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())]));
    PREFIX.chars().chain(letters).collect()
}

/// What is kept of a key. A plain hash is enough for what cannot be guessed; nothing is learnt from how long looking
/// it up takes, since who does not know the key cannot choose its hash.
#[must_use]
pub fn hash(key: &str) -> String {
    Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The part of a key that is shown to tell it from others.
#[must_use]
pub fn shown(key: &str) -> String {
    key.chars().take(PREFIX.len() + 6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_their_hashes_are_stable() {
        let (one, other) = (generate(), generate());
        assert_ne!(one, other);
        assert_eq!(one.len(), 36);
        assert!(one.starts_with(PREFIX) && one[4..].chars().all(|c| c.is_ascii_alphanumeric()));
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(one.starts_with(&shown(&one)) && shown(&one).len() == 10);
    }
}

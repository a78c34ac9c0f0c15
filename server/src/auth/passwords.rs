//! Passwords: hashed by Argon2id, on threads of their own, few at a time.

use std::sync::LazyLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::{Error, Kind, Result};

/// Lengths that are taken, in characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 10..=200;
/// Each takes 19 MB for a moment.
static PLACES: Semaphore = Semaphore::const_new(2);
/// What a password is compared with when there is nobody of that name, so that this takes as long.
static NOBODY: LazyLock<Option<String>> =
    LazyLock::new(|| Argon2::default().hash_password(b"nobody's").ok().map(|hash| hash.to_string()));

/// What is kept of a password, in PHC notation.
///
/// # Errors
/// [`Kind::RequestInvalid`] when it is too short or too long.
pub async fn hash(password: &str) -> Result<String> {
    if !LENGTHS.contains(&password.chars().count()) {
        let message = format!("a password has {} to {} characters", LENGTHS.start(), LENGTHS.end());
        return Err(Error::new(Kind::RequestInvalid, message));
    }
    let password = password.to_owned();
    let hashed = on_a_thread(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()));
    hashed.await?.map_err(|error| Error::new(Kind::Internal, format!("a password cannot be hashed: {error}")))
}

/// Whether a password is the one that this hash is of; with none, it is not, and takes as long to say so.
///
/// # Errors
/// [`Kind::Internal`].
pub async fn verify(password: &str, hash: Option<&str>) -> Result<bool> {
    let (password, hash) = (password.to_owned(), hash.map(str::to_owned));
    on_a_thread(move || {
        let known = hash.is_some();
        let Some(text) = hash.or_else(|| NOBODY.clone()) else { return false };
        let fits = PasswordHash::new(&text)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        known && fits
    })
    .await
}

async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _place = PLACES.acquire().await.expect("it is never closed");
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|error| Error::new(Kind::Internal, "hashing a password ended early").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash() {
        let hash = hash("correct horse battery").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify("correct horse battery", Some(&hash)).await.unwrap());
        assert!(!verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!verify("nobody's", None).await.unwrap());
        assert_eq!(super::hash("short").await.unwrap_err().kind(), Kind::RequestInvalid);
    }
}

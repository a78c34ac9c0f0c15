//! Small JSON bodies.

use axum::{body::to_bytes, extract::Request};
use serde::de::DeserializeOwned;

use crate::{Error, Kind, Result};

/// What is not a picture fits into this.
const MOST: usize = 256 * 1024;

/// Reads a JSON body.
///
/// # Errors
/// [`Kind::BodyTooLarge`], and [`Kind::RequestInvalid`] naming the field.
pub async fn json<T: DeserializeOwned>(request: Request) -> Result<T> {
    let bytes = to_bytes(request.into_body(), MOST).await.map_err(|error| {
        Error::new(Kind::BodyTooLarge, format!("the body is larger than {MOST} bytes, or ended early")).because(error)
    })?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Error::new(Kind::RequestInvalid, format!("the body is not what this address takes: {error}")).because(error)
    })
}

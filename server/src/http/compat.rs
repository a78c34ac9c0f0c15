//! Addresses of other programs, to the letter, so that their clients can be pointed here unchanged.

pub mod rembg;
pub mod removebg;

use axum::response::Response;

use crate::Error;

/// How errors are written at an address of another program; nothing at our own.
#[must_use]
pub fn dialect(path: &str) -> Option<fn(&Error) -> Response> {
    match path {
        _ if path.starts_with("/v1.0/") => Some(removebg::refuse),
        _ if path.starts_with("/api/") => Some(rembg::refuse),
        _ => None,
    }
}

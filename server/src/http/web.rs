//! `/` and `/app/`: the web app, which is a client of this API and nothing more. Its files are in `web/app`.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{Embed, EmbeddedFile};

use super::problem::Problem;
use crate::{Error, Kind};

/// The files: part of the program, but read from the folder in builds without optimisation.
#[derive(Embed)]
#[folder = "../web/app"]
struct Files;

/// What the page may do: nothing of other servers, no script that is not a file of ours. The network on the device is
/// WebAssembly.
pub const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; \
                      media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// What makes a page one that may compute on several cores: it holds nothing of others, and no other holds it.
pub const ALONE: [(HeaderName, &str); 2] = [
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
];

/// `GET /`.
pub async fn page(headers: HeaderMap) -> Result<Response, Problem> {
    answer("index.html", &headers)
}

/// `GET /app/{file}`.
pub async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    answer(&name, &headers)
}

fn answer(name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let file = Files::get(name).ok_or_else(|| Error::new(Kind::NotFound, "the web app has no such file"))?;
    let tag = tag(&file);
    // Asked each time, answered without the file as long as it is the same: a new version is there at once.
    let common =
        [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, "no-cache"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    // What compresses on the way makes the tag a weak one.
    if known.is_some_and(|known| known.trim_start_matches("W/") == tag) {
        return Ok((StatusCode::NOT_MODIFIED, common, ALONE).into_response());
    }
    Ok((common, ALONE, [(header::CONTENT_TYPE, media_type(name))], file.data).into_response())
}

fn tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    format!("\"{}\"", hash[..12].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

pub fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("wasm") => "application/wasm",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

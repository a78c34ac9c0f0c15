//! Where the files of jobs are: in the store, or at an address that is fetched when the job's turn comes.

use std::path::Path;

use bytes::Bytes;
use object_store::{ObjectStoreExt, path::Path as Place};
use tokio::io::AsyncWriteExt;

use crate::{App, Error, Kind, Result};

/// What a source in the store begins with.
pub const OBJECT: &str = "object:";

/// A file in memory.
///
/// # Errors
/// What the store or fetching reports.
pub async fn bytes(app: &App, source: &str) -> Result<Bytes> {
    match source.strip_prefix(OBJECT) {
        Some(place) => Ok(app.objects.get(&Place::from(place)).await.map_err(gone)?.bytes().await?),
        None => app.fetcher.get(source, app.config.body_megabytes * 1_000_000).await,
    }
}

/// A file on the disk, however large it is.
///
/// # Errors
/// What the store or fetching reports; [`Kind::StorageUnusable`] when it cannot be written.
pub async fn to_file(app: &App, source: &str, path: &Path) -> Result<()> {
    use futures_util::StreamExt;
    let unwritable = |error: std::io::Error| Error::writing("a clip cannot be written for its work", error);
    let mut file = tokio::fs::File::create(path).await.map_err(unwritable)?;
    match source.strip_prefix(OBJECT) {
        Some(place) => {
            let mut chunks = app.objects.get(&Place::from(place)).await.map_err(gone)?.into_stream();
            while let Some(chunk) = chunks.next().await {
                file.write_all(&chunk?).await.map_err(unwritable)?;
            }
        }
        None => {
            let most = app.config.upload_megabytes * 1_000_000;
            app.fetcher.get_into(source, most, &mut file).await?;
        }
    }
    file.flush().await.map_err(unwritable)
}

/// What is not there does not come by waiting.
fn gone(error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => Error::new(Kind::NotFound, "the file is not kept any more"),
        other => other.into(),
    }
}

/// What a source's name ends with; `bin` where it says nothing.
#[must_use]
pub fn extension(source: &str) -> &str {
    let name = source.split(['?', '#']).next().unwrap_or_default();
    let ending = name.rsplit('/').next().and_then(|last| last.rsplit_once('.')).map_or("bin", |(_, ending)| ending);
    if (1..=5).contains(&ending.len()) && ending.chars().all(|c| c.is_ascii_alphanumeric()) { ending } else { "bin" }
}

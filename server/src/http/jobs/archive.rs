//! `GET /v1/jobs/{id}/archive`: all files of a job in one ZIP, written while it is sent.

use std::{
    collections::HashSet,
    io::{self, Write},
    sync::Arc,
};

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use object_store::{ObjectStoreExt, path::Path as Place};
use tokio::{runtime::Handle, sync::mpsc};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::{
        items::{self, Item},
        jobs,
    },
    http::problem::Problem,
};

/// Pieces that may wait for the client.
const WAITING: usize = 4;
/// Items asked of the database at a time.
const PAGE: i64 = 200;

/// Gives what was made of a job so far; what failed is left out.
pub async fn archive(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let job = jobs::get(&app.db, &caller.organisation, &id).await?;
    let files = files(&app, &job.id).await?;
    if files.is_empty() {
        return Err(
            Error::new(Kind::NotFound, format!("the job {id} has no results, or they are not kept any more")).into()
        );
    }
    let (sender, receiver) = mpsc::channel(WAITING);
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || {
        let pipe = Pipe { sender: sender.clone() };
        if let Err(error) = write(&app, &handle, &files, pipe) {
            tracing::warn!(%error, "an archive ends early");
            // The body breaks off, so that nobody takes the part for the whole.
            let _ = sender.blocking_send(Err(error));
        }
    });
    let body = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|piece| (piece, receiver)) });
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.zip\"")),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Names in the archive, and places in the store.
async fn files(app: &App, job: &str) -> Result<Vec<(String, String)>> {
    let (mut files, mut taken, mut after) = (Vec::new(), HashSet::new(), 0);
    loop {
        let page = items::list(&app.db, job, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(files) };
        after = last.number;
        for item in page {
            if let Some(place) = &item.result {
                files.push((name(&item, place, &mut taken), place.clone()));
            }
        }
    }
}

/// What an item is called: as its source, with the ending of what was made; a second one of a name gets its number.
fn name(item: &Item, place: &str, taken: &mut HashSet<String>) -> String {
    let ending = place.rsplit('.').next().unwrap_or("bin");
    let given = item.name.as_deref().unwrap_or_default();
    let given = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = given.rsplit_once('.').map_or(given, |(stem, _)| stem);
    let stem: String = stem.chars().filter(|c| !c.is_control()).collect();
    let plain = if stem.is_empty() { format!("{:06}.{ending}", item.number) } else { format!("{stem}.{ending}") };
    // Some file systems take names for the same that differ in case only.
    if taken.insert(plain.to_lowercase()) {
        return plain;
    }
    let numbered = format!("{stem}-{:06}.{ending}", item.number);
    taken.insert(numbered.to_lowercase());
    numbered
}

fn write(app: &App, handle: &Handle, files: &[(String, String)], pipe: Pipe) -> io::Result<()> {
    let mut archive = ZipWriter::new_stream(pipe);
    // Pictures and clips are compressed already; a clip may be larger than an old ZIP can say.
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for (name, place) in files {
        archive.start_file(name.as_str(), stored)?;
        let kept = handle.block_on(app.objects.get(&Place::from(place.as_str()))).map_err(io::Error::other)?;
        let mut pieces = kept.into_stream();
        while let Some(piece) = handle.block_on(pieces.next()) {
            archive.write_all(&piece.map_err(io::Error::other)?)?;
        }
    }
    archive.finish()?;
    Ok(())
}

/// Where the archive is written: piece by piece to the client, who may be slow.
struct Pipe {
    sender: mpsc::Sender<io::Result<Bytes>>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone");
        self.sender.blocking_send(Ok(Bytes::copy_from_slice(bytes))).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Status;

    #[test]
    fn names_in_an_archive_differ_and_lead_nowhere_else() {
        let item = |number, name: Option<&str>| Item {
            number,
            name: name.map(str::to_owned),
            status: Status::Succeeded,
            progress: 1.0,
            stage: None,
            attempts: 1,
            result: None,
            media_type: None,
            details: None,
            error: None,
        };
        let mut taken = HashSet::new();
        let cases = [
            (1, Some("shoe.jpg"), "shoe.png"),
            (2, Some("Shoe.png"), "Shoe-000002.png"),
            (3, Some("../../etc/passwd"), "passwd.png"),
            (4, Some("C:\\photos\\cat.jpeg"), "cat.png"),
            (5, None, "000005.png"),
            (6, Some(""), "000006.png"),
        ];
        for (number, given, expected) in cases {
            assert_eq!(name(&item(number, given), "results/job/1-1.png", &mut taken), expected, "{given:?}");
        }
    }
}

//! `/v1/uploads`: large files in pieces that survive a broken connection, by the protocol tus 1.0.0 with its extensions
//! creation, termination and expiration.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use backgroundfx_core::files::Format;
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::StreamExt;
use object_store::path::Path as Place;
use tokio::{fs, io::AsyncWriteExt};

use super::problem::Problem;
use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::uploads::{self, Upload},
    worker::put_file,
};

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");

/// `OPTIONS /v1/uploads`: what of the protocol is spoken.
pub async fn options(State(app): State<Arc<App>>) -> Response {
    let headers = [
        ("tus-resumable", "1.0.0".to_owned()),
        ("tus-version", "1.0.0".to_owned()),
        ("tus-extension", "creation,termination,expiration".to_owned()),
        ("tus-max-size", (app.config.upload_megabytes * 1_000_000).to_string()),
    ];
    (StatusCode::NO_CONTENT, axum::response::AppendHeaders(headers)).into_response()
}

/// `POST /v1/uploads`: begins a file of the length in `Upload-Length`.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let length = number(&headers, "upload-length")?;
    let most = app.config.upload_megabytes * 1_000_000;
    if length == 0 || length > most {
        let message = format!("Upload-Length is {length}, allowed is 1 to {most}");
        let kind = if length == 0 { Kind::RequestInvalid } else { Kind::BodyTooLarge };
        return Err(Error::new(kind, message).into());
    }
    let metadata = |name: &str| metadata(&headers, name);
    let upload = Upload {
        id: app.new_id("upload"),
        length: length as i64,
        name: metadata("filename"),
        media_type: metadata("filetype"),
        object: None,
        expires: app.expiry(),
    };
    fs::create_dir_all(app.pieces()).await.map_err(unwritable)?;
    fs::File::create(piece(&app, &upload.id)).await.map_err(unwritable)?;
    uploads::insert(&app.db, &caller.organisation, &upload, app.now()).await?;
    let mut response = StatusCode::CREATED.into_response();
    if let Ok(place) = HeaderValue::from_str(&format!("/v1/uploads/{}", upload.id)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(with_state(response, &upload, 0))
}

/// `HEAD /v1/uploads/{id}`: how much has come.
pub async fn head(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let upload = uploads::get(&app.db, &caller.organisation, &id).await?;
    let offset = offset(&app, &upload).await?;
    Ok(with_state(StatusCode::OK.into_response(), &upload, offset))
}

/// `PATCH /v1/uploads/{id}`: the next piece, from `Upload-Offset` on.
pub async fn append(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if kind != Some("application/offset+octet-stream") {
        return Err(
            Error::new(Kind::ContentUnsupported, "a piece is of the type application/offset+octet-stream").into()
        );
    }
    let upload = uploads::get(&app.db, &caller.organisation, &id).await?;
    // Two connections must not write one file.
    let _only = app.only_writer(&id)?;
    let at = offset(&app, &upload).await?;
    let claimed = number(&parts.headers, "upload-offset")?;
    if claimed != at {
        return Err(Error::new(Kind::Conflict, format!("Upload-Offset is {claimed}, and {at} bytes are here")).into());
    }
    let length = upload.length as u64;
    let at = write(&app, &upload, at, length, body).await?;
    if at == length && upload.object.is_none() {
        let object = format!("uploads/{}/{id}", caller.organisation);
        put_file(&app, &Place::from(object.as_str()), &piece(&app, &id)).await?;
        uploads::complete(&app.db, &id, &object).await?;
        fs::remove_file(piece(&app, &id)).await.map_err(unwritable)?;
    }
    Ok(with_state(StatusCode::NO_CONTENT.into_response(), &upload, at))
}

/// Adds to the piece file what comes, also when the connection breaks; how long it is then.
async fn write(app: &App, upload: &Upload, mut at: u64, length: u64, body: Body) -> Result<u64> {
    if at == length {
        return Ok(at);
    }
    let mut file = fs::OpenOptions::new().append(true).open(piece(app, &upload.id)).await.map_err(unwritable)?;
    let mut chunks = body.into_data_stream();
    let mut broken = None;
    while let Some(chunk) = chunks.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                broken = Some(error);
                break;
            }
        };
        if at + chunk.len() as u64 > length {
            broken = None;
            at = u64::MAX;
            break;
        }
        file.write_all(&chunk).await.map_err(unwritable)?;
        at += chunk.len() as u64;
    }
    file.flush().await.map_err(unwritable)?;
    file.sync_data().await.map_err(unwritable)?;
    if at == u64::MAX {
        return Err(Error::new(Kind::RequestInvalid, format!("more came than the {length} bytes of Upload-Length")));
    }
    match broken {
        Some(error) => {
            Err(Error::new(Kind::RequestInvalid, "the piece ended early; ask for the offset and go on").because(error))
        }
        None => Ok(at),
    }
}

/// `DELETE /v1/uploads/{id}`.
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let upload = uploads::get(&app.db, &caller.organisation, &id).await?;
    remove(&app, &upload.id, upload.object.as_deref()).await?;
    Ok(with_version(StatusCode::NO_CONTENT.into_response()))
}

/// Deletes a file and what has come of it.
///
/// # Errors
/// What the store and the database report.
pub async fn remove(app: &App, id: &str, object: Option<&str>) -> Result<()> {
    let _ = fs::remove_file(piece(app, id)).await;
    if let Some(object) = object {
        crate::sweep::remove_one(app, object).await?;
    }
    uploads::delete(&app.db, id).await
}

/// A file that is whole, for a job.
pub struct Finished {
    /// What its sender calls it.
    pub name: Option<String>,
    /// Where it is in the store.
    pub object: String,
    /// Whether it is a clip.
    pub is_video: bool,
}

/// A file that is whole.
///
/// # Errors
/// [`Kind::NotFound`]; [`Kind::Conflict`] when it is not whole yet.
pub async fn finished(app: &App, caller: &Caller, id: &str) -> Result<Finished> {
    let upload = uploads::get(&app.db, &caller.organisation, id).await?;
    let object =
        upload.object.ok_or_else(|| Error::new(Kind::Conflict, format!("the upload {id} is not whole yet")))?;
    let options = object_store::GetOptions { range: Some((0..64).into()), ..Default::default() };
    let begin = app.objects.get_opts(&Place::from(object.as_str()), options).await?.bytes().await?;
    // What is no picture is left to ffmpeg, which tells what it thinks of it; unless its sender takes it for a picture, which is then
    // a bad one among others.
    let claimed = upload.media_type.is_some_and(|media_type| media_type.starts_with("image/"));
    Ok(Finished { name: upload.name, object, is_video: !claimed && Format::sniff(&begin).is_none() })
}

fn piece(app: &App, id: &str) -> PathBuf {
    app.pieces().join(id)
}

async fn offset(app: &App, upload: &Upload) -> Result<u64> {
    if upload.object.is_some() {
        return Ok(upload.length as u64);
    }
    let facts = fs::metadata(piece(app, &upload.id)).await;
    facts
        .map(|facts| facts.len())
        .map_err(|error| Error::new(Kind::NotFound, "the upload's pieces are gone").because(error))
}

fn with_state(mut response: Response, upload: &Upload, offset: u64) -> Response {
    let expires = jiff::Timestamp::from_millisecond(upload.expires).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let headers = response.headers_mut();
    headers.insert("upload-offset", offset.into());
    headers.insert("upload-length", upload.length.into());
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&expires);
    if let Some(date) = date.ok().and_then(|date| HeaderValue::from_str(&date).ok()) {
        headers.insert("upload-expires", date);
    }
    with_version(response)
}

fn with_version(mut response: Response) -> Response {
    response.headers_mut().insert("tus-resumable", VERSION);
    response
}

fn number(headers: &HeaderMap, name: &str) -> Result<u64> {
    let number = headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
    number.ok_or_else(|| Error::new(Kind::RequestInvalid, format!("the header {name} must be a number")))
}

/// A value of `Upload-Metadata`: pairs of a name and a text in base64, divided by commas.
fn metadata(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers.get("upload-metadata")?.to_str().ok()?;
    let text = pairs.split(',').find_map(|pair| pair.trim().split_once(' ').filter(|(known, _)| *known == name))?.1;
    let text = String::from_utf8(BASE64_STANDARD.decode(text.trim()).ok()?).ok()?;
    Some(text.chars().filter(|c| !c.is_control()).take(200).collect())
}

fn unwritable(error: std::io::Error) -> Error {
    Error::writing("a piece cannot be kept", error)
}

//! `/v1/uploads`: large files in pieces that survive a broken connection, by the protocol tus 1.0.0 with its extensions
//! creation, termination and expiration.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use backgroundfx_core::files::Format;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use object_store::{ObjectStoreExt, path::Path as Place};

use super::problem::Problem;
use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::uploads::{self, Upload},
    objects::Objects,
};

/// Most bytes of a piece, and of what is held in memory of an upload.
const PIECE: usize = 8 << 20;

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
    let at = offset(&app, &upload).await?;
    let claimed = number(&parts.headers, "upload-offset")?;
    if claimed != at {
        return Err(Error::new(Kind::Conflict, format!("Upload-Offset is {claimed}, and {at} bytes are here")).into());
    }
    let at = write(&app, &upload, at, body).await?;
    if at == upload.length as u64 && upload.object.is_none() {
        join(&app, &caller, &upload).await?;
    }
    Ok(with_state(StatusCode::NO_CONTENT.into_response(), &upload, at))
}

/// Keeps what comes as further pieces, also when the connection breaks; how much is here then.
async fn write(app: &App, upload: &Upload, mut at: u64, body: Body) -> Result<u64> {
    let (length, mut chunks, mut buffer) = (upload.length as u64, body.into_data_stream(), BytesMut::new());
    while at < length {
        let chunk = chunks.next().await;
        let ends = !matches!(chunk, Some(Ok(_)));
        if let Some(Ok(chunk)) = &chunk {
            buffer.extend_from_slice(chunk);
        }
        if at + buffer.len() as u64 > length {
            let message = format!("more came than the {length} bytes of Upload-Length");
            return Err(Error::new(Kind::RequestInvalid, message));
        }
        if (ends && !buffer.is_empty()) || buffer.len() >= PIECE || at + buffer.len() as u64 == length {
            let bytes = buffer.split().freeze();
            let next = at + bytes.len() as u64;
            // Two connections, to whichever processes, cannot both have a piece begin here.
            if !app.objects.create(&piece(upload, at), bytes).await? {
                return Err(Error::new(Kind::Conflict, "another connection is sending this file"));
            }
            at = next;
        }
        match chunk {
            Some(Ok(_)) => {}
            None => break,
            Some(Err(error)) => {
                let message = "the piece ended early; ask for the offset and go on";
                return Err(Error::new(Kind::RequestInvalid, message).because(error));
            }
        }
    }
    Ok(at)
}

/// Makes one object of all pieces.
async fn join(app: &App, caller: &Caller, upload: &Upload) -> Result<()> {
    let object = format!("uploads/{}/{}", caller.organisation, upload.id);
    let (all, objects) = (pieces(app, upload).await?, app.objects.clone());
    let chunks = stream::iter(all).then(move |(place, _)| read(objects.clone(), place)).try_flatten().boxed();
    app.objects.put_stream(&Place::from(object.as_str()), "application/octet-stream", chunks).await?;
    uploads::complete(&app.db, &upload.id, &object).await?;
    app.objects.remove_all(&folder(&upload.id)).await
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
    app.objects.remove_all(&folder(id)).await?;
    if let Some(object) = object {
        app.objects.remove(object).await?;
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

/// An object, chunk by chunk.
async fn read(objects: Objects, place: Place) -> Result<BoxStream<'static, Result<Bytes>>> {
    Ok(objects.get(&place).await?.into_stream().map_err(Error::from).boxed())
}

/// Where an upload's pieces are.
fn folder(id: &str) -> String {
    format!("pieces/{id}")
}

/// Where the piece is that begins at an offset.
fn piece(upload: &Upload, offset: u64) -> Place {
    Place::from(format!("{}/{offset:020}", folder(&upload.id)))
}

/// The pieces that follow each other from the beginning, and how long each is.
async fn pieces(app: &App, upload: &Upload) -> Result<Vec<(Place, u64)>> {
    let mut found: Vec<_> = app
        .objects
        .list(Some(&Place::from(folder(&upload.id))))
        .map_ok(|object| (object.location, object.size))
        .try_collect()
        .await?;
    found.sort_unstable();
    let mut at = 0;
    found.retain(|(place, size)| {
        let follows = *place == piece(upload, at);
        at += if follows { *size } else { 0 };
        follows
    });
    Ok(found)
}

async fn offset(app: &App, upload: &Upload) -> Result<u64> {
    if upload.object.is_some() {
        return Ok(upload.length as u64);
    }
    Ok(pieces(app, upload).await?.iter().map(|(_, size)| size).sum())
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

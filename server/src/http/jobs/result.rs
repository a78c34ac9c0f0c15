//! `GET /v1/jobs/{id}/results/{number}`: a file that was made, whole or in part.

use std::{ops::Range, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use object_store::{GetOptions, GetRange, ObjectStoreExt, path::Path as Place};

use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::{items, jobs},
    http::problem::Problem,
};

/// Gives an item's file.
pub async fn result(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((id, number)): Path<(String, i64)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = jobs::get(&app.db, &caller.organisation, &id).await?;
    let (place, media_type) = made(&app, &job.id, number).await?;
    Ok(answer(&app, &place, &media_type, &headers).await?)
}

/// Where an item's result is, and its media type.
///
/// # Errors
/// [`Kind::NotFound`]; [`Kind::DatabaseUnusable`].
pub async fn made(app: &App, job: &str, number: i64) -> Result<(String, String)> {
    let item = items::list(&app.db, job, number.saturating_sub(1), 1).await?.pop().filter(|item| item.number == number);
    let item = item.ok_or_else(|| Error::new(Kind::NotFound, format!("the job {job} has no item {number}")))?;
    let missing =
        || Error::new(Kind::NotFound, format!("the item {number} has no result: it is {}", item.status.name()));
    let place = item.result.ok_or_else(missing)?;
    Ok((place, item.media_type.unwrap_or_else(|| "application/octet-stream".to_owned())))
}

/// A file of the store, or the range of it that is asked for.
///
/// # Errors
/// [`Kind::NotFound`], [`Kind::RangeInvalid`], [`Kind::StorageUnusable`].
pub async fn answer(app: &App, place: &str, media_type: &str, headers: &HeaderMap) -> Result<Response> {
    let place = Place::from(place);
    let gone = |error: object_store::Error| match error {
        object_store::Error::NotFound { .. } => Error::new(Kind::NotFound, "the file is not kept any more"),
        other => Error::from(other),
    };
    let facts = app.objects.head(&place).await.map_err(gone)?;
    // A place is written once: its name tells its content.
    let tag = format!("\"{}\"", facts.e_tag.as_deref().unwrap_or(place.as_ref()).trim_matches('"'));
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_NONE_MATCH).is_some_and(|tags| tags == "*" || tags.split(',').any(|known| known.trim() == tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    // A range of another version is of no use: then all of it is sent.
    let current = text(header::IF_RANGE).is_none_or(|known| known == tag);
    let asked = text(header::RANGE).filter(|_| current).and_then(|range| parse(range, facts.size));
    let (status, range) = match asked {
        None => (StatusCode::OK, 0..facts.size),
        Some(Some(range)) => (StatusCode::PARTIAL_CONTENT, range),
        Some(None) => return Err(Error::new(Kind::RangeInvalid, format!("the file has {} bytes", facts.size))),
    };
    let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
    let body = if facts.size == 0 {
        Body::empty()
    } else {
        Body::from_stream(app.objects.get_opts(&place, options).await.map_err(gone)?.into_stream())
    };
    let mut response = (status, body).into_response();
    let answered = response.headers_mut();
    let mut set = |name: header::HeaderName, text: String| {
        if let Ok(value) = HeaderValue::from_str(&text) {
            answered.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, media_type.to_owned());
    set(header::ETAG, tag);
    set(header::ACCEPT_RANGES, "bytes".to_owned());
    set(header::CONTENT_LENGTH, (range.end - range.start).to_string());
    set(header::CACHE_CONTROL, "private, max-age=3600".to_owned());
    if status == StatusCode::PARTIAL_CONTENT {
        set(header::CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end - 1, facts.size));
    }
    Ok(response)
}

/// The single range of a header: nothing for what is no range (which is then not heeded), `Some(None)` for one that lies
/// outside the file.
fn parse(text: &str, size: u64) -> Option<Option<Range<u64>>> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (from.trim(), to.trim()) {
        ("", last) => size.saturating_sub(number(last)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(Some(range).filter(|range| range.start < range.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_those_outside_are_known() {
        for (text, range) in [
            ("bytes=0-9", Some(Some(0..10))),
            ("bytes=90-", Some(Some(90..100))),
            ("bytes=-10", Some(Some(90..100))),
            ("bytes=-200", Some(Some(0..100))),
            ("bytes=95-300", Some(Some(95..100))),
            ("bytes=100-", Some(None)),
            ("bytes=200-300", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=9-3", None),
            ("bytes=0-1,5-6", None),
            ("lines=1-2", None),
            ("bytes=a-b", None),
        ] {
            assert_eq!(parse(text, 100), range, "{text}");
        }
    }
}

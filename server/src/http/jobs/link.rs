//! Links to results for those who have no key: a signed address that ends by itself, of the store where that gives such
//! addresses, else of this server.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::result::{answer, made};
use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::{jobs, links},
    http::{problem::Problem, query, time},
};

/// Seconds that a link lasts unless others are asked for, and most that a store signs for.
const SECONDS: (i64, i64) = (3600, 7 * 24 * 3600);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkQuery {
    seconds: Option<i64>,
}

/// `GET /v1/jobs/{id}/results/{number}/link`.
pub async fn link(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((id, number)): Path<(String, i64)>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let asked: LinkQuery = query::read(request.uri().query())?;
    let seconds = asked.seconds.unwrap_or(SECONDS.0);
    if !(1..=SECONDS.1).contains(&seconds) {
        let message = format!("seconds is {seconds}, allowed is 1 to {}", SECONDS.1);
        return Err(Error::new(Kind::RequestInvalid, message).into());
    }
    let job = jobs::get(&app.db, &caller.organisation, &id).await?;
    let (place, _) = made(&app, &job.id, number).await?;
    let expires = app.now() / 1000 + seconds;
    let url = match app.objects.link(&place, Duration::from_secs(seconds as u64)).await? {
        Some(url) => url,
        None => {
            let signature = app.vault.sign(&content(&id, number, expires));
            let path = format!("/v1/files/{id}/{number}?expires={expires}&signature={signature}");
            if !app.caches.is_empty() {
                links::insert(&app.db, &path, &job.id, expires * 1000).await?;
            }
            path
        }
    };
    Ok(Json(json!({"url": url, "expires": time::shown(expires * 1000)})))
}

/// What is signed: nothing of it can be changed without it being noticed.
fn content(job: &str, number: i64, expires: i64) -> String {
    format!("file {job} {number} {expires}")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileQuery {
    expires: i64,
    signature: String,
}

/// `GET /v1/files/{job}/{number}`: what a link of this server leads to. What is between may keep it as long as the link lasts.
pub async fn linked(
    State(app): State<Arc<App>>,
    Path((id, number)): Path<(String, i64)>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let asked: FileQuery = query::read(request.uri().query())?;
    let left = asked.expires - app.now() / 1000;
    if !app.vault.has_signed(&content(&id, number, asked.expires), &asked.signature) || left <= 0 {
        return Err(Error::new(Kind::Forbidden, "the link is not this server's, or is over").into());
    }
    let (place, media_type) = made(&app, &id, number).await?;
    let mut response = answer(&app, &place, &media_type, &headers).await?;
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={left}, immutable")) {
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    Ok(response)
}

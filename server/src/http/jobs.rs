//! `/v1/jobs`: work that is accepted now and made later.

mod accept;
mod archive;
mod events;
mod link;
mod result;
mod show;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    form::{Form, Held},
    keys::audit,
    problem::Problem,
    query,
};
use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::{
        items,
        jobs::{self, Filter, Job},
    },
    jobs::{JobKind, Status},
};
pub use accept::accept;
pub use archive::archive;
pub use events::events;
pub use link::{link, linked};
pub use result::{answer as file, result};
pub use show::show;

/// Most seconds that a client is kept waiting for a job.
const LONGEST_WAIT: u64 = 300;

/// `POST /v1/jobs`.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let held = Held::read(&app, &parts.headers, body).await?;
    let form = Form::parse(&parts.headers, held.bytes.clone()).await?.with_query(parts.uri.query())?;
    let accepted = accept(&app, &caller, &form, idempotency_key(&parts.headers)?).await?;
    let job = match patience(&parts.headers) {
        Some(wait) => ended(&app, &accepted.job, wait).await?,
        None => accepted.job,
    };
    let status = if job.status.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = (status, Json(show(&app, &job).await?)).into_response();
    let headers = response.headers_mut();
    if let Ok(place) = HeaderValue::from_str(&format!("/v1/jobs/{}", job.id)) {
        headers.insert(header::LOCATION, place);
    }
    if accepted.again {
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The header `Idempotency-Key`.
///
/// # Errors
/// [`Kind::RequestInvalid`] when it is empty or long.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=255).contains(&key.len()));
    key.map(Some).ok_or_else(|| Error::new(Kind::RequestInvalid, "Idempotency-Key must have 1 to 255 letters"))
}

/// How long a client wants to wait for the end, by `Prefer: wait=30`; `respond-async` is not at all.
#[must_use]
pub fn patience(headers: &HeaderMap) -> Option<Duration> {
    let prefer = headers.get("prefer")?.to_str().ok()?;
    let parts = || prefer.split([',', ';']).map(str::trim);
    let wait = parts().find_map(|part| part.strip_prefix("wait=")?.parse::<u64>().ok());
    if parts().any(|part| part == "respond-async") && wait.is_none() {
        return Some(Duration::ZERO);
    }
    wait.map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

/// The job as it is once it has ended, or once the time is over.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn ended(app: &App, job: &Job, wait: Duration) -> Result<Job> {
    let mut changes = app.changes.subscribe();
    let deadline = tokio::time::Instant::now() + wait;
    loop {
        let now = jobs::get(&app.db, &job.organisation, &job.id).await?;
        if now.status.is_final() || tokio::time::Instant::now() >= deadline {
            return Ok(now);
        }
        let look = tokio::time::sleep(Duration::from_secs(1));
        tokio::select! {
            // Whichever job it was: looking costs little.
            _ = changes.recv() => {}
            () = look => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = app.stopped() => return Ok(now),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    limit: Option<i64>,
    cursor: Option<String>,
    status: Option<String>,
    kind: Option<String>,
    project: Option<String>,
    fields: Option<String>,
}

/// `GET /v1/jobs`.
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let asked: ListQuery = query::read(request.uri().query())?;
    let most = query::limit(asked.limit)?;
    let wrong = |field: &str, text: &str, allowed: &str| {
        Error::new(Kind::RequestInvalid, format!("{field} is {text:?}, allowed is {allowed}"))
    };
    let statuses = Status::ALL.map(Status::name).join(", ");
    let status =
        asked.status.as_deref().map(|text| Status::named(text).ok_or_else(|| wrong("status", text, &statuses)));
    let kind =
        asked.kind.as_deref().map(|text| JobKind::named(text).ok_or_else(|| wrong("kind", text, "pictures, video")));
    let filter = Filter {
        before: asked.cursor.as_deref(),
        project: asked.project.as_deref(),
        status: status.transpose()?,
        kind: kind.transpose()?,
        // One more tells whether there are more.
        most: most + 1,
    };
    let db = app.reading(&caller.organisation).await;
    let mut found = jobs::list(db, &caller.organisation, &filter).await?;
    let more = found.len() as i64 > most;
    found.truncate(most as usize);
    let next = found.last().filter(|_| more).map(|job| job.id.clone());
    let mut shown = Vec::with_capacity(found.len());
    for job in &found {
        shown.push(query::select(show::brief(db, job).await?, asked.fields.as_deref())?);
    }
    Ok(Json(json!({"jobs": shown, "next_cursor": next})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetQuery {
    fields: Option<String>,
}

/// `GET /v1/jobs/{id}`.
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let asked: GetQuery = query::read(request.uri().query())?;
    let job = jobs::get(&app.db, &caller.organisation, &id).await?;
    Ok(Json(query::select(show(&app, &job).await?, asked.fields.as_deref())?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemsQuery {
    limit: Option<i64>,
    cursor: Option<i64>,
}

/// `GET /v1/jobs/{id}/items`.
pub async fn list_items(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let asked: ItemsQuery = query::read(request.uri().query())?;
    let most = query::limit(asked.limit)?;
    let job = jobs::get(&app.db, &caller.organisation, &id).await?;
    let mut found = items::list(&app.db, &job.id, asked.cursor.unwrap_or(0), most + 1).await?;
    let more = found.len() as i64 > most;
    found.truncate(most as usize);
    let next = found.last().filter(|_| more).map(|item| item.number);
    let shown: Vec<Value> = found.iter().map(|item| show::item(&job, item)).collect();
    Ok(Json(json!({"items": shown, "next_cursor": next})))
}

/// `DELETE /v1/jobs/{id}`: ends what has not ended, and deletes its files.
pub async fn cancel(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let job = end(&app, &caller, &id).await?;
    Ok(Json(show(&app, &job).await?))
}

/// Ends a job that has not ended, and deletes its files.
///
/// # Errors
/// [`Kind::NotFound`]; what the store and the database report.
pub async fn end(app: &App, caller: &Caller, id: &str) -> Result<Job> {
    let over = jobs::get(&app.db, &caller.organisation, id).await?.status.is_final();
    if over {
        // Before anything is written: that may be what makes room for it.
        crate::sweep::purge(app, id).await?;
    }
    let mut work = app.db.begin_alone().await?;
    let now = app.now();
    crate::jobs::cancel(&mut work, &caller.organisation, id, now).await?;
    audit(&mut work, caller, "job.delete", id).await?;
    work.commit().await?;
    app.job_changed(id);
    app.tell.notify_one();
    if !over {
        crate::sweep::purge(app, id).await?;
    }
    jobs::get(&app.db, &caller.organisation, id).await
}

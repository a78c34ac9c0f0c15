//! Jobs and items as answers show them.

use serde_json::{Value, json};

use crate::{
    App, Kind, Result,
    db::{
        Database,
        items::{self, Item},
        jobs::Job,
    },
    http::time,
    jobs::Status,
};

/// Items that a job shows by itself; more have an address of their own.
const SHOWN: i64 = 100;

/// A job with its counts.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn brief(db: &Database, job: &Job) -> Result<Value> {
    let counts = items::counts(db, &job.id).await?;
    let count = |status: Status| counts.iter().find(|entry| entry.0 == status).map_or(0, |entry| entry.1);
    let total: i64 = counts.iter().map(|entry| entry.1).sum();
    // What has ended is done, however it ended.
    let done: f64 =
        counts.iter().map(|(status, count, share)| if status.is_final() { *count as f64 } else { *share }).sum();
    let progress = if total == 0 { 0.0 } else { (done / total as f64 * 1000.0).round() / 1000.0 };
    Ok(json!({
        "id": job.id,
        "kind": job.kind.name(),
        "name": job.name,
        "project": job.project,
        "metadata": job.metadata.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or(json!({})),
        "status": job.status.name(),
        "priority": job.priority,
        "progress": progress,
        "total": total,
        "counts": Status::ALL.iter().map(|status| (status.name().to_owned(), count(*status).into())).collect::<serde_json::Map<_, _>>(),
        "created": time::shown(job.created),
        "started": job.started.map(time::shown),
        "finished": job.finished.map(time::shown),
        "expires": job.expires.map(time::shown),
        "links": {
            "self": format!("/v1/jobs/{}", job.id),
            "items": format!("/v1/jobs/{}/items", job.id),
            "events": format!("/v1/jobs/{}/events", job.id),
        },
    }))
}

/// A job with its counts and its first items.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn show(app: &App, job: &Job) -> Result<Value> {
    let mut shown = brief(&app.db, job).await?;
    let first = items::list(&app.db, &job.id, 0, SHOWN).await?;
    shown["items"] = first.iter().map(|entry| item(job, entry)).collect();
    Ok(shown)
}

/// An item.
#[must_use]
pub fn item(job: &Job, item: &Item) -> Value {
    let details: Value = item.details.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let link = || format!("/v1/jobs/{}/results/{}", job.id, item.number);
    json!({
        "number": item.number,
        "name": item.name,
        "status": item.status.name(),
        "progress": item.progress,
        "stage": item.stage,
        "attempts": item.attempts,
        "result": item.result.as_ref().map(|_| link()),
        "media_type": item.media_type,
        "details": details,
        "error": item.error.as_ref().map(|(code, detail)| {
            let hint = Kind::of_code(code).map(Kind::hint);
            json!({"code": code, "detail": detail, "hint": hint})
        }),
    })
}

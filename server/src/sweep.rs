//! Clears up: leases that ended, files of jobs that are long done, files that no job has.

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use object_store::path::Path as Place;
use tokio::time;

use crate::{
    App, Result,
    db::{deliveries, idempotency_keys, items, jobs, sessions, uploads},
    worker,
};

/// How long an idempotency key stands for its job, in milliseconds.
const KEYS: i64 = 24 * 3_600_000;
/// How long it is shown what webhooks were told, in milliseconds.
const DELIVERIES: i64 = 30 * 24 * 3_600_000;
/// Files younger than this, in milliseconds, may belong to a job that is just being accepted.
const YOUNG: i64 = 3_600_000;

/// Clears up until the server is stopped.
pub async fn run(app: Arc<App>) {
    let mut rounds = 0_u32;
    while !app.is_stopping() {
        if let Err(error) = round(&app, rounds.is_multiple_of(720)).await {
            tracing::warn!(%error, "clearing up failed; it is tried again");
        }
        rounds = rounds.wrapping_add(1);
        tokio::select! {
            () = app.stopped() => {}
            () = time::sleep(Duration::from_secs(5)) => {}
        }
    }
}

async fn round(app: &App, thorough: bool) -> Result<()> {
    let now = app.now();
    worker::recover(app, now).await?;
    for job in jobs::expired(&app.db, now).await? {
        purge(app, &job).await?;
    }
    for (id, object) in uploads::expired(&app.db, now).await? {
        crate::http::uploads::remove(app, &id, object.as_deref()).await?;
    }
    if thorough {
        idempotency_keys::forget(&app.db, now - KEYS).await?;
        sessions::forget(&app.db, now).await?;
        deliveries::forget(&app.db, now - DELIVERIES).await?;
        for folder in ["sources", "results"] {
            remove_orphans(app, folder, now).await?;
        }
    }
    Ok(())
}

/// Deletes a job's files; what it was and how it ended stays.
///
/// # Errors
/// What the store and the database report.
pub async fn purge(app: &App, job: &str) -> Result<()> {
    // First the files: on a full disk nothing can be written before.
    for folder in ["sources", "results"] {
        app.objects.remove_all(&format!("{folder}/{job}")).await?;
    }
    items::forget_results(&app.db, job).await?;
    jobs::purged(&app.db, job).await?;
    Ok(())
}

/// Deletes what was put here for a job that was never accepted.
async fn remove_orphans(app: &App, folder: &str, now: i64) -> Result<()> {
    let jobs_here = app.objects.list_with_delimiter(Some(&Place::from(folder))).await?.common_prefixes;
    for place in jobs_here {
        let Some(job) = place.filename() else { continue };
        if jobs::exists(&app.db, job).await? {
            continue;
        }
        let inside: Vec<_> = app.objects.list(Some(&place)).try_collect().await?;
        if inside.iter().all(|object| now - object.last_modified.timestamp_millis() > YOUNG) {
            tracing::warn!(job, "files that no job has are deleted");
            app.objects.remove_all(place.as_ref()).await?;
        }
    }
    Ok(())
}

//! Clears up: leases that ended, files of jobs that are long done, files that no job has.

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use object_store::{ObjectMeta, path::Path as Place};
use tokio::time;

use crate::{
    App, Result,
    db::{arrivals, deliveries, idempotency_keys, items, jobs, links, sessions, uploads},
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
    let inference = app.inference.clone();
    // Giving hundreds of millions of bytes back takes a moment.
    let _ = tokio::task::spawn_blocking(move || inference.tidy()).await;
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
        links::forget(&app.db, now).await?;
        deliveries::forget(&app.db, now - DELIVERIES).await?;
        app.documents.forget(now - app.config.document_days as i64 * 24 * 3_600_000).await?;
        // The store is all shards'.
        if app.shard == 0 {
            for folder in ["sources", "results"] {
                remove_orphans(app, folder, now).await?;
            }
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
    if !app.caches.is_empty() {
        links::are_gone(&app.db, job, app.now()).await?;
    }
    items::forget_results(&app.db, job).await?;
    jobs::purged(&app.db, job).await?;
    Ok(())
}

/// Whether nothing of a job that is just being accepted is there. Where nothing is, its first file may be on the way: a folder is
/// made before what it is for.
fn are_old(files: &[ObjectMeta], now: i64) -> bool {
    !files.is_empty() && files.iter().all(|file| now - file.last_modified.timestamp_millis() > YOUNG)
}

async fn is_anywhere(app: &App, job: &str) -> Result<bool> {
    for db in &app.databases {
        if jobs::exists(db, job).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Deletes what was put here for a job that was never accepted.
async fn remove_orphans(app: &App, folder: &str, now: i64) -> Result<()> {
    // What moves between databases is in none of them for a moment.
    for db in &app.databases {
        if arrivals::is_any(db, None).await? {
            return Ok(());
        }
    }
    let jobs_here = app.objects.list_with_delimiter(Some(&Place::from(folder))).await?.common_prefixes;
    for place in jobs_here {
        let Some(job) = place.filename() else { continue };
        if is_anywhere(app, job).await? {
            continue;
        }
        let inside: Vec<_> = app.objects.list(Some(&place)).try_collect().await?;
        if are_old(&inside, now) {
            tracing::warn!(job, "files that no job has are deleted");
            app.objects.remove_all(place.as_ref()).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn only_files_that_are_old_are_orphans() {
        let (epoch, now) = (1_800_000_000, 1_800_000_000_000);
        let aged = |minutes: u64| ObjectMeta {
            location: Place::from("sources/job_1/1"),
            last_modified: (UNIX_EPOCH + Duration::from_secs(epoch - minutes * 60)).into(),
            size: 1,
            e_tag: None,
            version: None,
        };
        assert!(are_old(&[aged(61), aged(90)], now));
        assert!(!are_old(&[aged(59), aged(90)], now));
        assert!(!are_old(&[], now), "its first file may be on the way");
    }
}

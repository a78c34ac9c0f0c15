//! How jobs end: their status follows from their items, and whoever wants to know is told in the same transaction.

use serde_json::json;

use crate::{
    Result,
    db::{
        Work, deliveries, items,
        jobs::{self, Settled},
    },
};

/// Ends a job if its last item has ended, and then has webhooks told. Whether it has.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn settle(work: &mut Work, job: &str, now: i64, expires: i64) -> Result<bool> {
    let settled = jobs::settle(work, job, now, expires).await?;
    if settled == Settled::Heard {
        announce(work, job, now).await?;
    }
    Ok(settled != Settled::Open)
}

/// Ends a job that has not ended, and what has not ended of it.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn cancel(work: &mut Work, organisation: &str, job: &str, now: i64) -> Result<()> {
    // A job of others has no items here, one that has ended none that have not.
    items::cancel(work, organisation, job, now).await?;
    if jobs::cancel(work, organisation, job, now, now).await? {
        announce(work, job, now).await?;
    }
    Ok(())
}

async fn announce(work: &mut Work, job: &str, now: i64) -> Result<()> {
    let listening = deliveries::listening(work, job).await?;
    if listening.is_empty() {
        return Ok(());
    }
    let facts = jobs::facts(work, job).await?;
    let event = format!("job.{}", facts.status.name());
    let payload = json!({
        "type": event,
        "timestamp": crate::http::time::shown(now),
        "data": {
            "id": job,
            "kind": facts.kind.name(),
            "name": facts.name,
            "project": facts.project,
            "status": facts.status.name(),
            "link": format!("/v1/jobs/{job}"),
        },
    });
    for webhook in listening {
        deliveries::insert(work, &webhook, &event, &payload.to_string(), now).await?;
    }
    Ok(())
}

//! The table `idempotency_keys`: which job a request made that may come again.

use crate::{
    Result,
    db::{Database, Work},
};

/// Notes which job a key stands for. Whether it stood for none; another work that notes the same is waited for.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn insert(
    work: &mut Work,
    organisation: &str,
    key: &str,
    request: &str,
    job: &str,
    now: i64,
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO idempotency_keys (organisation, key, request, job, created) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (organisation, key) DO NOTHING",
    )
    .bind(organisation)
    .bind(key)
    .bind(request)
    .bind(job)
    .bind(now)
    .execute(&mut **work)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The request and the job of a key.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn find(db: &Database, organisation: &str, key: &str) -> Result<Option<(String, String)>> {
    Ok(sqlx::query_as("SELECT request, job FROM idempotency_keys WHERE organisation = $1 AND key = $2")
        .bind(organisation)
        .bind(key)
        .fetch_optional(db.pool())
        .await?)
}

/// Forgets keys that are older than a time.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn forget(db: &Database, before: i64) -> Result<()> {
    sqlx::query("DELETE FROM idempotency_keys WHERE created < $1").bind(before).execute(db.pool()).await?;
    Ok(())
}

//! The table `links`: addresses of results that caches before the service may keep.

use crate::{Result, db::Database};

/// Notes an address that is given, until when.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn insert(db: &Database, path: &str, job: &str, expires: i64) -> Result<()> {
    sqlx::query("INSERT INTO links (path, job, expires) VALUES ($1, $2, $3) ON CONFLICT (path) DO NOTHING")
        .bind(path)
        .bind(job)
        .bind(expires)
        .execute(db.pool())
        .await?;
    Ok(())
}

/// Notes that a job's files are gone.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn are_gone(db: &Database, job: &str, now: i64) -> Result<()> {
    sqlx::query("UPDATE links SET gone = $2 WHERE job = $1 AND expires > $2")
        .bind(job)
        .bind(now)
        .execute(db.pool())
        .await?;
    Ok(())
}

/// Addresses, each with its job, of which the caches have not heard that they lead nowhere.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn gone(db: &Database, most: i64) -> Result<Vec<(String, String)>> {
    let sql = "SELECT path, job FROM links WHERE gone IS NOT NULL ORDER BY gone, path LIMIT $1";
    Ok(sqlx::query_as(sql).bind(most).fetch_all(db.pool()).await?)
}

/// Forgets an address of which the caches have heard.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn told(db: &Database, path: &str) -> Result<()> {
    sqlx::query("DELETE FROM links WHERE path = $1").bind(path).execute(db.pool()).await?;
    Ok(())
}

/// Forgets addresses that are over.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn forget(db: &Database, before: i64) -> Result<()> {
    sqlx::query("DELETE FROM links WHERE expires < $1").bind(before).execute(db.pool()).await?;
    Ok(())
}

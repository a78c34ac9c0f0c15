//! The table `improvements`: pictures that were sent because their cut-out was bad.

use crate::{Result, db::Database};

/// One such picture.
pub struct Improvement<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// Whose it is.
    pub organisation: &'a str,
    /// Where the picture is kept.
    pub object: &'a str,
    /// What it was called.
    pub filename: Option<&'a str>,
    /// What the sender sorts it by.
    pub tag: Option<&'a str>,
}

/// Adds one.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn insert(db: &Database, improvement: &Improvement<'_>, now: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO improvements (id, organisation, object, filename, tag, created) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(improvement.id)
    .bind(improvement.organisation)
    .bind(improvement.object)
    .bind(improvement.filename)
    .bind(improvement.tag)
    .bind(now)
    .execute(db.pool())
    .await?;
    Ok(())
}

/// How many an organisation has sent since a time.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn count_since(db: &Database, organisation: &str, since: i64) -> Result<i64> {
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM improvements WHERE organisation = $1 AND created >= $2")
            .bind(organisation)
            .bind(since)
            .fetch_one(db.pool())
            .await?;
    Ok(count)
}

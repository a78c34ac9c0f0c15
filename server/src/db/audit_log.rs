//! The table `audit_log`: who changed what, and when. Rows are only added.

use crate::{
    Result,
    db::{Database, Work},
};

/// One change.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its identifier, which also orders entries by time.
    pub id: String,
    /// The key or user that did it.
    pub actor: String,
    /// What was done, as `noun.verb`.
    pub action: String,
    /// What it was done to.
    pub target: String,
    /// When.
    pub at: i64,
}

/// Adds an entry, in the same work as the change itself.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn insert(work: &mut Work, organisation: &str, entry: &Entry) -> Result<()> {
    sqlx::query("INSERT INTO audit_log (id, organisation, actor, action, target, at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(&entry.id)
        .bind(organisation)
        .bind(&entry.actor)
        .bind(&entry.action)
        .bind(&entry.target)
        .bind(entry.at)
        .execute(&mut **work)
        .await?;
    Ok(())
}

/// The entries of an organisation before `before`, newest first, at most `most`.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn list(db: &Database, organisation: &str, before: Option<&str>, most: i64) -> Result<Vec<Entry>> {
    let rows: Vec<(String, String, String, String, i64)> = sqlx::query_as(
        "SELECT id, actor, action, target, at FROM audit_log WHERE organisation = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
    )
    .bind(organisation)
    // Above every identifier: they are of lower-case letters and digits.
    .bind(before.unwrap_or("~"))
    .bind(most)
    .fetch_all(db.pool())
    .await?;
    Ok(rows.into_iter().map(|(id, actor, action, target, at)| Entry { id, actor, action, target, at }).collect())
}

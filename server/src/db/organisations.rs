//! The table `organisations`: who keys, users and jobs belong to.

use crate::{
    Result,
    db::{Database, Work},
};

/// Adds one.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn insert(work: &mut Work, id: &str, name: &str, now: i64) -> Result<()> {
    sqlx::query("INSERT INTO organisations (id, name, created) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(name)
        .bind(now)
        .execute(&mut **work)
        .await?;
    Ok(())
}

/// The oldest one, which is the owner's own on a server for one.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn first(db: &Database) -> Result<Option<String>> {
    let row: Option<(String,)> =
        sqlx::query_as("SELECT id FROM organisations ORDER BY created, id LIMIT 1").fetch_optional(db.pool()).await?;
    Ok(row.map(|(id,)| id))
}

//! The table `organisations`: who keys, users and jobs belong to.

use crate::{
    Result,
    db::{Database, Work},
};

/// One of those who share the service.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// Its identifier.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// When it was added.
    pub created: i64,
}

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

/// Whether there is one of an identifier.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn exists(db: &Database, id: &str) -> Result<bool> {
    let row: Option<(i64,)> =
        sqlx::query_as("SELECT created FROM organisations WHERE id = $1").bind(id).fetch_optional(db.pool()).await?;
    Ok(row.is_some())
}

/// All of them, oldest first.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn list(db: &Database) -> Result<Vec<Organisation>> {
    let rows: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT id, name, created FROM organisations ORDER BY created, id").fetch_all(db.pool()).await?;
    Ok(rows.into_iter().map(|(id, name, created)| Organisation { id, name, created }).collect())
}

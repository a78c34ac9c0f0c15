//! The table `uploads`: files that come in pieces.

use crate::{Error, Kind, Result, db::Database};

/// A file that comes in pieces.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Its identifier.
    pub id: String,
    /// Its bytes when it is whole.
    pub length: i64,
    /// What its sender calls it.
    pub name: Option<String>,
    /// Its media type, as its sender says.
    pub media_type: Option<String>,
    /// Where it is in the store, once it is whole.
    pub object: Option<String>,
    /// When it is deleted.
    pub expires: i64,
}

/// Adds one.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn insert(db: &Database, organisation: &str, upload: &Upload, now: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO uploads (id, organisation, length, name, media_type, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&upload.id)
    .bind(organisation)
    .bind(upload.length)
    .bind(&upload.name)
    .bind(&upload.media_type)
    .bind(now)
    .bind(upload.expires)
    .execute(db.pool())
    .await?;
    Ok(())
}

/// One of an organisation.
///
/// # Errors
/// [`Kind::NotFound`] when it has none of that name; [`Kind::DatabaseUnusable`].
pub async fn get(db: &Database, organisation: &str, id: &str) -> Result<Upload> {
    type Row = (String, i64, Option<String>, Option<String>, Option<String>, i64);
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, length, name, media_type, object, expires FROM uploads WHERE organisation = $1 AND id = $2",
    )
    .bind(organisation)
    .bind(id)
    .fetch_optional(db.pool())
    .await?;
    let (id, length, name, media_type, object, expires) =
        row.ok_or_else(|| Error::new(Kind::NotFound, format!("there is no upload {id:?}")))?;
    Ok(Upload { id, length, name, media_type, object, expires })
}

/// Notes where a file is that is whole.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn complete(db: &Database, id: &str, object: &str) -> Result<()> {
    sqlx::query("UPDATE uploads SET object = $1 WHERE id = $2").bind(object).bind(id).execute(db.pool()).await?;
    Ok(())
}

/// Forgets one.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn delete(db: &Database, id: &str) -> Result<()> {
    sqlx::query("DELETE FROM uploads WHERE id = $1").bind(id).execute(db.pool()).await?;
    Ok(())
}

/// Those that are to be deleted by now, and where they are; of those that a job still waits for, none.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn expired(db: &Database, now: i64) -> Result<Vec<(String, Option<String>)>> {
    Ok(sqlx::query_as(
        "SELECT u.id, u.object FROM uploads u WHERE u.expires <= $1 AND NOT EXISTS (SELECT 1 FROM items i \
         WHERE i.status IN ('queued', 'running') AND i.source = 'object:' || u.object) LIMIT 100",
    )
    .bind(now)
    .fetch_all(db.pool())
    .await?)
}

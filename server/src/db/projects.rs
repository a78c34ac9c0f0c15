//! The table `projects`: what a person is working on.

use crate::{Error, Kind, Result, db::Database};

/// A project.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its identifier.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Whatever their program keeps of it, as JSON.
    pub data: String,
    /// Counts its changes, from 1.
    pub version: i64,
    /// When it was begun.
    pub created: i64,
    /// When it was last changed.
    pub updated: i64,
}

type Row = (String, String, String, i64, i64, i64);

fn project((id, name, data, version, created, updated): Row) -> Project {
    Project { id, name, data, version, created, updated }
}

/// Adds one.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn insert(db: &Database, organisation: &str, project: &Project) -> Result<()> {
    sqlx::query(
        "INSERT INTO projects (id, organisation, name, data, version, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&project.id)
    .bind(organisation)
    .bind(&project.name)
    .bind(&project.data)
    .bind(project.version)
    .bind(project.created)
    .bind(project.updated)
    .execute(db.pool())
    .await?;
    Ok(())
}

/// One of an organisation.
///
/// # Errors
/// [`Kind::NotFound`]; [`Kind::DatabaseUnusable`].
pub async fn get(db: &Database, organisation: &str, id: &str) -> Result<Project> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, name, data, version, created, updated FROM projects WHERE organisation = $1 AND id = $2",
    )
    .bind(organisation)
    .bind(id)
    .fetch_optional(db.pool())
    .await?;
    row.map(project).ok_or_else(|| Error::new(Kind::NotFound, format!("there is no project {id:?}")))
}

/// Those of an organisation older than `before`, newest first, at most `most`.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn list(db: &Database, organisation: &str, before: Option<&str>, most: i64) -> Result<Vec<Project>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, name, data, version, created, updated FROM projects WHERE organisation = $1 AND id < $2 \
         ORDER BY id DESC LIMIT $3",
    )
    .bind(organisation)
    .bind(before.unwrap_or("~"))
    .bind(most)
    .fetch_all(db.pool())
    .await?;
    Ok(rows.into_iter().map(project).collect())
}

/// Changes one, if it is still of the version that the change was made on. Whether it was.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn replace(db: &Database, organisation: &str, project: &Project, known: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE projects SET name = $1, data = $2, version = version + 1, updated = $3 \
         WHERE organisation = $4 AND id = $5 AND version = $6",
    )
    .bind(&project.name)
    .bind(&project.data)
    .bind(project.updated)
    .bind(organisation)
    .bind(&project.id)
    .bind(known)
    .execute(db.pool())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes one; its jobs stay. Whether there was one.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn delete(db: &Database, organisation: &str, id: &str) -> Result<bool> {
    let done = sqlx::query("DELETE FROM projects WHERE organisation = $1 AND id = $2")
        .bind(organisation)
        .bind(id)
        .execute(db.pool())
        .await?;
    Ok(done.rows_affected() > 0)
}

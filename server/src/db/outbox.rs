//! The table `outbox`: what a broker of messages is to be told, kept in the work that makes it true (transactional outbox).

use uuid::Uuid;

use crate::{
    Result,
    db::{Database, Work},
};

/// A job that the broker is to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its identifier.
    pub id: String,
    /// The job.
    pub job: String,
    /// How many workers are to hear of it.
    pub messages: i64,
}

/// Notes that a job waits.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn insert(work: &mut Work, job: &str, messages: i64, now: i64) -> Result<()> {
    sqlx::query("INSERT INTO outbox (id, job, messages, created) VALUES ($1, $2, $3, $4)")
        .bind(Uuid::now_v7().simple().to_string())
        .bind(job)
        .bind(messages)
        .bind(now)
        .execute(&mut **work)
        .await?;
    Ok(())
}

/// The oldest notes, which no other process takes while the work is open.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn take(work: &mut Work, most: i64) -> Result<Vec<Note>> {
    let sql = format!("SELECT id, job, messages FROM outbox ORDER BY id LIMIT $1{}", work.engine().skipping_locked());
    let rows: Vec<(String, String, i64)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(most).fetch_all(&mut **work).await?;
    Ok(rows.into_iter().map(|(id, job, messages)| Note { id, job, messages }).collect())
}

/// Forgets a note, once the broker has confirmed it.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn delete(work: &mut Work, id: &str) -> Result<()> {
    sqlx::query("DELETE FROM outbox WHERE id = $1").bind(id).execute(&mut **work).await?;
    Ok(())
}

/// How many notes wait, in several databases.
///
/// # Errors
/// [`crate::Kind::DatabaseUnusable`].
pub async fn depth(databases: &[Database]) -> Result<i64> {
    let mut depth = 0;
    for db in databases {
        let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM outbox").fetch_one(db.pool()).await?;
        depth += count;
    }
    Ok(depth)
}

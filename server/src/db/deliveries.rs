//! The table `deliveries`: what addresses are to be told.

use uuid::Uuid;

use crate::{
    Error, Kind, Result,
    db::{Database, Work},
};

/// Something an address is to be told.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its identifier, which receivers know it by.
    pub id: String,
    /// The address's row.
    pub webhook: String,
    /// What happened, as `job.succeeded`.
    pub event: String,
    /// The body, as it is signed.
    pub payload: String,
    /// `waiting`, `delivered` or `failed`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next.
    pub next_at: i64,
    /// When it happened.
    pub created: i64,
    /// The status or error of the last try.
    pub last_answer: Option<String>,
}

type Row = (String, String, String, String, String, i64, i64, i64, Option<String>);

const COLUMNS: &str = "id, webhook, event, payload, status, attempts, next_at, created, last_answer";

fn delivery((id, webhook, event, payload, status, attempts, next_at, created, last_answer): Row) -> Delivery {
    Delivery { id, webhook, event, payload, status, attempts, next_at, created, last_answer }
}

/// The addresses that are told what becomes of the job $1.
pub const LISTENING: &str = "SELECT w.id FROM webhooks w JOIN jobs j ON j.organisation = w.organisation \
                             WHERE j.id = $1 AND w.disabled IS NULL";

/// The addresses that are told what becomes of a job.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn listening(work: &mut Work, job: &str) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = sqlx::query_as(LISTENING).bind(job).fetch_all(&mut **work).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Has one address told.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn insert(work: &mut Work, webhook: &str, event: &str, payload: &str, now: i64) -> Result<String> {
    let id = format!("msg_{}", Uuid::now_v7().simple());
    sqlx::query(
        "INSERT INTO deliveries (id, webhook, event, payload, status, next_at, created) VALUES ($1, $2, $3, $4, 'waiting', $5, $5)",
    )
    .bind(&id)
    .bind(webhook)
    .bind(event)
    .bind(payload)
    .bind(now)
    .execute(&mut **work)
    .await?;
    Ok(id)
}

/// Takes what is due, and keeps others from taking it until `until`.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn claim(db: &Database, now: i64, until: i64, most: i64) -> Result<Vec<Delivery>> {
    // Most often there is nothing, and looking takes no writer's place.
    let due: Option<(i64,)> =
        sqlx::query_as("SELECT attempts FROM deliveries WHERE status = 'waiting' AND next_at <= $1 LIMIT 1")
            .bind(now)
            .fetch_optional(db.pool())
            .await?;
    if due.is_none() {
        return Ok(Vec::new());
    }
    let mut work = db.begin().await?;
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM deliveries WHERE status = 'waiting' AND next_at <= $1 ORDER BY next_at LIMIT $2{}",
        work.engine().skipping_locked()
    )))
    .bind(now)
    .bind(most)
    .fetch_all(&mut *work)
    .await?;
    for row in &rows {
        sqlx::query("UPDATE deliveries SET next_at = $1, attempts = attempts + 1 WHERE id = $2")
            .bind(until)
            .bind(&row.0)
            .execute(&mut *work)
            .await?;
    }
    work.commit().await?;
    let claimed = |row| {
        let found = delivery(row);
        Delivery { attempts: found.attempts + 1, ..found }
    };
    Ok(rows.into_iter().map(claimed).collect())
}

/// Notes how a try went: delivered, to be tried at `again`, or given up.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn tried(db: &Database, id: &str, status: &str, answer: &str, now: i64, again: i64) -> Result<()> {
    sqlx::query("UPDATE deliveries SET status = $1, last_answer = $2, delivered = $3, next_at = $4 WHERE id = $5")
        .bind(status)
        .bind(answer)
        .bind((status == "delivered").then_some(now))
        .bind(again)
        .bind(id)
        .execute(db.pool())
        .await?;
    Ok(())
}

/// Those of an address, newest first, at most `most`.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn list(db: &Database, webhook: &str, most: i64) -> Result<Vec<Delivery>> {
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM deliveries WHERE webhook = $1 ORDER BY id DESC LIMIT $2"
    )))
    .bind(webhook)
    .bind(most)
    .fetch_all(db.pool())
    .await?;
    Ok(rows.into_iter().map(delivery).collect())
}

/// Has something told again, under the same identifier, from the first try on.
///
/// # Errors
/// [`Kind::NotFound`]; [`Kind::DatabaseUnusable`].
pub async fn again(db: &Database, webhook: &str, id: &str, now: i64) -> Result<()> {
    let done = sqlx::query(
        "UPDATE deliveries SET status = 'waiting', attempts = 0, next_at = $1 WHERE webhook = $2 AND id = $3",
    )
    .bind(now)
    .bind(webhook)
    .bind(id)
    .execute(db.pool())
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::new(Kind::NotFound, format!("there is no delivery {id:?}")));
    }
    Ok(())
}

/// Forgets what happened before a time and is not waited for.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn forget(db: &Database, before: i64) -> Result<()> {
    sqlx::query("DELETE FROM deliveries WHERE status <> 'waiting' AND created < $1")
        .bind(before)
        .execute(db.pool())
        .await?;
    Ok(())
}

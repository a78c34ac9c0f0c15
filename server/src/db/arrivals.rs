//! The table `arrivals`, and how an organisation moves to another PostgreSQL: its rows are kept there as JSON, then they are deleted
//! here, then they become rows there. Whatever ends this in between, it is in one place, and is moved on when asked again.

use futures_util::TryStreamExt;
use sqlx::AssertSqlSafe;

use crate::{
    Error, Kind, Result,
    db::{Database, Engine, Work},
};

/// The tables that have something of an organisation, whose it is by which condition; what is referred to comes first.
const TABLES: [(&str, &str); 17] = [
    ("organisations", "id = $1"),
    ("users", OWN),
    ("api_keys", OWN),
    ("sessions", OWN),
    ("audit_log", OWN),
    ("improvements", OWN),
    ("uploads", OWN),
    ("projects", OWN),
    ("webhooks", OWN),
    ("deliveries", "webhook IN (SELECT id FROM webhooks WHERE organisation = $1)"),
    ("jobs", OWN),
    ("items", OWN),
    ("turns", OWN),
    ("idempotency_keys", OWN),
    ("documents", OWN),
    ("outbox", OF_JOB),
    ("links", OF_JOB),
];
/// Names the right to move organisations.
const MOVING: i64 = 0x6266_785f_6d76;
const OWN: &str = "organisation = $1";
const OF_JOB: &str = "job IN (SELECT id FROM jobs WHERE organisation = $1)";

/// Whether an organisation is on its way to this database, or, of none given, any is.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn is_any(db: &Database, organisation: Option<&str>) -> Result<bool> {
    let sql = "SELECT organisation FROM arrivals WHERE organisation = $1 OR $1 = '' LIMIT 1";
    let row: Option<(String,)> =
        sqlx::query_as(sql).bind(organisation.unwrap_or_default()).fetch_optional(db.pool()).await?;
    Ok(row.is_some())
}

/// The right to move organisations, for as long as the work is open; there is one for all databases, held in the first.
///
/// # Errors
/// [`Kind::DatabaseUnusable`], also when somebody else has it for long.
pub async fn alone(first: &Database) -> Result<Work> {
    let mut work = begin(first).await?;
    let lock = format!("DO $$ BEGIN PERFORM pg_advisory_xact_lock({MOVING}); END $$");
    sqlx::query(AssertSqlSafe(lock)).execute(&mut *work).await?;
    Ok(work)
}

/// Forgets what has come of an organisation that another database still has.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn forget(db: &Database, organisation: &str) -> Result<()> {
    sqlx::query("DELETE FROM arrivals WHERE organisation = $1").bind(organisation).execute(db.pool()).await?;
    Ok(())
}

/// Moves all of an organisation that is in `from`. Writers of it wait meanwhile; nobody else does.
///
/// # Errors
/// [`Kind::DatabaseUnusable`] when it is not moved, also because somebody waited for what this has, and this for them: then it may be
/// tried again.
pub async fn depart(from: &Database, to: &Database, organisation: &str) -> Result<()> {
    let mut source = begin(from).await?;
    // First the organisation: whatever refers to it waits before it adds something. Then what belongs to a thing before the thing, as
    // those who change both do.
    for (table, whose) in TABLES[..1].iter().chain(TABLES[1..].iter().rev()) {
        let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE {whose} FOR UPDATE) AS locked");
        sqlx::query(AssertSqlSafe(sql)).bind(organisation).execute(&mut *source).await?;
    }
    let mut target = begin(to).await?;
    sqlx::query("DELETE FROM arrivals WHERE organisation = $1").bind(organisation).execute(&mut *target).await?;
    let mut number = 0_i64;
    for (table, whose) in TABLES {
        let sql = format!("SELECT row_to_json(one)::text FROM {table} AS one WHERE {whose}");
        let mut rows = sqlx::query_as(AssertSqlSafe(sql)).bind(organisation).fetch(&mut *source);
        while let Some((content,)) = rows.try_next().await? {
            let content: String = content;
            number += 1;
            sqlx::query("INSERT INTO arrivals (organisation, number, name, content) VALUES ($1, $2, $3, $4)")
                .bind(organisation)
                .bind(number)
                .bind(table)
                .bind(content)
                .execute(&mut *target)
                .await?;
        }
    }
    target.commit().await?;
    for (table, whose) in TABLES.into_iter().rev() {
        let sql = format!("DELETE FROM {table} WHERE {whose}");
        sqlx::query(AssertSqlSafe(sql)).bind(organisation).execute(&mut *source).await?;
    }
    source.commit().await
}

/// Makes rows of what has arrived of an organisation that no other database has any more.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn settle(to: &Database, organisation: &str) -> Result<()> {
    let mut target = begin(to).await?;
    for (table, _) in TABLES {
        let sql = format!(
            "INSERT INTO {table} SELECT made.* FROM arrivals, json_populate_record(NULL::{table}, content::json) AS made \
             WHERE arrivals.organisation = $1 AND arrivals.name = '{table}' ORDER BY arrivals.number"
        );
        sqlx::query(AssertSqlSafe(sql)).bind(organisation).execute(&mut *target).await?;
    }
    // Whoever was making them finds nothing there to end.
    let begun = "UPDATE items SET status = 'queued', stage = NULL, progress = 0, lease_until = NULL, attempts = attempts - 1 \
                 WHERE organisation = $1 AND status = 'running'";
    for done in [begun, "DELETE FROM arrivals WHERE organisation = $1"] {
        sqlx::query(done).bind(organisation).execute(&mut *target).await?;
    }
    target.commit().await
}

/// Work that may take long, and in which one side waits for the other.
async fn begin(db: &Database) -> Result<Work> {
    if db.engine() != Engine::Postgres {
        return Err(Error::new(Kind::ConfigInvalid, "an organisation moves between PostgreSQLs only"));
    }
    let mut work = db.begin().await?;
    for setting in ["SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0"] {
        sqlx::query(setting).execute(&mut *work).await?;
    }
    Ok(work)
}

//! The table `jobs`.

use crate::{
    Error, Kind, Result,
    db::{Database, Engine, Work, deliveries},
    jobs::{JobKind, Status},
};

/// A job as it is kept.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its identifier.
    pub id: String,
    /// Whose it is.
    pub organisation: String,
    /// What is made.
    pub kind: JobKind,
    /// What its sender calls it.
    pub name: Option<String>,
    /// The project it belongs to.
    pub project: Option<String>,
    /// What its sender notes of it, as a JSON object of texts.
    pub metadata: Option<String>,
    /// How it stands.
    pub status: Status,
    /// Higher ones go first.
    pub priority: i64,
    /// What is made of every item, as JSON.
    pub work: String,
    /// When it was accepted.
    pub created: i64,
    /// When the first item was begun.
    pub started: Option<i64>,
    /// When the last item ended.
    pub finished: Option<i64>,
    /// When its files are deleted.
    pub expires: Option<i64>,
}

type Row = (
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
    i64,
    String,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

const COLUMNS: &str =
    "id, organisation, kind, name, project, metadata, status, priority, work, created, started, finished, expires";

fn job(row: Row) -> Result<Job> {
    let (id, organisation, kind, name, project, metadata, status, priority, work, created, started, finished, expires) =
        row;
    let unknown =
        |what: &str, text: &str| Error::new(Kind::Internal, format!("the database holds the {what} {text:?}"));
    Ok(Job {
        kind: JobKind::named(&kind).ok_or_else(|| unknown("kind of job", &kind))?,
        status: Status::named(&status).ok_or_else(|| unknown("status", &status))?,
        id,
        organisation,
        name,
        project,
        metadata,
        priority,
        work,
        created,
        started,
        finished,
        expires,
    })
}

/// Adds one.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn insert(work: &mut Work, job: &Job, actor: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO jobs (id, organisation, actor, kind, name, project, metadata, status, priority, work, created) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&job.id)
    .bind(&job.organisation)
    .bind(actor)
    .bind(job.kind.name())
    .bind(&job.name)
    .bind(&job.project)
    .bind(&job.metadata)
    .bind(job.status.name())
    .bind(job.priority)
    .bind(&job.work)
    .bind(job.created)
    .execute(&mut **work)
    .await?;
    Ok(())
}

/// One of an organisation.
///
/// # Errors
/// [`Kind::NotFound`] when it has none of that name; [`Kind::DatabaseUnusable`].
pub async fn get(db: &Database, organisation: &str, id: &str) -> Result<Job> {
    let row: Option<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM jobs WHERE organisation = $1 AND id = $2")))
            .bind(organisation)
            .bind(id)
            .fetch_optional(db.pool())
            .await?;
    row.map(job).transpose()?.ok_or_else(|| Error::new(Kind::NotFound, format!("there is no job {id:?}")))
}

/// Which jobs are listed.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Only those older than this one.
    pub before: Option<&'a str>,
    /// Only those that stand so.
    pub status: Option<Status>,
    /// Only those of this project.
    pub project: Option<&'a str>,
    /// Only those that make this.
    pub kind: Option<JobKind>,
    /// At most so many.
    pub most: i64,
}

/// Those of an organisation, newest first.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn list(db: &Database, organisation: &str, filter: &Filter<'_>) -> Result<Vec<Job>> {
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM jobs WHERE organisation = $1 AND id < $2 AND ($3 = '' OR status = $3) AND ($4 = '' OR kind = $4) \
         AND ($5 = '' OR project = $5) ORDER BY id DESC LIMIT $6"
    )))
    .bind(organisation)
    // Above every identifier: they are of lower-case letters and digits.
    .bind(filter.before.unwrap_or("~"))
    .bind(filter.status.map_or("", Status::name))
    .bind(filter.kind.map_or("", JobKind::name))
    .bind(filter.project.unwrap_or_default())
    .bind(filter.most)
    .fetch_all(db.pool())
    .await?;
    rows.into_iter().map(job).collect()
}

/// A job, as the work that changes it sees it.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn facts(work: &mut Work, id: &str) -> Result<Job> {
    let row: Row = sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM jobs WHERE id = $1")))
        .bind(id)
        .fetch_one(&mut **work)
        .await?;
    job(row)
}

/// Notes that a job's first item was begun.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn begun(work: &mut Work, id: &str, now: i64) -> Result<()> {
    sqlx::query("UPDATE jobs SET status = 'running', started = $1 WHERE id = $2 AND status = 'queued'")
        .bind(now)
        .bind(id)
        .execute(&mut **work)
        .await?;
    Ok(())
}

/// Ends a job if its last item has ended, in the same work as that. Whether it ended now.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn settle(work: &mut Work, id: &str, now: i64, expires: i64) -> Result<Settled> {
    if let Some(settled) = settle_single(work, id, now, expires).await? {
        return Ok(settled);
    }
    let mut standing = Standing::of(work, id).await?;
    if standing.has_several && work.engine() == Engine::Postgres {
        // Of two works that end the last two items, the later one must see what the earlier has done.
        let _: (i64,) =
            sqlx::query_as("SELECT created FROM jobs WHERE id = $1 FOR UPDATE").bind(id).fetch_one(&mut **work).await?;
        standing = Standing::of(work, id).await?;
    }
    if standing.is_open {
        return Ok(Settled::Open);
    }
    let status = match (standing.succeeded, standing.failed) {
        (true, _) => Status::Succeeded,
        (_, true) => Status::Failed,
        _ => Status::Cancelled,
    };
    let ended = sqlx::query(
        "UPDATE jobs SET status = $1, finished = $2, expires = $3, started = COALESCE(started, $2) \
         WHERE id = $4 AND status IN ('queued', 'running')",
    )
    .bind(status.name())
    .bind(now)
    .bind(expires)
    .bind(id)
    .execute(&mut **work)
    .await?;
    Ok(match (ended.rows_affected(), standing.is_heard) {
        (0, _) => Settled::Open,
        (_, true) => Settled::Heard,
        (_, false) => Settled::Unheard,
    })
}

/// Ends a job whose one item has ended, in one statement; nothing for a job of several, or one that goes on.
async fn settle_single(work: &mut Work, id: &str, now: i64, expires: i64) -> Result<Option<Settled>> {
    let sql = format!(
        "UPDATE jobs SET status = (SELECT i.status FROM items i WHERE i.job = $1 AND i.number = 1), finished = $2, expires = $3, \
         started = COALESCE(started, $2) WHERE id = $1 AND status IN ('queued', 'running') \
         AND EXISTS (SELECT 1 FROM items i WHERE i.job = $1 AND i.number = 1 AND i.status NOT IN ('queued', 'running')) \
         AND NOT EXISTS (SELECT 1 FROM items i WHERE i.job = $1 AND i.number = 2) \
         RETURNING CAST(CASE WHEN EXISTS ({}) THEN 1 ELSE 0 END AS BIGINT)",
        deliveries::LISTENING
    );
    let ended: Option<(i64,)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).bind(now).bind(expires).fetch_optional(&mut **work).await?;
    Ok(ended.map(|(heard,)| if heard == 1 { Settled::Heard } else { Settled::Unheard }))
}

/// Whether a job has ended by an item's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It has not, or had before.
    Open,
    /// It has, and nobody is told.
    Unheard,
    /// It has, and there are addresses that are told.
    Heard,
}

/// How a job's items stand, all together.
struct Standing {
    has_several: bool,
    is_open: bool,
    succeeded: bool,
    failed: bool,
    /// Whether there are addresses that are told of its end.
    is_heard: bool,
}

impl Standing {
    async fn of(work: &mut Work, id: &str) -> Result<Self> {
        let truth = |exists: &str| format!("CAST(CASE WHEN EXISTS ({exists}) THEN 1 ELSE 0 END AS BIGINT)");
        let any = |condition: &str| truth(&format!("SELECT 1 FROM items WHERE job = $1 AND {condition}"));
        let sql = format!(
            "SELECT {}, {}, {}, {}, {}",
            any("number = 2"),
            any("status IN ('queued', 'running')"),
            any("status = 'succeeded'"),
            any("status = 'failed'"),
            truth(deliveries::LISTENING)
        );
        let (several, open, succeeded, failed, heard): (i64, i64, i64, i64, i64) =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_one(&mut **work).await?;
        Ok(Self {
            has_several: several == 1,
            is_open: open == 1,
            succeeded: succeeded == 1,
            failed: failed == 1,
            is_heard: heard == 1,
        })
    }
}

/// Ends a job that has not ended. Whether there was one.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn cancel(work: &mut Work, organisation: &str, id: &str, now: i64, expires: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE jobs SET status = 'cancelled', finished = $1, expires = $2 \
         WHERE organisation = $3 AND id = $4 AND status IN ('queued', 'running')",
    )
    .bind(now)
    .bind(expires)
    .bind(organisation)
    .bind(id)
    .execute(&mut **work)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Jobs whose files are to be deleted by now.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn expired(db: &Database, now: i64) -> Result<Vec<String>> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT id FROM jobs WHERE purged = 0 AND expires IS NOT NULL AND expires <= $1 LIMIT 100")
            .bind(now)
            .fetch_all(db.pool())
            .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Notes that a job's files are deleted.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn purged(db: &Database, id: &str) -> Result<()> {
    sqlx::query("UPDATE jobs SET purged = 1 WHERE id = $1").bind(id).execute(db.pool()).await?;
    Ok(())
}

/// Whether there is a job of that name, of anybody.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn exists(db: &Database, id: &str) -> Result<bool> {
    let row: Option<(i64,)> =
        sqlx::query_as("SELECT created FROM jobs WHERE id = $1").bind(id).fetch_optional(db.pool()).await?;
    Ok(row.is_some())
}

//! How workers take items: leases on rows of `items`, and `turns`, by which organisations take theirs.

use sqlx::{Any, Executor};

use crate::{
    Error, Kind, Result,
    db::{Database, Engine, Work, jobs},
    jobs::JobKind,
};

/// An item that a worker has a lease on.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its identifier.
    pub id: String,
    /// Its job.
    pub job: String,
    /// Whose it is.
    pub organisation: String,
    /// What is made.
    pub kind: JobKind,
    /// Its place in the job.
    pub number: i64,
    /// What its sender calls the file.
    pub name: Option<String>,
    /// Where the file is.
    pub source: String,
    /// How often it was begun, this time included.
    pub attempts: i64,
    /// What only this beginning has.
    pub fence: i64,
    /// When it was accepted.
    pub created: i64,
}

/// What a worker can make.
#[derive(Debug, Clone, Default)]
pub struct Able {
    /// Kinds of jobs; none are all.
    pub kinds: Vec<JobKind>,
    /// Models; none are all.
    pub models: Vec<String>,
}

impl Able {
    /// The names between commas, as the condition below compares them; empty for all.
    fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
        names.fold(String::new(), |text, name| format!("{text},{name}")) + ","
    }

    fn kinds(&self) -> String {
        if self.kinds.is_empty() { String::new() } else { Self::listed(self.kinds.iter().map(|kind| kind.name())) }
    }

    fn models(&self) -> String {
        if self.models.is_empty() { String::new() } else { Self::listed(self.models.iter().map(String::as_str)) }
    }
}

/// The condition of what may be begun: $1 is now, $2 and $3 are what a worker is able to.
const READY: &str = "i.status = 'queued' AND i.run_after <= $1 AND ($2 = '' OR REPLACE($2, ',' || i.kind || ',', '') <> $2) \
     AND ($3 = '' OR i.model IS NULL OR REPLACE($3, ',' || i.model || ',', '') <> $3)";

/// Takes the next item that a worker is able to make: of the highest priority, of the organisation that has waited longest, the
/// oldest.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn claim(db: &Database, able: &Able, worker: &str, now: i64, lease_until: i64) -> Result<Option<Claimed>> {
    let wanted = Wanted { able, worker, now, lease_until };
    if db.engine() == Engine::Postgres
        && let Some((item, waiting)) = take_next(db, &wanted).await?
    {
        note_turn(db, &item, waiting, now).await?;
        return Ok(Some(item));
    }
    // Nothing waits, or those whose turn it is are just being served by others. Looking takes no writer's place.
    let waiting = waiting(db, &wanted).await?;
    for organisation in &waiting {
        // Others may be quicker.
        if let Some(item) = take(db, organisation, &wanted).await? {
            note_turn(db, &item, waiting.len(), now).await?;
            return Ok(Some(item));
        }
    }
    Ok(None)
}

struct Wanted<'a> {
    able: &'a Able,
    worker: &'a str,
    now: i64,
    lease_until: i64,
}

/// Whose turn it is, the first few: as many as others may empty before we come. Parameters are those of [`READY`].
fn nexts() -> String {
    // From one organisation with something queued to the next, by the index: what this costs does not grow with the queue.
    format!(
        "WITH RECURSIVE waiting (organisation) AS (SELECT MIN(organisation) FROM items WHERE status = 'queued' UNION ALL \
         SELECT (SELECT MIN(i.organisation) FROM items i WHERE i.status = 'queued' AND i.organisation > w.organisation) \
         FROM waiting w WHERE w.organisation IS NOT NULL), \
         nexts AS (SELECT organisation, priority, at FROM (SELECT w.organisation AS organisation, COALESCE(t.at, 0) AS at, \
         (SELECT i.priority FROM items i WHERE i.organisation = w.organisation AND {READY} \
         ORDER BY i.priority DESC, i.created, i.id LIMIT 1) AS priority \
         FROM waiting w LEFT JOIN turns t ON t.organisation = w.organisation WHERE w.organisation IS NOT NULL) every_one \
         WHERE priority IS NOT NULL ORDER BY priority DESC, at, organisation LIMIT 8)"
    )
}

/// The order of [`nexts`].
const IN_TURN: &str = "ORDER BY priority DESC, at, organisation";

async fn waiting(db: &Database, wanted: &Wanted<'_>) -> Result<Vec<String>> {
    let sql = format!("{} SELECT organisation FROM nexts {IN_TURN}", nexts());
    let rows: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(wanted.now)
        .bind(wanted.able.kinds())
        .bind(wanted.able.models())
        .fetch_all(db.pool())
        .await?;
    Ok(rows.into_iter().map(|(organisation,)| organisation).collect())
}

const COLUMNS: &str = "organisation, id, job, kind, number, name, source, attempts, fence, created";
type Row = (i64, String, String, String, String, i64, Option<String>, String, i64, i64, i64);

/// Takes the next item of the organisation that `of` gives. Parameters are those of [`READY`], the worker, and when its lease
/// ends.
fn taking(engine: Engine, of: &str) -> String {
    format!(
        "UPDATE items SET status = 'running', worker = $4, lease_until = $5, attempts = attempts + 1, fence = fence + 1, \
         started = COALESCE(started, $1) WHERE id = (SELECT i.id FROM items i WHERE i.organisation = {of} AND {READY} \
         ORDER BY i.priority DESC, i.created, i.id LIMIT 1{}) RETURNING",
        engine.skipping_locked()
    )
}

/// Notes, in PostgreSQL's statement, that the job of what was taken has begun.
const BEGUN: &str = "begun AS (UPDATE jobs SET status = 'running', started = $1 FROM taken \
                     WHERE jobs.id = taken.job AND jobs.status = 'queued')";

/// Finds whose turn it is and takes their next item, and tells how many wait, in one statement of PostgreSQL: of what goes to
/// and fro over a network there can be much.
async fn take_next(db: &Database, wanted: &Wanted<'_>) -> Result<Option<(Claimed, usize)>> {
    let taking = taking(Engine::Postgres, &format!("(SELECT organisation FROM nexts {IN_TURN} LIMIT 1)"));
    let sql = format!(
        "{}, taken AS ({taking} {COLUMNS}), {BEGUN} SELECT (SELECT COUNT(*) FROM nexts), {COLUMNS} FROM taken",
        nexts()
    );
    let row = run(db.pool(), sql, wanted, None).await?;
    Ok(row.map(|(item, waiting)| (item, waiting as usize)))
}

/// Takes an organisation's next item and notes that its job has begun.
async fn take(db: &Database, organisation: &str, wanted: &Wanted<'_>) -> Result<Option<Claimed>> {
    let taking = taking(db.engine(), "$6");
    if db.engine() == Engine::Postgres {
        let sql = format!("WITH taken AS ({taking} {COLUMNS}), {BEGUN} SELECT CAST(0 AS BIGINT), {COLUMNS} FROM taken");
        return Ok(run(db.pool(), sql, wanted, Some(organisation)).await?.map(|(item, _)| item));
    }
    let mut work = db.begin().await?;
    let item = run(&mut *work, format!("{taking} 0, {COLUMNS}"), wanted, Some(organisation)).await?;
    if let Some((item, _)) = &item {
        jobs::begun(&mut work, &item.job, wanted.now).await?;
    }
    work.commit().await?;
    Ok(item.map(|(item, _)| item))
}

async fn run(
    executor: impl Executor<'_, Database = Any>,
    sql: String,
    wanted: &Wanted<'_>,
    organisation: Option<&str>,
) -> Result<Option<(Claimed, i64)>> {
    let asked = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(wanted.now)
        .bind(wanted.able.kinds())
        .bind(wanted.able.models())
        .bind(wanted.worker)
        .bind(wanted.lease_until);
    let asked = match organisation {
        Some(organisation) => asked.bind(organisation.to_owned()),
        None => asked,
    };
    let row: Option<Row> = asked.fetch_optional(executor).await?;
    let Some((waiting, organisation, id, job, kind, number, name, source, attempts, fence, created)) = row else {
        return Ok(None);
    };
    let kind = JobKind::named(&kind)
        .ok_or_else(|| Error::new(Kind::Internal, format!("the database holds the kind of job {kind:?}")))?;
    Ok(Some((Claimed { id, job, organisation, kind, number, name, source, attempts, fence, created }, waiting)))
}

/// Notes that an organisation had its turn, unless nobody else waits: who waits alone takes nobody's.
async fn note_turn(db: &Database, item: &Claimed, waiting: usize, now: i64) -> Result<()> {
    if waiting > 1 {
        let mut work = db.begin().await?;
        had_turn(&mut work, &item.organisation, now).await?;
        work.commit().await?;
    }
    Ok(())
}

/// Notes that an organisation had its turn. Where another work is just noting the same, that will do.
async fn had_turn(work: &mut Work, organisation: &str, now: i64) -> Result<()> {
    let sql = format!(
        "UPDATE turns SET at = $1 WHERE organisation = (SELECT organisation FROM turns WHERE organisation = $2{})",
        work.engine().skipping_locked()
    );
    let done =
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now).bind(organisation).execute(&mut **work).await?.rows_affected();
    if done == 0 {
        sqlx::query("INSERT INTO turns (organisation, at) VALUES ($1, $2) ON CONFLICT (organisation) DO NOTHING")
            .bind(organisation)
            .bind(now)
            .execute(&mut **work)
            .await?;
    }
    Ok(())
}

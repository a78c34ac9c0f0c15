//! The table `items`: how they stand, with the leases of workers on them. How those are taken is in `claims`.

use std::collections::HashMap;

use crate::{
    Error, Kind, Result,
    db::{Database, Work, claims::Claimed},
    jobs::Status,
};

/// An item as it is shown.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its place in the job, from 1.
    pub number: i64,
    /// What its sender calls the file.
    pub name: Option<String>,
    /// How it stands.
    pub status: Status,
    /// 0 to 1.
    pub progress: f64,
    /// What is being done.
    pub stage: Option<String>,
    /// How often it was begun.
    pub attempts: i64,
    /// Where the result is.
    pub result: Option<String>,
    /// Its media type.
    pub media_type: Option<String>,
    /// What is known of it, as JSON.
    pub details: Option<String>,
    /// Why it failed.
    pub error: Option<(String, String)>,
}

/// What came of an item.
pub struct Ending<'a> {
    /// Where the result is.
    pub result: &'a str,
    /// Its media type.
    pub media_type: &'a str,
    /// What is known of it, as JSON.
    pub details: &'a str,
}

/// A file of a new job.
pub struct NewItem<'a> {
    /// Its place in the job, from 1.
    pub number: i64,
    /// What its sender calls it.
    pub name: Option<&'a str>,
    /// Where it is.
    pub source: &'a str,
    /// The model it needs, if it needs one that not every worker has.
    pub model: Option<&'a str>,
}

/// Adds one to a job.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn insert(work: &mut Work, job: &crate::db::jobs::Job, item: &NewItem<'_>) -> Result<()> {
    sqlx::query(
        "INSERT INTO items (id, job, organisation, number, name, source, status, priority, created, run_after, kind, model) \
         VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $8, $8, $9, $10)",
    )
    .bind(format!("{}.{:06}", job.id, item.number))
    .bind(&job.id)
    .bind(&job.organisation)
    .bind(item.number)
    .bind(item.name)
    .bind(item.source)
    .bind(job.priority)
    .bind(job.created)
    .bind(job.kind.name())
    .bind(item.model)
    .execute(&mut **work)
    .await?;
    Ok(())
}

/// Renews a lease and tells how far the work is. Whether the lease still holds.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn renew(
    db: &Database,
    item: &Claimed,
    lease_until: i64,
    progress: f64,
    stage: Option<&str>,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE items SET lease_until = $1, progress = $2, stage = $3 WHERE id = $4 AND fence = $5 AND status = 'running'",
    )
    .bind(lease_until)
    .bind(progress)
    .bind(stage)
    .bind(&item.id)
    .bind(item.fence)
    .execute(db.pool())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends an item well. Whether the lease still held; otherwise nothing is changed.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn succeed(work: &mut Work, item: &Claimed, ending: &Ending<'_>, now: i64) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE items SET status = 'succeeded', progress = 1, stage = NULL, lease_until = NULL, finished = $1, result = $2, \
         media_type = $3, details = $4, error_code = NULL, error_detail = NULL \
         WHERE id = $5 AND fence = $6 AND status = 'running'",
    )
    .bind(now)
    .bind(ending.result)
    .bind(ending.media_type)
    .bind(ending.details)
    .bind(&item.id)
    .bind(item.fence)
    .execute(&mut **work)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends an item badly, or has it begun again at `again`. Whether the lease still held; otherwise nothing is changed.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn fail(work: &mut Work, item: &Claimed, error: &Error, now: i64, again: Option<i64>) -> Result<bool> {
    let status = if again.is_some() { Status::Queued } else { Status::Failed };
    let done = sqlx::query(
        "UPDATE items SET status = $1, stage = NULL, progress = 0, lease_until = NULL, finished = $2, run_after = $3, \
         error_code = $4, error_detail = $5 WHERE id = $6 AND fence = $7 AND status = 'running'",
    )
    .bind(status.name())
    .bind(again.is_none().then_some(now))
    .bind(again.unwrap_or(now))
    .bind(error.kind().code())
    .bind(error.told())
    .bind(&item.id)
    .bind(item.fence)
    .execute(&mut **work)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Puts an item off for something that is not its doing; this beginning does not count.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn put_off(work: &mut Work, item: &Claimed, error: &Error, again: i64) -> Result<()> {
    sqlx::query(
        "UPDATE items SET status = 'queued', stage = NULL, progress = 0, lease_until = NULL, run_after = $1, \
         attempts = attempts - 1, error_code = $2, error_detail = $3 WHERE id = $4 AND fence = $5 AND status = 'running'",
    )
    .bind(again)
    .bind(error.kind().code())
    .bind(error.told())
    .bind(&item.id)
    .bind(item.fence)
    .execute(&mut **work)
    .await?;
    Ok(())
}

/// Gives an item back that was not finished because the server is stopped; this beginning does not count.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn give_back(db: &Database, item: &Claimed, now: i64) -> Result<()> {
    sqlx::query(
        "UPDATE items SET status = 'queued', stage = NULL, progress = 0, lease_until = NULL, run_after = $1, \
         attempts = attempts - 1 WHERE id = $2 AND fence = $3 AND status = 'running'",
    )
    .bind(now)
    .bind(&item.id)
    .bind(item.fence)
    .execute(db.pool())
    .await?;
    Ok(())
}

/// Ends what has not ended of a cancelled job.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn cancel(work: &mut Work, organisation: &str, job: &str, now: i64) -> Result<()> {
    sqlx::query(
        "UPDATE items SET status = 'cancelled', stage = NULL, lease_until = NULL, finished = $1 \
         WHERE job = $2 AND organisation = $3 AND status IN ('queued', 'running')",
    )
    .bind(now)
    .bind(job)
    .bind(organisation)
    .execute(&mut **work)
    .await?;
    Ok(())
}

/// Queues again what a worker has left: of one that is gone, or whose lease has ended. What was begun `most` times fails.
/// The jobs that this concerns.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn recover(work: &mut Work, ended_by: i64, now: i64, most: i64) -> Result<Vec<String>> {
    let lost: Vec<(String, String, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT id, job, attempts FROM items WHERE status = 'running' AND (lease_until IS NULL OR lease_until <= $1) ORDER BY id{}",
        // Who is just ending or renewing one is not dead.
        work.engine().skipping_locked()
    )))
    .bind(ended_by)
    .fetch_all(&mut **work)
    .await?;
    for (id, _, attempts) in &lost {
        let text = if *attempts < most {
            "UPDATE items SET status = 'queued', stage = NULL, progress = 0, lease_until = NULL, run_after = $1 WHERE id = $2"
        } else {
            "UPDATE items SET status = 'failed', stage = NULL, lease_until = NULL, finished = $1, error_code = 'internal_error', \
             error_detail = 'its worker ended each time it was begun' WHERE id = $2"
        };
        sqlx::query(text).bind(now).bind(id).execute(&mut **work).await?;
    }
    let mut jobs: Vec<String> = lost.into_iter().map(|(_, job, _)| job).collect();
    jobs.sort_unstable();
    jobs.dedup();
    Ok(jobs)
}

/// Items of a job behind `after`, at most `most`.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn list(db: &Database, job: &str, after: i64, most: i64) -> Result<Vec<Item>> {
    type Row = (
        i64,
        Option<String>,
        String,
        f64,
        Option<String>,
        i64,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT number, name, status, progress, stage, attempts, result, media_type, details, error_code, error_detail \
         FROM items WHERE job = $1 AND number > $2 ORDER BY number LIMIT $3",
    )
    .bind(job)
    .bind(after)
    .bind(most)
    .fetch_all(db.pool())
    .await?;
    let item = |row: Row| {
        let (number, name, status, progress, stage, attempts, result, media_type, details, code, detail) = row;
        let unknown = || Error::new(Kind::Internal, format!("the database holds the status {status:?}"));
        let status = Status::named(&status).ok_or_else(unknown)?;
        let error = code.map(|code| (code, detail.unwrap_or_default()));
        Ok(Item { number, name, status, progress, stage, attempts, result, media_type, details, error })
    };
    rows.into_iter().map(item).collect()
}

/// How many items of a job stand how, and their progress added up.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn counts(db: &Database, job: &str) -> Result<Vec<(Status, i64, f64)>> {
    let rows: Vec<(String, i64, f64)> =
        sqlx::query_as("SELECT status, COUNT(*), SUM(progress) FROM items WHERE job = $1 GROUP BY status")
            .bind(job)
            .fetch_all(db.pool())
            .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(status, count, progress)| Some((Status::named(&status)?, count, progress)))
        .collect())
}

/// How many items stand how, of everybody, in several databases.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn depth(databases: &[Database]) -> Result<HashMap<String, i64>> {
    let mut depth = HashMap::new();
    for db in databases {
        let sql = "SELECT status, COUNT(*) FROM items WHERE status IN ('queued', 'running') GROUP BY status";
        let rows: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(db.pool()).await?;
        rows.into_iter().for_each(|(status, count)| *depth.entry(status).or_default() += count);
    }
    Ok(depth)
}

/// When the oldest was accepted of those that could be begun now, of everybody, in several databases.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn oldest(databases: &[Database], now: i64) -> Result<Option<i64>> {
    let mut found: Option<i64> = None;
    for db in databases {
        let sql = "SELECT MIN(created) FROM items WHERE status = 'queued' AND run_after <= $1";
        let (oldest,): (Option<i64>,) = sqlx::query_as(sql).bind(now).fetch_one(db.pool()).await?;
        found = [found, oldest].into_iter().flatten().min();
    }
    Ok(found)
}

/// Forgets where results were, once they are deleted.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn forget_results(db: &Database, job: &str) -> Result<()> {
    sqlx::query("UPDATE items SET result = NULL WHERE job = $1").bind(job).execute(db.pool()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        db::{
            claims::{Able, claim},
            jobs, organisations,
        },
        jobs::JobKind,
    };

    /// A database with two organisations.
    async fn database() -> (Database, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::db::testing::database(folder.path()).await;
        let mut work = db.begin().await.unwrap();
        for organisation in ["org_a", "org_b"] {
            organisations::insert(&mut work, organisation, organisation, 0).await.unwrap();
        }
        work.commit().await.unwrap();
        (db, folder)
    }

    async fn send(db: &Database, organisation: &str, id: &str, items: i64, priority: i64, now: i64) {
        let job = jobs::Job {
            id: id.to_owned(),
            organisation: organisation.to_owned(),
            kind: JobKind::Pictures,
            name: None,
            project: None,
            metadata: None,
            status: Status::Queued,
            priority,
            work: "{}".to_owned(),
            created: now,
            started: None,
            finished: None,
            expires: None,
        };
        let mut work = db.begin().await.unwrap();
        jobs::insert(&mut work, &job, "key").await.unwrap();
        for number in 1..=items {
            insert(&mut work, &job, &NewItem { number, name: None, source: "object:x", model: None }).await.unwrap();
        }
        work.commit().await.unwrap();
    }

    async fn end(db: &Database, item: &Claimed) -> bool {
        let mut work = db.begin().await.unwrap();
        let ending = Ending { result: "r", media_type: "image/png", details: "{}" };
        let held = succeed(&mut work, item, &ending, 9).await.unwrap();
        jobs::settle(&mut work, &item.job, 9, 99).await.unwrap();
        work.commit().await.unwrap();
        held
    }

    #[tokio::test]
    async fn only_the_latest_beginning_may_end_an_item() {
        let (db, _folder) = database().await;
        send(&db, "org_a", "job_1", 1, 0, 1).await;
        let lost = claim(&db, &Able::default(), "one", 10, 20).await.unwrap().unwrap();
        assert!(claim(&db, &Able::default(), "two", 11, 21).await.unwrap().is_none(), "it is taken");
        let mut work = db.begin().await.unwrap();
        assert!(recover(&mut work, 19, 19, 3).await.unwrap().is_empty(), "its lease holds");
        assert_eq!(recover(&mut work, 20, 20, 3).await.unwrap(), ["job_1"]);
        work.commit().await.unwrap();
        let again = claim(&db, &Able::default(), "two", 21, 40).await.unwrap().unwrap();
        assert_eq!((lost.fence, again.fence, again.attempts), (1, 2, 2));
        assert!(!renew(&db, &lost, 60, 0.5, None).await.unwrap());
        assert!(!end(&db, &lost).await, "the zombie comes too late");
        let mut work = db.begin().await.unwrap();
        let error = Error::new(Kind::Internal, "late");
        assert!(!fail(&mut work, &lost, &error, 30, None).await.unwrap());
        drop(work);
        assert!(end(&db, &again).await && !end(&db, &again).await, "once");
        assert_eq!(jobs::get(&db, "org_a", "job_1").await.unwrap().status, Status::Succeeded);
    }

    #[tokio::test]
    async fn an_item_whose_workers_all_die_fails_at_last() {
        let (db, _folder) = database().await;
        send(&db, "org_a", "job_1", 1, 0, 1).await;
        for attempt in 1..=3 {
            let item = claim(&db, &Able::default(), "one", 10, 20).await.unwrap().unwrap();
            assert_eq!(item.attempts, attempt);
            let mut work = db.begin().await.unwrap();
            for job in recover(&mut work, i64::MAX, 10, 3).await.unwrap() {
                jobs::settle(&mut work, &job, 10, 99).await.unwrap();
            }
            work.commit().await.unwrap();
        }
        assert!(claim(&db, &Able::default(), "one", 10, 20).await.unwrap().is_none());
        let job = jobs::get(&db, "org_a", "job_1").await.unwrap();
        assert_eq!((job.status, job.expires), (Status::Failed, Some(99)));
    }

    #[tokio::test]
    async fn organisations_take_turns_and_priorities_go_first() {
        let (db, _folder) = database().await;
        send(&db, "org_a", "job_1", 100, 0, 1).await;
        send(&db, "org_b", "job_2", 2, 0, 2).await;
        send(&db, "org_a", "job_3", 1, 5, 3).await;
        let mut order = Vec::new();
        for now in 10..16 {
            let item = claim(&db, &Able::default(), "one", now, 100).await.unwrap().unwrap();
            order.push(format!("{} {}", item.job, item.number));
        }
        assert_eq!(order, ["job_3 1", "job_2 1", "job_1 1", "job_2 2", "job_1 2", "job_1 3"]);
    }

    #[tokio::test]
    async fn what_is_given_back_did_not_count() {
        let (db, _folder) = database().await;
        send(&db, "org_a", "job_1", 1, 0, 1).await;
        let item = claim(&db, &Able::default(), "one", 10, 20).await.unwrap().unwrap();
        give_back(&db, &item, 11).await.unwrap();
        assert_eq!(claim(&db, &Able::default(), "two", 12, 20).await.unwrap().unwrap().attempts, 1);
    }
}

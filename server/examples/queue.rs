//! Jobs a second through the tables alone: accepted, claimed and completed, on the database of `POSTGRES_TEST_URL` or an embedded one.
//!
//! `server/engines/run cargo run --release --example queue -- [JOBS] [TASKS]`

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use backgroundfx_server::{
    db::{
        Database,
        claims::{self, Able},
        items::{self, Ending, NewItem},
        jobs::{self, Job},
        organisations,
    },
    jobs::{JobKind, Status, settle},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse().ok());
    let (total, tasks): (usize, usize) = (arguments.next().unwrap_or(5000), arguments.next().unwrap_or(8));
    let folder = tempfile::tempdir()?;
    let db = match std::env::var("POSTGRES_TEST_URL") {
        Ok(server) => Database::open_at(&format!("{server}/postgres")).await?,
        Err(_) => Database::open_in(folder.path()).await?,
    };
    db.migrate().await?;
    let mut work = db.begin().await?;
    organisations::insert(&mut work, "org_bench", "bench", 0).await?;
    work.commit().await?;

    let accepted = rate(tasks, total, db.clone(), |db, number| async move {
        let job = Job {
            id: format!("job_{number:08}"),
            organisation: "org_bench".to_owned(),
            kind: JobKind::Pictures,
            name: None,
            project: None,
            metadata: None,
            status: Status::Queued,
            priority: 0,
            work: "{}".to_owned(),
            created: number as i64,
            started: None,
            finished: None,
            expires: None,
        };
        let mut work = db.begin().await?;
        jobs::insert(&mut work, &job, "key").await?;
        items::insert(&mut work, &job, &NewItem { number: 1, name: None, source: "object:x", model: None }).await?;
        work.announce(&job.id).await?;
        work.commit().await
    })
    .await;
    let completed = rate(tasks, total, db.clone(), |db, _| async move {
        let now = 1_000_000_000;
        // Others may have been quicker with those that were looked at.
        let item = loop {
            if let Some(item) = claims::claim(&db, &Able::default(), "bench", now, now + 30_000).await? {
                break item;
            }
        };
        let mut work = db.begin().await?;
        let ending = Ending { result: "r", media_type: "image/png", details: "{}" };
        assert!(items::succeed(&mut work, &item, &ending, now).await?, "the lease holds");
        assert!(settle(&mut work, &item.job, now, now).await?, "its only item has ended");
        work.commit().await
    })
    .await;
    println!(
        "{:?}, {tasks} at a time: {accepted:.0} accepted, {completed:.0} claimed and completed a second",
        db.engine()
    );
    Ok(())
}

async fn rate<F>(
    tasks: usize,
    total: usize,
    db: Database,
    act: impl Fn(Database, usize) -> F + Copy + Send + 'static,
) -> f64
where
    F: Future<Output = backgroundfx_server::Result<()>> + Send,
{
    let (began, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let (db, next) = (db.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= total {
                        return;
                    }
                    act(db.clone(), number).await.expect("the database takes it");
                }
            })
        })
        .collect();
    for task in running {
        task.await.expect("no task panics");
    }
    total as f64 / began.elapsed().as_secs_f64()
}

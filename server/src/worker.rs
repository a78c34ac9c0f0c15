//! Makes the items of jobs: a slot, a lease, the work, its end in one transaction.
//!
//! A lease is renewed while the work runs. Whoever begins an item again has a higher fencing number, and only the latest
//! beginning may end it: what a worker that was thought dead brings later is thrown away.

use std::{sync::Arc, time::Duration};

use backgroundfx_core as core;
use bytes::BytesMut;
use futures_util::{future, stream};
use object_store::{ObjectStoreExt, path::Path as Place};
use tokio::{io::AsyncReadExt, sync::Semaphore, task::JoinSet, time};

use crate::{
    App, Error, Kind, Result,
    db::{
        self,
        claims::{self, Able, Claimed},
        items::{self, Ending},
        jobs::{self, Job},
    },
    documents,
    faults::{self, Step},
    jobs::{Course, File, JobKind, Product, make, settle},
};

/// How long a lease holds unless it is renewed, in milliseconds, and how often that is done. Tests wait for its end.
const LEASE: i64 = if cfg!(debug_assertions) { 10_000 } else { 30_000 };
const RENEWAL: Duration = Duration::from_secs(2);
/// How often an item is begun before it counts as failed.
pub const MOST_ATTEMPTS: i64 = 5;
/// How long an item may wait for the end of an outage, in milliseconds.
const LONGEST_WAIT: i64 = 24 * 3_600_000;
/// How often to look for work that nobody told of.
const LOOK: Duration = Duration::from_secs(1);

/// Works for all shards in turns until the server is stopped; then lets pictures finish and gives clips back.
pub async fn run(apps: Vec<Arc<App>>) {
    let first = &apps[0];
    let threads = first.config.threads();
    // While one item is read or kept, another is in the network.
    let slots = Arc::new(Semaphore::new(threads + 1));
    // A clip takes long; some thread is always there for pictures, where there is more than one.
    let clips = Arc::new(Semaphore::new(threads.saturating_sub(1).max(1)));
    let (mut running, mut turn) = (JoinSet::new(), 0);
    while !first.is_stopping() {
        let slot = slots.clone().acquire_owned().await.expect("it is never closed");
        let clip = clips.clone().try_acquire_owned().ok();
        match claim(&apps, &mut turn, clip.is_some()).await {
            Some((app, item)) => {
                metrics::histogram!("backgroundfx_job_wait_seconds").record((app.now() - item.created) as f64 / 1000.0);
                app.job_changed(&item.job);
                let clip = clip.filter(|_| item.kind == JobKind::Video);
                running.spawn(async move {
                    one(&app, &item).await;
                    drop((slot, clip));
                });
            }
            None => wait(&apps).await,
        }
        while running.try_join_next().is_some() {}
    }
    running.join_all().await;
}

/// Takes the next item of the first shard that has one, beginning behind the one that had the last.
async fn claim(apps: &[Arc<App>], turn: &mut usize, clips: bool) -> Option<(Arc<App>, Claimed)> {
    for number in (*turn..*turn + apps.len()).map(|number| number % apps.len()) {
        let app = &apps[number];
        let now = app.now();
        match claims::claim(&app.db, &able(app, clips), &app.worker, now, now + LEASE).await {
            Ok(claimed) => {
                app.looked.send_modify(|count| *count += 1);
                if let Some(item) = claimed {
                    *turn = number + 1;
                    return Some((app.clone(), item));
                }
            }
            Err(error) => tracing::error!(%error, "cannot look for work"),
        }
    }
    None
}

/// What this process makes now.
fn able(app: &App, clips: bool) -> Able {
    let of_config = &app.config.work_kinds;
    let kinds = match (of_config.is_empty(), clips) {
        (true, true) => Vec::new(),
        (true, false) => vec![JobKind::Pictures],
        (false, _) => of_config.iter().copied().filter(|kind| clips || *kind != JobKind::Video).collect(),
    };
    Able { kinds, models: app.config.work_models.clone() }
}

async fn wait(apps: &[Arc<App>]) {
    let woken = future::select_all(apps.iter().map(|app| Box::pin(app.wake.notified())));
    tokio::select! {
        _ = woken => {}
        () = apps[0].stopped() => {}
        () = time::sleep(LOOK) => {}
    }
}

async fn one(app: &Arc<App>, item: &Claimed) {
    faults::reach(Step::Claimed);
    let course = Arc::new(Course::default());
    let began = time::Instant::now();
    let made = async {
        let job = jobs::get(&app.db, &item.organisation, &item.job).await?;
        let product = make(app, job.kind, &job.work, item, &course).await?;
        Ok((job, product))
    };
    let made = tokio::select! {
        made = made => made,
        // It only ends when the lease is lost, and the work is told to stop then.
        () = renew(app, item, &course) => Err(Error::new(Kind::Conflict, "the lease was lost")),
    };
    let kept = match made {
        Ok((job, product)) => finish(app, item, &job, product).await,
        Err(error) => Err(error),
    };
    // What cannot be kept, on a full disk say, is tried again like what cannot be made.
    let ended = match kept {
        Ok(()) => Ok(()),
        Err(error) => give_up(app, item, error).await,
    };
    if let Err(error) = ended {
        // The lease ends by itself, and the item is begun again.
        tracing::error!(item = item.id, %error, "the end of an item cannot be noted");
    }
    metrics::histogram!("backgroundfx_job_run_seconds").record(began.elapsed().as_secs_f64());
    app.wrote(&item.organisation).await;
    app.job_changed(&item.job);
}

/// Renews the lease until it is lost, be it that somebody cancelled the job.
async fn renew(app: &Arc<App>, item: &Claimed, course: &Course) {
    let mut changes = app.changes.subscribe();
    loop {
        tokio::select! {
            () = time::sleep(RENEWAL) => {}
            () = until_changed(&mut changes, &item.job) => {}
        }
        let at = course.at();
        match items::renew(&app.db, item, app.now() + LEASE, at.0, at.1).await {
            Ok(true) => {}
            Ok(false) => {
                course.stop();
                return;
            }
            Err(error) => tracing::warn!(item = item.id, %error, "a lease cannot be renewed"),
        }
        // A picture is finished; a clip may take longer than anybody waits.
        if app.is_stopping() && at.1 == Some("frames") {
            course.stop();
        }
    }
}

async fn until_changed(changes: &mut tokio::sync::broadcast::Receiver<String>, job: &str) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match changes.recv().await {
            Ok(changed) if changed == job => return,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Keeps what was made, then says so; what comes too late is thrown away.
async fn finish(app: &App, item: &Claimed, job: &Job, product: Product) -> Result<()> {
    let name = format!("results/{}/{:06}-{}.{}", item.job, item.number, item.fence, product.extension);
    let place = Place::from(name.as_str());
    faults::reach(Step::Made);
    match product.file {
        File::Bytes(bytes) => app.objects.keep(&place, bytes, &product.media_type).await?,
        File::Path(path, folder) => {
            put_file(app, &place, &product.media_type, &path).await?;
            drop(folder);
        }
    }
    faults::reach(Step::Kept);
    let details = product.details.to_string();
    let ending = Ending { result: &name, media_type: &product.media_type, details: &details };
    let mut work = app.db.begin().await?;
    let now = app.now();
    if !items::succeed(&mut work, item, &ending, now).await? {
        work.rollback().await?;
        tracing::warn!(item = item.id, fence = item.fence, "what was made came too late");
        app.objects.delete(&place).await?;
        return Ok(());
    }
    db::documents::insert(&mut work, &documents::of(job, item, &product.details, now)).await?;
    let ended = settle(&mut work, &item.job, now, app.expiry()).await?;
    if ended && app.redis.is_none() {
        // Who waits for the job in another process hears of it from the database then.
        work.announce(&item.job).await?;
    }
    faults::reach(Step::Ending);
    work.commit().await?;
    faults::reach(Step::Ended);
    app.tell.notify_one();
    metrics::counter!("backgroundfx_items_total", "status" => "succeeded").increment(1);
    tracing::info!(job = item.job, item = item.number, ended, "made");
    Ok(())
}

/// Keeps a file of the disk, piece by piece.
async fn put_file(app: &App, place: &Place, media_type: &str, path: &std::path::Path) -> Result<()> {
    let unreadable =
        |error: std::io::Error| Error::new(Kind::StorageUnusable, "what was made cannot be read").because(error);
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let chunks = stream::try_unfold(file, move |mut file| async move {
        let mut buffer = BytesMut::with_capacity(1 << 20);
        let length = file.read_buf(&mut buffer).await.map_err(unreadable)?;
        Ok((length > 0).then(|| (buffer.freeze(), file)))
    });
    app.objects.put_stream(place, media_type, chunks).await
}

async fn give_up(app: &App, item: &Claimed, error: Error) -> Result<()> {
    let now = app.now();
    if app.is_stopping() && error.kind() == Kind::Picture(core::Kind::Cancelled) {
        return items::give_back(&app.db, item, now).await;
    }
    let mut work = app.db.begin().await?;
    if is_ours(&error) && now - item.created < LONGEST_WAIT {
        // An outage is not the item's doing, and does not count as an attempt.
        items::put_off(&mut work, item, &error, now + delay(2)).await?;
        work.commit().await?;
        metrics::counter!("backgroundfx_items_total", "status" => "put off").increment(1);
        tracing::warn!(job = item.job, item = item.number, code = error.kind().code(), %error, status = "put off");
        return Ok(());
    }
    let again = (may_pass(&error) && item.attempts < MOST_ATTEMPTS).then(|| now + delay(item.attempts));
    if items::fail(&mut work, item, &error, now, again).await? {
        settle(&mut work, &item.job, now, app.expiry()).await?;
        work.commit().await?;
        app.tell.notify_one();
        let status = if again.is_some() { "retried" } else { "failed" };
        metrics::counter!("backgroundfx_items_total", "status" => status).increment(1);
        tracing::warn!(job = item.job, item = item.number, code = error.kind().code(), %error, status);
    }
    Ok(())
}

/// Whether it is for want of something of the service's own.
fn is_ours(error: &Error) -> bool {
    matches!(error.kind(), Kind::StorageUnusable | Kind::StorageFull | Kind::DatabaseUnusable)
}

/// Whether trying again without a change may help.
fn may_pass(error: &Error) -> bool {
    match error.kind() {
        Kind::Picture(kind) => kind.row().retryable,
        Kind::FetchFailed
        | Kind::DatabaseUnusable
        | Kind::StorageFull
        | Kind::StorageUnusable
        | Kind::Internal
        | Kind::Stopping => true,
        _ => false,
    }
}

/// Milliseconds before the next attempt: 2 s, 8 s …, and up to half as much more, so that many do not come at one time.
fn delay(attempts: i64) -> i64 {
    let base = 2_000 << (2 * (attempts - 1)).clamp(0, 8);
    base + rand::random_range(0..base / 2)
}

/// Queues what workers have left: all that runs at a start, later what has lost its lease.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn recover(app: &App, ended_by: i64) -> Result<()> {
    let mut work = app.db.begin_alone().await?;
    let left = items::recover(&mut work, ended_by, app.now(), MOST_ATTEMPTS).await?;
    for job in &left {
        settle(&mut work, job, app.now(), app.expiry()).await?;
    }
    work.commit().await?;
    if !left.is_empty() {
        tracing::warn!(jobs = left.len(), "work that a worker has left is taken up again");
        app.wake.notify_one();
    }
    Ok(())
}

//! Databases that follow the first one a little behind, for reads that many ask for. Whoever has just written reads what they wrote:
//! after a write it is noted in the Redis how far the first database was, and only a replica that is as far is asked.
//!
//! The distance is PostgreSQL's own, of its log (pg_current_wal_insert_lsn, pg_last_wal_replay_lsn). When the Redis does not answer,
//! or no replica is far enough, the first database is asked.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time;

use crate::{App, Result, db::Database, redis::Redis};

/// How often it is asked how far each is.
const LOOK: Duration = Duration::from_millis(200);
/// How far behind a replica may be for those who have not written lately.
const MOST_BEHIND: Duration = Duration::from_secs(30);
/// How long it is remembered who wrote: longer than that.
pub const REMEMBERED: Duration = Duration::from_secs(60);

/// A place in the database's log: the higher, the later.
pub type LogPlace = u64;

/// The replicas.
pub struct Replicas {
    all: Vec<Replica>,
    /// How far the first database was, and when: as far back as a replica may be behind.
    first_was: Mutex<VecDeque<(Instant, LogPlace)>>,
    next: AtomicUsize,
    redis: Redis,
}

struct Replica {
    db: Database,
    state: Mutex<State>,
}

/// How far it is, and as of when it has all that the first database had. While that is written to, no replica is level with it.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    place: LogPlace,
    as_of: Option<Instant>,
}

impl Replicas {
    /// The databases at some addresses, which need not answer yet.
    ///
    /// # Errors
    /// [`crate::Kind::ConfigInvalid`] for what is no such address.
    pub fn at(urls: &[String], redis: Redis) -> Result<Self> {
        let open = |url: &String| Ok(Replica { db: Database::following(url)?, state: Mutex::default() });
        let all = urls.iter().map(open).collect::<Result<_>>()?;
        Ok(Self { all, first_was: Mutex::default(), next: AtomicUsize::new(0), redis })
    }

    /// Where an organisation's things are read: a replica that has all it wrote, in turns, if there is one.
    pub async fn reading<'a>(&'a self, first: &'a Database, organisation: &str) -> &'a Database {
        let found = match self.redis.last_write(organisation).await {
            Some(written) => self.as_far_as(written.unwrap_or_default(), Instant::now()),
            None => None,
        };
        let from = if found.is_some() { "replica" } else { "first" };
        metrics::counter!("backgroundfx_reads_total", "from" => from).increment(1);
        found.unwrap_or(first)
    }

    fn as_far_as(&self, written: LogPlace, now: Instant) -> Option<&Database> {
        let begin = self.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..self.all.len()).map(|number| &self.all[(begin + number) % self.all.len()]);
        in_turn.filter(|replica| replica.state().serves(written, now)).map(|replica| &replica.db).next()
    }

    /// Notes that an organisation wrote.
    pub async fn wrote(&self, first: &Database, organisation: &str) {
        match first.log_place().await {
            Ok(place) => self.redis.note_write(organisation, place).await,
            Err(error) => tracing::warn!(%error, "it cannot be noted who wrote"),
        }
    }

    async fn look(&self, first: &Database) {
        let first_was = self.look_at(first).await;
        for (number, replica) in self.all.iter().enumerate() {
            let place = time::timeout(MOST_BEHIND / 30, replica.db.replayed_place()).await;
            let now = Instant::now();
            let mut state = replica.state.lock().unwrap_or_else(PoisonError::into_inner);
            let Ok(Ok(place)) = place else {
                // One that does not answer is asked for nothing.
                *state = State::default();
                continue;
            };
            *state = State { place, as_of: as_of(&first_was, place) };
            let behind = state.as_of.map_or(f64::INFINITY, |then| now.duration_since(then).as_secs_f64());
            metrics::gauge!("backgroundfx_replica_behind_seconds", "replica" => number.to_string()).set(behind);
        }
    }
}

impl Replicas {
    /// Notes how far the first database is; when it does not answer it has not gone on.
    async fn look_at(&self, first: &Database) -> VecDeque<(Instant, LogPlace)> {
        let place = first.log_place().await;
        let mut first_was = self.first_was.lock().unwrap_or_else(PoisonError::into_inner);
        let last = first_was.back().map(|(_, place)| *place);
        first_was.extend(place.ok().or(last).map(|place| (Instant::now(), place)));
        while first_was.front().is_some_and(|(then, _)| then.elapsed() > MOST_BEHIND) {
            first_was.pop_front();
        }
        first_was.clone()
    }
}

/// The last moment whose all a replica has that is so far.
fn as_of(first_was: &VecDeque<(Instant, LogPlace)>, place: LogPlace) -> Option<Instant> {
    first_was.iter().rev().find(|(_, was)| *was <= place).map(|(then, _)| *then)
}

impl Replica {
    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn serves(&self, written: LogPlace, now: Instant) -> bool {
        self.place >= written && self.as_of.is_some_and(|then| now.duration_since(then) < MOST_BEHIND)
    }
}

/// Asks the replicas how far they are until the server is stopped.
pub async fn watch(app: Arc<App>) {
    let Some(replicas) = &app.replicas else { return };
    while !app.is_stopping() {
        replicas.look(&app.db).await;
        time::sleep(LOOK).await;
    }
}

/// Reads a place as PostgreSQL writes it: two hexadecimal numbers, the upper and the lower half.
#[must_use]
pub fn log_place(text: &str) -> Option<LogPlace> {
    let (high, low) = text.split_once('/')?;
    Some((u64::from_str_radix(high, 16).ok()? << 32) | u64::from_str_radix(low, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_ordered_as_the_log_is() {
        let place = |text: &str| log_place(text).unwrap();
        assert!(place("0/FFFFFFFF") < place("1/0") && place("16/B374D848") < place("16/B374D849"));
        assert!(log_place("16").is_none() && log_place("x/1").is_none());
    }

    #[test]
    fn one_that_follows_a_moment_behind_serves_while_the_first_goes_on() {
        let now = Instant::now();
        let at = |second: u32| now + LOOK * second;
        let first_was: VecDeque<_> = (1..=10).map(|second| (at(second), u64::from(second) * 100)).collect();
        assert_eq!(as_of(&first_was, 950), Some(at(9)));
        assert_eq!((as_of(&first_was, 1000), as_of(&first_was, 99)), (Some(at(10)), None));
    }

    #[test]
    fn one_that_is_behind_what_was_written_or_silent_for_long_is_not_asked() {
        let now = Instant::now();
        let state = State { place: 100, as_of: Some(now) };
        assert!(state.serves(100, now) && state.serves(0, now + MOST_BEHIND / 2));
        assert!(!state.serves(101, now) && !state.serves(0, now + MOST_BEHIND * 2));
        assert!(!State::default().serves(0, now));
    }
}

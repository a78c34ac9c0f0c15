//! What processes share through a Redis: how much each key may still send, and which jobs changed. Without it each process
//! counts for itself and looks for itself; a Redis that is gone makes things slower or laxer, and stops nothing.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use redis::{
    Client, Cmd, FromRedisValue, RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use crate::{
    App, Error, Kind, Result,
    breaker::Breaker,
    replicas::{self, LogPlace},
};

/// How long an answer is waited for: less than anybody notices.
const PATIENCE: Duration = Duration::from_millis(200);
/// Pause before a broken connection is made anew.
const PAUSE: Duration = Duration::from_secs(1);

/// A bucket that fills by time: its key, what it gains in a minute and holds at most, what must be in it, and what is taken.
/// What was in it before is answered when that was too little, else what is left. By Redis's own clock, which is one for all.
const SPEND: &str = r"
local most, needed, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = most
if bucket[1] then
  left = math.min(most, bucket[1] + math.max(0, now - bucket[2]) * most / 60)
end
local enough = left >= needed
if enough then left = left - cost end
if left < most then
  redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left), 'at', string.format('%.6f', now))
  redis.call('EXPIRE', KEYS[1], math.ceil((most - left) / most * 60) + 1)
else
  redis.call('DEL', KEYS[1])
end
return { enough and 1 or 0, string.format('%.6f', left) }
";

/// A number that only grows, as sixteen hexadecimal digits: its key, the number, and how many seconds it is remembered.
const NOTE: &str = r"
local known = redis.call('GET', KEYS[1])
if not known or known < ARGV[1] then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
return 1
";

/// A Redis, and whether it answers.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    connection: ConnectionManager,
    breaker: Arc<Breaker>,
    spend: Arc<Script>,
    note: Arc<Script>,
    /// What all its keys and channels begin with.
    prefix: Arc<str>,
}

impl Redis {
    /// The Redis at an address as `redis://:password@host:6379/0`, or `rediss://` for TLS. It need not answer yet. Services of
    /// different names have nothing in common in it.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] for what is no such address.
    pub fn at(url: &str, service: &str) -> Result<Self> {
        // What stands in it may be a password.
        let wrong = |error: RedisError| {
            let message = "serve.redis is not an address as redis://:password@host:6379/0";
            Error::new(Kind::ConfigInvalid, message).because(error)
        };
        let client = Client::open(url).map_err(wrong)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(wrong)?;
        let breaker = Arc::new(Breaker::new("redis"));
        let prefix = format!("backgroundfx:{}", &service[..service.len().min(12)]).into();
        let (spend, note) = (Arc::new(Script::new(SPEND)), Arc::new(Script::new(NOTE)));
        Ok(Self { client, connection, breaker, spend, note, prefix })
    }

    /// The channel of jobs that changed. Its messages begin with the process that sent them.
    fn channel(&self) -> String {
        format!("{}:changes", self.prefix)
    }

    /// Takes `cost` out of a bucket that holds `most` and gains as much in a minute, if `needed` is in it: whether it was, and
    /// what is in it now. Nothing when Redis does not answer.
    pub async fn spend(&self, bucket: &str, most: f64, needed: f64, cost: f64) -> Option<(bool, f64)> {
        let mut invocation = self.spend.key(format!("{}:rate:{bucket}", self.prefix));
        invocation.arg(most).arg(needed).arg(cost);
        let mut connection = self.connection.clone();
        let (enough, left): (u8, String) = self.ask(invocation.invoke_async(&mut connection)).await?;
        Some((enough == 1, left.parse().ok()?))
    }

    /// Notes how far the database's log was after an organisation wrote.
    pub async fn note_write(&self, organisation: &str, place: LogPlace) {
        let mut invocation = self.note.key(self.write_key(organisation));
        invocation.arg(format!("{place:016x}")).arg(replicas::REMEMBERED.as_secs());
        let mut connection = self.connection.clone();
        let _: Option<i64> = self.ask(invocation.invoke_async(&mut connection)).await;
    }

    /// How far the database's log was when an organisation last wrote, if that was lately. Nothing when Redis does not answer.
    pub async fn last_write(&self, organisation: &str) -> Option<Option<LogPlace>> {
        let mut get = Cmd::new();
        get.arg("GET").arg(self.write_key(organisation));
        let mut connection = self.connection.clone();
        let text: Option<String> = self.ask(get.query_async(&mut connection)).await?;
        match text {
            None => Some(None),
            Some(text) => LogPlace::from_str_radix(&text, 16).ok().map(Some),
        }
    }

    /// Remembers bytes for a time.
    pub async fn remember(&self, name: &str, bytes: Vec<u8>, lasting: Duration) {
        let mut set = Cmd::new();
        set.arg("SET").arg(format!("{}:kept:{name}", self.prefix)).arg(bytes).arg("EX").arg(lasting.as_secs());
        let mut connection = self.connection.clone();
        let _: Option<()> = self.ask(set.query_async(&mut connection)).await;
    }

    /// Bytes that are remembered, if they are and Redis answers.
    pub async fn recall(&self, name: &str) -> Option<Bytes> {
        let mut get = Cmd::new();
        get.arg("GET").arg(format!("{}:kept:{name}", self.prefix));
        let mut connection = self.connection.clone();
        let found: Option<Vec<u8>> = self.ask(get.query_async(&mut connection)).await?;
        found.map(Bytes::from)
    }

    /// Forgets what is remembered under these names.
    pub async fn forget(&self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        let mut delete = Cmd::new();
        delete.arg("DEL");
        for name in names {
            delete.arg(format!("{}:kept:{name}", self.prefix));
        }
        let mut connection = self.connection.clone();
        let _: Option<i64> = self.ask(delete.query_async(&mut connection)).await;
    }

    fn write_key(&self, organisation: &str) -> String {
        format!("{}:wrote:{organisation}", self.prefix)
    }

    /// Tells the other processes that a job changed.
    pub async fn tell(&self, sender: &str, job: &str) {
        let mut connection = self.connection.clone();
        let mut publish = Cmd::new();
        publish.arg("PUBLISH").arg(self.channel()).arg(format!("{sender} {job}"));
        // All look for themselves too.
        let _: Option<i64> = self.ask(publish.query_async(&mut connection)).await;
    }

    async fn ask<T: FromRedisValue>(&self, question: impl Future<Output = redis::RedisResult<T>>) -> Option<T> {
        if !self.breaker.lets_through() {
            return None;
        }
        // The connection is made within it too.
        let answer = tokio::time::timeout(PATIENCE * 2, question).await;
        self.breaker.went(matches!(answer, Ok(Ok(_))));
        match answer {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::debug!(%error, "Redis did not answer");
                None
            }
            Err(_) => None,
        }
    }
}

/// Passes on what other processes tell, until the server is stopped.
pub async fn listen(app: Arc<App>, redis: Redis) {
    while !app.is_stopping() {
        if let Err(error) = hear(&app, &redis).await {
            tracing::debug!(%error, "Redis's messages are not heard; it is tried again");
        }
        tokio::select! {
            () = app.stopped() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn hear(app: &App, redis: &Redis) -> redis::RedisResult<()> {
    let mut subscription = redis.client.get_async_pubsub().await?;
    subscription.subscribe(redis.channel()).await?;
    let mut messages = subscription.on_message();
    loop {
        let message = tokio::select! {
            () = app.stopped() => return Ok(()),
            message = messages.next() => message,
        };
        let Some(message) = message else { return Ok(()) };
        let text: String = message.get_payload()?;
        match text.split_once(' ') {
            Some((sender, job)) if sender != app.worker => app.heard_of(job),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the Redis that the environment names.
    fn redis() -> Redis {
        Redis::at(&std::env::var("REDIS_TEST_URL").unwrap(), "unit tests").unwrap()
    }

    #[tokio::test]
    #[ignore = "needs a Redis: server/engines/run"]
    async fn a_bucket_is_one_for_all_who_take_from_it() {
        let (one, other) = (redis(), redis());
        let bucket = uuid::Uuid::now_v7().to_string();
        let taking = (0..50).map(|number| {
            let (redis, bucket) = (if number % 2 == 0 { one.clone() } else { other.clone() }, bucket.clone());
            tokio::spawn(async move { redis.spend(&bucket, 20.0, 1.0, 1.0).await.unwrap() })
        });
        let mut taken = 0;
        for task in taking.collect::<Vec<_>>() {
            taken += usize::from(task.await.unwrap().0);
        }
        // While fifty ask, it gains a third of one each second.
        assert!((20..=22).contains(&taken), "{taken}");
        let (enough, left) = one.spend(&bucket, 20.0, f64::MIN, 100.0).await.unwrap();
        assert!(enough && left < -90.0, "a bucket may owe: {left}");
        assert!(!other.spend(&bucket, 20.0, 1.0, 1.0).await.unwrap().0);
    }

    #[tokio::test]
    #[ignore = "needs a Redis: server/engines/run"]
    async fn what_was_written_last_is_known_to_all() {
        let (one, other, organisation) = (redis(), redis(), uuid::Uuid::now_v7().to_string());
        assert_eq!(other.last_write(&organisation).await, Some(None));
        for place in [7, 0x16_b374_d848, 9] {
            one.note_write(&organisation, place).await;
        }
        assert_eq!(other.last_write(&organisation).await, Some(Some(0x16_b374_d848)), "it only grows");
    }

    #[tokio::test]
    async fn a_redis_that_is_not_there_is_left_alone() {
        let redis = Redis::at("redis://127.0.0.1:1/", "a").unwrap();
        for _ in 0..3 {
            assert!(redis.spend("a", 1.0, 1.0, 1.0).await.is_none());
        }
        assert!(!redis.breaker.lets_through());
        let began = std::time::Instant::now();
        assert!(redis.spend("a", 1.0, 1.0, 1.0).await.is_none());
        assert!(began.elapsed() < Duration::from_millis(50), "nobody waits for it");
        assert_eq!(Redis::at("http://x", "a").err().unwrap().kind(), Kind::ConfigInvalid);
    }
}

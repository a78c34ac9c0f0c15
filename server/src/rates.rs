//! How much each key may still send: a bucket of megapixels that fills again within a minute. In a Redis, where processes share
//! one; in this process's memory otherwise, and while the Redis does not answer.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{Error, Kind, Result, redis::Redis};

/// The buckets of all keys.
pub struct Rates {
    name: &'static str,
    each_minute: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
    redis: Option<Redis>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

/// What is left in a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// Megapixels a minute.
    pub limit: u32,
    /// Megapixels that are left.
    pub remaining: u32,
    /// When the bucket is full again.
    pub full_in: Duration,
}

impl Rates {
    /// Buckets of so many units a minute, of a name that no other buckets have.
    #[must_use]
    pub fn new(name: &'static str, each_minute: u32, redis: Option<Redis>) -> Self {
        Self { name, each_minute: f64::from(each_minute), buckets: Mutex::default(), redis }
    }

    /// Takes one unit, such as a megapixel before a picture is looked at.
    ///
    /// # Errors
    /// [`Kind::RateLimited`] when the bucket has none.
    pub async fn take(&self, key: &str) -> Result<Allowance> {
        let (enough, left) = self.spend(key, 1.0, 1.0).await;
        if enough {
            return Ok(self.allowance(left));
        }
        let wait = Duration::from_secs_f64(((1.0 - left) / self.each_minute * 60.0).ceil().max(1.0));
        let message = format!("this key has sent its {} megapixels of a minute", self.each_minute);
        Err(Error::new(Kind::RateLimited, message).after(wait))
    }

    /// Takes the rest of a picture's megapixels once its size is known; a bucket may owe.
    pub async fn settle(&self, key: &str, pixels: u64) {
        let rest = pixels.div_ceil(1_000_000).saturating_sub(1);
        if rest > 0 {
            self.spend(key, f64::MIN, rest as f64).await;
        }
    }

    /// What is left.
    pub async fn look(&self, key: &str) -> Allowance {
        self.allowance(self.spend(key, f64::MIN, 0.0).await.1)
    }

    fn allowance(&self, left: f64) -> Allowance {
        Allowance {
            limit: self.each_minute as u32,
            remaining: left.max(0.0) as u32,
            full_in: Duration::from_secs_f64((self.each_minute - left).max(0.0) / self.each_minute * 60.0),
        }
    }

    async fn spend(&self, key: &str, needed: f64, cost: f64) -> (bool, f64) {
        if let Some(redis) = &self.redis
            && let Some(spent) = redis.spend(&format!("{}:{key}", self.name), self.each_minute, needed, cost).await
        {
            return spent;
        }
        self.spend_here(key, Instant::now(), needed, cost)
    }

    /// Takes `cost` out of this process's bucket, if `needed` is in it: whether it was, and what is in it now.
    fn spend_here(&self, key: &str, now: Instant, needed: f64, cost: f64) -> (bool, f64) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let fill = |bucket: &Bucket| {
            let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * self.each_minute / 60.0;
            (bucket.left + gained).min(self.each_minute)
        };
        // A full bucket says nothing: without this, keys that come once would stay for ever.
        if buckets.len() > 10_000 {
            buckets.retain(|_, bucket| fill(bucket) < self.each_minute);
        }
        let bucket = buckets.entry(key.to_owned()).or_insert(Bucket { left: self.each_minute, at: now });
        bucket.left = fill(bucket);
        bucket.at = now;
        let enough = bucket.left >= needed;
        bucket.left -= if enough { cost } else { 0.0 };
        (enough, bucket.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let (rates, begin) = (Rates::new("test", 2, None), Instant::now());
        let take = |key: &str, seconds: u64| rates.spend_here(key, begin + Duration::from_secs(seconds), 1.0, 1.0);
        assert_eq!(take("a", 0), (true, 1.0));
        assert_eq!(take("a", 0), (true, 0.0));
        assert_eq!(take("a", 0), (false, 0.0));
        assert!(take("b", 0).0, "another key has its own");
        assert!(take("a", 31).0);
        assert!(!take("a", 32).0);
    }

    #[tokio::test]
    async fn it_says_when_it_has_more() {
        let rates = Rates::new("test", 2, None);
        assert_eq!(rates.take("a").await.unwrap().remaining, 1);
        rates.take("a").await.unwrap();
        let error = rates.take("a").await.unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (Kind::RateLimited, Some(Duration::from_secs(30))));
    }

    #[tokio::test]
    async fn a_large_picture_leaves_a_debt() {
        let rates = Rates::new("test", 10, None);
        rates.take("a").await.unwrap();
        rates.settle("a", 25_000_000).await;
        assert!(rates.take("a").await.is_err());
        let left = rates.look("a").await;
        assert_eq!((left.limit, left.remaining), (10, 0));
        assert!(left.full_in > Duration::from_secs(140));
    }
}

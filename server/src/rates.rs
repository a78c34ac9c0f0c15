//! How much each key may still send: a bucket of megapixels that fills again within a minute.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{Error, Kind, Result};

/// The buckets of all keys.
pub struct Rates {
    each_minute: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
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
    /// Buckets of so many megapixels a minute.
    #[must_use]
    pub fn new(megapixels: u32) -> Self {
        Self { each_minute: f64::from(megapixels), buckets: Mutex::default() }
    }

    /// Takes one megapixel before a picture is looked at.
    ///
    /// # Errors
    /// [`Kind::RateLimited`] when the bucket has none.
    pub fn take(&self, key: &str) -> Result<Allowance> {
        self.take_at(key, Instant::now())
    }

    fn take_at(&self, key: &str, now: Instant) -> Result<Allowance> {
        self.with(key, now, |bucket, each_minute| {
            if bucket.left < 1.0 {
                let wait = Duration::from_secs_f64(((1.0 - bucket.left) / each_minute * 60.0).ceil().max(1.0));
                let message = format!("this key has sent its {each_minute} megapixels of a minute");
                return Err(Error::new(Kind::RateLimited, message).after(wait));
            }
            bucket.left -= 1.0;
            Ok(())
        })?;
        Ok(self.look_at(key, now))
    }

    /// Takes the rest of a picture's megapixels once its size is known; a bucket may owe.
    pub fn settle(&self, key: &str, pixels: u64) {
        let rest = pixels.div_ceil(1_000_000).saturating_sub(1) as f64;
        self.with(key, Instant::now(), |bucket, _| bucket.left -= rest);
    }

    /// What is left.
    #[must_use]
    pub fn look(&self, key: &str) -> Allowance {
        self.look_at(key, Instant::now())
    }

    fn look_at(&self, key: &str, now: Instant) -> Allowance {
        self.with(key, now, |bucket, each_minute| Allowance {
            limit: each_minute as u32,
            remaining: bucket.left.max(0.0) as u32,
            full_in: Duration::from_secs_f64((each_minute - bucket.left) / each_minute * 60.0),
        })
    }

    fn with<T>(&self, key: &str, now: Instant, act: impl FnOnce(&mut Bucket, f64) -> T) -> T {
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
        act(bucket, self.each_minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_says_when_it_has_more_and_fills_again() {
        let (rates, begin) = (Rates::new(2), Instant::now());
        assert_eq!(rates.take_at("a", begin).unwrap().remaining, 1);
        assert_eq!(rates.take_at("a", begin).unwrap().remaining, 0);
        let error = rates.take_at("a", begin).unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (Kind::RateLimited, Some(Duration::from_secs(30))));
        assert!(rates.take_at("b", begin).is_ok(), "another key has its own");
        assert!(rates.take_at("a", begin + Duration::from_secs(31)).is_ok());
        assert!(rates.take_at("a", begin + Duration::from_secs(32)).is_err());
    }

    #[test]
    fn a_large_picture_leaves_a_debt() {
        let rates = Rates::new(10);
        rates.take("a").unwrap();
        rates.settle("a", 25_000_000);
        assert!(rates.take("a").is_err());
        let left = rates.look("a");
        assert_eq!((left.limit, left.remaining), (10, 0));
        assert!(left.full_in > Duration::from_secs(140));
    }
}

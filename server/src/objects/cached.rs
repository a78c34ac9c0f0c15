//! A store before a bucket that remembers small results: in this process's memory, and in the Redis that processes share. As they are
//! kept: what is sealed is remembered sealed.
//!
//! A result's place is written once, so that what is remembered is never old; whether it is still given is the database's word.

use std::{fmt, ops::Range, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};
use moka::sync::Cache;
use object_store::{
    Attribute, Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};
use serde::{Deserialize, Serialize};

use crate::redis::Redis;

/// Below this are results.
const RESULTS: &str = "results/";
/// Most bytes of what is remembered.
const LARGEST: u64 = 2 << 20;
/// How long it is.
pub const REMEMBERED: Duration = Duration::from_secs(600);

/// The store.
pub struct Cached {
    store: Arc<dyn ObjectStore>,
    memory: Cache<Path, Kept>,
    redis: Option<Redis>,
}

/// An object as it was got.
#[derive(Clone)]
struct Kept {
    meta: ObjectMeta,
    attributes: Attributes,
    bytes: Bytes,
}

/// What is known of one, before its bytes in the Redis.
#[derive(Serialize, Deserialize)]
struct Label {
    last_modified: i64,
    e_tag: Option<String>,
    version: Option<String>,
    content_type: Option<String>,
}

impl Cached {
    /// Remembers up to so many millions of bytes of what `store` keeps.
    pub fn new(store: Arc<dyn ObjectStore>, megabytes: u64, redis: Option<Redis>) -> Self {
        let memory = Cache::builder()
            .max_capacity(megabytes * 1_000_000)
            .weigher(|place: &Path, kept: &Kept| (kept.bytes.len() + place.as_ref().len() + 200) as u32)
            .time_to_live(REMEMBERED)
            .build();
        Self { store, memory, redis }
    }

    async fn remembered(&self, location: &Path) -> Option<Kept> {
        let mut found = self.memory.get(location).map(|kept| ("memory", kept));
        if found.is_none()
            && let Some(redis) = &self.redis
        {
            let shared = redis.recall(location.as_ref()).await.and_then(|bytes| Kept::read(location, bytes));
            found = shared.map(|kept| ("redis", kept));
            if let Some((_, kept)) = &found {
                self.memory.insert(location.clone(), kept.clone());
            }
        }
        let (level, kept) = found?;
        count(level);
        Some(kept)
    }

    /// Gets a whole object, and remembers it if it is small.
    async fn get_anew(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        count("store");
        let got = self.store.get_opts(location, options).await?;
        if got.meta.size > LARGEST {
            return Ok(got);
        }
        let (meta, attributes) = (got.meta.clone(), got.attributes.clone());
        let kept = Kept { meta, attributes, bytes: got.bytes().await? };
        self.memory.insert(location.clone(), kept.clone());
        if let Some(redis) = self.redis.clone() {
            let (place, bytes) = (location.clone(), kept.written());
            // Nobody waits for it.
            tokio::spawn(async move { redis.remember(place.as_ref(), bytes, REMEMBERED).await });
        }
        let whole = 0..kept.meta.size;
        Ok(kept.given(whole))
    }
}

impl Kept {
    fn given(self, range: Range<u64>) -> GetResult {
        let bytes = self.bytes.slice(range.start as usize..range.end as usize);
        let payload = GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed());
        GetResult { payload, meta: self.meta, range, attributes: self.attributes, extensions: Default::default() }
    }

    /// A line of JSON, then the bytes.
    fn written(&self) -> Vec<u8> {
        let label = Label {
            last_modified: self.meta.last_modified.timestamp_millis(),
            e_tag: self.meta.e_tag.clone(),
            version: self.meta.version.clone(),
            content_type: self.attributes.get(&Attribute::ContentType).map(|value| value.as_ref().to_owned()),
        };
        let mut written = serde_json::to_vec(&label).unwrap_or_default();
        written.push(b'\n');
        written.extend_from_slice(&self.bytes);
        written
    }

    fn read(location: &Path, written: Bytes) -> Option<Self> {
        let end = written.iter().position(|byte| *byte == b'\n')?;
        let label: Label = serde_json::from_slice(&written[..end]).ok()?;
        let bytes = written.slice(end + 1..);
        let mut attributes = Attributes::new();
        if let Some(media_type) = label.content_type {
            attributes.insert(Attribute::ContentType, media_type.into());
        }
        let last_modified = chrono::DateTime::from_timestamp_millis(label.last_modified)?;
        let size = bytes.len() as u64;
        let meta =
            ObjectMeta { location: location.clone(), last_modified, size, e_tag: label.e_tag, version: label.version };
        Some(Self { meta, attributes, bytes })
    }
}

fn count(level: &'static str) {
    metrics::counter!("backgroundfx_result_reads_total", "level" => level).increment(1);
}

#[async_trait]
impl ObjectStore for Cached {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_plain =
            options.if_modified_since.is_none() && options.if_unmodified_since.is_none() && options.version.is_none();
        if !is_plain || !location.as_ref().starts_with(RESULTS) {
            return self.store.get_opts(location, options).await;
        }
        let Some(kept) = self.remembered(location).await else {
            let is_whole = options.range.is_none() && !options.head;
            return if is_whole {
                self.get_anew(location, options).await
            } else {
                self.store.get_opts(location, options).await
            };
        };
        options.check_preconditions(&kept.meta)?;
        let whole = 0..kept.meta.size;
        let range = match options.range.filter(|_| !options.head) {
            Some(range) => range
                .as_range(kept.meta.size)
                .map_err(|error| Error::Generic { store: "cache", source: Box::new(error) })?,
            None => whole,
        };
        Ok(kept.given(range))
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.store.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(location, opts).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let memory = self.memory.clone();
        let forgetting = move |location: &Result<Path>| {
            if let Ok(location) = location {
                memory.invalidate(location);
            }
        };
        self.store.delete_stream(locations.inspect(forgetting).boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

impl fmt::Display for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "remembering {}", self.store)
    }
}

impl fmt::Debug for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use object_store::{GetRange, ObjectStoreExt, integration, memory::InMemory};

    use super::*;

    #[tokio::test]
    async fn it_is_a_store_like_any_other() {
        let store = Cached::new(Arc::new(InMemory::new()), 10, None);
        integration::put_get_delete_list(&store).await;
        integration::stream_get(&store).await;
        integration::get_opts(&store).await;
        integration::list_with_delimiter(&store).await;
        integration::rename_and_copy(&store).await;
        integration::put_opts(&store, true).await;
    }

    #[tokio::test]
    async fn small_results_are_remembered_and_nothing_else() {
        let inner = Arc::new(InMemory::new());
        let store = Cached::new(inner.clone(), 10, None);
        let places = ["results/job/1.png", "results/job/large.png", "sources/job/1"].map(Path::from);
        for (place, size) in places.iter().zip([1000, LARGEST as usize + 1, 1000]) {
            store.put(place, Bytes::from(vec![7; size]).into()).await.unwrap();
            assert_eq!(store.get(place).await.unwrap().bytes().await.unwrap().len(), size);
            inner.delete(place).await.unwrap();
        }
        let tag = store.head(&places[0]).await.unwrap().e_tag;
        assert!(tag.is_some());
        assert_eq!(store.get_range(&places[0], 10..20).await.unwrap(), [7; 10].as_slice());
        let beyond = GetOptions::new().with_range(Some(GetRange::Bounded(2000..2001)));
        assert!(store.get_opts(&places[0], beyond).await.is_err());
        let other = GetOptions::new().with_if_match(Some("other"));
        assert!(matches!(store.get_opts(&places[0], other).await, Err(Error::Precondition { .. })));
        assert!(store.get(&places[1]).await.is_err() && store.get(&places[2]).await.is_err());
        let _ = store.delete(&places[0]).await;
        assert!(store.get(&places[0]).await.is_err(), "what is deleted is forgotten");
    }

    #[test]
    fn what_is_read_from_the_redis_is_what_was_written() {
        let location = Path::from("results/a");
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, "image/png".into());
        let last_modified = chrono::DateTime::from_timestamp_millis(1_764_000_000_123).unwrap();
        let meta = ObjectMeta {
            location: location.clone(),
            last_modified,
            size: 4,
            e_tag: Some("\"x\"".into()),
            version: None,
        };
        let kept = Kept { meta, attributes, bytes: Bytes::from_static(b"a\nb\n") };
        let read = Kept::read(&location, kept.written().into()).unwrap();
        assert_eq!((read.meta, read.attributes, read.bytes), (kept.meta, kept.attributes, kept.bytes));
        assert!(Kept::read(&location, Bytes::from_static(b"{}")).is_none());
    }

    #[tokio::test]
    #[ignore = "needs a Redis: server/engines/run"]
    async fn what_one_process_got_another_has() {
        let redis = || Redis::at(&std::env::var("REDIS_TEST_URL").unwrap(), "unit tests").ok();
        let inner = Arc::new(InMemory::new());
        let (one, other) = (Cached::new(inner.clone(), 10, redis()), Cached::new(inner.clone(), 10, redis()));
        let place = Path::from(format!("results/{}/1", uuid::Uuid::now_v7().simple()));
        one.put(&place, Bytes::from(vec![7; 300_000]).into()).await.unwrap();
        one.get(&place).await.unwrap().bytes().await.unwrap();
        inner.delete(&place).await.unwrap();
        let mut got = other.get(&place).await;
        for _ in 0..50 {
            if got.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            got = other.get(&place).await;
        }
        assert_eq!(got.unwrap().bytes().await.unwrap().len(), 300_000);
    }
}

//! Where pictures, clips and results are kept: a folder, or a bucket of anything that speaks S3, by its address; sealed, if the
//! operator has a key for it.

mod cached;
mod frames;
mod keys;
mod kms;
mod mirrored;
mod sealed;

use std::{fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use object_store::{
    Attribute, Attributes, ClientOptions, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions,
    RetryConfig, WriteMultipart,
    aws::{AmazonS3, AmazonS3Builder},
    local::LocalFileSystem,
    path::Path as Place,
    prefix::PrefixStore,
    signer::Signer,
};

use serde::Deserialize;

use crate::{Error, Kind, Result, redis::Redis};

/// Bytes of the parts that large files are sent to the store in.
const PART: usize = 8 << 20;
/// Parts of one file that are on their way together.
const PARTS: usize = 4;

/// Where a bucket is, if not where the variables say.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    region: Option<String>,
    endpoint: Option<String>,
}

impl Elsewhere {
    fn apply(self, mut builder: AmazonS3Builder) -> AmazonS3Builder {
        if let Some(region) = self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        builder
    }
}

/// The store of objects.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    bucket: Option<(AmazonS3, Place)>,
    is_sealed: bool,
}

impl Objects {
    /// Objects as files below a folder of this machine.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] when the folder cannot be made.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|error| {
            let message = format!("the folder {} cannot be used: {error}", folder.display());
            Error::new(Kind::ConfigInvalid, message).because(error)
        })?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_automatic_cleanup(true).with_fsync(true);
        Ok(Self { store: Arc::new(store), bucket: None, is_sealed: false })
    }

    /// Objects in a bucket, at `s3://bucket` or `s3://bucket/prefix`. Credentials, region and endpoint are those of the usual
    /// variables `AWS_…`; `?region=…` and `&endpoint=…` behind it name others.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] for an address of another kind; [`Kind::StorageUnusable`] when the bucket does not answer.
    pub async fn at(url: &str) -> Result<Self> {
        let wrong = |why: &str| Error::new(Kind::ConfigInvalid, format!("serve.objects is {url:?}{why}"));
        let rest = url.strip_prefix("s3://").filter(|rest| !rest.is_empty() && !rest.starts_with('/'));
        let rest = rest.ok_or_else(|| wrong(", which is not s3://bucket/prefix"))?;
        let (rest, elsewhere) = rest.split_once('?').unwrap_or((rest, ""));
        let elsewhere: Elsewhere =
            serde_urlencoded::from_str(elsewhere).map_err(|error| wrong(&format!(": {error}")).because(error))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = Place::parse(prefix.trim_end_matches('/')).map_err(|error| wrong(&format!(": {error}")))?;
        let plain = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok());
        let plain =
            elsewhere.endpoint.as_ref().or(plain.as_ref()).is_some_and(|endpoint| endpoint.starts_with("http://"));
        let options = ClientOptions::new()
            .with_connect_timeout(Duration::from_secs(3))
            .with_timeout(Duration::from_secs(60))
            .with_allow_http(plain);
        let retries = RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(20), ..RetryConfig::default() };
        let builder =
            AmazonS3Builder::from_env().with_bucket_name(bucket).with_client_options(options).with_retry(retries);
        let bucket = elsewhere.apply(builder).build().map_err(|error| wrong(&format!(": {error}")).because(error))?;
        let store = Arc::new(PrefixStore::new(bucket.clone(), prefix.clone()));
        let objects = Self { store, bucket: Some((bucket, prefix)), is_sealed: false };
        objects.check().await.map_err(|error| {
            let message = format!("the bucket {url} cannot be used: {error}");
            Error::new(Kind::StorageUnusable, message).because(error)
        })?;
        Ok(objects)
    }

    /// The same, with results kept in a second store too, and read there when this one does not answer or has lost them.
    #[must_use]
    pub fn mirrored(self, second: &Self) -> Self {
        Self { store: Arc::new(mirrored::Mirrored::new(self.store, second.store.clone())), ..self }
    }

    /// The same, with small results of a bucket remembered: up to so many millions of bytes in memory, and in the Redis. What is
    /// sealed afterwards is remembered sealed.
    #[must_use]
    pub fn cached(self, megabytes: u64, redis: Option<Redis>) -> Self {
        match self.bucket {
            Some(_) if megabytes > 0 => {
                Self { store: Arc::new(cached::Cached::new(self.store, megabytes, redis)), ..self }
            }
            // The system remembers files by itself.
            _ => self,
        }
    }

    /// The same, with everything that is kept from now on encrypted by keys at some addresses, as [`keys::Keys::at`] reads them.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] for what is no such address; [`Kind::StorageUnusable`] when no key is given.
    pub async fn sealed(self, addresses: &[String]) -> Result<Self> {
        let keys = keys::Keys::at(addresses).await?;
        Ok(Self { store: Arc::new(sealed::Sealed::new(self.store, keys)), is_sealed: true, ..self })
    }

    /// Whether the store answers.
    async fn check(&self) -> object_store::Result<()> {
        self.store.list(Some(&Place::from("results/job_"))).try_next().await.map(|_| ())
    }

    /// Whether all processes see the same objects wherever they run.
    #[must_use]
    pub fn are_shared(&self) -> bool {
        self.bucket.is_some()
    }

    /// An address that gives one object to whoever has it, for some time; none where objects are files, or sealed.
    ///
    /// # Errors
    /// [`Kind::StorageUnusable`] when there are no credentials.
    pub async fn link(&self, place: &str, lasting: Duration) -> Result<Option<String>> {
        let Some((bucket, prefix)) = self.bucket.as_ref().filter(|_| !self.is_sealed) else { return Ok(None) };
        let whole = Place::from(format!("{prefix}/{place}"));
        let url = bucket.signed_url(axum::http::Method::GET, &whole, lasting).await?;
        Ok(Some(url.into()))
    }

    /// Keeps a file of a media type, which the store tells to those who follow a link.
    ///
    /// # Errors
    /// [`Kind::StorageFull`], [`Kind::StorageUnusable`].
    pub async fn keep(&self, place: &Place, bytes: Bytes, media_type: &str) -> Result<()> {
        let options = PutOptions { attributes: self.attributes(media_type), ..PutOptions::default() };
        self.store.put_opts(place, bytes.into(), options).await?;
        Ok(())
    }

    /// A file of the disk has none, and a sealed one tells nothing.
    fn attributes(&self, media_type: &str) -> Attributes {
        let mut known = Attributes::new();
        if self.bucket.is_some() && !self.is_sealed {
            known.insert(Attribute::ContentType, media_type.to_owned().into());
        }
        known
    }

    /// Keeps bytes where nothing is yet. Whether nothing was.
    ///
    /// # Errors
    /// [`Kind::StorageFull`], [`Kind::StorageUnusable`].
    pub async fn create(&self, place: &Place, bytes: Bytes) -> Result<bool> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(place, bytes.into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps what comes, however much it is. When it breaks off nothing is kept.
    ///
    /// # Errors
    /// What the stream reports; [`Kind::StorageFull`], [`Kind::StorageUnusable`].
    pub async fn put_stream(
        &self,
        place: &Place,
        media_type: &str,
        chunks: impl Stream<Item = Result<Bytes>>,
    ) -> Result<()> {
        let options = PutMultipartOptions { attributes: self.attributes(media_type), ..PutMultipartOptions::default() };
        let upload = self.store.put_multipart_opts(place, options).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        let mut chunks = std::pin::pin!(chunks);
        while let Some(chunk) = chunks.next().await {
            let sent = match chunk {
                Ok(chunk) => {
                    upload.put(chunk);
                    upload.wait_for_capacity(PARTS).await.map_err(Error::from)
                }
                Err(error) => Err(error),
            };
            if let Err(error) = sent {
                // The parts that were sent would be kept, and paid for.
                let _ = upload.abort().await;
                return Err(error);
            }
        }
        upload.finish().await?;
        Ok(())
    }

    /// Deletes one object, if it is there.
    ///
    /// # Errors
    /// [`Kind::StorageUnusable`].
    pub async fn remove(&self, place: &str) -> Result<()> {
        match self.store.delete(&Place::from(place)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes everything below a place.
    ///
    /// # Errors
    /// [`Kind::StorageUnusable`].
    pub async fn remove_all(&self, place: &str) -> Result<()> {
        let below = self.store.list(Some(&Place::from(place))).map_ok(|object| object.location).boxed();
        let mut removed = self.store.delete_stream(below);
        while let Some(one) = removed.next().await {
            match one {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl std::ops::Deref for Objects {
    type Target = dyn ObjectStore;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    /// What every store must do.
    async fn conforms(objects: &Objects, root: &str) {
        let place = |name: &str| Place::from(format!("{root}/{name}"));
        let there = async |name: &str| objects.head(&place(name)).await.is_ok();
        assert!(objects.create(&place("once"), Bytes::from_static(b"first")).await.unwrap());
        assert!(!objects.create(&place("once"), Bytes::from_static(b"second")).await.unwrap(), "it is taken");
        assert_eq!(objects.get(&place("once")).await.unwrap().bytes().await.unwrap(), "first");

        // Of three parts, in chunks that fit none.
        let chunk = |number: u8| Ok(Bytes::from(vec![number; 3_000_001]));
        objects.put_stream(&place("large"), "image/png", stream::iter((0..7).map(chunk))).await.unwrap();
        let large = objects.get(&place("large")).await.unwrap().bytes().await.unwrap();
        assert_eq!((large.len(), large[3_000_000], large[3_000_001]), (21_000_007, 0, 1));

        let broken = || Err(Error::new(Kind::Internal, "it breaks off"));
        let chunks = stream::iter((0..7).map(move |number| if number == 5 { broken() } else { chunk(number) }));
        let error = objects.put_stream(&place("broken"), "image/png", chunks).await.unwrap_err();
        assert_eq!((error.kind(), there("broken").await), (Kind::Internal, false), "half of it is nothing");

        objects.keep(&place("kept"), Bytes::from_static(b"png"), "image/png").await.unwrap();
        objects.remove(&format!("{root}/kept")).await.unwrap();
        objects.remove(&format!("{root}/kept")).await.unwrap();
        assert!(!there("kept").await && there("large").await);
        objects.remove_all(root).await.unwrap();
        objects.remove_all(root).await.unwrap();
        assert!(!there("large").await && !there("once").await);
    }

    #[tokio::test]
    async fn a_folder_keeps_objects() {
        let folder = tempfile::tempdir().unwrap();
        conforms(&Objects::in_folder(folder.path()).unwrap(), "root").await;
        let left: Vec<_> = std::fs::read_dir(folder.path().join("root")).into_iter().flatten().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }

    /// The address of a key in a folder.
    fn key_in(folder: &Path) -> Vec<String> {
        std::fs::write(folder.join("object.key"), [3; 32]).unwrap();
        vec![format!("file:{}", folder.join("object.key").display())]
    }

    #[tokio::test]
    async fn a_sealed_folder_keeps_objects() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::in_folder(&folder.path().join("objects")).unwrap();
        conforms(&objects.sealed(&key_in(folder.path())).await.unwrap(), "root").await;
    }

    #[tokio::test]
    #[ignore = "needs an S3 server: server/engines/run --all"]
    async fn a_bucket_keeps_objects() {
        let objects = Objects::at(&std::env::var("S3_TEST_URL").unwrap()).await.unwrap();
        conforms(&objects, &uuid::Uuid::now_v7().to_string()).await;
        let folder = tempfile::tempdir().unwrap();
        let sealed = objects.sealed(&key_in(folder.path())).await.unwrap();
        conforms(&sealed, &uuid::Uuid::now_v7().to_string()).await;
        assert!(
            sealed.link("root/once", Duration::from_secs(60)).await.unwrap().is_none(),
            "a link would give what nobody can read"
        );
    }

    #[tokio::test]
    async fn what_is_no_bucket_is_refused() {
        for wrong in ["/srv/objects", "http://pictures", "s3://"] {
            assert_eq!(Objects::at(wrong).await.err().unwrap().kind(), Kind::ConfigInvalid, "{wrong}");
        }
    }
}

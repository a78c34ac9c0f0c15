//! A store whose results are kept in a second one too, in another region say, and read there when the first does not answer or has
//! lost them. What the second misses fails nothing.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, future, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart, path::Path,
};
use tokio::time;

use crate::breaker::Breaker;

/// Below this are results.
const RESULTS: &str = "results/";
/// How long the first is waited for where the second can answer, and the second in any case.
const PATIENCE: Duration = Duration::from_secs(5);

/// The stores.
pub struct Mirrored {
    first: Arc<dyn ObjectStore>,
    second: Arc<dyn ObjectStore>,
    breakers: Arc<Breakers>,
}

struct Breakers {
    first: Breaker,
    second: Breaker,
}

impl Mirrored {
    /// Keeps results of `first` in `second` too.
    pub fn new(first: Arc<dyn ObjectStore>, second: Arc<dyn ObjectStore>) -> Self {
        let breakers = Breakers { first: Breaker::new("objects"), second: Breaker::new("objects_second") };
        Self { first, second, breakers: Arc::new(breakers) }
    }

    async fn ask_first(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if !self.breakers.first.lets_through() {
            return Err(no_answer("the first store did not answer a moment ago"));
        }
        let asked = time::timeout(PATIENCE, self.first.get_opts(location, options)).await;
        let got = asked.unwrap_or_else(|_| Err(no_answer("the first store does not answer")));
        self.breakers.first.went(!matches!(got, Err(Error::Generic { .. })));
        got
    }
}

impl Breakers {
    /// Does something in the second store, if it answers. Whether that went well.
    async fn in_second<T>(&self, what: &str, act: impl Future<Output = Result<T>>) -> Option<T> {
        if !self.second.lets_through() {
            return None;
        }
        let done = time::timeout(PATIENCE, act).await.unwrap_or_else(|_| Err(no_answer("it does not answer")));
        self.second.went(!matches!(done, Err(Error::Generic { .. })));
        match done {
            Ok(done) => Some(done),
            Err(Error::NotFound { .. }) => None,
            Err(error) => {
                tracing::warn!(%error, "a result is not {what} in the second store");
                None
            }
        }
    }
}

fn no_answer(why: &str) -> Error {
    Error::Generic { store: "objects", source: why.into() }
}

fn is_result(location: &Path) -> bool {
    location.as_ref().starts_with(RESULTS)
}

/// A file of many parts on its way to both.
#[derive(Debug)]
struct Both {
    first: Box<dyn MultipartUpload>,
    second: Box<dyn MultipartUpload>,
    breakers: Arc<Breakers>,
    /// Whether the second has all parts so far.
    is_whole: Arc<AtomicBool>,
}

#[async_trait]
impl MultipartUpload for Both {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (first, second) = (self.first.put_part(data.clone()), self.second.put_part(data));
        let (breakers, is_whole) = (self.breakers.clone(), self.is_whole.clone());
        async move {
            let (first, second) = future::join(first, breakers.in_second("kept", second)).await;
            if second.is_none() {
                is_whole.store(false, Ordering::SeqCst);
            }
            first
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let done = self.first.complete().await?;
        if self.is_whole.load(Ordering::SeqCst) {
            let _ = self.breakers.in_second("kept", self.second.complete()).await;
        } else {
            let _ = self.breakers.in_second("given up", self.second.abort()).await;
        }
        Ok(done)
    }

    async fn abort(&mut self) -> Result<()> {
        let _ = self.breakers.in_second("given up", self.second.abort()).await;
        self.first.abort().await
    }
}

impl fmt::Debug for Breakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Breakers")
    }
}

#[async_trait]
impl ObjectStore for Mirrored {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if !is_result(location) {
            return self.first.get_opts(location, options).await;
        }
        let error = match self.ask_first(location, options.clone()).await {
            Err(error @ (Error::Generic { .. } | Error::NotFound { .. })) => error,
            answered => return answered,
        };
        let second = self.breakers.in_second("found", self.second.get_opts(location, options)).await;
        second.ok_or(error)
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if !is_result(location) {
            return self.first.put_opts(location, payload, opts).await;
        }
        let copy = PutOptions { attributes: opts.attributes.clone(), ..PutOptions::default() };
        let put = self.first.put_opts(location, payload.clone(), opts).await?;
        let _ = self.breakers.in_second("kept", self.second.put_opts(location, payload, copy)).await;
        Ok(put)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let first = self.first.put_multipart_opts(location, opts.clone()).await?;
        if !is_result(location) {
            return Ok(first);
        }
        let begun = self.breakers.in_second("kept", self.second.put_multipart_opts(location, opts)).await;
        let Some(second) = begun else { return Ok(first) };
        let is_whole = Arc::new(AtomicBool::new(true));
        Ok(Box::new(Both { first, second, breakers: self.breakers.clone(), is_whole }))
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (second, breakers) = (self.second.clone(), self.breakers.clone());
        let in_both = move |deleted: Result<Path>| {
            let (second, breakers) = (second.clone(), breakers.clone());
            async move {
                let location = match &deleted {
                    Ok(location) => Some(location.clone()),
                    Err(Error::NotFound { path, .. }) => Path::parse(path).ok(),
                    Err(_) => None,
                };
                if let Some(location) = location.filter(is_result) {
                    let _ = breakers.in_second("deleted", second.delete(&location)).await;
                }
                deleted
            }
        };
        self.first.delete_stream(locations).then(in_both).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.first.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.first.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.first.copy_opts(from, to, options).await
    }
}

impl fmt::Display for Mirrored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, and results in {}", self.first, self.second)
    }
}

impl fmt::Debug for Mirrored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use object_store::{WriteMultipart, integration, memory::InMemory};

    use super::*;

    #[tokio::test]
    async fn it_is_a_store_like_any_other() {
        let store = Mirrored::new(Arc::new(InMemory::new()), Arc::new(InMemory::new()));
        integration::put_get_delete_list(&store).await;
        integration::stream_get(&store).await;
        integration::get_opts(&store).await;
        integration::list_with_delimiter(&store).await;
        integration::rename_and_copy(&store).await;
        integration::put_opts(&store, true).await;
    }

    #[tokio::test]
    async fn results_are_in_both_and_found_when_the_first_has_lost_them() {
        let (first, second) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()));
        let store = Mirrored::new(first.clone(), second.clone());
        let (small, large, source) = (Path::from("results/a/1"), Path::from("results/a/2"), Path::from("sources/a/1"));
        for place in [&small, &source] {
            store.put(place, Bytes::from_static(b"png").into()).await.unwrap();
        }
        let mut upload = WriteMultipart::new_with_chunk_size(store.put_multipart(&large).await.unwrap(), 5 << 20);
        (0..3).for_each(|_| upload.put(Bytes::from(vec![7; 4 << 20])));
        upload.finish().await.unwrap();
        assert!(second.get(&source).await.is_err(), "only results");
        for place in [&small, &large] {
            first.delete(place).await.unwrap();
        }
        assert_eq!(store.get(&small).await.unwrap().bytes().await.unwrap(), "png");
        assert_eq!(store.get(&large).await.unwrap().bytes().await.unwrap().len(), 12 << 20);
        store.put(&small, Bytes::from_static(b"again").into()).await.unwrap();
        store.delete(&small).await.unwrap();
        assert!(store.get(&small).await.is_err() && second.get(&small).await.is_err(), "gone from both");
    }
}

//! A store before another: what it keeps is sealed, each object by itself, and whoever has the other store can read nothing.
//!
//! Sealed objects have names that end in `.sealed`, so that what was kept before stays readable until it is deleted.

use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{
    FutureExt, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart, path::Path,
};

use super::{
    frames::{self, FRAME, HEADER, SEALED_FRAME, Seal},
    keys::Keys,
};

/// The fewest bytes of a part that is not the last, in S3's protocol.
const LEAST_PART: usize = 5 << 20;
/// What names of sealed objects end in.
const SUFFIX: &str = ".sealed";

/// The store.
#[derive(Clone)]
pub struct Sealed {
    store: Arc<dyn ObjectStore>,
    keys: Arc<Keys>,
}

impl Sealed {
    /// Seals what `store` keeps.
    pub fn new(store: Arc<dyn ObjectStore>, keys: Keys) -> Self {
        Self { store, keys: Arc::new(keys) }
    }

    /// A header and the key of the object that begins with it.
    async fn begin(&self, place: &Path) -> Result<([u8; HEADER], Seal)> {
        let key = self.keys.fresh().await.map_err(failed)?;
        let salt: [u8; 32] = rand::random();
        Ok((frames::header(&salt, &key.wrapped), Seal::new(&key.secret, &salt, place.as_ref())))
    }

    async fn seal_of(&self, header: &[u8], place: &Path) -> Result<Seal> {
        let (salt, wrapped) = frames::read_header(header).map_err(failed)?;
        let key = self.keys.unwrap(wrapped).await.map_err(failed)?;
        Ok(Seal::new(&key.secret, salt, place.as_ref()))
    }

    /// All of a sealed object: the header is read first, the rest as it is asked for.
    async fn whole(&self, place: &Path, kept: GetResult) -> Result<GetResult> {
        let meta = opened_meta(kept.meta.clone());
        let (attributes, extensions) = (kept.attributes.clone(), kept.extensions.clone());
        let (size, mut chunks, mut waiting) = (meta.size, kept.into_stream(), BytesMut::new());
        while waiting.len() < HEADER {
            let chunk =
                chunks.try_next().await?.ok_or_else(|| failed(frames::Broken("a sealed object ends in its header")))?;
            waiting.extend_from_slice(&chunk);
        }
        let seal = self.seal_of(&waiting.split_to(HEADER), place).await?;
        let all = frames::frames_of(size);
        let opened = Opening { chunks, waiting, seal, frames: 0..all, all }.stream();
        Ok(GetResult { payload: GetResultPayload::Stream(opened), meta, range: 0..size, attributes, extensions })
    }

    /// Some of a sealed object: its header, then the frames that have what is asked for.
    async fn part(&self, place: &Path, inner: &Path, asked: GetRange, options: GetOptions) -> Result<GetResult> {
        let of_header = GetOptions { range: Some(GetRange::Bounded(0..HEADER as u64)), ..options.clone() };
        let kept = self.store.get_opts(inner, of_header).await?;
        let (meta, attributes) = (opened_meta(kept.meta.clone()), kept.attributes.clone());
        let extensions = kept.extensions.clone();
        let range = asked.as_range(meta.size).map_err(failed)?;
        let seal = self.seal_of(&kept.bytes().await?, place).await?;
        if range.is_empty() {
            let payload = GetResultPayload::Stream(stream::empty().boxed());
            return Ok(GetResult { payload, meta, range, attributes, extensions });
        }
        let all = frames::frames_of(meta.size);
        let needed = range.start / FRAME as u64..range.end.div_ceil(FRAME as u64);
        let bytes = GetRange::Bounded(frames::place_of(&needed));
        // The same object as the header's.
        let same = GetOptions {
            range: Some(bytes),
            if_match: meta.e_tag.clone(),
            version: options.version,
            ..GetOptions::new()
        };
        let chunks = self.store.get_opts(inner, same).await?.into_stream();
        let before = range.start - needed.start * FRAME as u64;
        let opened = Opening { chunks, waiting: BytesMut::new(), seal, frames: needed, all }.stream();
        let opened = cut(opened, before, range.end - range.start);
        Ok(GetResult { payload: GetResultPayload::Stream(opened), meta, range, attributes, extensions })
    }
}

/// Frames that are decrypted as their bytes come.
struct Opening {
    chunks: BoxStream<'static, Result<Bytes>>,
    waiting: BytesMut,
    seal: Seal,
    /// Those that are still to come.
    frames: Range<u64>,
    /// How many the object has.
    all: u64,
}

impl Opening {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        let Some(number) = self.frames.next() else { return Ok(None) };
        while self.waiting.len() < SEALED_FRAME {
            let Some(chunk) = self.chunks.try_next().await? else { break };
            self.waiting.extend_from_slice(&chunk);
        }
        let mut frame = self.waiting.split_to(self.waiting.len().min(SEALED_FRAME));
        let plain = self.seal.open(number, number + 1 == self.all, &mut frame).map_err(failed)?.len();
        frame.truncate(plain);
        Ok(Some((frame.freeze(), self)))
    }

    fn stream(self) -> BoxStream<'static, Result<Bytes>> {
        stream::try_unfold(self, Self::next).boxed()
    }
}

/// Leaves out what comes before, and what comes after so many bytes.
fn cut(chunks: BoxStream<'static, Result<Bytes>>, before: u64, length: u64) -> BoxStream<'static, Result<Bytes>> {
    let (mut before, mut left) = (before as usize, length as usize);
    let trimmed = chunks.map_ok(move |mut chunk| {
        let skipped = before.min(chunk.len());
        chunk.advance(skipped);
        chunk.truncate(left);
        (before, left) = (before - skipped, left - chunk.len());
        chunk
    });
    trimmed.boxed()
}

/// An upload in parts: each is as many whole frames as have come. Something is held back, because the last frame is sealed as the
/// last, and all parts before the last must be large.
struct Upload {
    inner: Box<dyn MultipartUpload>,
    seal: Seal,
    header: Option<[u8; HEADER]>,
    waiting: BytesMut,
    number: u64,
}

impl Upload {
    /// What is to be sent now.
    fn sealed(&mut self, is_end: bool) -> Vec<u8> {
        let mut sealed: Vec<u8> = self.header.take().into_iter().flatten().collect();
        while self.waiting.len() > FRAME || is_end {
            let frame = self.waiting.split_to(self.waiting.len().min(FRAME));
            let is_last = is_end && self.waiting.is_empty();
            self.seal.seal(self.number, is_last, &frame, &mut sealed);
            self.number += 1;
            if is_last {
                break;
            }
        }
        sealed
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sealed {:?}", self.inner)
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        for bytes in &data {
            self.waiting.extend_from_slice(bytes);
        }
        if self.waiting.len() < LEAST_PART + FRAME {
            return async { Ok(()) }.boxed();
        }
        let sealed = self.sealed(false);
        self.inner.put_part(sealed.into())
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let sealed = self.sealed(true);
        self.inner.put_part(sealed.into()).await?;
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

#[async_trait]
impl ObjectStore for Sealed {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let (header, seal) = self.begin(location).await?;
        let plain = Bytes::from(payload);
        let mut sealed = Vec::with_capacity(HEADER + plain.len() + plain.len() / 4000 + 32);
        sealed.extend_from_slice(&header);
        let all = frames::frames_of(plain.len() as u64);
        for number in 0..all {
            let begin = number as usize * FRAME;
            let frame = &plain[begin..plain.len().min(begin + FRAME)];
            seal.seal(number, number + 1 == all, frame, &mut sealed);
        }
        self.store.put_opts(&inside(location), sealed.into(), opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let (header, seal) = self.begin(location).await?;
        let inner = self.store.put_multipart_opts(&inside(location), opts).await?;
        Ok(Box::new(Upload { inner, seal, header: Some(header), waiting: BytesMut::new(), number: 0 }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let inner = inside(location);
        let got = match &options.range {
            Some(range) if !options.head => self.part(location, &inner, range.clone(), options.clone()).await,
            _ => match self.store.get_opts(&inner, options.clone()).await {
                Ok(kept) if options.head => {
                    let meta = opened_meta(kept.meta.clone());
                    Ok(GetResult { range: 0..meta.size, meta, ..kept })
                }
                Ok(kept) => self.whole(location, kept).await,
                Err(error) => Err(error),
            },
        };
        match got {
            // It may be from before objects were sealed.
            Err(Error::NotFound { .. }) => self.store.get_opts(location, options).await,
            got => got,
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.store.clone();
        let delete = move |location: Path| {
            let store = store.clone();
            async move {
                match store.delete(&inside(&location)).await {
                    // Of files of the disk it is told, of objects of a bucket it is not.
                    Err(Error::NotFound { .. }) => store.delete(&location).await?,
                    Ok(()) => match store.delete(&location).await {
                        Ok(()) | Err(Error::NotFound { .. }) => {}
                        Err(error) => return Err(error),
                    },
                    Err(error) => return Err(error),
                }
                Ok(location)
            }
        };
        locations.map_ok(delete).try_buffered(16).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix).map_ok(outside).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut listed = self.store.list_with_delimiter(prefix).await?;
        listed.objects = listed.objects.into_iter().map(outside).collect();
        Ok(listed)
    }

    /// What is sealed for one place cannot be read at another: it is read here, and sealed anew.
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let mode = match options.mode {
            CopyMode::Overwrite => PutMode::Overwrite,
            CopyMode::Create => PutMode::Create,
        };
        let bytes = self.get(from).await?.bytes().await?;
        self.put_opts(to, bytes.into(), PutOptions { mode, ..PutOptions::default() }).await.map(|_| ())
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sealed {}", self.store)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a sealed object in the other store.
fn inside(location: &Path) -> Path {
    Path::parse(format!("{location}{SUFFIX}")).expect("letters at its end make no path a wrong one")
}

/// An object of the other store as it is seen here.
fn outside(meta: ObjectMeta) -> ObjectMeta {
    if meta.location.as_ref().ends_with(SUFFIX) { opened_meta(meta) } else { meta }
}

fn opened_meta(meta: ObjectMeta) -> ObjectMeta {
    let name = meta.location.as_ref().strip_suffix(SUFFIX).and_then(|name| Path::parse(name).ok());
    let location = name.unwrap_or_else(|| meta.location.clone());
    ObjectMeta { size: frames::plain_size(meta.size), location, ..meta }
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: "sealed", source: error.into() }
}

#[cfg(test)]
mod tests {
    use object_store::{integration, local::LocalFileSystem, memory::InMemory};

    use super::*;

    async fn keys(folder: &std::path::Path) -> Keys {
        let file = folder.join("object.key");
        std::fs::write(&file, [7; 32]).unwrap();
        Keys::at(&[format!("file:{}", file.display())]).await.unwrap()
    }

    /// What the library asks of every store.
    async fn is_a_store(store: Sealed, updates: bool) {
        integration::put_get_delete_list(&store).await;
        integration::stream_get(&store).await;
        integration::get_opts(&store).await;
        integration::list_uses_directories_correctly(&store).await;
        integration::list_with_delimiter(&store).await;
        integration::list_with_offset_exclusivity(&store).await;
        integration::rename_and_copy(&store).await;
        integration::copy_if_not_exists(&store).await;
        integration::copy_rename_nonexistent_object(&store).await;
        assert!(integration::get_nonexistent_object(&store, None).await.is_err());
        integration::put_opts(&store, updates).await;
    }

    #[tokio::test]
    async fn it_is_a_store_like_any_other() {
        let folder = tempfile::tempdir().unwrap();
        is_a_store(Sealed::new(Arc::new(InMemory::new()), keys(folder.path()).await), true).await;
        let files = LocalFileSystem::new_with_prefix(tempfile::tempdir_in(folder.path()).unwrap().keep()).unwrap();
        is_a_store(Sealed::new(Arc::new(files), keys(folder.path()).await), false).await;
    }

    #[tokio::test]
    async fn every_length_and_every_range_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let inner = Arc::new(InMemory::new());
        let store = Sealed::new(inner.clone(), keys(folder.path()).await);
        let bytes: Vec<u8> = (0..3 * FRAME + 5).map(|i| (i * 7 + i / 251) as u8).collect();
        for length in [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, bytes.len()] {
            let (place, plain) = (Path::from(format!("a/{length}")), &bytes[..length]);
            store.put(&place, Bytes::copy_from_slice(plain).into()).await.unwrap();
            assert_eq!(store.get(&place).await.unwrap().bytes().await.unwrap(), plain);
            assert_eq!(store.head(&place).await.unwrap().size, length as u64);
            // The same in parts of a length that fits nothing.
            let parts = Path::from(format!("parts/{length}"));
            let mut upload = store.put_multipart(&parts).await.unwrap();
            for part in plain.chunks(50_021) {
                upload.put_part(Bytes::copy_from_slice(part).into()).await.unwrap();
            }
            upload.complete().await.unwrap();
            assert_eq!(store.get(&parts).await.unwrap().bytes().await.unwrap(), plain);
            for range in [0..1, FRAME - 3..FRAME + 3, 10..2 * FRAME + 1, length.saturating_sub(4)..length] {
                let range = range.start..range.end.min(length);
                if range.start < range.end {
                    let asked = range.start as u64..range.end as u64;
                    assert_eq!(store.get_range(&parts, asked).await.unwrap(), &plain[range]);
                }
            }
        }
        let kept = inner.get(&Path::from(format!("a/{}.sealed", bytes.len()))).await.unwrap().bytes().await.unwrap();
        assert!(!kept.windows(32).any(|part| part == &bytes[1000..1032]));
    }

    #[tokio::test]
    async fn what_was_changed_moved_or_cut_off_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let inner = Arc::new(InMemory::new());
        let store = Sealed::new(inner.clone(), keys(folder.path()).await);
        let (place, other) = (Path::from("a"), Path::from("b"));
        store.put(&place, Bytes::from(vec![5; 2 * FRAME]).into()).await.unwrap();
        let kept = inner.get(&inside(&place)).await.unwrap().bytes().await.unwrap();
        let read = async |bytes: Bytes, place: &Path| {
            inner.put(&inside(place), bytes.into()).await.unwrap();
            store.get(place).await?.bytes().await
        };
        assert!(read(kept.clone(), &place).await.is_ok());
        assert!(read(kept.clone(), &other).await.is_err(), "moved");
        assert!(read(kept.slice(..HEADER + SEALED_FRAME), &place).await.is_err(), "a whole frame is gone");
        assert!(read(kept.slice(..300), &place).await.is_err());
        for at in [0, 20, 50, HEADER, kept.len() - 1] {
            let mut changed = kept.to_vec();
            changed[at] ^= 1;
            assert!(read(changed.into(), &place).await.is_err(), "{at}");
        }
    }

    #[tokio::test]
    async fn what_was_there_before_stays_readable_and_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let inner = Arc::new(InMemory::new());
        let place = Path::from("results/old.png");
        inner.put(&place, "old".into()).await.unwrap();
        let store = Sealed::new(inner.clone(), keys(folder.path()).await);
        assert_eq!(store.get(&place).await.unwrap().bytes().await.unwrap(), "old");
        assert_eq!(store.get_range(&place, 1..3).await.unwrap(), "ld");
        assert_eq!(store.list(None).try_collect::<Vec<_>>().await.unwrap()[0].location, place);
        store.delete(&place).await.unwrap();
        assert!(inner.head(&place).await.is_err());
    }
}

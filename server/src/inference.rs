//! The threads that networks run on, the permits to use them, and the waiting room before them.
//!
//! Nothing here blocks the async runtime. Work is handed to a thread only with a permit, so that no queue grows behind
//! it; who waits for a permit has a place in the waiting room, which is bounded.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use backgroundfx_core::{
    engine::{Device, Engine},
    models::{Catalog, Segmenter},
    progress::Silent,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{Config, Error, Kind, Result};

type Work = Box<dyn FnOnce(&mut Hand) + Send>;

/// The threads, their permits and the waiting room.
pub struct Inference {
    engine: Arc<Engine>,
    catalog: Arc<Catalog>,
    work: Mutex<Sender<Work>>,
    permits: Arc<Semaphore>,
    room: Arc<Semaphore>,
    running: Arc<AtomicUsize>,
    places: usize,
}

/// A place in the waiting room, kept until the work is done.
pub struct Place(#[expect(dead_code, reason = "held for what its end does")] OwnedSemaphorePermit);

/// The right to one thread.
pub struct Permit(OwnedSemaphorePermit);

/// What a thread has at hand: the engine, and a segmenter for each model it was asked for.
pub struct Hand {
    /// Loads and shares networks.
    pub engine: Arc<Engine>,
    /// The table of models.
    pub catalog: Arc<Catalog>,
    /// The ffmpeg to use, if one is named.
    pub ffmpeg: Option<PathBuf>,
    segmenters: HashMap<String, Box<dyn Segmenter>>,
}

impl Hand {
    /// The segmenter of a model; its network is loaded on first use and shared by all threads.
    ///
    /// # Errors
    /// What fetching and loading report.
    pub fn segmenter(&mut self, model: &str, device: Device) -> Result<&mut dyn Segmenter> {
        let key = format!("{model} {device}");
        if !self.segmenters.contains_key(&key) {
            let started = Instant::now();
            let segmenter = self.catalog.segmenter(&self.engine, model, device, &Silent)?;
            metrics::counter!("backgroundfx_model_loads_total", "model" => model.to_owned()).increment(1);
            tracing::info!(model, took_ms = started.elapsed().as_millis() as u64, "a thread has the network");
            self.segmenters.insert(key.clone(), segmenter);
        }
        let segmenter = self.segmenters.get_mut(&key).expect("was put there above");
        Ok(segmenter.as_mut())
    }
}

impl Inference {
    /// Starts the configured number of threads with a waiting room before them.
    ///
    /// # Errors
    /// [`Kind::Internal`] when no thread can be started.
    pub fn start(engine: Arc<Engine>, catalog: Arc<Catalog>, config: &Config) -> Result<Self> {
        let (threads, waiting) = (config.threads(), config.waiting);
        let (work, receive) = channel::<Work>();
        let (receive, running) = (Arc::new(Mutex::new(receive)), Arc::new(AtomicUsize::new(0)));
        for number in 0..threads {
            let (engine, catalog, ffmpeg) = (engine.clone(), catalog.clone(), config.ffmpeg.clone());
            let hand = Hand { engine, catalog, ffmpeg, segmenters: HashMap::new() };
            let (receive, running) = (receive.clone(), running.clone());
            thread::Builder::new()
                .name(format!("picture {number}"))
                .spawn(move || labour(hand, &receive, &running))
                .map_err(|error| Error::new(Kind::Internal, "cannot start a thread").because(error))?;
        }
        let places = threads + waiting;
        Ok(Self {
            engine,
            catalog,
            work: Mutex::new(work),
            permits: Arc::new(Semaphore::new(threads)),
            room: Arc::new(Semaphore::new(places)),
            running,
            places,
        })
    }

    /// The table of models.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a request that came now would be turned away.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.room.available_permits() == 0
    }

    /// How many wait or work, and how many may.
    #[must_use]
    pub fn filling(&self) -> (usize, usize) {
        (self.places - self.room.available_permits(), self.places)
    }

    /// Takes a place in the waiting room.
    ///
    /// # Errors
    /// [`Kind::Busy`] at once when there is none.
    pub fn enter(&self) -> Result<Place> {
        self.room.clone().try_acquire_owned().map(Place).map_err(|_| busy(self.places))
    }

    /// Waits for the right to a thread.
    pub async fn permit(&self) -> Permit {
        Permit(self.permits.clone().acquire_owned().await.expect("the permits are never closed"))
    }

    /// Runs work on a thread. When the caller goes away, work that has not begun does not begin, and work that asks
    /// `stopped` can stop.
    ///
    /// # Errors
    /// What the work reports; [`Kind::Internal`] when it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        permit: Permit,
        work: impl FnOnce(&mut Hand, &(dyn Fn() -> bool + Sync)) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (send, receive) = oneshot::channel();
        let stopped = StopOnDrop(Arc::new(AtomicBool::new(false)));
        let asked = stopped.0.clone();
        let task: Work = Box::new(move |hand| {
            let _permit = permit.0;
            if asked.load(Ordering::Relaxed) {
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(|| work(hand, &|| asked.load(Ordering::Relaxed))));
            if result.is_err() {
                // What it left behind is not to be trusted.
                hand.segmenters.clear();
            }
            let _ = send
                .send(result.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the work on this picture panicked"))));
        });
        let gone = || Error::new(Kind::Stopping, "the server is being stopped");
        self.work.lock().unwrap_or_else(PoisonError::into_inner).send(task).map_err(|_| gone())?;
        receive.await.map_err(|_| gone())?
    }

    /// How many threads work now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

fn busy(places: usize) -> Error {
    Error::new(Kind::Busy, format!("{places} requests wait already")).after(Duration::from_secs(2))
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn labour(mut hand: Hand, receive: &Mutex<Receiver<Work>>, running: &AtomicUsize) {
    loop {
        // The lock is held while waiting; the others then wait for the same.
        let work = receive.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = work else { return };
        running.fetch_add(1, Ordering::Relaxed);
        work(&mut hand);
        running.fetch_sub(1, Ordering::Relaxed);
    }
}

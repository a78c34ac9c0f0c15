//! The threads that networks run on, the permits to use them, and the waiting room before them.
//!
//! Nothing here blocks the async runtime. Work is handed to a thread only with a permit, so that no queue grows behind
//! it; who waits for a permit has a place in the waiting room, which is bounded.

mod shelf;

use std::{
    collections::{HashMap, hash_map::Entry},
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
    models::{self, Catalog, Segmenter},
    progress::Silent,
};
use shelf::{Key, Shelf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{Config, Error, Kind, Result};

type Work = Box<dyn FnOnce(&mut Hand) + Send>;

/// The threads, their permits and the waiting room.
pub struct Inference {
    engine: Arc<Engine>,
    catalog: Arc<Catalog>,
    shelf: Arc<Shelf>,
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

/// What a thread has at hand: the engine, and the segmenters that it took from the shelf for its work.
pub struct Hand {
    /// Loads and shares networks.
    pub engine: Arc<Engine>,
    /// The table of models.
    pub catalog: Arc<Catalog>,
    /// The ffmpeg to use, if one is named.
    pub ffmpeg: Option<PathBuf>,
    shelf: Arc<Shelf>,
    taken: HashMap<Key, Box<dyn Segmenter>>,
}

impl Hand {
    /// The segmenter of a model; its network is loaded when it is not here, and shared by all threads.
    ///
    /// # Errors
    /// What fetching and loading report.
    pub fn segmenter(&mut self, model: &str, device: Device) -> Result<&mut dyn Segmenter> {
        let key = (model.to_owned(), device);
        let segmenter = match self.taken.entry(key) {
            Entry::Occupied(taken) => taken.into_mut(),
            Entry::Vacant(place) => {
                let segmenter = match self.shelf.take(place.key()) {
                    Some(segmenter) => segmenter,
                    None => load(&self.shelf, &self.catalog, &self.engine, model, device)?,
                };
                place.insert(segmenter)
            }
        };
        Ok(segmenter.as_mut())
    }

    fn put_all_back(&mut self) {
        self.taken.drain().for_each(|(key, segmenter)| self.shelf.put_back(key, segmenter));
    }
}

fn load(shelf: &Shelf, catalog: &Catalog, engine: &Engine, model: &str, device: Device) -> Result<Box<dyn Segmenter>> {
    // What is to be loaded must fit beside what is here.
    shelf.tidy();
    let started = Instant::now();
    let segmenter = catalog.segmenter(engine, model, device, &Silent)?;
    metrics::counter!("backgroundfx_model_loads_total", "model" => model.to_owned()).increment(1);
    tracing::info!(model, took_ms = started.elapsed().as_millis() as u64, "a thread has the network");
    Ok(segmenter)
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
        let (default, idle) = (config.model.as_deref().unwrap_or(models::DEFAULT), config.model_minutes * 60);
        let shelf = Arc::new(Shelf::new(engine.clone(), default, Duration::from_secs(idle)));
        for number in 0..threads {
            let (engine, catalog, ffmpeg) = (engine.clone(), catalog.clone(), config.ffmpeg.clone());
            let hand = Hand { engine, catalog, ffmpeg, shelf: shelf.clone(), taken: HashMap::new() };
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
            shelf,
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
            match &result {
                Ok(_) => hand.put_all_back(),
                // What it left behind is not to be trusted.
                Err(_) => hand.taken.clear(),
            }
            let _ = send
                .send(result.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the work on this picture panicked"))));
        });
        let gone = || Error::new(Kind::Stopping, "the server is being stopped");
        self.work.lock().unwrap_or_else(PoisonError::into_inner).send(task).map_err(|_| gone())?;
        receive.await.map_err(|_| gone())?
    }

    /// Lets go of networks that nobody asks for, and of those that can go when memory is short. It may take a moment.
    pub fn tidy(&self) {
        self.shelf.tidy();
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

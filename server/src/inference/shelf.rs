//! Networks that are at hand between pictures. Those in demand stay; those that nobody asked for in a while go, and, when memory
//! runs short, all that no picture needs at the moment. The default one stays in any case.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use backgroundfx_core::{
    engine::{Device, Engine},
    models::Segmenter,
};
use sysinfo::System;

/// What a network is looked for by: its model and where it runs.
pub type Key = (String, Device);

/// Share of the machine's memory, or of what its container may use, below which what is left is short.
const SHORT: f64 = 0.1;

/// The networks.
pub struct Shelf {
    kept: Mutex<Vec<Kept>>,
    default: String,
    idle: Duration,
    /// What is left of the memory, 0 to 1.
    left: fn() -> f64,
    /// Has networks that no segmenter holds any more give their memory back.
    release: Box<dyn Fn() + Send + Sync>,
}

struct Kept {
    key: Key,
    segmenter: Box<dyn Segmenter>,
    used: Instant,
}

impl Shelf {
    /// An empty one; models other than the default go when they were not asked for in `idle`.
    pub fn new(engine: Arc<Engine>, default: &str, idle: Duration) -> Self {
        let release = Box::new(move || engine.release_unused());
        Self { kept: Mutex::default(), default: default.to_owned(), idle, left, release }
    }

    /// Takes one for a picture; none when all are in use, or none was loaded.
    pub fn take(&self, key: &Key) -> Option<Box<dyn Segmenter>> {
        let mut kept = self.kept();
        let place = kept.iter().rposition(|kept| kept.key == *key)?;
        Some(kept.remove(place).segmenter)
    }

    /// Puts one back after a picture.
    pub fn put_back(&self, key: Key, segmenter: Box<dyn Segmenter>) {
        self.kept().push(Kept { key, segmenter, used: Instant::now() });
    }

    /// Lets go of what was not asked for in a while, and of all but the default when memory is short.
    pub fn tidy(&self) {
        let short = (self.left)() < SHORT;
        let goes = |kept: &Kept| kept.key.0 != self.default && (short || kept.used.elapsed() >= self.idle);
        let gone: Vec<Kept> = self.kept().extract_if(.., |kept| goes(kept)).collect();
        if gone.is_empty() {
            return;
        }
        let why = if short { "memory" } else { "idle" };
        for Kept { key: (model, _), .. } in &gone {
            tracing::info!(model, why, "a network goes");
            metrics::counter!("backgroundfx_model_unloads_total", "model" => model.clone(), "why" => why).increment(1);
        }
        drop(gone);
        (self.release)();
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left of this machine's memory or of its container's, whichever is less.
fn left() -> f64 {
    let mut system = System::new();
    system.refresh_memory();
    let share = |free: u64, total: u64| if total == 0 { 1.0 } else { free as f64 / total as f64 };
    let machine = share(system.available_memory(), system.total_memory());
    system.cgroup_limits().map_or(machine, |limits| {
        // What files take of a container's memory is given back when it is needed.
        machine.min(share(limits.total_memory.saturating_sub(limits.rss), limits.total_memory))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use backgroundfx_core::{
        files::Picture,
        models::{ModelUsed, Segmented},
        options::Options,
    };

    use super::*;

    /// Something to be kept.
    struct Thing;

    impl Segmenter for Thing {
        fn segment(&mut self, _: &Picture, _: &Options) -> backgroundfx_core::Result<Segmented> {
            unreachable!("it is only kept")
        }

        fn used(&self) -> &ModelUsed {
            unreachable!("it is only kept")
        }
    }

    fn key(model: &str) -> Key {
        (model.to_owned(), Device::Cpu)
    }

    fn shelf(idle: Duration, left: fn() -> f64) -> (Shelf, Arc<AtomicUsize>) {
        let released = Arc::new(AtomicUsize::new(0));
        let count = released.clone();
        let release = Box::new(move || _ = count.fetch_add(1, Ordering::Relaxed));
        let shelf = Shelf { kept: Mutex::default(), default: "usual".to_owned(), idle, left, release };
        for model in ["usual", "rare", "rare"] {
            shelf.put_back(key(model), Box::new(Thing));
        }
        (shelf, released)
    }

    #[test]
    fn what_nobody_asks_for_goes_and_the_default_stays() {
        let (shelf, released) = shelf(Duration::from_millis(100), || 0.5);
        shelf.tidy();
        let again = shelf.take(&key("rare")).unwrap();
        std::thread::sleep(Duration::from_millis(120));
        shelf.put_back(key("rare"), again);
        shelf.tidy();
        assert_eq!(released.load(Ordering::Relaxed), 1, "only when something went");
        assert!(shelf.take(&key("rare")).is_some(), "it was used a moment ago");
        assert!(shelf.take(&key("rare")).is_none(), "the other was not");
        assert!(shelf.take(&key("usual")).is_some());
        assert!(shelf.take(&("usual".to_owned(), Device::Cuda(0))).is_none());
    }

    #[test]
    fn all_but_the_default_goes_when_memory_is_short() {
        let (shelf, released) = shelf(Duration::from_secs(3600), || 0.05);
        let taken = shelf.take(&key("rare"));
        shelf.tidy();
        assert!(taken.is_some() && shelf.take(&key("rare")).is_none() && shelf.take(&key("usual")).is_some());
        assert_eq!(released.load(Ordering::Relaxed), 1);
        let here = left();
        assert!(here > 0.0 && here <= 1.0, "{here}");
    }
}

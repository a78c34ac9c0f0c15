//! Many pictures at once: each thread takes one from reading to writing, the network is shared.
//!
//! While one picture is in the network, others are decoded, refined and encoded. Memory is bounded
//! by the number of threads: a picture is taken only by a thread that has finished the one before. A
//! bad picture ends only itself; what would fail for all of them ends the batch.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, Scope},
};

use backgroundfx_core::{
    Error, Kind, Result,
    engine::Engine,
    models::{Catalog, Segmenter},
};

use super::{
    Item, Setup,
    outputs::{Decision, Target},
    picture::{self, Opened},
    report::{Finished, Outcome, Teller},
};
use crate::{exit::Ended, interrupt, progress::Screen};

/// What all pictures of a call share.
pub struct Batch<'a> {
    pub setup: &'a Setup,
    pub catalog: &'a Catalog,
    pub engine: &'a Engine,
    pub screen: &'a Screen,
    pub stop: &'a AtomicBool,
    pub fail_fast: bool,
    pub jobs: usize,
}

/// What threads take items from, and what they tell each other.
struct Desk<I> {
    items: Mutex<I>,
    /// Set by the first thread that gets no network: the others would not either.
    fatal: Mutex<Option<Kind>>,
    warming: AtomicBool,
}

impl Batch<'_> {
    /// Works through all items and tells of each; the exit code tells whether all went well.
    ///
    /// Items are taken in order; they are told of in order, too, whichever is finished first.
    pub fn run(&self, items: impl Iterator<Item = Item> + Send, count: usize, teller: &mut Teller<'_>) -> Ended {
        let desk = Desk { items: Mutex::new(items), fatal: Mutex::new(None), warming: AtomicBool::new(false) };
        let threads = self.jobs.min(count);
        let (send, receive) = sync_channel(threads);
        thread::scope(|scope| {
            for number in 0..threads {
                let (send, desk) = (send.clone(), &desk);
                thread::Builder::new()
                    .name(format!("picture {number}"))
                    .spawn_scoped(scope, move || self.work(scope, desk, &send))
                    .map_err(|error| Error::new(Kind::Internal, "cannot start a thread").because(error))?;
            }
            drop(send);
            for finished in receive {
                if teller.take(finished).is_break() {
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
            Ok(())
        })?;
        let fatal = desk.fatal.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(teller.close(fatal))
    }

    fn work<'scope, 'env, I: Iterator<Item = Item> + Send>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        desk: &'env Desk<I>,
        send: &SyncSender<Finished>,
    ) {
        let mut segmenter = None;
        loop {
            // The lock is held while waiting for a watched folder; the other threads then wait for the same.
            let item = desk.items.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(mut item) = item else { return };
            let targets = std::mem::replace(&mut item.targets, Ok(Vec::new()));
            let stopped = self.stop.load(Ordering::Relaxed) || interrupt::pending();
            let outcome = match targets {
                _ if stopped => Outcome::NotStarted,
                Ok(targets) => self.one(&item, targets, &mut segmenter, scope, desk),
                Err(error) => Outcome::Failed(error),
            };
            if self.fail_fast && matches!(outcome, Outcome::Failed(_)) {
                self.stop.store(true, Ordering::Relaxed);
            }
            if send.send(Finished { index: item.index, input: item.input, outcome }).is_err() {
                return;
            }
        }
    }

    fn one<'scope, 'env, I: Iterator<Item = Item> + Send>(
        &'env self,
        item: &Item,
        targets: Vec<Target>,
        segmenter: &mut Option<Box<dyn Segmenter>>,
        scope: &'scope Scope<'scope, 'env>,
        desk: &'env Desk<I>,
    ) -> Outcome {
        match item.existing.decide(&targets) {
            Ok(Decision::Go) => {}
            Ok(Decision::Skip) => return Outcome::Skipped(targets),
            Err(error) => return Outcome::Failed(error),
        }
        self.warm_up(scope, desk);
        let opened = match picture::open(&item.input, self.setup) {
            Ok(opened) => opened,
            Err(error) => return Outcome::Failed(error),
        };
        if segmenter.is_none() {
            match self.first_segmenter(desk) {
                Ok(Some(new)) => *segmenter = Some(new),
                Ok(None) => return Outcome::NotStarted,
                Err(error) => return Outcome::Failed(error),
            }
        }
        let Some(segmenter) = segmenter else { return Outcome::NotStarted };
        self.cut_out(item, targets, opened, segmenter.as_mut())
    }

    fn cut_out(&self, item: &Item, targets: Vec<Target>, opened: Opened, segmenter: &mut dyn Segmenter) -> Outcome {
        match picture::finish(opened, item, targets, self.setup, segmenter, self.screen) {
            Ok(done) => Outcome::Done(Box::new(done)),
            Err(error) => Outcome::Failed(error),
        }
    }

    /// Loads the networks beside the decoding of the first picture, if nothing has to be fetched for them: a bad
    /// picture must not cost a download. Its failure comes again, and is told, when the network is needed.
    fn warm_up<'scope, 'env, I: Send>(&'env self, scope: &'scope Scope<'scope, 'env>, desk: &'env Desk<I>) {
        if self.setup.own.instead.is_some() || desk.warming.swap(true, Ordering::Relaxed) {
            return;
        }
        let recipe = &self.setup.recipe;
        let here = |name| self.catalog.card(name).is_ok_and(|card| self.catalog.is_here(self.engine.store(), card));
        if here(&recipe.options().model) && recipe.lacks().is_none_or(here) {
            let load = || drop(self.segmenter());
            // Without this thread everything only takes longer.
            let _ = thread::Builder::new().name("warm up".to_owned()).spawn_scoped(scope, load);
        }
    }

    /// A segmenter for a thread that has none yet; nothing when another thread has failed to get one.
    fn first_segmenter<I>(&self, desk: &Desk<I>) -> Result<Option<Box<dyn Segmenter>>> {
        let mut fatal = desk.fatal.lock().unwrap_or_else(PoisonError::into_inner);
        if fatal.is_some() {
            return Ok(None);
        }
        self.segmenter().map(Some).inspect_err(|error| {
            *fatal = Some(error.kind());
            self.stop.store(true, Ordering::Relaxed);
        })
    }

    /// A segmenter; the network behind it, and the matting's, are fetched and loaded once.
    ///
    /// # Errors
    /// What fetching and loading report.
    pub fn segmenter(&self) -> Result<Box<dyn Segmenter>> {
        let Setup { recipe, .. } = self.setup;
        let options = recipe.options();
        if let Some(name) = recipe.lacks() {
            recipe.supply(self.catalog.matting(self.engine, name, options.device, self.screen)?);
        }
        if let Some(given) = self.setup.own.segmenter() {
            return Ok(Box::new(given));
        }
        self.catalog.segmenter(self.engine, &options.model, options.device, self.screen)
    }
}

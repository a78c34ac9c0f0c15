//! Many pictures at once: each thread takes one from reading to writing, the network is shared.
//!
//! While one picture is in the network, others are decoded, refined and encoded. Memory is bounded
//! by the number of threads; a bad picture ends only itself.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use backgroundfx_core::{
    Error, Kind, Result,
    engine::Engine,
    files::IfExists,
    models::{Catalog, Segmenter},
};
use indicatif::ProgressBar;

use super::{
    Setup,
    outputs::Item,
    picture::{self, Done},
    report::{Outcome, Report},
};
use crate::{
    args::{OnEmpty, Shared},
    exit::{self, DONE, Ended, INTERRUPTED, SOME_FAILED},
    interrupt,
    progress::Bars,
};

/// What all pictures of a call share.
pub struct Batch<'a> {
    pub setup: &'a Setup,
    pub catalog: &'a Catalog,
    pub engine: &'a Engine,
    pub bars: &'a Bars,
    pub report: Report,
    pub shared: &'a Shared,
    pub overwrite: bool,
    pub skip_existing: bool,
    pub fail_fast: bool,
    pub jobs: usize,
}

impl Batch<'_> {
    /// Works through all items; the exit code tells whether all went well.
    pub fn run(&self, items: Vec<Item>) -> Ended {
        if items.is_empty() {
            return Err(Error::new(Kind::InputUnreadable, "there is no picture to cut out"));
        }
        // Fetching and loading fail for all pictures alike: they are told once, before the first.
        drop(self.segmenter()?);
        let single = items.len() == 1;
        let bar = (!single).then(|| self.bars.pictures(items.len() as u64));
        let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for number in 0..self.jobs.min(items.len()) {
                let work = || {
                    while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if stop.load(Ordering::Relaxed) || interrupt::pending() {
                            break;
                        }
                        if let Err(error) = self.one(item, bar.as_ref()) {
                            stop.fetch_or(self.fail_fast, Ordering::Relaxed);
                            failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(error.kind());
                        }
                        if let Some(bar) = &bar {
                            bar.inc(1);
                        }
                    }
                };
                let named = thread::Builder::new().name(format!("picture {number}"));
                named.spawn_scoped(scope, work).expect("the system starts a few threads");
            }
        });
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        let failures = failures.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(self.ending(&failures, items.len()))
    }

    fn ending(&self, failures: &[Kind], count: usize) -> u8 {
        if interrupt::pending() {
            return INTERRUPTED;
        }
        match failures {
            [] => DONE,
            [kind] if count == 1 => exit::of(*kind),
            _ => {
                if !self.shared.quiet {
                    eprintln!("{} of {count} pictures failed", failures.len());
                }
                SOME_FAILED
            }
        }
    }

    /// A segmenter for one thread; the network behind it is loaded once.
    pub fn segmenter(&self) -> Result<Box<dyn Segmenter>> {
        let options = self.setup.recipe.options();
        self.catalog.segmenter(self.engine, &options.model, options.device, self.bars)
    }

    /// One picture, reported however it ends.
    pub fn one(&self, item: &Item, bar: Option<&ProgressBar>) -> Result<()> {
        let existing = item.outputs.iter().filter_map(|output| output.path.as_ref()).find(|path| path.exists());
        if existing.is_some() && self.skip_existing {
            self.report.line(item, &Outcome::Skipped);
            return Ok(());
        }
        let result = match existing {
            Some(path) if !self.overwrite => Err(Error::new(Kind::OutputExists, format!("{} exists", path.display()))),
            _ => self.cut_out(item),
        };
        match result {
            Ok(done) => {
                self.report.line(item, &Outcome::Done(&done));
                self.say(item, &done, bar);
                match done.report.subject.is_none() && self.setup.on_empty == OnEmpty::Fail {
                    true => Err(Error::new(Kind::Internal, "no subject was found")),
                    false => Ok(()),
                }
            }
            Err(error) => {
                let error = error.on(item.input.name());
                self.report.line(item, &Outcome::Failed(&error));
                above(bar, || exit::show(&error));
                Err(error)
            }
        }
    }

    fn cut_out(&self, item: &Item) -> Result<Done> {
        let if_exists = if self.overwrite { IfExists::Replace } else { IfExists::Refuse };
        let mut segmenter = self.segmenter()?;
        picture::process(item, self.setup, segmenter.as_mut(), if_exists, self.bars)
    }

    /// Tells the person what is worth knowing.
    fn say(&self, item: &Item, done: &Done, bar: Option<&ProgressBar>) {
        if self.shared.quiet {
            return;
        }
        above(bar, || {
            for warning in &done.warnings {
                eprintln!("warning[{}]: {}: {warning}", warning.code(), item.input.name());
            }
            if done.report.subject.is_none() {
                let what = if done.written { "the cut-out is empty" } else { "nothing was written" };
                eprintln!("warning[no_subject]: {}: no subject was found; {what}", item.input.name());
            }
            if self.shared.verbose {
                let used = &done.report.model;
                let timings: Vec<_> = done
                    .timings
                    .iter()
                    .map(|(stage, time)| format!("{stage} {:.0} ms", time.as_secs_f64() * 1e3))
                    .collect();
                eprintln!(
                    "{}: {} ({}) on {}: {}",
                    item.describe(),
                    used.model,
                    used.file,
                    used.device,
                    timings.join(", ")
                );
                used.passed_over.iter().for_each(|device| eprintln!("passed over {device}"));
            }
        });
    }
}

/// Prints above the progress bar instead of through it.
fn above(bar: Option<&ProgressBar>, print: impl FnOnce()) {
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

//! Tells what became of each picture: to people on standard error, to programs as JSON lines.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use backgroundfx_core::{Error, Kind, Result};

use super::{
    Item,
    inputs::Input,
    outputs::{Decision, Target},
    picture::Done,
};
use crate::{
    args::{RemoveArguments, Shared},
    exit::{self, DONE, Ended, INTERRUPTED, SOME_FAILED},
    interrupt,
    progress::Screen,
    stdout,
};

mod line;

/// One picture that is finished with.
pub struct Finished {
    /// Its place among the inputs, from 1.
    pub index: usize,
    /// The picture.
    pub input: Input,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a picture.
pub enum Outcome {
    /// It was cut out, or nothing was found in it.
    Done(Box<Done>),
    /// It was left out because its outputs exist.
    Skipped(Vec<Target>),
    /// It would be cut out, were this not a dry run.
    Planned(Vec<Target>),
    /// It failed.
    Failed(Error),
    /// Its turn did not come.
    NotStarted,
}

/// Tells of pictures in the order they were named, whichever is finished first, and counts them.
pub struct Teller<'a> {
    screen: &'a Screen,
    json: bool,
    file: Option<File>,
    quiet: bool,
    verbose: bool,
    dry: bool,
    waiting: BTreeMap<usize, Finished>,
    told: usize,
    count: Count,
    started: Instant,
    passed_over: bool,
    hung_up: bool,
}

#[derive(Default)]
struct Count {
    done: usize,
    empty: usize,
    skipped: usize,
    failed: usize,
    not_started: usize,
    last_failure: Option<Kind>,
}

impl<'a> Teller<'a> {
    /// Opens what the arguments ask for.
    ///
    /// # Errors
    /// [`Kind::OutputUnwritable`] when the report cannot be made.
    pub fn open(arguments: &RemoveArguments, shared: &Shared, screen: &'a Screen) -> Result<Self> {
        let create = |path: &std::path::PathBuf| {
            File::create(path).map_err(|error| {
                Error::new(Kind::OutputUnwritable, format!("cannot write {}: {error}", path.display())).because(error)
            })
        };
        Ok(Self {
            screen,
            json: arguments.json,
            file: arguments.report.as_ref().map(create).transpose()?,
            quiet: shared.quiet,
            verbose: shared.verbose,
            dry: arguments.dry_run,
            waiting: BTreeMap::new(),
            told: 0,
            count: Count::default(),
            started: Instant::now(),
            passed_over: false,
            hung_up: false,
        })
    }

    /// Tells what would be done with each item.
    pub fn preview(mut self, items: impl Iterator<Item = Item>) -> Ended {
        for item in items {
            let outcome = match item.targets.and_then(|targets| Ok((item.existing.decide(&targets)?, targets))) {
                Ok((Decision::Go, targets)) => Outcome::Planned(targets),
                Ok((Decision::Skip, targets)) => Outcome::Skipped(targets),
                Err(error) => Outcome::Failed(error),
            };
            if self.take(Finished { index: item.index, input: item.input, outcome }).is_break() {
                break;
            }
        }
        Ok(self.close(None))
    }

    /// Takes one picture; answers to stop when nobody reads what is told.
    pub fn take(&mut self, finished: Finished) -> ControlFlow<()> {
        self.screen.picture_done(&finished.input.name(), finished.outcome.status());
        self.waiting.insert(finished.index, finished);
        while let Some(next) = self.waiting.remove(&(self.told + 1)) {
            self.told += 1;
            self.tell(&next);
        }
        if self.hung_up { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn tell(&mut self, finished: &Finished) {
        self.count.add(&finished.outcome);
        if self.json || self.file.is_some() {
            let line = format!("{}\n", line::object(finished));
            if self.json && !self.hung_up {
                self.hung_up = stdout::write(line.as_bytes()).is_break();
            }
            if let Some(Err(error)) = self.file.as_mut().map(|file| file.write_all(line.as_bytes())) {
                self.screen.say(&format!("warning[report_unwritable]: the report is not complete: {error}"));
                self.file = None;
            }
        }
        let name = finished.input.name();
        match &finished.outcome {
            Outcome::Failed(error) => {
                let named = error.to_string().starts_with(&name);
                let on = if named { String::new() } else { format!("{name}: ") };
                self.screen.say(&format!("error[{}]: {on}{error}\nhint: {}", error.code(), error.hint()));
            }
            Outcome::Planned(targets) if !self.json => self.say_plain(&arrow(&name, targets)),
            Outcome::Skipped(targets) if self.dry && !self.json => {
                self.say_plain(&format!("{} (exists, left as it is)", arrow(&name, targets)));
            }
            Outcome::Done(done) => self.tell_done(&name, done),
            _ => {}
        }
    }

    /// What a dry run is asked for goes where it can be piped on.
    fn say_plain(&mut self, line: &str) {
        self.hung_up |= stdout::write(format!("{line}\n").as_bytes()).is_break();
    }

    fn tell_done(&mut self, name: &str, done: &Done) {
        if self.quiet {
            return;
        }
        for (code, message) in line::warnings(done) {
            if code == "device_passed_over" && std::mem::replace(&mut self.passed_over, true) {
                continue;
            }
            self.screen.say(&format!("warning[{code}]: {name}: {message}"));
        }
        if self.verbose {
            let used = &done.report.model;
            let stages: Vec<_> =
                done.timings.iter().map(|(stage, time)| format!("{stage} {:.0} ms", milliseconds(*time))).collect();
            self.screen.say(&format!("{}: {}", arrow(name, &done.outputs), stages.join(", ")));
            self.screen.say(&format!("  {} ({}) on {}", used.model, used.file, used.device));
        }
    }

    /// Says how it went and gives the exit code. `fatal` is what ended the whole batch.
    pub fn close(&mut self, fatal: Option<Kind>) -> u8 {
        self.screen.finish();
        let total = self.count.total();
        if (total > 1 || self.count.not_started > 0) && !self.quiet && !self.dry && !self.hung_up {
            self.screen.say(&format!("{} in {:.1} s", self.count.summary(), self.started.elapsed().as_secs_f64()));
        }
        match (fatal, self.count.last_failure) {
            _ if self.hung_up => DONE,
            _ if interrupt::pending() => INTERRUPTED,
            (Some(kind), _) => exit::of(kind),
            (None, Some(kind)) if total == 1 => exit::of(kind),
            (None, Some(_)) => SOME_FAILED,
            (None, None) => DONE,
        }
    }
}

impl Outcome {
    /// The status in reports.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Done(done) if done.report.subject.is_none() => "no_subject",
            Self::Done(_) => "ok",
            Self::Skipped(_) => "skipped",
            Self::Planned(_) => "planned",
            Self::Failed(_) => "failed",
            Self::NotStarted => "not_started",
        }
    }
}

impl Count {
    fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Done(done) if done.report.subject.is_none() => self.empty += 1,
            Outcome::Done(_) | Outcome::Planned(_) => self.done += 1,
            Outcome::Skipped(_) => self.skipped += 1,
            Outcome::NotStarted => self.not_started += 1,
            Outcome::Failed(error) => {
                self.failed += 1;
                self.last_failure = Some(error.kind());
            }
        }
    }

    fn total(&self) -> usize {
        self.done + self.empty + self.skipped + self.failed + self.not_started
    }

    fn summary(&self) -> String {
        let others = [
            (self.empty, "without a subject"),
            (self.skipped, "skipped"),
            (self.failed, "failed"),
            (self.not_started, "not started"),
        ];
        let others = others.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
        format!("{} cut out{}", self.done, others.collect::<String>())
    }
}

fn arrow(input: &str, targets: &[Target]) -> String {
    let names: Vec<String> = targets.iter().map(Target::name).collect();
    format!("{input} → {}", if names.is_empty() { "nothing".to_owned() } else { names.join(", ") })
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

//! Whether a server speaks remove.bg's protocol as its clients need it: a list of checks, fired at any address.

mod checks;
mod client;
mod pictures;

use std::{fmt, future::Future, pin::Pin};

use crate::{Error, Kind, Result};
pub use client::Target;

/// What became of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server does as remove.bg.
    Passed,
    /// It does not, and how.
    Failed(String),
    /// It could not be asked, and why.
    LeftOut(String),
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What was checked.
    pub name: &'static str,
    /// What became of it.
    pub outcome: Outcome,
}

/// Everything that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// In the order it was checked.
    pub lines: Vec<Line>,
}

impl Report {
    /// How many checks passed, failed and were left out.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |is: fn(&Outcome) -> bool| self.lines.iter().filter(|line| is(&line.outcome)).count();
        (
            count(|outcome| *outcome == Outcome::Passed),
            count(|outcome| matches!(outcome, Outcome::Failed(_))),
            count(|outcome| matches!(outcome, Outcome::LeftOut(_))),
        )
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Passed => write!(formatter, "ok       {}", self.name),
            Outcome::Failed(why) => write!(formatter, "FAILED   {}: {why}", self.name),
            Outcome::LeftOut(why) => write!(formatter, "left out {}: {why}", self.name),
        }
    }
}

/// What a check answers: that all is well, or what is not.
type Verdict = std::result::Result<(), Outcome>;

type Asking<'a> = Pin<Box<dyn Future<Output = Verdict> + 'a>>;

/// A check of the list.
struct Check {
    name: &'static str,
    ask: for<'a> fn(&'a Target) -> Asking<'a>,
}

/// Fires all checks at a server, one after the other; each line is told as soon as it is known.
///
/// # Errors
/// [`Kind::FetchFailed`] when the server cannot be reached at all.
pub async fn run(target: &Target, mut tell: impl FnMut(&Line)) -> Result<Report> {
    target.reach().await.map_err(|error| {
        Error::new(Kind::FetchFailed, format!("{} cannot be reached: {error}", target.base())).because(error)
    })?;
    let mut report = Report::default();
    for check in checks::ALL {
        let outcome = (check.ask)(target).await.err().unwrap_or(Outcome::Passed);
        let line = Line { name: check.name, outcome };
        tell(&line);
        report.lines.push(line);
    }
    Ok(report)
}

/// As [`run`], for a caller without an async runtime.
///
/// # Errors
/// As [`run`]; [`Kind::Internal`] when no runtime can be started.
pub fn run_here(target: &Target, tell: impl FnMut(&Line)) -> Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(Kind::Internal, "cannot start the runtime").because(error))?;
    runtime.block_on(run(target, tell))
}

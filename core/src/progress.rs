//! How far a piece of work is, and whether it should go on: reporting and cancelling are one interface.

use std::ops::ControlFlow;

/// One report of how far a piece of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// What is being done, in a word or two: `download`, `segment`, `refine edges` …
    pub name: &'a str,
    /// What it is done to: a file, a model; may be empty.
    pub subject: &'a str,
    /// How much is done, in the unit of `total` (bytes for downloads, else 0 or 1).
    pub done: u64,
    /// How much there is to do; `None` when unknown.
    pub total: Option<u64>,
}

/// Receives reports and answers whether to go on.
///
/// Answering [`ControlFlow::Break`] cancels: the work stops at its next step with
/// [`Kind::Cancelled`](crate::Kind::Cancelled) and leaves nothing half-written.
pub trait Progress: Sync {
    /// Takes one report.
    fn report(&self, step: Step<'_>) -> ControlFlow<()>;
}

/// Reports to nobody and always goes on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _step: Step<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: Fn(Step<'_>) -> ControlFlow<()> + Sync> Progress for F {
    fn report(&self, step: Step<'_>) -> ControlFlow<()> {
        self(step)
    }
}

/// Reports that a step of unknown length starts, and fails with `cancelled` when asked to stop.
///
/// # Errors
/// [`Kind::Cancelled`](crate::Kind::Cancelled) when the receiver answers to stop.
pub fn begin(progress: &dyn Progress, name: &str) -> crate::Result<()> {
    match progress.report(Step { name, subject: "", done: 0, total: None }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(crate::Error::new(crate::Kind::Cancelled, format!("stopped before {name}"))),
    }
}

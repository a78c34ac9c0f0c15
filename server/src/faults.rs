//! Points of a job's life at which tests have the process die, as if it were killed there. Builds for users have none.

/// The steps, in order: what is about to be committed, and what just was.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// A job's files are kept, its rows are not committed.
    Accepting,
    /// They are, and nobody has been told.
    Accepted,
    /// A message has reached the broker, and is still in the outbox.
    Sent,
    /// A message has come from the broker, and is not acknowledged.
    Heard,
    /// An item is this worker's, and not begun.
    Claimed,
    /// It is made, and not kept.
    Made,
    /// Its file is kept, and the database does not know.
    Kept,
    /// The database has been told, and it is not committed.
    Ending,
    /// It is, and nobody has been told.
    Ended,
}

/// Ends the process as it stands, if the variable `BFX_TEST_DIES` names the step.
#[cfg(debug_assertions)]
pub fn reach(step: Step) {
    let asked = std::env::var("BFX_TEST_DIES");
    if asked.is_ok_and(|name| name.eq_ignore_ascii_case(&format!("{step:?}"))) {
        // Nothing is dropped, flushed or told.
        std::process::abort();
    }
}

/// Does nothing.
#[cfg(not(debug_assertions))]
pub const fn reach(_: Step) {}

//! A circuit breaker: what does not answer is left alone for a moment, so that nobody waits for it.
//!
//! As in Michael Nygard's "Release It!": closed while all goes well, open after some failures in a row, then one trial at a time.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures in a row that open it.
const FAILURES: u32 = 3;
/// How long it stays open before a trial.
const PAUSE: Duration = Duration::from_secs(1);

/// The breaker before one dependency.
pub struct Breaker {
    dependency: &'static str,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// A closed one.
    #[must_use]
    pub fn new(dependency: &'static str) -> Self {
        let breaker = Self { dependency, state: Mutex::default() };
        breaker.show(true);
        breaker
    }

    /// Whether the dependency may be asked now. Who is let through says how it went.
    pub fn lets_through(&self) -> bool {
        self.lets_through_at(Instant::now())
    }

    fn lets_through_at(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.open_until {
            Some(until) if now < until => false,
            Some(_) => {
                // This is the trial; the others wait for what becomes of it.
                state.open_until = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    /// Notes that the dependency answered, or that it did not.
    pub fn went(&self, well: bool) {
        self.went_at(well, Instant::now());
    }

    fn went_at(&self, well: bool, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let was_open = state.open_until.is_some();
        if well {
            *state = State::default();
        } else {
            state.failures = state.failures.saturating_add(1);
            if state.failures >= FAILURES {
                state.open_until = Some(now + PAUSE);
            }
        }
        let is_open = state.open_until.is_some();
        drop(state);
        if was_open != is_open {
            self.show(!is_open);
            tracing::warn!(dependency = self.dependency, answers = !is_open, "a dependency changed");
        }
    }

    fn show(&self, answers: bool) {
        metrics::gauge!("backgroundfx_dependency_up", "dependency" => self.dependency)
            .set(f64::from(u8::from(answers)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_trial_through_at_a_time() {
        let (breaker, begin) = (Breaker::new("test"), Instant::now());
        for _ in 0..2 {
            breaker.went_at(false, begin);
        }
        breaker.went_at(true, begin);
        for _ in 0..FAILURES {
            assert!(breaker.lets_through_at(begin));
            breaker.went_at(false, begin);
        }
        assert!(!breaker.lets_through_at(begin + PAUSE / 2));
        let trial = begin + PAUSE * 2;
        assert!(breaker.lets_through_at(trial) && !breaker.lets_through_at(trial));
        breaker.went_at(false, trial);
        assert!(!breaker.lets_through_at(trial + PAUSE / 2));
        let again = trial + PAUSE * 2;
        assert!(breaker.lets_through_at(again));
        breaker.went_at(true, again);
        assert!(breaker.lets_through_at(again) && breaker.lets_through_at(again));
    }
}

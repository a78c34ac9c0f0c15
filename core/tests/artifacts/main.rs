//! Artifacts are found, fetched, verified and kept: against servers and clients of our own, without a network.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop there")]

mod fetching;
mod finding;
#[cfg(unix)]
mod packages;
mod real;
mod rules;
mod server;
mod setup;

//! Runs the real program: what people and scripts see of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod clips;
mod codes;
mod configuration;
#[cfg(all(feature = "server", unix))]
mod crashes;
mod cutouts;
#[cfg(all(feature = "server", unix))]
mod engines;
#[cfg(all(feature = "server", unix))]
mod faults;
mod keying;
mod matte_distances;
mod matting;
mod models;
mod names;
#[cfg(feature = "server")]
mod serving;
mod shell;
mod stage;
mod usage;

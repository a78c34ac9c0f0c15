//! The BackgroundFX service: an HTTP API over the library, with everything it needs in one process.
//!
//! `http` turns requests into orders and orders into answers; [`inference`] makes them on threads of its own; [`db`] and
//! the object store keep what must outlive a request. [`serve::serve`] starts it all.

#![forbid(unsafe_code)]

mod app;
pub mod auth;
mod aws;
mod breaker;
mod caches;
mod coalesce;
pub mod config;
pub mod conformance;
pub mod db;
mod documents;
pub mod error;
mod faults;
pub mod fetch;
pub mod http;
pub mod inference;
pub mod jobs;
pub mod objects;
pub mod options;
pub mod picture;
mod queue;
mod rates;
pub mod readiness;
mod redis;
mod replicas;
pub mod serve;
mod sources;
mod sweep;
mod vault;
mod webhooks;
mod worker;

pub use app::App;
pub use config::Config;
pub use error::{Error, KINDS, Kind, Result};

//! The service as its clients see it: real sockets, the real router, a real database in a folder of its own.
//!
//! Pictures are cut out by the key `chroma`, which needs no weights, so that everything around it is exercised as it is.

#![expect(clippy::unwrap_used, reason = "what a test sets up and cannot set up ends the test")]

mod access;
mod compat;
mod documents;
mod graphql;
mod jobs;
mod kinds;
mod many;
mod organisations;
mod people;
mod pictures;
mod sealed;
mod shards;
mod stage;
#[path = "../../../core/tests/networks/tiny.rs"]
#[expect(dead_code, reason = "what else the library's tests need")]
mod tiny;
mod tls;
mod uploads;
mod web;
mod webhooks;

//! The inference engine: fetching what it needs, loading networks, running them.

pub mod artifacts;

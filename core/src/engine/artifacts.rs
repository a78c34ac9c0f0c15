//! Model weights and native libraries: listed in a manifest, fetched on first use, verified, kept in one folder.
//!
//! ```no_run
//! use backgroundfx_core::engine::artifacts::{Manifest, Store, StoreOptions};
//! use backgroundfx_core::progress::Silent;
//!
//! # fn main() -> backgroundfx_core::Result<()> {
//! let store = Store::open(StoreOptions::default())?;
//! let (artifact, path) = store.obtain(Manifest::built_in(), "isnet-general-use", &Silent)?;
//! println!("{} is at {}", artifact.id, path.display());
//! # Ok(())
//! # }
//! ```

mod archive;
mod child;
mod download;
mod fetch;
mod lock;
mod lookup;
mod manifest;
mod packages;
mod parse;
mod part;
mod store;
mod surroundings;
mod verified;

pub use manifest::{Artifact, License, Manifest, Source, Take, Trust};
pub use store::{Store, StoreOptions};
pub use surroundings::Surroundings;

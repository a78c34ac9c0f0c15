//! Work that is accepted now and made later: what a job is, and how its items are made. A kind of job is a file.

mod ending;
mod pictures;
mod video;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{App, Result, db::claims::Claimed};
pub use ending::{cancel, settle};
pub use pictures::Pictures;
pub use video::Clips;

/// What a job makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Cut-outs of one or many pictures.
    Pictures,
    /// Cut-outs of clips.
    Video,
}

/// How a job or one of its items stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It waits for its turn.
    Queued,
    /// It is being made.
    Running,
    /// It is made. A job has succeeded when any of its items has.
    Succeeded,
    /// It could not be made.
    Failed,
    /// Its sender does not want it any more.
    Cancelled,
}

impl JobKind {
    /// The name as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pictures => "pictures",
            Self::Video => "video",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Pictures, Self::Video].into_iter().find(|kind| kind.name() == name)
    }
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// The name as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// What came of an item.
pub struct Product {
    /// The file.
    pub file: File,
    /// Its media type.
    pub media_type: String,
    /// Its extension, without a dot.
    pub extension: String,
    /// What is known of it.
    pub details: serde_json::Value,
}

/// A file that was made: in memory, or on this machine's disk until it is kept.
pub enum File {
    /// In memory.
    Bytes(Bytes),
    /// On the disk, in a folder that goes with it.
    Path(std::path::PathBuf, tempfile::TempDir),
}

/// How far an item is, and whether it is to stop: between its thread and the task that renews its lease.
#[derive(Default)]
pub struct Course {
    stopped: AtomicBool,
    at: Mutex<(f64, Option<&'static str>)>,
}

impl Course {
    /// Tells how far the work is, 0 to 1, and what is being done.
    pub fn tell(&self, share: f64, stage: &'static str) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = (share.clamp(0.0, 1.0), Some(stage));
    }

    /// How far it is.
    #[must_use]
    pub fn at(&self) -> (f64, Option<&'static str>) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it stop.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Makes an item; `work` is what its job asks for, as JSON. It may be made twice and must not hurt then.
///
/// # Errors
/// What reading, fetching and making report.
pub async fn make(app: &Arc<App>, kind: JobKind, work: &str, item: &Claimed, course: &Arc<Course>) -> Result<Product> {
    match kind {
        JobKind::Pictures => pictures::make(app, work, item, course).await,
        JobKind::Video => video::make(app, work, item, course).await,
    }
}

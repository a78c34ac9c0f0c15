//! Watching a folder: every picture that appears in it is cut out, until Ctrl-C.
//!
//! Looks twice a second instead of asking the system for events, which network folders and
//! containers do not send. A file is taken when two looks find it with one size and time, so
//! half-written files are left until they are whole.

use std::{
    collections::{HashMap, VecDeque},
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use backgroundfx_core::{Error, Kind, Result};

use super::{
    Item, Setup,
    inputs::{Expansion, Input, Source},
    outputs::Existing,
};
use crate::interrupt;

const INTERVAL: Duration = Duration::from_millis(500);
/// A file that was written to since may still be growing: copies over a network come in bursts.
const QUIET: Duration = Duration::from_secs(2);

/// Size and time of a file at one look.
type Seen = (u64, SystemTime);

/// The pictures that appear in a folder; ends with Ctrl-C.
pub struct Watch<'a> {
    folder: &'a Path,
    recursive: bool,
    setup: &'a Setup,
    stop: &'a AtomicBool,
    before: HashMap<PathBuf, Seen>,
    taken: HashMap<PathBuf, Seen>,
    ready: VecDeque<Item>,
    index: usize,
}

impl<'a> Watch<'a> {
    /// Watches a folder. Pictures that are in it already come first, unless their outputs exist.
    ///
    /// # Errors
    /// [`Kind::InputUnreadable`] when it is no folder.
    pub fn open(folder: &'a Path, recursive: bool, setup: &'a Setup, stop: &'a AtomicBool) -> Result<Self> {
        if !folder.is_dir() {
            return Err(Error::new(Kind::InputUnreadable, format!("{} is no folder", folder.display())));
        }
        let (before, taken) = (HashMap::new(), HashMap::new());
        Ok(Self { folder, recursive, setup, stop, before, taken, ready: VecDeque::new(), index: 0 })
    }

    fn look(&mut self) {
        let expansion = Expansion {
            arguments: &[],
            list: None,
            zero: false,
            recursive: self.recursive,
            leave_out: self.setup.naming.folder(),
            skip_cutouts: self.setup.naming.is_beside(),
        };
        let mut paths = Vec::new();
        expansion.walk(self.folder, &mut paths);
        let mut now = HashMap::new();
        for path in paths {
            let facts = fs::metadata(&path).and_then(|facts| Ok((facts.len(), facts.modified()?)));
            // A file that vanished between two calls is none.
            let Ok(seen) = facts else { continue };
            // A time to come is a clock that differs; then staying the same has to do.
            let quiet = seen.1.elapsed().map_or(true, |age| age >= QUIET);
            let settled = seen.0 > 0 && quiet && self.before.get(&path) == Some(&seen);
            if settled && self.taken.get(&path) != Some(&seen) && !self.setup.naming.is_output(&path) {
                self.take(path.clone(), seen);
            }
            now.insert(path, seen);
        }
        self.before = now;
    }

    fn take(&mut self, path: PathBuf, seen: Seen) {
        // Outputs of an earlier watch are left; those of a picture that has changed since are out of date.
        let existing = match (self.setup.existing, self.taken.insert(path.clone(), seen)) {
            (Existing::Replace, _) | (_, Some(_)) => Existing::Replace,
            (Existing::Refuse | Existing::Skip, None) => Existing::Skip,
        };
        self.index += 1;
        let input = Input { source: Source::File(path), root: Some(self.folder.to_owned()) };
        self.ready.push_back(self.setup.item(self.index, input, existing));
    }
}

impl Iterator for Watch<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if interrupt::pending() || self.stop.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            self.look();
            if self.ready.is_empty() {
                thread::sleep(INTERVAL);
            }
        }
    }
}

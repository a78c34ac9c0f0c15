//! Watching a folder: every picture that appears in it is cut out, until Ctrl-C.
//!
//! Looks twice a second instead of asking the system for events, which network folders and
//! containers do not send. A file is taken when two looks find it with one size and time, so
//! half-written files are left until they are whole.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use backgroundfx_core::{Error, Kind, Result};

use super::{
    batch::Batch,
    inputs::{Input, pictures_in},
    outputs::{self, Naming},
};
use crate::{
    args::RemoveArguments,
    exit::{Ended, INTERRUPTED},
    interrupt,
};

const INTERVAL: Duration = Duration::from_millis(500);

/// Size and time of a file at one look.
type Seen = (u64, SystemTime);

/// Watches until interrupted.
pub fn run(folder: &Path, arguments: &RemoveArguments, batch: &Batch<'_>) -> Ended {
    if !folder.is_dir() {
        return Err(Error::new(Kind::InputUnreadable, format!("{} is no folder", folder.display())));
    }
    let naming = Naming::of(arguments, true)?;
    drop(batch.segmenter()?);
    let mut before: HashMap<PathBuf, Seen> = HashMap::new();
    let (mut finished, mut own) = (HashMap::new(), HashSet::new());
    let mut index = 0;
    while !interrupt::pending() {
        let now = look(folder)?;
        for (path, seen) in &now {
            let settled = before.get(path) == Some(seen);
            if !settled || finished.get(path) == Some(seen) || own.contains(path) {
                continue;
            }
            finished.insert(path.clone(), *seen);
            index += 1;
            let input = Input::File { path: path.clone(), root: Some(folder.to_owned()) };
            match outputs::one(index, input, &naming, arguments, batch.setup) {
                Ok(item) => {
                    own.extend(item.outputs.iter().filter_map(|output| output.path.clone()));
                    // A bad picture was told of; the watch goes on.
                    let _ = batch.one(&item, None);
                }
                Err(error) => crate::exit::show(&error.on(path.display())),
            }
            if interrupt::pending() {
                break;
            }
        }
        before = now;
        thread::sleep(INTERVAL);
    }
    Ok(INTERRUPTED)
}

fn look(folder: &Path) -> Result<HashMap<PathBuf, Seen>> {
    let mut paths = Vec::new();
    pictures_in(folder, &mut paths)?;
    let seen = |path: PathBuf| {
        let facts = fs::metadata(&path).ok()?;
        Some((path, (facts.len(), facts.modified().ok()?)))
    };
    Ok(paths.into_iter().filter_map(seen).collect())
}

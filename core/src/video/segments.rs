//! What is finished of a clip: a folder of closed segments and a list of them, from which work goes on after any end.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{Error, Kind, Result};

/// One finished segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    /// Number of its frames.
    pub frames: u64,
    /// Time of its first frame in ticks.
    pub first: i64,
    /// Time of its last frame in ticks.
    pub last: i64,
}

/// The folder of one clip's segments, beside the file that is to be made.
#[derive(Debug)]
pub(super) struct Segments {
    folder: PathBuf,
    list: File,
    /// What is finished, in order.
    pub done: Vec<Segment>,
}

/// The list's name in the folder.
const LIST: &str = "finished.jsonl";
/// What the work is, so that no other work goes on with it.
const PLAN: &str = "plan.txt";

impl Segments {
    /// Opens the folder for `output`. `plan` tells everything that the result depends on; `resume` goes on with what is
    /// finished, otherwise it is removed.
    ///
    /// # Errors
    /// [`Kind::ResumeMismatch`] when another plan was begun there; [`Kind::OutputUnwritable`].
    pub fn open(output: &Path, plan: &str, resume: bool) -> Result<Self> {
        let folder = Self::folder(output);
        let begun = fs::read_to_string(folder.join(PLAN)).ok();
        match begun {
            Some(begun) if resume && begun != plan => {
                let message = format!("what is finished in {} was begun otherwise", folder.display());
                return Err(Error::new(Kind::ResumeMismatch, message));
            }
            Some(_) if resume => {}
            _ => {
                remove_folder(&folder)?;
                fs::create_dir(&folder).map_err(|error| unwritable(&folder, error))?;
                let path = folder.join(PLAN);
                fs::write(&path, plan).map_err(|error| unwritable(&path, error))?;
            }
        }
        let path = folder.join(LIST);
        // A line that is cut short was written when the power went: its segment is made again.
        let done: Vec<Segment> = fs::read_to_string(&path)
            .unwrap_or_default()
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map_while(|line| serde_json::from_str(line).ok())
            .collect();
        let lines: String = done.iter().map(line).collect();
        fs::write(&path, lines).map_err(|error| unwritable(&path, error))?;
        let list = OpenOptions::new().append(true).open(&path).map_err(|error| unwritable(&path, error))?;
        Ok(Self { folder, list, done })
    }

    /// The folder for an output.
    pub fn folder(output: &Path) -> PathBuf {
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        output.with_file_name(format!(".{name}.parts"))
    }

    /// Where the segment that comes next is written until it is whole.
    pub fn partial(&self, file: &str, container: &str) -> PathBuf {
        self.folder.join(format!("{:06}-{file}.partial.{container}", self.done.len()))
    }

    /// Where a finished segment lies.
    pub fn path(&self, index: usize, file: &str, container: &str) -> PathBuf {
        self.folder.join(format!("{index:06}-{file}.{container}"))
    }

    /// What a model remembers before the first frame of a segment.
    pub fn memory(&self, index: usize) -> PathBuf {
        self.folder.join(format!("{index:06}.memory"))
    }

    /// A place for something else in the folder.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Notes that the files of the next segment are whole: they get their names, then the list its line.
    ///
    /// # Errors
    /// [`Kind::OutputUnwritable`].
    pub fn finish(&mut self, segment: Segment, files: &[(&str, &str)]) -> Result<()> {
        for (file, container) in files {
            let (from, to) = (self.partial(file, container), self.path(self.done.len(), file, container));
            fs::rename(&from, &to).map_err(|error| unwritable(&to, error))?;
        }
        let path = self.folder.join(LIST);
        self.list.write_all(line(&segment).as_bytes()).map_err(|error| unwritable(&path, error))?;
        self.list.sync_data().map_err(|error| unwritable(&path, error))?;
        // What was remembered before it is of no use any more; where it was not there, nothing is missed.
        let _ = fs::remove_file(self.memory(self.done.len()));
        self.done.push(segment);
        Ok(())
    }

    /// Removes the folder: the clip is finished, or nothing of it is worth keeping.
    ///
    /// # Errors
    /// [`Kind::OutputUnwritable`].
    pub fn remove(self) -> Result<()> {
        drop(self.list);
        remove_folder(&self.folder)
    }
}

fn line(segment: &Segment) -> String {
    format!("{}\n", serde_json::to_string(segment).expect("numbers can be written"))
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unwritable(folder, error)),
        _ => Ok(()),
    }
}

pub(super) fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::OutputUnwritable, format!("{} cannot be written: {error}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_goes_on_from_the_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("out.mp4");
        let segment = |index: i64| Segment { frames: 10, first: index * 10, last: index * 10 + 9 };
        let mut segments = Segments::open(&output, "plan", false).unwrap();
        for index in 0..2 {
            fs::write(segments.partial("main", "mp4"), "pictures").unwrap();
            segments.finish(segment(index), &[("main", "mp4")]).unwrap();
        }
        fs::OpenOptions::new().append(true).open(segments.beside(LIST)).unwrap().write_all(b"{\"frames\":1").unwrap();
        drop(segments);

        let error = Segments::open(&output, "another", true).unwrap_err();
        assert_eq!(error.kind(), Kind::ResumeMismatch);
        let mut again = Segments::open(&output, "plan", true).unwrap();
        assert_eq!(again.done, [segment(0), segment(1)]);
        assert!(again.path(1, "main", "mp4").is_file());
        fs::write(again.partial("main", "mp4"), "pictures").unwrap();
        again.finish(segment(2), &[("main", "mp4")]).unwrap();
        drop(again);
        assert_eq!(Segments::open(&output, "plan", true).unwrap().done.len(), 3);

        let anew = Segments::open(&output, "plan", false).unwrap();
        assert!(anew.done.is_empty() && !anew.path(0, "main", "mp4").exists());
        anew.remove().unwrap();
        assert!(!Segments::folder(&output).exists());
    }
}

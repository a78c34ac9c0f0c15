//! From arguments to pictures: files, folders, patterns, lists of names, standard input.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use backgroundfx_core::{Error, Kind, Result, files::Format};

use super::{outputs::is_cutout_name, pattern};

/// One thing that was asked to be cut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where its bytes come from.
    pub source: Source,
    /// The folder it was found in, when a folder was named rather than the picture itself.
    pub root: Option<PathBuf>,
}

/// Where the bytes of an input come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// Nowhere: an argument that stands for no picture, and why. It counts as one failed input.
    Nothing(String, String),
}

/// What is to be expanded, and how.
pub struct Expansion<'a> {
    /// Files, folders, patterns, `-`.
    pub arguments: &'a [OsString],
    /// A file with more names, one a line or divided by zero bytes; `-` is standard input.
    pub list: Option<&'a Path>,
    /// Whether the names of `list` end with a zero byte.
    pub zero: bool,
    /// Whether folders are gone into.
    pub recursive: bool,
    /// A folder that is left out, because the outputs go there.
    pub leave_out: Option<&'a Path>,
    /// Whether files named like earlier cut-outs are left out of folders and patterns.
    pub skip_cutouts: bool,
}

impl Input {
    /// How it is named in messages and reports.
    pub fn name(&self) -> String {
        match &self.source {
            Source::Stdin => "-".to_owned(),
            Source::File(path) => path.display().to_string(),
            Source::Nothing(argument, _) => argument.clone(),
        }
    }

    /// Its path; `stdin` for standard input.
    pub fn path(&self) -> &Path {
        match &self.source {
            Source::Stdin => Path::new("stdin"),
            Source::File(path) => path,
            Source::Nothing(argument, _) => Path::new(argument),
        }
    }

    /// The sub-folder below the folder it was found in; empty when it was named itself.
    pub fn sub_folder(&self) -> &Path {
        let parent = self.path().parent().unwrap_or(Path::new(""));
        self.root.as_deref().and_then(|root| parent.strip_prefix(root).ok()).unwrap_or(Path::new(""))
    }

    fn named(source: Source) -> Self {
        Self { source, root: None }
    }
}

impl Expansion<'_> {
    /// All inputs, in the order named, those of folders and patterns sorted by name, none twice.
    ///
    /// # Errors
    /// [`Kind::OptionInvalid`] for a folder without `--recursive` or standard input used twice;
    /// [`Kind::InputUnreadable`] when the list cannot be read.
    pub fn inputs(&self) -> Result<Vec<Input>> {
        let mut inputs = Vec::new();
        for argument in self.arguments {
            self.argument(argument, &mut inputs)?;
        }
        if let Some(list) = self.list {
            for name in self.listed(list)? {
                self.path(Path::new(&name), &mut inputs)?;
            }
        }
        let mut seen = std::collections::HashSet::new();
        inputs.retain(|input| seen.insert(input.path().to_owned()));
        if self.list == Some(Path::new("-")) && inputs.iter().any(|input| input.source == Source::Stdin) {
            return Err(Error::new(
                Kind::OptionInvalid,
                "standard input cannot be both a picture and the list of names",
            ));
        }
        Ok(inputs)
    }

    fn argument(&self, argument: &OsStr, inputs: &mut Vec<Input>) -> Result<()> {
        if argument == "-" {
            inputs.push(Input::named(Source::Stdin));
            return Ok(());
        }
        let path = Path::new(argument);
        match argument.to_str() {
            // Some shells hand patterns through; a file that has such a name is meant itself.
            Some(text) if pattern::is_pattern(text) && path.symlink_metadata().is_err() => self.pattern(text, inputs),
            _ => self.path(path, inputs),
        }
    }

    fn path(&self, path: &Path, inputs: &mut Vec<Input>) -> Result<()> {
        if !path.is_dir() {
            inputs.push(Input::named(Source::File(path.to_owned())));
            return Ok(());
        }
        if !self.recursive {
            let message = format!("{} is a folder; add --recursive (-r) to go into it", path.display());
            return Err(Error::new(Kind::OptionInvalid, message));
        }
        let mut found = Vec::new();
        self.walk(path, &mut found);
        if found.is_empty() {
            let why = "there is no picture in this folder".to_owned();
            inputs.push(Input::named(Source::Nothing(path.display().to_string(), why)));
        }
        let root = Some(path.to_owned());
        inputs.extend(found.into_iter().map(|file| Input { source: Source::File(file), root: root.clone() }));
        Ok(())
    }

    fn pattern(&self, pattern: &str, inputs: &mut Vec<Input>) -> Result<()> {
        let before = inputs.len();
        for path in pattern::files(pattern)? {
            if !self.leaves_out(&path) {
                inputs.push(Input::named(Source::File(path)));
            }
        }
        if inputs.len() == before {
            inputs.push(Input::named(Source::Nothing(pattern.to_owned(), "no file matches this pattern".to_owned())));
        }
        Ok(())
    }

    /// Pictures below a folder, sorted. Hidden files, links to folders and what cannot be listed are passed over.
    pub fn walk(&self, folder: &Path, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if hidden || self.leaves_out(&path) {
                continue;
            }
            if path.is_dir() {
                if self.recursive && !path.is_symlink() {
                    self.walk(&path, found);
                }
            } else if Format::from_path(&path).is_some() {
                found.push(path);
            }
        }
    }

    fn leaves_out(&self, path: &Path) -> bool {
        self.skip_cutouts && is_cutout_name(path)
            || self.leave_out.is_some_and(|out| path.file_name() == out.file_name() && same_file(path, out))
    }

    fn listed(&self, list: &Path) -> Result<Vec<OsString>> {
        let mut bytes = Vec::new();
        let read = if list == Path::new("-") {
            io::stdin().read_to_end(&mut bytes)
        } else {
            fs::File::open(list).and_then(|mut file| file.read_to_end(&mut bytes))
        };
        read.map_err(|error| {
            Error::new(Kind::InputUnreadable, format!("cannot read the list {}: {error}", list.display()))
                .because(error)
        })?;
        let divider = if self.zero { 0 } else { b'\n' };
        let names = bytes.split(|byte| *byte == divider);
        let names = names.map(|name| if self.zero { name } else { name.strip_suffix(b"\r").unwrap_or(name) });
        Ok(names.filter(|name| !name.is_empty()).map(os_string).collect())
    }
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes).to_owned()
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Whether both paths lead to the same file or folder; false when either is not there.
pub fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

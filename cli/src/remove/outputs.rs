//! What the outputs are called, and whether a name is free.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use backgroundfx_core::{Error, Kind, Result, files::Format};

use super::{
    inputs::{Input, Source},
    template::{Facts, PictureFacts, Template},
};
use crate::args::OutputKind;

/// What stands behind the stem of a cut-out that lies beside its picture.
const SUFFIX: &str = "-nobg";

/// Where cut-outs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Beside the picture, with a suffix.
    Beside,
    /// This file.
    File(PathBuf),
    /// This folder, sub-folders mirrored.
    Folder(PathBuf),
    /// Wherever the template says.
    Template(Template),
    /// Standard output.
    Stdout,
}

/// One output of one picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What is written.
    pub kind: OutputKind,
    /// Where; `None` is standard output.
    pub path: Option<PathBuf>,
    /// In which format.
    pub format: Format,
}

/// How many pictures there will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Many {
    /// As many as were named.
    AsNamed,
    /// Nobody knows: a folder is watched.
    Unknown,
}

/// What happens to outputs that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// They stay, and their picture fails.
    Refuse,
    /// They stay, and what is missing beside them is made.
    Skip,
    /// They are replaced.
    Replace,
}

/// Whether there is anything to do for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// There is.
    Go,
    /// All is there.
    Skip,
}

/// Gives outputs their names, each name to one input only.
#[derive(Debug)]
pub struct Naming {
    destination: Destination,
    format: Option<Format>,
    kinds: Vec<OutputKind>,
    model: String,
    transparent: bool,
    inputs: HashSet<PathBuf>,
    claimed: Mutex<HashMap<PathBuf, String>>,
}

/// What names depend on, apart from the pictures.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The format asked for; `None` is told by the name.
    pub format: Option<Format>,
    /// What is written of each picture.
    pub kinds: Vec<OutputKind>,
    /// Name of the model.
    pub model: String,
    /// Whether what lies behind the subject stays transparent.
    pub transparent: bool,
}

impl Destination {
    /// Reads `-o`; `arguments` is what was named as input.
    ///
    /// # Errors
    /// [`Kind::OptionInvalid`] when one file or standard output is to take several pictures, or a template is wrong.
    pub fn parse(output: Option<&str>, inputs: &[Input], many: Many) -> Result<Self> {
        let one = many == Many::AsNamed && matches!(inputs, [Input { root: None, .. }]);
        let Some(text) = output else {
            let piped = one && inputs[0].source == Source::Stdin;
            return Ok(if piped { Self::Stdout } else { Self::Beside });
        };
        if text == "-" {
            return if one { Ok(Self::Stdout) } else { Err(too_many("standard output")) };
        }
        if text.contains(['{', '}']) {
            return Template::parse(text).map(Self::Template);
        }
        let path = PathBuf::from(text);
        if text.ends_with(['/', std::path::MAIN_SEPARATOR]) || path.is_dir() {
            return Ok(Self::Folder(path));
        }
        match one {
            true => Ok(Self::File(path)),
            false if path.extension().is_none() => Ok(Self::Folder(path)),
            false => Err(too_many(text)),
        }
    }
}

fn too_many(output: &str) -> Error {
    let message = format!("{output} takes one picture only; write a folder/ or a template such as '{{stem}}-cut.png'");
    Error::new(Kind::OptionInvalid, message)
}

impl Existing {
    /// Looks which outputs are there.
    ///
    /// # Errors
    /// [`Kind::OutputExists`] naming the first one that is there and must not be replaced.
    pub fn decide(self, targets: &[Target]) -> Result<Decision> {
        let there = |target: &&Target| target.path.as_deref().is_some_and(|path| path.symlink_metadata().is_ok());
        match self {
            Self::Replace => Ok(Decision::Go),
            Self::Skip if targets.iter().all(|target| there(&target)) => Ok(Decision::Skip),
            Self::Skip => Ok(Decision::Go),
            Self::Refuse => match targets.iter().find(there) {
                Some(target) => Err(Error::new(Kind::OutputExists, format!("{} exists", target.name()))),
                None => Ok(Decision::Go),
            },
        }
    }
}

impl Target {
    /// How it is named in messages and reports.
    pub fn name(&self) -> String {
        self.path.as_deref().map_or_else(|| "-".to_owned(), |path| path.display().to_string())
    }
}

/// Whether a file is named like the cut-outs that lie beside their pictures.
pub fn is_cutout_name(path: &Path) -> bool {
    let Some(stem) = path.file_stem().map(|stem| stem.to_string_lossy()) else { return false };
    OutputKind::ALL.iter().any(|kind| stem.ends_with(&format!("{SUFFIX}{}", kind.suffix())))
}

impl Naming {
    /// Names for these inputs.
    pub fn new(destination: Destination, wanted: Wanted, inputs: &[Input]) -> Self {
        let paths = inputs.iter().filter(|input| matches!(input.source, Source::File(_)));
        let inputs = paths.filter_map(|input| input.path().canonicalize().ok()).collect();
        let Wanted { format, kinds, model, transparent } = wanted;
        Self { destination, format, kinds, model, transparent, inputs, claimed: Mutex::default() }
    }

    /// Whether names can only be told once a picture was cut out.
    pub fn needs_picture(&self) -> bool {
        matches!(&self.destination, Destination::Template(template) if template.needs_picture())
    }

    /// Whether names need the hash of the input's bytes.
    pub fn needs_hash(&self) -> bool {
        matches!(&self.destination, Destination::Template(template) if template.needs_hash())
    }

    /// The folder that outputs go to, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match &self.destination {
            Destination::Folder(folder) => Some(folder),
            _ => None,
        }
    }

    /// Whether outputs lie beside their pictures.
    pub fn is_beside(&self) -> bool {
        self.destination == Destination::Beside
    }

    /// The outputs of one input.
    ///
    /// # Errors
    /// [`Kind::OutputUnsupported`] when a format is not written or cannot hold transparency.
    pub fn targets(&self, input: &Input, index: usize, picture: Option<PictureFacts<'_>>) -> Result<Vec<Target>> {
        let base = self.base(input, index, picture);
        let told = base.as_deref().and_then(Path::extension);
        let format = match (self.format, told.and_then(|extension| extension.to_str())) {
            (Some(format), _) => format,
            (None, Some(extension)) => extension.parse().map_err(|error: Error| match &base {
                Some(path) => error.on(path.display()),
                None => error,
            })?,
            (None, None) => Format::Png,
        };
        self.kinds.iter().map(|kind| self.target(*kind, base.as_deref(), format)).collect()
    }

    fn target(&self, kind: OutputKind, base: Option<&Path>, format: Format) -> Result<Target> {
        let path = base.map(|base| self.with_suffix(kind, base));
        let target = Target { kind, path, format };
        let refuse = |why: &str| Err(Error::new(Kind::OutputUnsupported, format!("{}: {format} {why}", target.name())));
        if !format.is_written() {
            return refuse("is read but not written");
        }
        if kind == OutputKind::Rgba && self.transparent && !format.holds_alpha() {
            return refuse("cannot hold transparency");
        }
        Ok(target)
    }

    /// The name of the coloured cut-out; `None` is standard output.
    fn base(&self, input: &Input, index: usize, picture: Option<PictureFacts<'_>>) -> Option<PathBuf> {
        let path = input.path();
        let named = |suffix: &str| {
            let mut name = path.file_stem().unwrap_or_default().to_owned();
            name.push(suffix);
            name.push(".");
            name.push(self.format.unwrap_or(Format::Png).extension());
            name
        };
        match &self.destination {
            Destination::Stdout => None,
            Destination::Beside => Some(path.with_file_name(named(SUFFIX))),
            Destination::File(file) => Some(file.clone()),
            Destination::Folder(folder) => Some(folder.join(input.sub_folder()).join(named(""))),
            Destination::Template(template) => {
                let facts = Facts { path, sub_folder: input.sub_folder(), index, model: &self.model, picture };
                Some(template.fill(&facts).into())
            }
        }
    }

    /// Names of several outputs differ by a suffix; a name that was written out for a single one stays as it is.
    fn with_suffix(&self, kind: OutputKind, base: &Path) -> PathBuf {
        let named = matches!(self.destination, Destination::File(_) | Destination::Template(_));
        if kind.suffix().is_empty() || named && self.kinds.len() == 1 {
            return base.to_owned();
        }
        let mut name = base.file_stem().unwrap_or_default().to_owned();
        name.push(kind.suffix());
        if let Some(extension) = base.extension() {
            name.push(".");
            name.push(extension);
        }
        base.with_file_name(name)
    }

    /// Gives these names to one input for good.
    ///
    /// # Errors
    /// [`Kind::OutputExists`] when another input has one of the names, or one is an input itself.
    pub fn claim(&self, input: &Input, targets: &[Target]) -> Result<()> {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, own) = (input.name(), place(input.path()));
        for path in targets.iter().filter_map(|target| target.path.as_deref()) {
            let place = place(path);
            if place == own || self.inputs.contains(&place) {
                let message = format!("{} is one of the inputs, and inputs are never replaced", path.display());
                return Err(Error::new(Kind::OutputExists, message));
            }
            if let Some(other) = claimed.get(&place).filter(|other| **other != name) {
                let message = format!(
                    "{} is the output of {other} already; tell them apart by a template such as '{{stem}}-{{ext}}.png'",
                    path.display()
                );
                return Err(Error::new(Kind::OutputExists, message));
            }
            claimed.insert(place, name.clone());
        }
        Ok(())
    }

    /// Whether a file is an output of this run.
    pub fn is_output(&self, path: &Path) -> bool {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&place(path))
    }
}

/// One spelling for all paths that lead to the same file, whether it is there yet or not.
fn place(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (absolute.canonicalize(), absolute.parent().map(Path::canonicalize), absolute.file_name()) {
        (Ok(place), ..) => place,
        (Err(_), Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => absolute.components().collect(),
    }
}

#[cfg(test)]
mod tests;

//! What each picture's outputs are called, decided for all of them before the first is read.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use backgroundfx_core::{Error, Kind, Result, files::Format};

use super::{Setup, inputs::Input};
use crate::args::{OutputKind, RemoveArguments};

/// Added to the input's name when no output is named.
const SUFFIX: &str = "-nobg";

/// One picture and what is written of it.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its place among the inputs, from 1.
    pub index: usize,
    /// The picture.
    pub input: Input,
    /// Where each kind of output goes.
    pub outputs: Vec<Output>,
}

/// One output of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// What it holds.
    pub kind: OutputKind,
    /// Its format.
    pub format: Format,
    /// Where it goes; `None` is standard output.
    pub path: Option<PathBuf>,
}

impl Item {
    /// `input → output, output`.
    pub fn describe(&self) -> String {
        let outputs: Vec<_> = self.outputs.iter().map(Output::name).collect();
        format!("{} → {}", self.input.name(), outputs.join(", "))
    }
}

impl Output {
    /// How the output is called in messages and reports.
    pub fn name(&self) -> String {
        self.path.as_deref().map_or_else(|| "-".to_owned(), |path| path.display().to_string())
    }
}

/// Plans the outputs of all inputs.
///
/// # Errors
/// [`Kind::OptionInvalid`] when two outputs would have one name, or one would replace its input;
/// [`Kind::OutputUnsupported`] when a format is not written or cannot hold transparency.
pub fn plan(inputs: Vec<Input>, arguments: &RemoveArguments, setup: &Setup) -> Result<Vec<Item>> {
    let several = inputs.len() > 1 || inputs.iter().any(|input| matches!(input, Input::File { root: Some(_), .. }));
    let naming = Naming::of(arguments, several)?;
    let mut taken: HashMap<PathBuf, String> = HashMap::new();
    let mut items = Vec::with_capacity(inputs.len());
    for (position, input) in inputs.into_iter().enumerate() {
        let item = one(position + 1, input, &naming, arguments, setup)?;
        for path in item.outputs.iter().filter_map(|output| output.path.clone()) {
            if let Some(other) = taken.insert(path.clone(), item.input.name()) {
                let message = format!(
                    "{other} and {} would both be written to {}; use a template with {{index}} or {{reldir}}",
                    item.input.name(),
                    path.display()
                );
                return Err(Error::new(Kind::OptionInvalid, message));
            }
        }
        items.push(item);
    }
    Ok(items)
}

/// Plans the outputs of one picture.
///
/// # Errors
/// As [`plan`].
pub fn one(index: usize, input: Input, naming: &Naming, arguments: &RemoveArguments, setup: &Setup) -> Result<Item> {
    let mut outputs = Vec::new();
    for &kind in &setup.kinds {
        let mut output = naming.output(index, &input, kind, arguments, setup)?;
        if setup.kinds.len() > 1 {
            output.path = output.path.map(|path| with_suffix(&path, kind));
        }
        if matches!(&input, Input::File { path, .. } if Some(path) == output.path.as_ref()) {
            let message = format!("{} would replace the picture it is made from", output.name());
            return Err(Error::new(Kind::OptionInvalid, message));
        }
        check_format(&output, setup)?;
        outputs.push(output);
    }
    Ok(Item { index, input, outputs })
}

fn check_format(output: &Output, setup: &Setup) -> Result<()> {
    let transparent = output.kind == OutputKind::Rgba && setup.recipe.is_transparent();
    if !output.format.is_written() || (transparent && !output.format.holds_alpha()) {
        let message = format!("{} cannot hold a transparent cut-out", output.name());
        return Err(Error::new(Kind::OutputUnsupported, message));
    }
    Ok(())
}

/// How outputs are named.
pub enum Naming {
    /// `-nobg` after the input's name, beside it.
    Beside,
    /// Standard output.
    Stdout,
    /// This file.
    File(PathBuf),
    /// The input's name in this folder, with the folders it was found in.
    Folder(PathBuf),
    /// A name with fields in braces.
    Template(String),
}

impl Naming {
    /// How the arguments name outputs; `several` inputs need a folder or template.
    ///
    /// # Errors
    /// [`Kind::OptionInvalid`] when one file is named for several inputs.
    pub fn of(arguments: &RemoveArguments, several: bool) -> Result<Self> {
        let Some(output) = &arguments.output else { return Ok(Self::Beside) };
        let path = PathBuf::from(output);
        if output == "-" {
            if several || arguments.output_kind.len() > 1 {
                return Err(Error::new(Kind::OptionInvalid, "standard output takes one output of one picture"));
            }
            Ok(Self::Stdout)
        } else if output.contains('{') {
            Ok(Self::Template(output.clone()))
        } else if path.is_dir() || output.ends_with(['/', '\\']) || arguments.watch.is_some() {
            Ok(Self::Folder(path))
        } else if several && path.extension().is_none() {
            Ok(Self::Folder(path))
        } else if several {
            let message = format!("{output} is one file for several pictures; name a folder or a template");
            Err(Error::new(Kind::OptionInvalid, message))
        } else {
            Ok(Self::File(path))
        }
    }

    fn output(
        &self,
        index: usize,
        input: &Input,
        kind: OutputKind,
        arguments: &RemoveArguments,
        setup: &Setup,
    ) -> Result<Output> {
        let format = setup.write.format;
        let (source, root) = match input {
            Input::Stdin => (Path::new("stdin"), None),
            Input::File { path, root } => (path.as_path(), root.as_deref()),
        };
        let stem = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let inner =
            root.and_then(|root| source.strip_prefix(root).ok()).and_then(Path::parent).unwrap_or(Path::new(""));
        let path = match self {
            Self::Stdout => None,
            Self::Beside if *input == Input::Stdin => None,
            Self::Beside => Some(source.with_file_name(format!("{stem}{SUFFIX}.{}", format.extension()))),
            Self::File(path) => Some(path.clone()),
            Self::Folder(folder) => Some(folder.join(inner).join(format!("{stem}.{}", format.extension()))),
            Self::Template(template) => Some(PathBuf::from(fill(template, index, source, inner, &stem, setup)?)),
        };
        let named = path.as_deref().and_then(Format::from_path);
        if let (None, None, Self::File(file)) = (named, arguments.format, self) {
            let message = format!("{} has no extension of a picture format; add one or use --format", file.display());
            return Err(Error::new(Kind::OutputUnsupported, message));
        }
        Ok(Output { kind, format: arguments.format.or(named).unwrap_or(format), path })
    }
}

/// Fills the fields of a template.
fn fill(template: &str, index: usize, source: &Path, inner: &Path, stem: &str, setup: &Setup) -> Result<String> {
    let wrong = |message: String| Error::new(Kind::OptionInvalid, format!("-o {template}: {message}"));
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (field, after) = after.split_once('}').ok_or_else(|| wrong("a brace is not closed".to_owned()))?;
        rest = after;
        let (name, width) = field.split_once(':').unwrap_or((field, "0"));
        let width: usize = width.parse().map_err(|_| wrong(format!("{{{field}}} has no number behind the colon")))?;
        filled.push_str(&match name {
            "stem" => stem.to_owned(),
            "name" => text(source.file_name()),
            "ext" => text(source.extension()),
            "dir" => match source.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder.display().to_string(),
                _ => ".".to_owned(),
            },
            "reldir" if inner.as_os_str().is_empty() => ".".to_owned(),
            "reldir" => inner.display().to_string(),
            "index" => format!("{index:0width$}"),
            "model" => setup.recipe.options().model.clone(),
            _ => return Err(wrong(format!("{{{name}}} is none of stem, name, ext, dir, reldir, index, model"))),
        });
    }
    Ok(filled + rest)
}

fn with_suffix(path: &Path, kind: OutputKind) -> PathBuf {
    let suffix = match kind {
        OutputKind::Rgba => return path.to_owned(),
        OutputKind::Alpha => "-alpha",
        OutputKind::Mask => "-mask",
        OutputKind::Color => "-color",
    };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}{suffix}{extension}"))
}

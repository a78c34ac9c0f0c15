//! Which clips are meant, and what their outputs are called.

use std::{
    fs,
    path::{Path, PathBuf},
};

use backgroundfx_core::{
    Error, Kind, Result,
    files::IfExists,
    video::{Content, Format, PIPE, clip_of},
};

use super::{if_exists, wrong};
use crate::args::VideoArguments;

/// One clip and the files that are to be made of it.
#[derive(Debug)]
pub struct Order {
    pub input: PathBuf,
    pub outputs: Vec<(Content, PathBuf)>,
    pub format: &'static Format,
    pub if_exists: IfExists,
    /// Only so many seconds are wanted.
    pub seconds: Option<f64>,
}

/// All clips of a call, planned.
pub fn orders(arguments: &VideoArguments) -> Result<Vec<Order>> {
    let inputs = inputs(&arguments.inputs)?;
    let output = arguments.output.as_deref();
    let folder = output.is_some_and(|path| path.is_dir() || path.as_os_str().to_string_lossy().ends_with(['/', '\\']));
    let named = output.filter(|_| !folder);
    let piped = named == Some(Path::new(PIPE));
    if inputs.iter().any(|input| input == Path::new(PIPE)) && output.is_none() {
        return Err(wrong("standard input has no name to call the output after; name it with -o"));
    }
    if inputs.len() > 1 && named.is_some() {
        return Err(wrong(format!("{} clips need a folder: end -o with a slash", inputs.len())));
    }
    let format = match (&arguments.format, named) {
        (Some(name), _) => Format::named(name)?,
        (None, Some(_)) if piped => Format::named("y4m")?,
        (None, Some(path)) => Format::of_path(path)?,
        (None, None) => Format::named(if arguments.background.is_some() { "mp4" } else { "webm" })?,
    };
    let contents = contents(arguments, format)?;
    if folder {
        let folder = output.unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| {
            Error::new(Kind::OutputUnwritable, format!("{} cannot be made: {error}", folder.display())).because(error)
        })?;
    }
    let order = |input: PathBuf| {
        let main = named.map_or_else(|| beside(&input, output.filter(|_| folder), format), Path::to_owned);
        let outputs: Vec<_> = contents.iter().map(|content| (*content, called(&main, *content, contents))).collect();
        if let Some((_, path)) = outputs.iter().find(|(_, path)| is_same(path, &input)) {
            return Err(wrong(format!("{} would be written over itself", path.display())));
        }
        Ok(Order { input, outputs, format, if_exists: if_exists(arguments), seconds: arguments.preview })
    };
    inputs.into_iter().map(order).collect()
}

/// What is written, as asked for or as the background and the format suggest.
fn contents(arguments: &VideoArguments, format: &Format) -> Result<&'static [Content]> {
    use crate::args::VideoKind;
    let kind = match (arguments.output_kind, &arguments.background) {
        (Some(kind), _) => kind,
        (None, Some(_)) => VideoKind::Composite,
        (None, None) if format.holds_alpha() => VideoKind::Rgba,
        (None, None) => {
            let message = format!("{} holds no transparency, and no --background is given", format.name);
            return Err(Error::new(Kind::OutputUnsupported, message));
        }
    };
    Ok(kind.contents())
}

/// Clips as named, and those in folders.
fn inputs(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut inputs = Vec::new();
    for path in named {
        if !path.is_dir() {
            inputs.push(path.clone());
            continue;
        }
        let unreadable = |error: std::io::Error| {
            Error::new(Kind::InputUnreadable, format!("{} cannot be read: {error}", path.display())).because(error)
        };
        let entries = fs::read_dir(path).map_err(unreadable)?;
        let mut clips: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file() && is_clip(path)).collect();
        clips.sort();
        inputs.extend(clips);
    }
    if inputs.is_empty() {
        return Err(Error::new(Kind::InputUnreadable, "the folder holds no clip"));
    }
    Ok(inputs)
}

fn is_clip(path: &Path) -> bool {
    let made = path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(SUFFIX));
    !made && (clip_of(&path.to_string_lossy()).is_some() || path.extension().is_some_and(|end| end == "gif"))
}

/// What stands behind the stem of a name that was made.
const SUFFIX: &str = "-nobg";

/// The name of an output that was not named: beside the clip, or in a folder.
fn beside(input: &Path, folder: Option<&Path>, format: &Format) -> PathBuf {
    let stem = input.file_stem().unwrap_or_default().to_string_lossy();
    let end = match (format.extensions, format.name) {
        (_, "png") => String::new(),
        ([first, ..], _) => format!(".{first}"),
        ([], "hevc") => ".mp4".to_owned(),
        ([], _) => ".mov".to_owned(),
    };
    let name = if folder.is_some() { format!("{stem}{end}") } else { format!("{stem}{SUFFIX}{end}") };
    folder.map_or_else(|| input.with_file_name(&name), |folder| folder.join(&name))
}

/// The name of one of several outputs: the matte beside colours is told apart.
fn called(main: &Path, content: Content, all: &[Content]) -> PathBuf {
    if all.len() < 2 || content != Content::Matte {
        return main.to_owned();
    }
    let stem = main.file_stem().unwrap_or_default().to_string_lossy();
    let end = main.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    main.with_file_name(format!("{stem}-alpha{end}"))
}

fn is_same(output: &Path, input: &Path) -> bool {
    match (output.canonicalize(), input.canonicalize()) {
        (Ok(output), Ok(input)) => output == input,
        _ => false,
    }
}

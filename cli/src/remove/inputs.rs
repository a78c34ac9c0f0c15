//! Which pictures are meant: files, folders, patterns, lists, standard input.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use backgroundfx_core::{Error, Kind, Result, files::Format};

use crate::args::RemoveArguments;

/// One picture to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file, and the folder given on the command line that it was found in.
    File {
        /// The file.
        path: PathBuf,
        /// The folder it was found in, whose inner structure outputs keep.
        root: Option<PathBuf>,
    },
}

impl Input {
    /// How the input is called in messages and reports.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File { path, .. } => path.display().to_string(),
        }
    }
}

/// All inputs that the arguments name, in order.
///
/// # Errors
/// [`Kind::InputUnreadable`] for folders without -r, patterns without a match and lists that cannot be
/// read. A file that is not there is no error here: it fails when its turn comes.
pub fn expand(arguments: &RemoveArguments) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for named in &arguments.inputs {
        add(named, arguments.recursive, &mut inputs)?;
    }
    if let Some(list) = &arguments.files_from {
        for line in listed(list, arguments.null)? {
            inputs.push(Input::File { path: line.into(), root: None });
        }
    }
    Ok(inputs)
}

fn add(named: &str, recursive: bool, inputs: &mut Vec<Input>) -> Result<()> {
    let path = Path::new(named);
    if named == "-" {
        inputs.push(Input::Stdin);
    } else if path.is_dir() {
        if !recursive {
            let message = format!("{named} is a folder; add -r to go into it");
            return Err(Error::new(Kind::InputUnreadable, message));
        }
        let mut found = Vec::new();
        pictures_in(path, &mut found)?;
        inputs.extend(found.into_iter().map(|file| Input::File { path: file, root: Some(path.to_owned()) }));
    } else if !path.exists() && named.contains(['*', '?', '[']) {
        // Shells expand patterns themselves; Windows' do not.
        let wrong = |error: &dyn std::fmt::Display| Error::new(Kind::InputUnreadable, format!("{named}: {error}"));
        let before = inputs.len();
        for found in glob::glob(named).map_err(|error| wrong(&error))? {
            let path = found.map_err(|error| wrong(&error))?;
            if path.is_file() {
                inputs.push(Input::File { path, root: None });
            }
        }
        if inputs.len() == before {
            return Err(wrong(&"no file matches this pattern"));
        }
    } else {
        inputs.push(Input::File { path: path.to_owned(), root: None });
    }
    Ok(())
}

/// Pictures of a folder and its inner ones, told by their extension, in the order of their names. Hidden ones are left out.
pub fn pictures_in(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |error: std::io::Error| {
        Error::new(Kind::InputUnreadable, format!("cannot read the folder {}: {error}", folder.display()))
            .because(error)
    };
    let mut entries = fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(unreadable)?;
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_link = path.is_symlink();
        if hidden {
        } else if path.is_dir() && !is_link {
            // Links to folders may lead in circles.
            pictures_in(&path, found)?;
        } else if Format::from_path(&path).is_some() && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

fn listed(list: &Path, null: bool) -> Result<Vec<String>> {
    let unreadable = |error: std::io::Error| {
        Error::new(Kind::InputUnreadable, format!("cannot read the list {}: {error}", list.display())).because(error)
    };
    let text = if list == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
        text
    } else {
        fs::read_to_string(list).map_err(unreadable)?
    };
    let names = text.split(if null { '\0' } else { '\n' });
    Ok(names.map(|name| name.trim_end_matches('\r')).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

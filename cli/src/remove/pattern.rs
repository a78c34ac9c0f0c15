//! Patterns such as `shop/**/*.jpg`, for shells that hand them through.
//!
//! `glob::glob` stops the program at names that are not Unicode, so only its matching of single names is used.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use backgroundfx_core::{Error, Kind, Result};
use glob::{MatchOptions, Pattern};

/// Whether a text is a pattern.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// All files whose path matches, sorted by name within each folder. `*` and `?` stay within one name, `**` is any number
/// of folders; as in a shell, hidden names have to be named with their dot. What cannot be listed is passed over.
///
/// # Errors
/// [`Kind::OptionInvalid`] when the text is no pattern.
pub fn files(pattern: &str) -> Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    for component in Path::new(pattern).components() {
        let name = component.as_os_str().to_str().unwrap_or_default();
        found = match component {
            Component::Normal(_) if name == "**" => found.iter().flat_map(|folder| folders_below(folder)).collect(),
            Component::Normal(_) if is_pattern(name) => {
                let single = Pattern::new(name)
                    .map_err(|error| Error::new(Kind::OptionInvalid, format!("{pattern:?} is no pattern: {error}")))?;
                found.iter().flat_map(|folder| entries(folder, &single)).collect()
            }
            _ => found.into_iter().map(|path| path.join(component)).collect(),
        };
    }
    found.retain(|path| path.is_file());
    Ok(found)
}

/// What lies in a folder under a matching name.
fn entries(folder: &Path, pattern: &Pattern) -> Vec<PathBuf> {
    const OPTIONS: MatchOptions =
        MatchOptions { case_sensitive: true, require_literal_separator: false, require_literal_leading_dot: true };
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let names = fs::read_dir(here).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut names: Vec<_> = names.filter(|name| pattern.matches_with(&name.to_string_lossy(), OPTIONS)).collect();
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}

/// A folder and all folders below it, but hidden ones and links.
fn folders_below(folder: &Path) -> Vec<PathBuf> {
    let any = Pattern::new("*").expect("a star is a pattern");
    let inner = entries(folder, &any).into_iter().filter(|path| path.is_dir() && !path.is_symlink());
    std::iter::once(folder.to_owned()).chain(inner.flat_map(|folder| folders_below(&folder))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_a_shell() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir_all(root.join(".hidden")).unwrap();
        for name in ["2.jpg", "1.jpg", ".3.jpg", "1.png", "a/4.jpg", "a/b/5.jpg", ".hidden/6.jpg"] {
            fs::write(root.join(name), b"").unwrap();
        }
        #[cfg(target_os = "linux")]
        fs::write(root.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"not\xffunicode")), b"")
            .unwrap();
        let cases: &[(&str, &[&str])] = &[
            ("*.jpg", &["1.jpg", "2.jpg"]),
            ("[13].*", &["1.jpg", "1.png"]),
            (".*.jpg", &[".3.jpg"]),
            ("*/*.jpg", &["a/4.jpg"]),
            ("**/*.jpg", &["1.jpg", "2.jpg", "a/4.jpg", "a/b/5.jpg"]),
            ("a/**/?.jpg", &["a/4.jpg", "a/b/5.jpg"]),
            ("../*/none.*", &[]),
        ];
        for (pattern, expected) in cases {
            let found = files(root.join(pattern).to_str().unwrap()).unwrap();
            let expected: Vec<PathBuf> = expected.iter().map(|name| root.join(name)).collect();
            assert_eq!(found, expected, "{pattern}");
        }
        assert_eq!(files("src/*/[").unwrap_err().kind(), Kind::OptionInvalid);
    }
}

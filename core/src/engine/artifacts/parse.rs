//! Reads manifest rows from TOML and reports everything that is wrong with them at once.

use serde::Deserialize;

use super::manifest::{Artifact, License, Source, Take};
use crate::{Error, Kind, Result};

/// A row as written. What it does not name lands in `rest`, so that every unknown field is reported, not only
/// the first.
#[derive(Deserialize)]
struct Row {
    id: String,
    provides: Names,
    file: String,
    #[serde(default)]
    aliases: Vec<String>,
    bytes: Option<u64>,
    sha256: Option<String>,
    md5: Option<String>,
    platform: Option<String>,
    note: Option<String>,
    license: License,
    #[serde(default)]
    network: toml::Table,
    #[serde(default)]
    sources: Vec<SourceRow>,
    #[serde(flatten)]
    rest: toml::Table,
}

/// One name, or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name],
            Self::Several(names) => names,
        }
    }

    fn has_empty(&self) -> bool {
        match self {
            Self::One(name) => name.is_empty(),
            Self::Several(names) => names.is_empty() || names.iter().any(String::is_empty),
        }
    }
}

#[derive(Deserialize)]
struct SourceRow {
    url: Option<String>,
    npm: Option<String>,
    pip: Option<String>,
    version: Option<String>,
    python: Option<String>,
    platform: Option<String>,
    member: Option<String>,
    list: Option<String>,
    entry: Option<String>,
    sha256: Option<String>,
    #[serde(flatten)]
    rest: toml::Table,
}

/// The rows of `before` followed by those of `text`.
pub(super) fn rows(text: &str, before: &[Artifact]) -> Result<Vec<Artifact>> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| invalid(&[error.to_string()]))?;
    let mut problems = Vec::new();
    let mut artifacts = before.to_vec();
    for (key, value) in table {
        match (key.as_str(), value) {
            ("artifact", toml::Value::Array(values)) => {
                for (index, value) in values.into_iter().enumerate() {
                    artifacts.extend(artifact(index, value, &mut problems));
                }
            }
            (key, _) => problems.push(format!("{key}: only [[artifact]] rows are known")),
        }
    }
    check_unique(&artifacts, &mut problems);
    if problems.is_empty() { Ok(artifacts) } else { Err(invalid(&problems)) }
}

fn invalid(problems: &[String]) -> Error {
    Error::new(Kind::ConfigInvalid, format!("the list of artifacts is not valid\n  {}", problems.join("\n  ")))
}

fn artifact(index: usize, value: toml::Value, problems: &mut Vec<String>) -> Option<Artifact> {
    let name = match value.get("id").and_then(toml::Value::as_str) {
        Some(id) => format!("artifact {id}"),
        None => format!("artifact number {}", index + 1),
    };
    let row: Row = match value.try_into() {
        Ok(row) => row,
        Err(error) => {
            problems.push(format!("{name}: {}", error.message()));
            return None;
        }
    };
    let mut own = Vec::new();
    check_row(&row, &mut own);
    let sources = row.sources.into_iter().filter_map(|row| source(row, &mut own)).collect();
    problems.extend(own.into_iter().map(|problem| format!("{name}: {problem}")));
    let Row { id, provides, file, aliases, bytes, sha256, md5, platform, note, license, network, .. } = row;
    let provides = provides.list();
    Some(Artifact { id, provides, file, aliases, bytes, sha256, md5, platform, note, license, network, sources })
}

fn check_row(row: &Row, problems: &mut Vec<String>) {
    problems.extend(row.rest.keys().map(|key| format!("{key} is not a field of an artifact")));
    for (field, empty) in [("id", row.id.is_empty()), ("provides", row.provides.has_empty())] {
        if empty {
            problems.push(format!("{field} is empty"));
        }
    }
    for name in std::iter::once(&row.file).chain(&row.aliases) {
        if !is_file_name(name) {
            problems.push(format!("{name:?} is not a plain file name of letters, digits and ._+-"));
        }
    }
    if row.bytes == Some(0) {
        problems.push("bytes is 0; leave it out when it is not known".into());
    }
    check_digest("sha256", row.sha256.as_deref(), 64, problems);
    check_digest("md5", row.md5.as_deref(), 32, problems);
}

fn check_digest(field: &str, text: Option<&str>, length: usize, problems: &mut Vec<String>) {
    let fits =
        |text: &str| text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if text.is_some_and(|text| !fits(text)) {
        problems.push(format!("{field} must be {length} hexadecimal digits in lower case"));
    }
}

/// A plain name that cannot leave its folder, hide, or meet the store's own names.
fn is_file_name(name: &str) -> bool {
    let taken = [".part", ".sha256", ".fetch", ".lock"];
    !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
        && !taken.iter().any(|ending| name.ends_with(ending))
}

fn source(row: SourceRow, problems: &mut Vec<String>) -> Option<Source> {
    problems.extend(row.rest.keys().map(|key| format!("{key} is not a field of a source")));
    check_digest("sha256 of a source", row.sha256.as_deref(), 64, problems);
    let made = match row {
        SourceRow { url: Some(url), npm: None, pip: None, .. } => url_source(url, row.member, row.sha256),
        SourceRow { npm: Some(package), url: None, pip: None, .. } => {
            npm_source(package, row.version, row.member, row.list, row.entry)
        }
        SourceRow { pip: Some(package), url: None, npm: None, .. } => {
            pip_source(package, row.version, row.python, row.platform, row.member)
        }
        _ => Err("a source needs exactly one of url, npm and pip"),
    };
    made.map_err(|problem| problems.push(problem.to_string())).ok()
}

type Made = std::result::Result<Source, &'static str>;

fn url_source(url: String, member: Option<String>, sha256: Option<String>) -> Made {
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err("a source's url must start with https:// or http://");
    }
    if sha256.is_some() && member.is_none() {
        return Err("a source's sha256 is an archive's and needs member; the file's own belongs to the artifact");
    }
    Ok(Source::Url { url, member, sha256 })
}

fn npm_source(
    package: String,
    version: Option<String>,
    member: Option<String>,
    list: Option<String>,
    entry: Option<String>,
) -> Made {
    let take = match (member, list, entry) {
        (Some(member), None, None) => Take::Member(member),
        (None, Some(list), Some(entry)) => Take::Pieces { list, entry },
        _ => return Err("an npm source needs either member, or list and entry"),
    };
    match version {
        Some(version) if is_package(&package) && is_word(&version) => Ok(Source::Npm { package, version, take }),
        _ => Err("an npm source needs a package and an exact version, both plain words"),
    }
}

fn pip_source(
    package: String,
    version: Option<String>,
    python: Option<String>,
    platform: Option<String>,
    member: Option<String>,
) -> Made {
    let (Some(version), Some(python), Some(platform), Some(member)) = (version, python, platform, member) else {
        return Err("a pip source needs version, python, platform and member");
    };
    if ![&package, &version, &python, &platform].into_iter().all(|text| is_word(text)) {
        return Err("a pip source's package, version, python and platform must be plain words");
    }
    Ok(Source::Pip { package, version, python, platform, member })
}

/// A package's name that its client cannot take for an option, a path or an address: `name` or `@scope/name`.
fn is_package(text: &str) -> bool {
    match text.strip_prefix('@').and_then(|scoped| scoped.split_once('/')) {
        Some((scope, name)) => is_word(scope) && is_word(name),
        None => is_word(text),
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
}

fn check_unique(artifacts: &[Artifact], problems: &mut Vec<String>) {
    for (index, one) in artifacts.iter().enumerate() {
        for other in &artifacts[..index] {
            if one.id == other.id {
                problems.push(format!("artifact {}: the id stands twice", one.id));
            }
            let meet = one.platform.is_none() || other.platform.is_none() || one.platform == other.platform;
            if meet && one.file == other.file {
                problems.push(format!("artifact {}: its file name is also that of {}", one.id, other.id));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LICENSE: &str = r#"license = { code = "MIT", weights = "MIT", commercial = true }"#;

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = format!(
            r#"
            colour = 1
            [[artifact]]
            id = "a"
            provides = ""
            file = "../a.onnx"
            bytes = 0
            sha256 = "ABC"
            size = 1
            weight = 2
            {LICENSE}
            sources = [
                {{ url = "ftp://x/a" }}, {{ npm = "owner/name", version = "1", member = "a" }}, {{ url = "https://x", pip = "y" }},
                {{ pip = "-r", version = "1", python = "3.11", platform = "any", member = "a" }}, {{ url = "https://x/a", hash = "1" }},
            ]
            [[artifact]]
            id = "a"
            provides = "a"
            file = "b.onnx"
            [[artifact]]
            id = "c"
            provides = "c"
            file = "b.onnx.part"
            {LICENSE}
            [[artifact]]
            id = "c"
            provides = "c"
            file = "b.onnx.part"
            {LICENSE}
            "#
        );
        let error = rows(&text, &[]).unwrap_err();
        assert_eq!(error.kind(), Kind::ConfigInvalid);
        let message = error.to_string();
        for expected in [
            "colour: only [[artifact]] rows",
            "artifact a: provides is empty",
            "\"../a.onnx\" is not a plain file name",
            "bytes is 0",
            "sha256 must be 64",
            "size is not a field of an artifact",
            "weight is not a field of an artifact",
            "must start with https://",
            "an npm source needs a package",
            "exactly one of url, npm and pip",
            "a pip source's package",
            "hash is not a field of a source",
            "artifact a: missing field `license`",
            "\"b.onnx.part\" is not a plain file name",
            "artifact c: the id stands twice",
            "artifact c: its file name is also that of c",
        ] {
            assert!(message.contains(expected), "{expected:?} is missing from:\n{message}");
        }
    }

    #[test]
    fn rows_follow_those_before_them() {
        let row = |id: &str| format!("[[artifact]]\nid = {id:?}\nprovides = \"x\"\nfile = \"{id}.onnx\"\n{LICENSE}\n");
        let before = rows(&row("one"), &[]).unwrap();
        let both = rows(&row("two"), &before).unwrap();
        assert_eq!(both.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert!(rows(&row("one"), &before).unwrap_err().to_string().contains("the id stands twice"));
    }
}

//! The user's own networks, described by rows of a TOML file: any ONNX file (or `.tflite` file of known operators) with
//! one picture in and a matte out.
//!
//! ```toml
//! [[model]]
//! name = "our-products"
//! file = "our-products.onnx"           # beside this file, or an absolute path
//! license = "proprietary"
//! input = { size = { width = 1024, height = 1024 }, mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] }
//! output = { activation = "sigmoid" }
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Input, ModelCard, Output, OwnFile};
use crate::{Error, Kind, Result, engine::artifacts::License, tensor::classes::BACKGROUND};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    file: PathBuf,
    decoder: Option<PathBuf>,
    #[serde(default)]
    parts: BTreeMap<String, PathBuf>,
    #[serde(default)]
    family: Family,
    #[serde(default)]
    about: String,
    license: String,
    #[serde(default = "yes")]
    commercial: bool,
    memory_mb: Option<u32>,
    input: Input,
    #[serde(default)]
    output: Output,
}

/// How a network of the user's own is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Family {
    /// Picture in, matte out.
    #[default]
    Custom,
    /// Asked by points and boxes as Segment Anything is: the picture fitted into its input.
    Sam,
    /// As Segment Anything 2: the picture stretched to its input.
    Sam2,
    /// For matting, as ViTMatte is: colours and trimap in, alpha out.
    VitMatte,
    /// For clips, as Robust Video Matting is.
    Rvm,
    /// For clips, as Segment Anything 2 is with its memory.
    #[serde(rename = "sam2-video")]
    Sam2Video,
    /// For clips, as MatAnyone is.
    MatAnyone,
}

impl Family {
    const fn name(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Sam => "sam",
            Self::Sam2 => "sam2",
            Self::VitMatte => super::vitmatte::FAMILY,
            Self::Rvm => super::rvm::FAMILY,
            Self::Sam2Video => super::sam2_video::FAMILY,
            Self::MatAnyone => super::matanyone::FAMILY,
        }
    }
}

fn yes() -> bool {
    true
}

/// Reads the rows of the user's file.
///
/// # Errors
/// [`Kind::InputUnreadable`] when it cannot be read, [`Kind::ConfigInvalid`] when it is not such a file.
pub fn cards(path: &Path) -> Result<Vec<ModelCard>> {
    let text = fs::read_to_string(path)
        .map_err(|error| Error::new(Kind::InputUnreadable, format!("cannot read {}", path.display())).because(error))?;
    let file: File = toml::from_str(&text).map_err(|error| {
        Error::new(Kind::ConfigInvalid, format!("{}: {}", path.display(), error.to_string().trim())).because(error)
    })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let problems: Vec<String> = file.model.iter().flat_map(problems).collect();
    if !problems.is_empty() {
        return Err(Error::new(Kind::ConfigInvalid, format!("{}: {}", path.display(), problems.join("; "))));
    }
    Ok(file.model.into_iter().map(|row| card(row, folder)).collect())
}

fn card(row: Row, folder: &Path) -> ModelCard {
    let parts = row.decoder.map(|decoder| ("decoder".to_owned(), decoder)).into_iter().chain(row.parts);
    let license =
        License { code: "-".to_owned(), weights: row.license, data: None, commercial: row.commercial, note: None };
    ModelCard {
        name: row.name,
        family: row.family.name(),
        about: row.about,
        input: row.input,
        output: row.output,
        memory_mb: row.memory_mb,
        own: Some(OwnFile {
            path: folder.join(row.file),
            parts: parts.into_iter().map(|(part, file)| (part, folder.join(file))).collect(),
            license,
        }),
    }
}

fn problems(row: &Row) -> Vec<String> {
    let mut problems = Vec::new();
    let sides = match row.input.size {
        super::InputSize::Fixed { width, height } => [width, height],
        super::InputSize::ShortSide { short_side, multiple } => [short_side, multiple],
        super::InputSize::AtMost { longer_side, shorter_side } => [longer_side, shorter_side],
    };
    if sides.iter().any(|side| !(1..=8192).contains(side)) {
        problems.push(format!("{}: input.size has a side of {sides:?}, allowed is 1 to 8192", row.name));
    }
    if row.input.std.iter().any(|std| !std.is_normal()) || row.input.mean.iter().any(|mean| !mean.is_finite()) {
        problems.push(format!("{}: input.mean and input.std must be finite, std not 0", row.name));
    }
    let softmax = row.output.activation == super::Activation::Softmax;
    if softmax == row.output.classes.is_empty() {
        problems.push(format!("{}: output.classes and the activation softmax belong together", row.name));
    }
    if softmax && !row.output.classes.iter().any(|class| class == BACKGROUND) {
        problems.push(format!("{}: one of output.classes must be {BACKGROUND:?}", row.name));
    }
    problems.extend(wrong_parts(row));
    let fixed = matches!(row.input.size, super::InputSize::Fixed { .. });
    let own = matches!(row.input.size, super::InputSize::AtMost { .. });
    match row.family {
        Family::Custom => {}
        Family::Rvm | Family::MatAnyone if !own => {
            problems
                .push(format!("{}: input.size of {:?} must have longer_side and shorter_side", row.name, row.family));
        }
        Family::Sam | Family::Sam2 | Family::Sam2Video | Family::VitMatte if !fixed => {
            problems.push(format!("{}: input.size of {:?} must have width and height", row.name, row.family));
        }
        _ => {}
    }
    problems
}

/// What is wrong with the files of its further networks.
fn wrong_parts(row: &Row) -> Option<String> {
    let needed: BTreeSet<&str> = super::parts_of(row.family.name()).iter().copied().collect();
    let named = row.decoder.iter().map(|_| "decoder").chain(row.parts.keys().map(String::as_str));
    let named: BTreeSet<&str> = named.collect();
    let list = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(", ");
    (needed != named).then(|| match needed.len() {
        0 => format!("{}: the family {} has no parts such as {}", row.name, row.family.name(), list(&named)),
        _ => format!("{}: the family {} needs the parts {}", row.name, row.family.name(), list(&needed)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<ModelCard>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("models.toml");
        fs::write(&file, text).unwrap();
        cards(&file)
    }

    #[test]
    fn families_of_several_networks_name_all_their_files_and_no_others() {
        let square = "input = { size = { width = 64, height = 64 } }";
        let own = "input = { size = { longer_side = 1920, shorter_side = 480 } }";
        let tracker = r#"parts = { decoder = "d", memory-encoder = "e", memory-attention = "a" }"#;
        let mattes = r#"parts = { mask-encoder = "m", readout = "r", first-readout = "f", decoder = "d" }"#;
        for (family, rest, count) in [
            ("sam", format!("decoder = \"d\"\n{square}"), Some(2)),
            ("sam2", format!("{square}\nparts = {{ decoder = \"d\" }}"), Some(2)),
            ("sam2", square.to_owned(), None),
            ("sam2-video", format!("{square}\n{tracker}"), Some(4)),
            ("sam2-video", format!("{square}\ndecoder = \"d\""), None),
            ("sam2-video", format!("{own}\n{tracker}"), None),
            ("matanyone", format!("{own}\n{mattes}"), Some(5)),
            ("matanyone", format!("{square}\n{mattes}"), None),
            ("rvm", own.to_owned(), Some(1)),
            ("rvm", format!("{own}\ndecoder = \"d\""), None),
            ("custom", format!("{square}\nparts = {{ readout = \"r\" }}"), None),
        ] {
            let text = format!("[[model]]\nname = \"x\"\nfile = \"x\"\nlicense = \"-\"\nfamily = \"{family}\"\n{rest}");
            match (read(&text), count) {
                (Ok(cards), Some(count)) => {
                    assert_eq!(cards[0].files().len(), count, "{text}");
                    let own = cards[0].own.as_ref().expect("a row of the user's");
                    assert!(cards[0].parts().iter().all(|part| own.parts.contains_key(*part)), "{text}");
                }
                (Err(error), None) => assert_eq!(error.kind(), Kind::ConfigInvalid, "{text}"),
                (read, _) => panic!("{text}\n{:?}", read.map(|cards| cards.len())),
            }
        }
    }
}

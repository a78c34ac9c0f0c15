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

use std::{fs, path::Path};

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
    file: std::path::PathBuf,
    decoder: Option<std::path::PathBuf>,
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
    let license =
        License { code: "-".to_owned(), weights: row.license, data: None, commercial: row.commercial, note: None };
    ModelCard {
        name: row.name,
        family: match row.family {
            Family::Custom => "custom",
            Family::Sam => "sam",
            Family::Sam2 => "sam2",
            Family::VitMatte => super::vitmatte::FAMILY,
        },
        about: row.about,
        input: row.input,
        output: row.output,
        memory_mb: row.memory_mb,
        own: Some(OwnFile {
            path: folder.join(row.file),
            decoder: row.decoder.map(|decoder| folder.join(decoder)),
            license,
        }),
    }
}

fn problems(row: &Row) -> Vec<String> {
    let mut problems = Vec::new();
    let sides = match row.input.size {
        super::InputSize::Fixed { width, height } => [width, height],
        super::InputSize::ShortSide { short_side, multiple } => [short_side, multiple],
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
    if row.decoder.is_some() != matches!(row.family, Family::Sam | Family::Sam2) {
        problems.push(format!("{}: decoder belongs to the families sam and sam2, and they need it", row.name));
    }
    if row.family != Family::Custom && !matches!(row.input.size, super::InputSize::Fixed { .. }) {
        problems.push(format!("{}: input.size of {:?} must have width and height", row.name, row.family));
    }
    problems
}

//! What is special about one variant of a model: its row in the table.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

use super::{key, matanyone, rvm, sam2_video, vitmatte};
use crate::{
    Error, Kind, Result,
    engine::{
        Weights,
        artifacts::{License, Manifest},
    },
    options::Subject,
};

/// Everything special about one variant of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCard {
    /// What people call it, and what the manifest's artifacts provide.
    pub name: String,
    /// The family it belongs to.
    pub family: &'static str,
    /// What it is good for, in one sentence.
    pub about: String,
    /// How a picture becomes its input.
    pub input: Input,
    /// How its output becomes a matte.
    pub output: Output,
    /// Main memory it needs to run on a processor, in MB; `None` where nobody has measured it.
    pub memory_mb: Option<u32>,
    /// The user's own file and its licence, for models that no artifact provides.
    pub own: Option<OwnFile>,
}

impl ModelCard {
    /// Where its network's file comes from.
    #[must_use]
    pub fn weights<'a>(&'a self, manifest: &'a Manifest) -> Weights<'a> {
        match &self.own {
            Some(own) => Weights::Own(&own.path),
            None => Weights::Listed(manifest, &self.name),
        }
    }

    /// Whether it must be told by points or a box where the subject is.
    #[must_use]
    pub fn is_prompted(&self) -> bool {
        matches!(self.family, "sam" | "sam2" | sam2_video::FAMILY)
    }

    /// Whether what it finds in a frame depends on the frames before it.
    #[must_use]
    pub fn remembers(&self) -> bool {
        matches!(self.family, rvm::FAMILY | sam2_video::FAMILY | matanyone::FAMILY)
    }

    /// What its further networks are called, beside the one that [`weights`](Self::weights) names.
    #[must_use]
    pub fn parts(&self) -> &'static [&'static str] {
        parts_of(self.family)
    }

    /// Whether it finds no subject but alpha around one: it is for matting.
    #[must_use]
    pub fn is_matting(&self) -> bool {
        self.family == vitmatte::FAMILY
    }

    /// Whether it tells the subject by colours alone and has no network: nothing is fetched or loaded for it.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.family == key::FAMILY
    }

    /// Whether it is one network that is shown the whole picture at one size and answers with its matte, and nothing more:
    /// what runs wherever ONNX does.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let several = self.is_prompted() || self.remembers() || self.is_matting() || self.is_key();
        let fixed = matches!(self.input.size, InputSize::Fixed { .. }) && self.input.layout == Layout::Nchw;
        !several && fixed && self.output.activation != Activation::Softmax
    }

    /// What the manifest calls its files: its own name, and that with each of its [parts](Self::parts) behind it; none
    /// without a network.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        if self.is_key() {
            return Vec::new();
        }
        let parts = self.parts().iter().map(|part| format!("{}.{part}", self.name));
        std::iter::once(self.name.clone()).chain(parts).collect()
    }

    /// Checks that the model can find what is asked for.
    ///
    /// # Errors
    /// [`Kind::OptionInvalid`] for a model that finds no subjects; [`Kind::PromptMissing`] when it must be told where the subject is and is not; [`Kind::ClassUnknown`] when it does
    /// not tell a class apart that is asked for.
    pub fn check(&self, subject: &Subject) -> Result<()> {
        if self.is_matting() {
            let message =
                format!("{} finds no subject but alpha around one: it is for the matting vitmatte", self.name);
            return Err(Error::new(Kind::OptionInvalid, message));
        }
        if self.is_prompted() && !subject.is_placed() {
            let message = format!("{} finds what points or a box show, and there are none", self.name);
            return Err(Error::new(Kind::PromptMissing, message));
        }
        let known = &self.output.classes;
        let unknown: Vec<&str> =
            subject.classes.iter().filter(|class| !known.contains(class)).map(String::as_str).collect();
        match unknown.as_slice() {
            [] => Ok(()),
            _ if known.is_empty() => {
                Err(Error::new(Kind::ClassUnknown, format!("{} tells no classes apart", self.name)))
            }
            names => {
                let message =
                    format!("{} knows no class {}; it knows {}", self.name, names.join(", "), known.join(", "));
                Err(Error::new(Kind::ClassUnknown, message))
            }
        }
    }
}

pub(super) fn parts_of(family: &str) -> &'static [&'static str] {
    match family {
        "sam" | "sam2" => &["decoder"],
        sam2_video::FAMILY => &sam2_video::PARTS,
        matanyone::FAMILY => &matanyone::PARTS,
        _ => &[],
    }
}

/// A model file of the user's.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnFile {
    /// The file, ONNX or TensorFlow Lite.
    pub path: PathBuf,
    /// Those of its further networks, by the names of [`ModelCard::parts`].
    pub parts: BTreeMap<String, PathBuf>,
    /// Its licence, as the user states it.
    pub license: License,
}

/// How a picture becomes a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Size the network sees.
    pub size: InputSize,
    /// Order of the dimensions.
    #[serde(default)]
    pub layout: Layout,
    /// Subtracted from each channel after scaling to 0 to 1.
    #[serde(default)]
    pub mean: [f32; 3],
    /// Divides each channel after the mean was subtracted.
    #[serde(default = "ones")]
    pub std: [f32; 3],
}

fn ones() -> [f32; 3] {
    [1.0; 3]
}

/// Size a network sees. The picture is stretched to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum InputSize {
    /// Always these pixels.
    Fixed {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The picture's proportions, the shorter side this long, both sides rounded to a multiple.
    ShortSide {
        /// Length of the shorter side in pixels.
        short_side: u32,
        /// What both sides must be multiples of.
        multiple: u32,
    },
    /// The picture's own size, shrunk where a side is longer than this.
    AtMost {
        /// Most pixels of the longer side.
        longer_side: u32,
        /// Most pixels of the shorter side.
        shorter_side: u32,
    },
}

/// Order of a tensor's dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Batch, channel, row, column.
    #[default]
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
    /// Row, column, channel, of one picture without a batch.
    Hwc,
}

/// How a network's output becomes a matte: pick a channel, activate, clamp to 0 to 1. Nothing is
/// stretched by its own minimum and maximum, so a picture without a subject gives an empty matte.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// Name of the output; `None` takes the artifact's word, else the first one.
    pub name: Option<String>,
    /// Which channel is the subject.
    pub channel: usize,
    /// What turns the values into 0 to 1.
    pub activation: Activation,
    /// What the channels stand for, for networks that tell classes apart (with [`Activation::Softmax`]); one of them is
    /// `background`.
    pub classes: Vec<String>,
}

/// What turns a network's values into 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// They already are.
    #[default]
    None,
    /// They are logits.
    Sigmoid,
    /// They are logits of classes, one channel for each.
    Softmax,
}

/// Mean and standard deviation of ImageNet's pictures, which many networks were trained with.
pub const IMAGENET: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

impl Input {
    /// A fixed square of `side` pixels in `NCHW` order.
    #[must_use]
    pub const fn square(side: u32, (mean, std): ([f32; 3], [f32; 3])) -> Self {
        Self { size: InputSize::Fixed { width: side, height: side }, layout: Layout::Nchw, mean, std }
    }
}

//! Which networks find subjects: a family is a file, a variant is a row, and [`Catalog`] is the table.

pub mod ben2;
pub mod birefnet;
mod card;
mod closer;
pub mod custom;
pub mod fcn;
pub(crate) mod given;
pub mod inspyrenet;
pub mod isnet;
pub mod key;
pub mod matanyone;
pub mod modnet;
mod parts;
mod prompted;
pub mod rmbg;
pub mod rvm;
pub mod sam;
pub mod sam2;
pub mod sam2_video;
pub mod selfie;
mod still;
pub mod u2net;
pub mod vitmatte;

use std::path::Path;

use crate::{
    Error, Kind, Result,
    engine::{
        Device, Engine, Found, Loaded, Precision, Tensor,
        artifacts::{License, Manifest, Store},
    },
    files::Picture,
    options::{Options, Subject},
    pixels::{Alpha, Rgb, Size},
    progress::Progress,
    steps::{matting::Method, trimap::Trimap},
};
use card::parts_of;
pub use card::{Activation, IMAGENET, Input, InputSize, Layout, ModelCard, Output, OwnFile};
pub use given::Given;
pub use matanyone::MatAnyone;
pub use prompted::Prompted;
pub use rvm::Rvm;
pub use sam2_video::Sam2Video;
pub use still::Still;
pub use vitmatte::VitMatte;

/// The variant used when none is named.
pub const DEFAULT: &str = "isnet-general-use";

/// The variant of the preset `low`.
pub const QUICK: &str = "isnet-general-use-768";

/// Which model, file and licence made a result, and where it ran.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelUsed {
    /// The variant's name.
    pub model: String,
    /// The file that was published or given.
    pub file: String,
    /// SHA-256 of that file, in hexadecimal; `None` where the list has none recorded.
    pub sha256: Option<String>,
    /// Its licence.
    pub license: License,
    /// Where it ran.
    pub device: Device,
    /// In which numbers it computed.
    pub precision: Precision,
    /// Why devices that `auto` tried earlier were passed over.
    pub passed_over: Vec<String>,
}

fn used_model(card: &ModelCard, found: Found, loaded: &Loaded) -> Result<ModelUsed> {
    let license = match (&card.own, &found.artifact) {
        (Some(own), _) => own.license.clone(),
        (None, Some(artifact)) => artifact.license.clone(),
        (None, None) => return Err(Error::new(Kind::Internal, "weights of the list come without their entry")),
    };
    Ok(ModelUsed {
        model: card.name.clone(),
        file: found.artifact.map_or_else(|| found.file.display().to_string(), |artifact| artifact.id),
        sha256: found.sha256,
        license,
        device: loaded.device,
        precision: loaded.precision,
        passed_over: loaded.passed_over.clone(),
    })
}

/// What a segmenter found in one picture.
#[derive(Debug)]
pub struct Segmented {
    /// The matte, of the picture's size.
    pub alpha: Alpha,
    /// The subject's own colours, from networks that give them.
    pub foreground: Option<Rgb>,
    /// The classes in the picture, the largest first, from networks that tell them apart.
    pub classes: Vec<ClassShare>,
    /// What is known, from a source that tells regions instead of a matte; `alpha` then only repeats them.
    pub trimap: Option<Trimap>,
}

/// A class that was found in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassShare {
    /// Its name.
    pub name: String,
    /// Which share of the picture it covers, 0 to 1; with a box, of what the network saw.
    pub share: f32,
}

/// Finds the subject in a stream of pictures. State from frame to frame lives in it; still models have none.
pub trait Segmenter: Send {
    /// Finds the subject in one picture; of the options, it heeds `compat`, and of `subject` what its network can.
    ///
    /// # Errors
    /// What the network reports; [`Kind::ModelMismatch`] when its output is not of the shape its row says.
    fn segment(&mut self, picture: &Picture, options: &Options) -> Result<Segmented>;

    /// Whether points and boxes were its question, so that its matte is the answer to them already.
    fn answers_prompts(&self) -> bool {
        false
    }

    /// Whether its mattes are softer at hair and fur than at crisp edges; others are masks, alike everywhere.
    fn shows_softness(&self) -> bool {
        true
    }

    /// Whether its mattes are of the picture's own resolution, so that they have its edges already.
    fn follows_edges(&self) -> bool {
        false
    }

    /// The colour of the screen behind the subject in sRGB, 0 to 1, once a picture has shown it: the screen's light lies on
    /// the subject and is taken out.
    fn screen(&self) -> Option<[f32; 3]> {
        None
    }

    /// Whether the first picture of a clip decides how all others are looked at.
    fn learns_from_first(&self) -> bool {
        false
    }

    /// Whether what it finds depends on the frames before, so that all frames of a clip must be shown to it, in order, and
    /// its mattes hold still by themselves.
    fn remembers(&self) -> bool {
        false
    }

    /// What it remembers of the frames so far, for [`recall`](Self::recall) in another run; nothing before the first.
    fn memory(&self) -> Vec<Tensor> {
        Vec::new()
    }

    /// Goes on after the frames of which this was the [`memory`](Self::memory).
    ///
    /// # Errors
    /// [`Kind::ResumeMismatch`] for what is not a memory of this model.
    fn recall(&mut self, memory: Vec<Tensor>) -> Result<()> {
        if memory.is_empty() { Ok(()) } else { Err(foreign_memory()) }
    }

    /// Has `first` find the mask that a clip begins with, and tells whether that can be done.
    fn begin_with(&mut self, first: Box<dyn Segmenter>) -> bool {
        drop(first);
        false
    }

    /// Forgets earlier frames: a new clip begins.
    fn reset(&mut self) {}

    /// Which model this is.
    fn used(&self) -> &ModelUsed;
}

/// The error for a memory that another model had.
pub(crate) fn foreign_memory() -> Error {
    Error::new(Kind::ResumeMismatch, "what is remembered of the finished part is not of this model")
}

/// What is remembered of a clip with frames of a size.
fn remembered(size: Size, rest: Vec<Tensor>) -> Vec<Tensor> {
    let size = Tensor::new(vec![2], vec![size.width as f32, size.height as f32]);
    [size].into_iter().chain(rest).collect()
}

/// The clip again, which `clip` makes of size and rest; nothing where nothing was remembered.
fn recalled<T>(memory: Vec<Tensor>, clip: impl FnOnce(Size, Vec<Tensor>) -> Option<T>) -> Result<Option<T>> {
    let mut memory = memory.into_iter();
    let Some(size) = memory.next() else { return Ok(None) };
    let [width, height] = size.values[..] else { return Err(foreign_memory()) };
    clip(Size::new(width as u32, height as u32), memory.collect()).map(Some).ok_or_else(foreign_memory)
}

/// The table of all variants, the built-in ones and the user's own.
#[derive(Debug, Clone)]
pub struct Catalog {
    cards: Vec<ModelCard>,
    manifest: Manifest,
}

impl Catalog {
    /// The variants this build knows.
    #[must_use]
    pub fn built_in() -> Self {
        let families = [
            isnet::cards(),
            u2net::cards(),
            birefnet::cards(),
            inspyrenet::cards(),
            ben2::cards(),
            modnet::cards(),
            selfie::cards(),
            rmbg::cards(),
            sam::cards(),
            sam2::cards(),
            fcn::cards(),
            rvm::cards(),
            sam2_video::cards(),
            matanyone::cards(),
            vitmatte::cards(),
            key::cards(),
        ];
        Self { cards: families.into_iter().flatten().collect(), manifest: Manifest::built_in().clone() }
    }

    /// The built-in variants and those of the user's file ([`custom`]).
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] reporting everything wrong with the file at once.
    pub fn with_file(path: &Path) -> Result<Self> {
        let mut catalog = Self::built_in();
        for card in custom::cards(path)? {
            if catalog.cards.iter().any(|known| known.name == card.name) {
                let message = format!("{}: the model name {:?} is taken", path.display(), card.name);
                return Err(Error::new(Kind::ConfigInvalid, message));
            }
            catalog.cards.push(card);
        }
        Ok(catalog)
    }

    /// All variants, family by family.
    #[must_use]
    pub fn cards(&self) -> &[ModelCard] {
        &self.cards
    }

    /// The files behind the variants.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The variant of that name.
    ///
    /// # Errors
    /// [`Kind::ModelUnknown`], naming the nearest known one.
    pub fn card(&self, name: &str) -> Result<&ModelCard> {
        self.cards.iter().find(|card| card.name == name).ok_or_else(|| {
            let near = self.cards.iter().find(|card| card.name.contains(name) || name.contains(&card.name));
            let near = near.map(|card| format!("; did you mean {:?}?", card.name)).unwrap_or_default();
            Error::new(Kind::ModelUnknown, format!("no model is called {name:?}{near}"))
        })
    }

    /// Whether a variant can be used without fetching anything.
    #[must_use]
    pub fn is_here(&self, store: &Store, card: &ModelCard) -> bool {
        match &card.own {
            Some(own) => own.path.is_file() && own.parts.values().all(|part| part.is_file()),
            None => card
                .files()
                .iter()
                .all(|file| self.manifest.variants(file).any(|artifact| store.find(artifact).is_some())),
        }
    }

    /// A segmenter for one stream of pictures; its network is fetched and loaded on first use and shared.
    ///
    /// # Errors
    /// [`Kind::ModelUnknown`], [`Kind::OptionInvalid`] for a model that is for matting, and what fetching and loading
    /// report.
    pub fn segmenter(
        &self,
        engine: &Engine,
        name: &str,
        device: Device,
        progress: &dyn Progress,
    ) -> Result<Box<dyn Segmenter>> {
        let card = self.card(name)?.clone();
        if card.is_matting() {
            card.check(&Subject::default())?;
        }
        if card.is_key() {
            return key::open(&card, device);
        }
        let manifest = &self.manifest;
        Ok(match card.family {
            rvm::FAMILY => Box::new(Rvm::open(card, engine, manifest, device, progress)?),
            sam2_video::FAMILY => Box::new(Sam2Video::open(card, engine, manifest, device, progress)?),
            matanyone::FAMILY => {
                // First its own files, which may not be there or not be allowed.
                let (networks, used) = parts::open(&card, engine, manifest, device, progress)?;
                let first = self.segmenter(engine, DEFAULT, device, progress)?;
                Box::new(MatAnyone::over(card, first, networks, used)?)
            }
            _ if card.is_prompted() => Box::new(Prompted::open(card, engine, manifest, device, progress)?),
            _ => Box::new(Still::open(card, engine, manifest, device, progress)?),
        })
    }

    /// The variant of that name, which must be for matting.
    ///
    /// # Errors
    /// [`Kind::ModelUnknown`], and [`Kind::OptionInvalid`] for a model that finds subjects.
    pub fn matting_card(&self, name: &str) -> Result<&ModelCard> {
        let card = self.card(name)?;
        if card.is_matting() {
            return Ok(card);
        }
        Err(Error::new(Kind::OptionInvalid, format!("{name} finds subjects: it is not for matting")))
    }

    /// A way of matting by the network of that name, which is fetched and loaded on first use and shared.
    ///
    /// # Errors
    /// As [`matting_card`](Self::matting_card), and what fetching and loading report.
    pub fn matting(
        &self,
        engine: &Engine,
        name: &str,
        device: Device,
        progress: &dyn Progress,
    ) -> Result<Box<dyn Method>> {
        let card = self.matting_card(name)?.clone();
        Ok(Box::new(VitMatte::open(card, engine, &self.manifest, device, progress)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_default_exists() {
        let catalog = Catalog::built_in();
        for (index, card) in catalog.cards().iter().enumerate() {
            assert!(catalog.cards()[..index].iter().all(|other| other.name != card.name), "{}", card.name);
        }
        assert_eq!(catalog.card(DEFAULT).unwrap().family, "isnet");
        assert_eq!(catalog.card("isnet").unwrap_err().kind(), Kind::ModelUnknown);
    }

    #[test]
    fn the_default_and_its_licence_allow_commercial_use() {
        let catalog = Catalog::built_in();
        let variants: Vec<_> = catalog.manifest().variants(DEFAULT).collect();
        assert!(!variants.is_empty());
        assert!(variants.iter().all(|artifact| artifact.license.commercial));
    }

    #[test]
    fn every_variant_has_its_artifact_row() {
        let catalog = Catalog::built_in();
        for card in catalog.cards() {
            for file in card.files() {
                assert!(catalog.manifest().variants(&file).next().is_some(), "{file} has no artifact row");
            }
        }
    }
}

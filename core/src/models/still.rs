//! The common way of still-image networks: picture in, one output channel out, no state between pictures.

use super::{
    Activation, ClassShare, ModelCard, ModelUsed, Segmented, Segmenter,
    closer::{look_closer, placed},
    used_model,
};
use crate::{
    Error, Kind, Result,
    engine::{Device, Engine, Network, artifacts::Manifest},
    files::{Picture, Profile},
    options::{Compat, Options},
    pixels::{Alpha, Rect, Rgb, Size},
    progress::Progress,
    tensor,
};
use std::sync::Arc;

/// A still-image network as a [`Segmenter`].
pub struct Still {
    card: ModelCard,
    network: Arc<dyn Network>,
    output: String,
    used: ModelUsed,
}

impl Still {
    /// Fetches and loads what `card` describes.
    ///
    /// # Errors
    /// What fetching and loading report; [`Kind::ModelMismatch`] when the file is not as the card says.
    pub fn open(
        card: ModelCard,
        engine: &Engine,
        manifest: &Manifest,
        device: Device,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let (found, loaded) = engine.model(card.weights(manifest), device, progress)?;
        let named = found.output().map(str::to_owned);
        let used = used_model(&card, found, &loaded)?;
        Self::over(card, loaded.network, named, used)
    }

    /// Puts a loaded network behind the card; `named` is the output's name in this file.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] when the network takes other than one input or lacks the output.
    pub fn over(card: ModelCard, network: Arc<dyn Network>, named: Option<String>, used: ModelUsed) -> Result<Self> {
        let (inputs, outputs) = network.ports();
        if inputs.len() != 1 {
            let message = format!("{} takes {} inputs; a still model takes one picture", used.file, inputs.len());
            return Err(Error::new(Kind::ModelMismatch, message));
        }
        let wanted = card.output.name.clone().or(named);
        let output = wanted.or_else(|| outputs.first().map(|port| port.name.clone())).unwrap_or_default();
        if !outputs.iter().any(|port| port.name == output) {
            let names: Vec<_> = outputs.iter().map(|port| port.name.as_str()).collect();
            let message = format!("{} has no output {output:?}, only {}", used.file, names.join(", "));
            return Err(Error::new(Kind::ModelMismatch, message));
        }
        Ok(Self { card, network, output, used })
    }

    fn matte(&self, color: &Rgb, profile: Option<&Profile>, options: &Options) -> Result<(Alpha, Vec<ClassShare>)> {
        let input = match options.compat {
            Compat::None => tensor::from_picture(color, profile, &self.card.input)?,
            Compat::Rembg => tensor::rembg::from_picture(color, &self.card.input),
        };
        let output = self.network.run(&[input], &self.output)?;
        if self.card.output.activation == Activation::Softmax {
            return tensor::classes::to_matte(&output, &self.card, &options.subject.classes, color.size());
        }
        let matte = match options.compat {
            Compat::None => tensor::to_matte(output, &self.card, color.size()),
            Compat::Rembg => tensor::rembg::to_matte(output, &self.card, color.size()),
        };
        Ok((matte?, Vec::new()))
    }
}

/// How much the network sees around a box, as a share of its sides: things are told by what surrounds them.
const SURROUNDINGS: f32 = 0.5;
/// When the box and its surroundings are this share of the picture, all of it is looked at.
const NEARLY_ALL: f64 = 0.8;

/// The box with its surroundings; `None` when that is nearly all of the picture.
fn around(region: Rect, size: Size) -> Option<Rect> {
    let margin = |side: u32| (SURROUNDINGS * side as f32).round() as u32;
    let (across, down) = (margin(region.size.width), margin(region.size.height));
    let (left, top) = (region.left.saturating_sub(across), region.top.saturating_sub(down));
    let right = (region.left + region.size.width + across).min(size.width);
    let bottom = (region.top + region.size.height + down).min(size.height);
    let part = Rect { left, top, size: Size::new(right - left, bottom - top) };
    ((part.size.pixels() as f64) < NEARLY_ALL * size.pixels() as f64).then_some(part)
}

impl Segmenter for Still {
    /// With a box, the network sees it and its surroundings only: what is small in the picture is large there.
    fn segment(&mut self, picture: &Picture, options: &Options) -> Result<Segmented> {
        let size = picture.color.size();
        self.card.check(&options.subject)?;
        let region = options.subject.region.map(|region| region.pixels(size)).transpose()?;
        let part = region.and_then(|region| around(region, size));
        let profile = picture.profile.as_ref();
        let (alpha, classes) = match part {
            None => {
                let (alpha, classes) = self.matte(&picture.color, profile, options)?;
                let closer = |part| Ok(self.matte(&picture.color.part(part), profile, options)?.0);
                let again = options.looks > 1 && region.is_none() && options.compat == Compat::None;
                (if again { look_closer(alpha, closer)? } else { alpha }, classes)
            }
            Some(part) => {
                let (small, classes) = self.matte(&picture.color.part(part), profile, options)?;
                (placed(&small, part, size), classes)
            }
        };
        Ok(Segmented { alpha, foreground: None, classes, trimap: None })
    }

    fn used(&self) -> &ModelUsed {
        &self.used
    }
}

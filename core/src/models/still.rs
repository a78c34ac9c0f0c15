//! The common way of still-image networks: picture in, one output channel out, no state between pictures.

use super::{ModelCard, ModelUsed, Segmented, Segmenter};
use crate::{
    Error, Kind, Result,
    engine::{Device, Engine, Network, artifacts::Manifest},
    files::Picture,
    options::Compat,
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
        let network = found.artifact.as_ref().map(|artifact| &artifact.network);
        let outputs = network.and_then(|network| network.get("outputs")?.as_array());
        let named = outputs.and_then(|outputs| outputs.first()?.as_str().map(str::to_owned));
        let license = match (&card.own, &found.artifact) {
            (Some(own), _) => own.license.clone(),
            (None, Some(artifact)) => artifact.license.clone(),
            (None, None) => return Err(Error::new(Kind::Internal, "weights of the list come without their entry")),
        };
        let used = ModelUsed {
            model: card.name.clone(),
            file: found.artifact.map_or_else(|| found.file.display().to_string(), |artifact| artifact.id),
            sha256: found.sha256,
            license,
            device: loaded.device,
            precision: loaded.precision,
            passed_over: loaded.passed_over,
        };
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
}

impl Segmenter for Still {
    fn segment(&mut self, picture: &Picture, compat: Compat) -> Result<Segmented> {
        let size = picture.color.size();
        let input = match compat {
            Compat::None => tensor::from_picture(&picture.color, picture.profile.as_ref(), &self.card.input)?,
            Compat::Rembg => tensor::rembg::from_picture(&picture.color, &self.card.input),
        };
        let output = self.network.run(&[input], &self.output)?;
        let alpha = match compat {
            Compat::None => tensor::to_matte(output, &self.card, size)?,
            Compat::Rembg => tensor::rembg::to_matte(output, &self.card, size)?,
        };
        Ok(Segmented { alpha, foreground: None, trimap: None })
    }

    fn used(&self) -> &ModelUsed {
        &self.used
    }
}

//! Models of several networks: loading them together, and asking one by the names of its inputs and outputs.

use std::sync::Arc;

use super::{ModelCard, ModelUsed, used_model};
use crate::{
    Error, Kind, Result,
    engine::{Device, Engine, Network, Tensor, Weights, artifacts::Manifest},
    progress::Progress,
};

/// Fetches and loads the networks of a model: the first, then its [parts](ModelCard::parts) in their order.
///
/// # Errors
/// What fetching and loading report; [`Kind::ConfigInvalid`] when the user's row lacks a file that the family needs.
pub fn open<const N: usize>(
    card: &ModelCard,
    engine: &Engine,
    manifest: &Manifest,
    device: Device,
    progress: &dyn Progress,
) -> Result<([Arc<dyn Network>; N], ModelUsed)> {
    let files = card.files();
    let missing = |part: &str| Error::new(Kind::ConfigInvalid, format!("{} names no {part}", card.name));
    let mut networks = Vec::with_capacity(N);
    let mut used = None;
    for (index, file) in files.iter().enumerate() {
        let weights = match (index.checked_sub(1), &card.own) {
            (None, _) => card.weights(manifest),
            (Some(_), None) => Weights::Listed(manifest, file),
            (Some(part), Some(own)) => {
                let part = card.parts()[part];
                Weights::Own(own.parts.get(part).ok_or_else(|| missing(part))?)
            }
        };
        let (found, loaded) = engine.model(weights, device, progress)?;
        if used.is_none() {
            used = Some(used_model(card, found, &loaded)?);
        }
        networks.push(loaded.network);
    }
    let count = networks.len();
    match (networks.try_into(), used) {
        (Ok(networks), Some(used)) => Ok((networks, used)),
        _ => Err(Error::new(Kind::Internal, format!("{} has {count} networks, not {N}", card.name))),
    }
}

/// One network of several.
pub struct Part {
    network: Arc<dyn Network>,
    /// What it is called in errors.
    name: String,
}

impl Part {
    /// Checks that the network gives `outputs` and wants nothing but `inputs`; `name` is for errors.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] when it lacks an output or wants something else.
    pub fn new(network: Arc<dyn Network>, name: String, inputs: &[&str], outputs: &[&str]) -> Result<Self> {
        let wrong = |what: String| Error::new(Kind::ModelMismatch, format!("{name}: {what}"));
        let (wanted, given) = network.ports();
        if let Some(port) = wanted.iter().find(|port| !inputs.contains(&port.name.as_str())) {
            return Err(wrong(format!("the network wants {:?}; there are {}", port.name, inputs.join(", "))));
        }
        if let Some(output) = outputs.iter().find(|output| given.iter().all(|port| port.name != **output)) {
            return Err(wrong(format!("the network gives no {output:?}")));
        }
        Ok(Self { network, name })
    }

    /// Runs the network on inputs by name, which may be more than it wants, and gives the outputs in the order asked.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] when an input is missing, and what running reports.
    pub fn run<const N: usize>(&self, mut inputs: Vec<(&str, Tensor)>, outputs: [&str; N]) -> Result<[Tensor; N]> {
        let mut ordered = Vec::with_capacity(inputs.len());
        for port in self.network.ports().0 {
            let Some(index) = inputs.iter().position(|(name, _)| *name == port.name) else {
                let message = format!("{}: nothing is given for its input {:?}", self.name, port.name);
                return Err(Error::new(Kind::ModelMismatch, message));
            };
            ordered.push(inputs.swap_remove(index).1);
        }
        let made = self.network.run_all(&ordered, &outputs).map_err(|error| error.on(&self.name))?;
        made.try_into().map_err(|_| Error::new(Kind::Internal, "a network gave other outputs than were asked"))
    }

    /// Length of one dimension of an input, as the file says.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] when it leaves that open.
    pub fn length(&self, input: &str, dimension: usize) -> Result<usize> {
        let port = self.network.ports().0.iter().find(|port| port.name == input);
        port.and_then(|port| *port.shape.get(dimension)?).ok_or_else(|| {
            Error::new(Kind::ModelMismatch, format!("{}: its input {input:?} has no certain length", self.name))
        })
    }

    /// An output that is not of the shape it must have.
    pub fn mismatch(&self, output: &str, tensor: &Tensor) -> Error {
        Error::new(Kind::ModelMismatch, format!("{}: {output} has the shape {:?}", self.name, tensor.shape))
    }
}

//! Looking at a network's inner values while it works on pictures.

use std::{collections::BTreeMap, fs, path::Path};

use prost::Message;

use super::session::OrtNetwork;
use crate::{
    Error, Kind, Result,
    engine::{
        Network, Tensor,
        onnx::Model,
        prepare,
        quantize::{Histogram, Observed, Ranges, Table, observing},
    },
};

/// The ranges of the inner values of a published graph over `inputs`, by name and as a table; `load` loads a graph file.
///
/// # Errors
/// [`Kind::PrecisionUnavailable`] when no value would get an 8-bit code; what preparing, loading and running report.
pub fn ranges(
    published: &Path,
    key: &str,
    output: Option<&str>,
    folder: &Path,
    inputs: impl Iterator<Item = Result<Tensor>>,
    load: impl FnOnce(&Path) -> Result<OrtNetwork>,
) -> Result<(Ranges, Table)> {
    let plain = prepare::prepared(published, key, output, folder)?;
    let model = read(&plain)?;
    let observed = observing(&model);
    if observed.names.is_empty() {
        let message = format!("no operator of {} has an 8-bit form", published.display());
        return Err(Error::new(Kind::PrecisionUnavailable, message));
    }
    let unwritable = |error: std::io::Error| {
        Error::new(Kind::OutputUnwritable, format!("cannot write into {}", folder.display())).because(error)
    };
    fs::create_dir_all(folder).map_err(unwritable)?;
    // Gone when it has been loaded, or when anything fails.
    let file = tempfile::Builder::new().suffix(".onnx").tempfile_in(folder).map_err(unwritable)?;
    fs::write(file.path(), observed.model.encode_to_vec()).map_err(unwritable)?;
    let network = load(file.path())?;
    drop(file);
    let mut histograms: BTreeMap<String, Histogram> = BTreeMap::new();
    for input in inputs {
        let samples = network.run(&[input?], Observed::OUTPUT)?;
        observed
            .samples(&samples.values)
            .for_each(|(name, samples)| histograms.entry(name.to_owned()).or_default().add(samples));
    }
    let values = histograms.into_iter().map(|(name, histogram)| (name, histogram.range()));
    let ranges = Ranges { values: values.collect() };
    let table = Table::of(&model.graph.unwrap_or_default(), &ranges);
    Ok((ranges, table))
}

/// Reads a graph.
///
/// # Errors
/// [`Kind::InputUnreadable`] or [`Kind::ModelMismatch`].
pub fn read(file: &Path) -> Result<Model> {
    let bytes = fs::read(file)
        .map_err(|error| Error::new(Kind::InputUnreadable, format!("cannot read {}", file.display())).because(error))?;
    let unfit = || Error::new(Kind::ModelMismatch, format!("{} is no ONNX graph", file.display()));
    let model = Model::decode(bytes.as_slice()).map_err(|error| unfit().because(error))?;
    // Most bytes are fields that nobody knows.
    if model.graph.is_none() { Err(unfit()) } else { Ok(model) }
}

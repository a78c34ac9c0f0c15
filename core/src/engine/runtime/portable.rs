//! A model's graph for another runtime than this process's: one file of ONNX, not optimised for this processor.

use std::path::PathBuf;

use super::{
    Engine, Found, PREPARED, Weights,
    opening::{RangesFrom, quantised, short},
};
use crate::{
    Error, Kind, Result,
    engine::{Precision, prepare},
    files::{IfExists, write_atomically},
    progress::Progress,
    steps::edge_network,
};

/// A model's graph that can be given away.
#[derive(Debug, Clone)]
pub struct Portable {
    /// Where the graph came from.
    pub found: Found,
    /// The graph. Its name changes whenever its content would.
    pub file: PathBuf,
    /// In which numbers it computes.
    pub precision: Precision,
}

impl Engine {
    /// The graph of these weights for other runtimes, fetched and made if need be, kept for the next time. It computes in
    /// 8 bits where ranges are known, whatever is fast on this processor, unless the engine is set to single precision.
    ///
    /// # Errors
    /// What [`Store::obtain`](crate::engine::artifacts::Store::obtain), reading the file and preparing the graph report;
    /// [`Kind::PrecisionUnavailable`] when the engine is set to 8 bits and they cannot be had.
    pub fn portable(&self, weights: Weights<'_>, progress: &dyn Progress) -> Result<Portable> {
        let found = self.find(weights, progress)?;
        let ranges = self.ranges(&found).filter(|_| self.options.precision != Precision::Fp32);
        let made = match &ranges {
            Some(ranges) => self.portable_int8(&found, ranges),
            None => {
                Err(Error::new(Kind::PrecisionUnavailable, format!("{}: no ranges are known", found.file.display())))
            }
        };
        let (file, precision) = match made {
            Ok(file) => (file, Precision::Int8),
            Err(error) if error.kind() != Kind::PrecisionUnavailable || self.options.precision == Precision::Int8 => {
                return Err(error);
            }
            Err(_) => (self.portable_fp32(&found)?, Precision::Fp32),
        };
        Ok(Portable { found, file, precision })
    }

    fn portable_int8(&self, found: &Found, ranges: &RangesFrom) -> Result<PathBuf> {
        let folder = self.portable_folder();
        let name = format!("{}-v{}-int8-{:08x}.onnx", short(found.key()), prepare::VERSION, ranges.state());
        let file = folder.join(name);
        if file.is_file() {
            return Ok(file);
        }
        let plain = prepare::prepared(&found.file, found.key(), found.widened_output(), &folder)?;
        quantised(&plain, &found.file, ranges, file, &folder)
    }

    fn portable_fp32(&self, found: &Found) -> Result<PathBuf> {
        let folder = self.portable_folder();
        let file = prepare::prepared(&found.file, found.key(), found.widened_output(), &folder)?;
        if file != found.file {
            return Ok(file);
        }
        // As it was published, under a name that tells its content.
        let named = folder.join(format!("{}.onnx", short(found.key())));
        if !named.is_file() {
            let failed = |error: std::io::Error| {
                let message = format!("cannot copy {} to {}", file.display(), named.display());
                Error::new(Kind::OutputUnwritable, message).because(error)
            };
            std::fs::create_dir_all(&folder).map_err(failed)?;
            write_atomically(&named, &std::fs::read(&file).map_err(failed)?, IfExists::Replace)?;
        }
        Ok(named)
    }

    /// The [network that corrects edges](crate::steps::edge_network) as a file for other runtimes.
    ///
    /// # Errors
    /// [`Kind::OutputUnwritable`].
    pub fn portable_edge_network(&self) -> Result<PathBuf> {
        let graph = edge_network::graph();
        let folder = self.portable_folder();
        let file = folder.join(format!("edge-network-{:08x}.onnx", crc32fast::hash(&graph)));
        if !file.is_file() {
            std::fs::create_dir_all(&folder).map_err(|error| {
                Error::new(Kind::OutputUnwritable, format!("cannot make {}", folder.display())).because(error)
            })?;
            write_atomically(&file, &graph, IfExists::Replace)?;
        }
        Ok(file)
    }

    fn portable_folder(&self) -> PathBuf {
        self.store.folder().join(PREPARED).join("portable")
    }
}

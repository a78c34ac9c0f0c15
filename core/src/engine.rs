//! The inference engine: what a network is, which devices there are, and how a file becomes a running network.

pub mod artifacts;
mod cards;
pub mod onnx;
mod prepare;
pub mod quantize;
mod runtime;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, Kind, Result};
pub use cards::{Card, cards};
pub use runtime::{DeviceStatus, Engine, EngineOptions, Found, Loaded, Portable, Weights};

/// A tensor of `f32`, row-major, with its dimensions in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Length of each dimension, outermost first.
    pub shape: Vec<usize>,
    /// The values; their number is the product of `shape`.
    pub values: Vec<f32>,
}

impl Tensor {
    /// Wraps values of a shape.
    ///
    /// # Panics
    /// When the number of values is not the product of the shape.
    #[must_use]
    pub fn new(shape: Vec<usize>, values: Vec<f32>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "values for shape {shape:?}");
        Self { shape, values }
    }
}

/// One input or output of a network: its name and dimensions, `None` where any length is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The name inside the file.
    pub name: String,
    /// Length of each dimension, outermost first; `None` for a free one.
    pub shape: Vec<Option<usize>>,
}

/// A loaded network: shared by threads, without state of its own.
pub trait Network: Send + Sync {
    /// Inputs and outputs, in the file's order.
    fn ports(&self) -> (&[Port], &[Port]);

    /// Runs the network on one set of inputs (in the order of its input ports) and returns the named outputs in the
    /// order they were named, as `f32` whatever the file computes in. Inputs are converted to what it takes.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] when inputs or an output's name do not fit; [`Kind::InferenceFailed`]
    /// or [`Kind::OutOfMemory`] when running fails.
    fn run_all(&self, inputs: &[Tensor], outputs: &[&str]) -> Result<Vec<Tensor>>;

    /// Runs the network for one output.
    ///
    /// # Errors
    /// As [`run_all`](Self::run_all).
    fn run(&self, inputs: &[Tensor], output: &str) -> Result<Tensor> {
        let tensor = self.run_all(inputs, &[output])?.pop();
        tensor.ok_or_else(|| Error::new(Kind::Internal, "a network gave no output"))
    }
}

/// In which numbers a network computes. Written `auto`, `fp32`, `int8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 8 bits where they are known to hold and to be faster: on processors that multiply bytes, for models whose
    /// ranges are known (see [`quantize::known`] and [`Engine::calibrate`]); else single precision.
    #[default]
    Auto,
    /// Single precision.
    Fp32,
    /// 8 bits on the processor: about three times as fast, with slightly another matte.
    Int8,
}

impl fmt::Display for Precision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "auto",
            Self::Fp32 => "fp32",
            Self::Int8 => "int8",
        })
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Auto, Self::Fp32, Self::Int8].into_iter().find(|known| known.to_string() == text).ok_or_else(|| {
            Error::new(Kind::OptionInvalid, format!("{text:?} is no precision: write auto, fp32 or int8"))
        })
    }
}

/// Where a network runs. Written `auto`, `cpu`, `cuda`, `cuda:1`, `tensorrt`, `coreml`, `directml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// The first of TensorRT, CUDA, CoreML, DirectML and the CPU that works, of several NVIDIA cards the one with the most
    /// free memory; the choice is reported.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA card through CUDA, by number.
    Cuda(u32),
    /// An NVIDIA card through TensorRT, by number.
    TensorRt(u32),
    /// Apple's CoreML.
    CoreMl,
    /// A card through DirectML, by number.
    DirectMl(u32),
}

impl Device {
    /// What `auto` tries, in order.
    pub const AUTO_ORDER: [Self; 5] = [Self::TensorRt(0), Self::Cuda(0), Self::CoreMl, Self::DirectMl(0), Self::Cpu];
}

impl fmt::Display for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, number) = match self {
            Self::Auto => ("auto", 0),
            Self::Cpu => ("cpu", 0),
            Self::Cuda(number) => ("cuda", *number),
            Self::TensorRt(number) => ("tensorrt", *number),
            Self::CoreMl => ("coreml", 0),
            Self::DirectMl(number) => ("directml", *number),
        };
        formatter.write_str(name)?;
        if number > 0 { write!(formatter, ":{number}") } else { Ok(()) }
    }
}

impl FromStr for Device {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::new(
                Kind::OptionInvalid,
                format!("{text:?} is no device: write auto, cpu, cuda, cuda:1, tensorrt, coreml or directml"),
            )
        };
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        match (name, number) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("coreml", None) => Ok(Self::CoreMl),
            ("cuda", number) => Ok(Self::Cuda(number.unwrap_or(0))),
            ("tensorrt", number) => Ok(Self::TensorRt(number.unwrap_or(0))),
            ("directml", number) => Ok(Self::DirectMl(number.unwrap_or(0))),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_are_read_back_as_written() {
        for text in ["auto", "fp32", "int8"] {
            assert_eq!(text.parse::<Precision>().unwrap().to_string(), text);
        }
        assert_eq!("int4".parse::<Precision>().unwrap_err().kind(), Kind::OptionInvalid);
    }

    #[test]
    fn devices_are_read_back_as_written() {
        for text in ["auto", "cpu", "cuda", "cuda:2", "tensorrt", "coreml", "directml:1"] {
            assert_eq!(text.parse::<Device>().unwrap().to_string(), text);
        }
        for wrong in ["", "gpu", "cpu:1", "cuda:x", "auto:0"] {
            assert_eq!(wrong.parse::<Device>().unwrap_err().kind(), Kind::OptionInvalid, "{wrong}");
        }
    }
}

//! A loaded session of ONNX Runtime, and one run of it.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use ort::{
    session::{RunOptions, Session},
    value::{DynValue, TensorElementType, TensorRef, ValueType},
};

use crate::{
    Error, Kind, Result,
    engine::{Network, Port, Tensor},
};

/// A session of ONNX Runtime as a [`Network`].
pub struct OrtNetwork {
    /// One run at a time: a run already uses all threads, and each further one would need its memory again.
    session: Mutex<Session>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    input_types: Vec<TensorElementType>,
}

impl OrtNetwork {
    /// Reads what the graph takes and gives.
    ///
    /// # Errors
    /// [`Kind::ModelMismatch`] when an input is no tensor.
    pub fn new(session: Session) -> Result<Self> {
        let mut inputs = Vec::new();
        let mut input_types = Vec::new();
        for outlet in session.inputs() {
            let (port, kind) = port(outlet.name(), outlet.dtype())?;
            inputs.push(port);
            input_types.push(kind);
        }
        let outputs = session
            .outputs()
            .iter()
            .filter_map(|outlet| port(outlet.name(), outlet.dtype()).ok())
            .map(|(port, _)| port)
            .collect();
        Ok(Self { session: Mutex::new(session), inputs, outputs, input_types })
    }
}

fn port(name: &str, kind: &ValueType) -> Result<(Port, TensorElementType)> {
    let ValueType::Tensor { ty, shape, .. } = kind else {
        return Err(Error::new(Kind::ModelMismatch, format!("{name} of the graph is no tensor")));
    };
    let shape = shape.iter().map(|&length| usize::try_from(length).ok()).collect();
    Ok((Port { name: name.to_owned(), shape }, *ty))
}

impl Network for OrtNetwork {
    fn ports(&self) -> (&[Port], &[Port]) {
        (&self.inputs, &self.outputs)
    }

    fn run_all(&self, inputs: &[Tensor], outputs: &[&str]) -> Result<Vec<Tensor>> {
        if inputs.len() != self.inputs.len() {
            let message = format!("the graph takes {} inputs, {} were given", self.inputs.len(), inputs.len());
            return Err(Error::new(Kind::ModelMismatch, message));
        }
        if let Some(output) = outputs.iter().find(|output| self.outputs.iter().all(|port| port.name != **output)) {
            return Err(Error::new(Kind::ModelMismatch, format!("the graph has no output {output:?}")));
        }
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        run(&mut session, &self.inputs, &self.input_types, inputs, outputs)
    }
}

fn run(
    session: &mut Session,
    ports: &[Port],
    types: &[TensorElementType],
    inputs: &[Tensor],
    outputs: &[&str],
) -> Result<Vec<Tensor>> {
    let started = Instant::now();
    let failed = |error: ort::Error| {
        let text = error.to_string();
        let memory = text.contains("alloc") && text.contains("memory") || text.contains("bad_alloc");
        let kind = if memory { Kind::OutOfMemory } else { Kind::InferenceFailed };
        Error::new(kind, format!("the network failed after {:.1} s: {text}", started.elapsed().as_secs_f32()))
    };
    let mut values = Vec::with_capacity(inputs.len());
    for ((tensor, port), kind) in inputs.iter().zip(ports).zip(types) {
        let value = match kind {
            TensorElementType::Float16 => {
                let halves: Vec<half::f16> = tensor.values.iter().map(|&value| half::f16::from_f32(value)).collect();
                ort::value::Tensor::from_array((tensor.shape.clone(), halves)).map_err(failed)?.into()
            }
            TensorElementType::Int64 => {
                let whole: Vec<i64> = tensor.values.iter().map(|&value| value as i64).collect();
                ort::value::Tensor::from_array((tensor.shape.clone(), whole)).map_err(failed)?.into()
            }
            _ => ort::session::SessionInputValue::from(
                TensorRef::from_array_view((tensor.shape.clone(), tensor.values.as_slice())).map_err(failed)?,
            ),
        };
        values.push((std::borrow::Cow::Borrowed(port.name.as_str()), value));
    }
    // Only the outputs that are used: the others cost time and memory.
    let selected = outputs.iter().fold(ort::session::OutputSelector::no_default(), |all, name| all.with(*name));
    let options = RunOptions::new().map_err(failed)?.with_outputs(selected);
    let made = session.run_with_options(values, &options).map_err(failed)?;
    outputs.iter().map(|&name| tensor(&made[name]).map_err(failed)).collect()
}

/// A value of the runtime's as a tensor of `f32`.
fn tensor(value: &DynValue) -> ort::Result<Tensor> {
    let (shape, values) = match value.dtype().tensor_type() {
        Some(TensorElementType::Float16) => {
            let (shape, halves) = value.try_extract_tensor::<half::f16>()?;
            (shape.to_vec(), halves.iter().map(|value| value.to_f32()).collect::<Vec<_>>())
        }
        _ => {
            let (shape, values) = value.try_extract_tensor::<f32>()?;
            (shape.to_vec(), values.to_vec())
        }
    };
    let shape = shape.iter().map(|&length| usize::try_from(length).unwrap_or(0)).collect();
    Ok(Tensor::new(shape, values))
}

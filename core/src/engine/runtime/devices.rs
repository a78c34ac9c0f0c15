//! Which devices the runtime's library can use, and putting one in front of the processor.

use ort::{
    environment::Environment,
    ep::{self, ExecutionProvider},
    session::{Session, builder::SessionBuilder},
};

use crate::{Error, Kind, Result, engine::Device};

/// Whether the library was built with what the device needs.
pub fn is_built_in(device: Device) -> bool {
    let built_in = match device {
        Device::Auto | Device::Cpu => Ok(true),
        Device::Cuda(_) => ep::CUDA::is_available(),
        Device::TensorRt(_) => ep::TensorRT::is_available(),
        Device::CoreMl => ep::CoreML::is_available(),
        Device::DirectMl(_) => ep::DirectML::is_available(),
    };
    built_in.unwrap_or(false)
}

/// Whether a session could be opened on the device, else why not.
pub fn probe(environment: &Environment, device: Device) -> std::result::Result<(), String> {
    let mut builder = Session::builder(environment).map_err(|error| error.to_string())?;
    register(&mut builder, device, false).map_err(|error| error.to_string())
}

/// Puts `device` in front of the processor, or fails: nothing falls back here.
pub fn register(builder: &mut SessionBuilder, device: Device, keep_memory: bool) -> Result<()> {
    if !is_built_in(device) {
        return Err(Error::new(
            Kind::DeviceUnavailable,
            format!("this ONNX Runtime library was built without {device}"),
        ));
    }
    let registered = match device {
        // Without the arena each run asks the system for its memory anew, and gives it back.
        Device::Auto | Device::Cpu => ep::CPU::default().with_arena_allocator(keep_memory).register(builder),
        Device::Cuda(number) => ep::CUDA::default().with_device_id(number as i32).register(builder),
        Device::TensorRt(number) => ep::TensorRT::default().with_device_id(number as i32).register(builder),
        Device::CoreMl => ep::CoreML::default().register(builder),
        Device::DirectMl(number) => ep::DirectML::default().with_device_id(number as i32).register(builder),
    };
    registered.map_err(|error| Error::new(Kind::DeviceUnavailable, format!("{device} cannot be used: {error}")))
}

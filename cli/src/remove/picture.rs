//! One picture: read, cut out, write.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    time::{Duration, Instant},
};

use backgroundfx_core::{
    Error, Kind, Result,
    files::{self, Encodable, IfExists, Picture, Warning, WriteOptions},
    models::Segmenter,
    pipeline::{self, Cutout},
    pixels::{Alpha, Size},
    progress::Progress,
};
use sha2::{Digest, Sha256};

use super::{
    Setup,
    inputs::{Input, Source},
    outputs::{Existing, Target},
    template::PictureFacts,
};
use crate::args::{OnEmpty, OutputKind};

/// A picture that was read.
pub struct Opened {
    picture: Picture,
    sha256: String,
    took: Duration,
}

/// What became of one picture.
pub struct Done {
    /// The report of the pipeline.
    pub report: pipeline::Report,
    /// Size of the output.
    pub size: Size,
    /// What was noticed while reading.
    pub warnings: Vec<Warning>,
    /// Time spent in each stage, in order.
    pub timings: Vec<(&'static str, Duration)>,
    /// What was written; nothing when there was no subject and nothing was to be written then.
    pub outputs: Vec<Target>,
}

/// Reads and decodes a picture.
///
/// # Errors
/// What reading and decoding report.
pub fn open(input: &Input, setup: &Setup) -> Result<Opened> {
    let started = Instant::now();
    let mut sha256 = String::new();
    let mut picture = match &input.source {
        Source::File(path) if !setup.naming.needs_hash() => files::read(path, &setup.read)?,
        source => {
            let bytes = bytes(source, setup.read.limits.file_bytes)?;
            sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            files::decode(&bytes, &setup.read)?
        }
    };
    if setup.convert {
        picture.convert_to_srgb()?;
    }
    Ok(Opened { picture, sha256, took: started.elapsed() })
}

fn bytes(source: &Source, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed tells decoding that it is too much.
    let read = match source {
        Source::File(path) => fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)),
        _ => std::io::stdin().lock().take(most + 1).read_to_end(&mut bytes),
    };
    read.map_err(|error| Error::new(Kind::InputUnreadable, format!("cannot be read: {error}")).because(error))?;
    Ok(bytes)
}

/// Cuts out a picture that was read and writes what was asked for.
///
/// # Errors
/// What cutting out, encoding and writing report, [`Kind::NoSubject`] when that is to count as a failure;
/// nothing half-written is left.
pub fn finish(
    opened: Opened,
    item: &super::Item,
    targets: Vec<Target>,
    setup: &Setup,
    segmenter: &mut dyn Segmenter,
    progress: &dyn Progress,
) -> Result<Done> {
    let Opened { mut picture, sha256, took } = opened;
    let warnings = std::mem::take(&mut picture.warnings);
    let cutout = pipeline::remove_background(picture, segmenter, &setup.recipe, progress)?;
    let size = cutout.matte.size();
    let empty = cutout.report.subject.is_none();
    let mut timings = vec![("decode", took)];
    timings.extend(cutout.report.timings.iter().copied());
    check_confidence(&cutout.report, setup)?;
    let outputs = match setup.on_empty {
        OnEmpty::Fail if empty => return Err(Error::new(Kind::NoSubject, "no subject was found")),
        OnEmpty::Skip if empty => Vec::new(),
        _ => {
            let targets = if setup.naming.needs_picture() {
                let facts = PictureFacts { size, sha256: &sha256 };
                let targets = setup.naming.targets(&item.input, item.index, Some(facts))?;
                setup.naming.claim(&item.input, &targets)?;
                item.existing.decide(&targets)?;
                targets
            } else {
                targets
            };
            write_all(&cutout, &targets, item.existing, setup, &mut timings)?;
            targets
        }
    };
    Ok(Done { report: cutout.report, size, warnings, timings, outputs })
}

/// Refuses a matte that is less sure than asked for; an empty one is a matter of `on_empty`.
fn check_confidence(report: &pipeline::Report, setup: &Setup) -> Result<()> {
    let Some(least) = setup.fail_below.filter(|least| report.subject.is_some() && report.confidence < *least) else {
        return Ok(());
    };
    let doubts: Vec<String> = report.doubts.iter().map(ToString::to_string).collect();
    let doubts = if doubts.is_empty() { "the network was torn".to_owned() } else { doubts.join("; ") };
    let message = format!("confidence {:.2} is below {least}: {doubts}", report.confidence);
    Err(Error::new(Kind::LowConfidence, message))
}

fn write_all(
    cutout: &Cutout,
    targets: &[Target],
    existing: Existing,
    setup: &Setup,
    timings: &mut Vec<(&'static str, Duration)>,
) -> Result<()> {
    let started = Instant::now();
    // All are encoded before the first is written, so that a format that cannot hold one leaves nothing.
    let encoded = targets.iter().map(|target| encode(cutout, target, setup)).collect::<Result<Vec<Vec<u8>>>>()?;
    timings.push(("encode", started.elapsed()));
    let started = Instant::now();
    for (target, bytes) in targets.iter().zip(encoded) {
        match &target.path {
            Some(path) if existing == Existing::Skip && path.exists() => {}
            Some(path) => to_file(path, &bytes, existing)?,
            None => to_stdout(&bytes)?,
        }
    }
    timings.push(("write", started.elapsed()));
    Ok(())
}

fn encode(cutout: &Cutout, target: &Target, setup: &Setup) -> Result<Vec<u8>> {
    let options = WriteOptions { format: target.format, ..setup.write };
    let picture =
        |alpha| Encodable { color: &cutout.color, alpha, profile: cutout.profile.as_ref(), metadata: &cutout.metadata };
    match target.kind {
        OutputKind::Rgba => files::encode(&picture((!cutout.opaque).then_some(&cutout.matte)), &options),
        OutputKind::Color => files::encode(&picture(None), &options),
        OutputKind::Alpha => files::encode_gray(&cutout.matte, &options),
        OutputKind::Mask => {
            let hard = cutout.matte.values().iter().map(|&alpha| if alpha >= 0.5 { 1.0 } else { 0.0 });
            files::encode_gray(&Alpha::new(cutout.matte.size(), hard.collect()), &options)
        }
    }
}

fn to_file(path: &Path, bytes: &[u8], existing: Existing) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| {
            let message = format!("cannot make the folder {}: {error}", folder.display());
            Error::new(Kind::OutputUnwritable, message).because(error)
        })?;
    }
    let if_exists = if existing == Existing::Replace { IfExists::Replace } else { IfExists::Refuse };
    files::write_atomically(path, bytes, if_exists)
}

fn to_stdout(bytes: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        // Whoever was reading has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            Err(Error::new(Kind::OutputUnwritable, format!("cannot write standard output: {error}")).because(error))
        }
        Ok(()) => Ok(()),
    }
}

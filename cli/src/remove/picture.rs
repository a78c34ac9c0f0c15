//! One picture: read, cut out, written.

use std::{
    io::{IsTerminal, Read, Write},
    time::{Duration, Instant},
};

use backgroundfx_core::{
    Error, Kind, Result,
    files::{self, Encodable, IfExists, Picture, Warning, WriteOptions},
    models::Segmenter,
    pipeline::{self, Cutout},
    pixels::Alpha,
    progress::Progress,
};

use super::{
    Setup,
    inputs::Input,
    outputs::{Item, Output},
};
use crate::args::{OnEmpty, OutputKind};

/// What became of one picture.
pub struct Done {
    /// The report of the pipeline, with reading and writing around its timings.
    pub report: pipeline::Report,
    /// What was noticed while reading.
    pub warnings: Vec<Warning>,
    /// Time spent in each stage, in order.
    pub timings: Vec<(&'static str, Duration)>,
    /// Whether outputs were written.
    pub written: bool,
}

/// Reads, cuts out and writes one picture.
///
/// # Errors
/// What any of the three reports; nothing half-written is left.
pub fn process(
    item: &Item,
    setup: &Setup,
    segmenter: &mut dyn Segmenter,
    if_exists: IfExists,
    progress: &dyn Progress,
) -> Result<Done> {
    let started = Instant::now();
    let mut picture = read(&item.input, setup)?;
    if setup.convert {
        picture.convert_to_srgb()?;
    }
    let warnings = std::mem::take(&mut picture.warnings);
    let decode = started.elapsed();
    let cutout = pipeline::remove_background(picture, segmenter, &setup.recipe, progress)?;
    let mut timings = vec![("decode", decode)];
    timings.extend(cutout.report.timings.iter().copied());
    let empty = cutout.report.subject.is_none();
    let written = !empty || setup.on_empty == OnEmpty::Keep;
    if written {
        let started = Instant::now();
        write_all(&cutout, item, setup, if_exists)?;
        timings.push(("encode", started.elapsed()));
    }
    Ok(Done { report: cutout.report, warnings, timings, written })
}

fn read(input: &Input, setup: &Setup) -> Result<Picture> {
    match input {
        Input::File { path, .. } => files::read(path, &setup.read),
        Input::Stdin => {
            let mut bytes = Vec::new();
            let most = setup.read.limits.file_bytes + 1;
            std::io::stdin()
                .lock()
                .take(most)
                .read_to_end(&mut bytes)
                .map_err(|error| Error::new(Kind::InputUnreadable, "cannot read standard input").because(error))?;
            files::decode(&bytes, &setup.read)
        }
    }
}

fn write_all(cutout: &Cutout, item: &Item, setup: &Setup, if_exists: IfExists) -> Result<()> {
    // All are encoded before the first is written, so that a format that cannot hold it leaves nothing.
    let encoded = item.outputs.iter().map(|output| encode(cutout, output, setup)).collect::<Result<Vec<Vec<u8>>>>()?;
    for (output, bytes) in item.outputs.iter().zip(encoded) {
        match &output.path {
            Some(path) => {
                if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    std::fs::create_dir_all(folder).map_err(|error| {
                        let message = format!("cannot make the folder {}: {error}", folder.display());
                        Error::new(Kind::OutputUnwritable, message).because(error)
                    })?;
                }
                files::write_atomically(path, &bytes, if_exists)?;
            }
            None => to_stdout(&bytes)?,
        }
    }
    Ok(())
}

fn encode(cutout: &Cutout, output: &Output, setup: &Setup) -> Result<Vec<u8>> {
    let options = WriteOptions { format: output.format, ..setup.write };
    let picture =
        |alpha| Encodable { color: &cutout.color, alpha, profile: cutout.profile.as_ref(), metadata: &cutout.metadata };
    match output.kind {
        OutputKind::Rgba => files::encode(&picture((!cutout.opaque).then_some(&cutout.matte)), &options),
        OutputKind::Color => files::encode(&picture(None), &options),
        OutputKind::Alpha => files::encode_gray(&cutout.matte, &options),
        OutputKind::Mask => {
            let hard = cutout.matte.values().iter().map(|&alpha| if alpha >= 0.5 { 1.0 } else { 0.0 });
            files::encode_gray(&Alpha::new(cutout.matte.size(), hard.collect()), &options)
        }
    }
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

/// Refuses to fill a terminal with picture bytes.
///
/// # Errors
/// [`Kind::OptionInvalid`] when standard output is a terminal and that was not asked for.
pub fn check_terminal(items: &[Item], force: bool) -> Result<()> {
    let to_stdout = items.iter().flat_map(|item| &item.outputs).any(|output| output.path.is_none());
    if to_stdout && !force && std::io::stdout().is_terminal() {
        let message = "standard output is a terminal; name a file with -o, or add --force-tty";
        return Err(Error::new(Kind::OptionInvalid, message));
    }
    Ok(())
}

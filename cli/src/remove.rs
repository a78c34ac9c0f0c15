//! `remove`: from the command line to files on disk.

mod batch;
mod inputs;
mod outputs;
mod picture;
mod recipe;
mod report;
mod watch;

use backgroundfx_core::{
    Error, Kind, Result,
    engine::Engine,
    files::{Format, ReadOptions, WriteOptions},
    limits::Limits,
    pipeline::Recipe,
};

use crate::{
    args::{OnEmpty, OutputKind, RemoveArguments, Shared},
    commands::catalog,
    config::Config,
    exit::{DONE, Ended},
    interrupt,
    progress::Bars,
};

/// Everything that is the same for all pictures of one call.
pub struct Setup {
    /// What is done to a picture.
    pub recipe: Recipe,
    /// How files are read.
    pub read: ReadOptions,
    /// How files are written, but for the format.
    pub write: WriteOptions,
    /// What is written of each picture.
    pub kinds: Vec<OutputKind>,
    /// What happens when nothing is found.
    pub on_empty: OnEmpty,
    /// Whether colours are converted to sRGB.
    pub convert: bool,
}

/// Cuts out what the arguments name.
pub fn run(arguments: &RemoveArguments, shared: &Shared, config: &Config) -> Ended {
    let setup = setup(arguments, config)?;
    let inputs = match &arguments.watch {
        Some(_) => Vec::new(),
        None => inputs::expand(arguments)?,
    };
    let items = outputs::plan(inputs, arguments, &setup)?;
    if arguments.dry_run {
        items.iter().for_each(|item| println!("{}", item.describe()));
        return Ok(DONE);
    }
    picture::check_terminal(&items, arguments.force_tty)?;
    interrupt::listen();
    let mut config = config.clone();
    config.models_file = arguments.models_file.clone().or(config.models_file);
    let catalog = catalog(&config)?;
    // A name that is wrong is told before anything is fetched.
    catalog.card(&setup.recipe.options().model)?;
    let engine = Engine::open(config.engine(arguments.threads))?;
    let bars = Bars::new(shared.quiet);
    let batch = batch::Batch {
        setup: &setup,
        catalog: &catalog,
        engine: &engine,
        bars: &bars,
        report: report::Report::open(arguments)?,
        shared,
        overwrite: arguments.overwrite,
        skip_existing: arguments.skip_existing,
        fail_fast: arguments.fail_fast,
        jobs: arguments.jobs.or(config.jobs).unwrap_or_else(default_jobs).max(1),
    };
    match &arguments.watch {
        Some(folder) => watch::run(folder, arguments, &batch),
        None => batch.run(items),
    }
}

/// One picture more than there are cores would only wait for the network.
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8)
}

fn setup(arguments: &RemoveArguments, config: &Config) -> Result<Setup> {
    let limits =
        arguments.max_megapixels.or(config.max_megapixels).map_or_else(Limits::default, Limits::with_megapixels);
    if arguments.json && arguments.output.as_deref() == Some("-") {
        let message = "--json and -o - both want standard output; use --report FILE";
        return Err(Error::new(Kind::OptionInvalid, message));
    }
    let format = arguments.format.unwrap_or(Format::Png);
    let setup = Setup {
        recipe: Recipe::new(recipe::options(arguments, config)?)?,
        read: ReadOptions { limits, frame: arguments.frame },
        write: WriteOptions {
            format,
            quality: arguments.quality,
            depth: arguments.depth,
            metadata: arguments.metadata,
            compression: arguments.compression,
        },
        kinds: arguments.output_kind.clone(),
        on_empty: arguments.on_empty,
        convert: arguments.icc == "srgb",
    };
    Ok(setup)
}

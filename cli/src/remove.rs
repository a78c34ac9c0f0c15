//! `remove`: from the command line to files on disk.

mod batch;
mod given;
mod inputs;
mod outputs;
mod pattern;
mod picture;
mod recipe;
mod report;
mod template;
mod watch;

use std::sync::atomic::AtomicBool;

use backgroundfx_core::{
    Error, Kind, Result,
    engine::{Engine, EngineOptions, Precision},
    files::{Format, ReadOptions, WriteOptions},
    limits::Limits,
    options::Compat,
    pipeline::Recipe,
};

use crate::{
    args::{OnEmpty, RemoveArguments, Shared},
    commands::catalog,
    config::Config,
    exit::Ended,
    interrupt,
    progress::Screen,
};
use inputs::{Expansion, Input, Source};
use outputs::{Destination, Existing, Many, Naming, Target, Wanted};
use report::Teller;

/// Everything that is the same for all pictures of one call.
pub struct Setup {
    /// What is done to a picture.
    pub recipe: Recipe,
    /// How files are read.
    pub read: ReadOptions,
    /// How files are written, but for the format.
    pub write: WriteOptions,
    /// What outputs are called.
    pub naming: Naming,
    /// What happens to outputs that are there already.
    pub existing: Existing,
    /// What happens when nothing is found.
    pub on_empty: OnEmpty,
    pub fail_below: Option<f32>,
    /// Whether colours are converted to sRGB.
    pub convert: bool,
    /// A mask or trimap of the user's own.
    pub own: given::OwnWork,
}

/// One picture and what is to be written of it.
pub struct Item {
    /// Its place among the inputs, from 1.
    pub index: usize,
    /// The picture.
    pub input: Input,
    /// Its outputs, or why it can have none.
    pub targets: Result<Vec<Target>>,
    /// What happens to outputs that are there already.
    pub existing: Existing,
}

/// Cuts out what the arguments name.
pub fn run(arguments: &RemoveArguments, shared: &Shared, config: &Config) -> Ended {
    let inputs = expand(arguments)?;
    let many = if arguments.watch.is_some() { Many::Unknown } else { Many::AsNamed };
    let destination = Destination::parse(arguments.output.as_deref(), &inputs, many)?;
    check_stdout(arguments, &destination)?;
    let setup = setup(arguments, config, destination, &inputs)?;
    let catalog = catalog(config)?;
    // A name that is wrong is told before anything is fetched.
    catalog.card(&setup.recipe.options().model)?.check(&setup.recipe.options().subject)?;
    if let Some(name) = setup.recipe.lacks() {
        catalog.matting_card(name)?;
    }
    let stop = AtomicBool::new(false);
    let screen = Screen::new(shared.progress, shared.quiet);
    let mut teller = Teller::open(arguments, shared, &screen)?;
    if arguments.dry_run {
        return teller.preview(setup.items(inputs));
    }
    interrupt::listen();
    let keep_memory = arguments.watch.is_some() || inputs.len() > 1;
    // The program whose mattes are wanted computes in single precision.
    let exact = (setup.recipe.options().compat != Compat::None).then_some(Precision::Fp32);
    let precision = arguments.cut.precision.or(config.precision).or(exact);
    let engine = Engine::open(EngineOptions { keep_memory, ..config.engine(arguments.cut.threads, precision) })?;
    let batch = batch::Batch {
        setup: &setup,
        catalog: &catalog,
        engine: &engine,
        screen: &screen,
        stop: &stop,
        fail_fast: arguments.fail_fast,
        jobs: arguments.jobs.or(config.jobs).unwrap_or_else(default_jobs).max(1),
    };
    match &arguments.watch {
        Some(folder) => {
            let watch = watch::Watch::open(folder, arguments.recursive, &setup, &stop)?;
            // What would fail for every picture is told now, not when the first one comes.
            drop(batch.segmenter()?);
            screen.watching(folder);
            batch.run(watch, usize::MAX, &mut teller)
        }
        None => {
            let count = inputs.len();
            screen.begin(count);
            batch.run(setup.items(inputs), count, &mut teller)
        }
    }
}

/// One picture more than the network works on keeps it busy; with many cores, decoding is what it waits for.
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8)
}

fn expand(arguments: &RemoveArguments) -> Result<Vec<Input>> {
    if arguments.watch.is_some() {
        return Ok(Vec::new());
    }
    let output = arguments.output.as_ref().map(std::path::Path::new);
    let expansion = Expansion {
        arguments: &arguments.inputs,
        list: arguments.files_from.as_deref(),
        zero: arguments.null,
        recursive: arguments.recursive,
        leave_out: output.filter(|output| output.is_dir()),
        skip_cutouts: arguments.output.is_none(),
    };
    let inputs = expansion.inputs()?;
    if inputs.is_empty() {
        return Err(Error::new(Kind::InputUnreadable, "the list names no picture"));
    }
    Ok(inputs)
}

/// Standard output takes one thing only, and no picture when a person looks at it.
fn check_stdout(arguments: &RemoveArguments, destination: &Destination) -> Result<()> {
    use std::io::IsTerminal;
    if *destination != Destination::Stdout {
        return Ok(());
    }
    let wrong = |message: &str| Err(Error::new(Kind::OptionInvalid, message));
    if arguments.json {
        return wrong("--json and the picture both want standard output; use --report FILE, or name a file with -o");
    }
    if arguments.output_kind.len() > 1 {
        return wrong("standard output takes one --output-kind; name a file with -o to write several");
    }
    if std::io::stdout().is_terminal() && !arguments.force_tty && !arguments.dry_run {
        return wrong("standard output is a terminal; name a file with -o, or add --force-tty");
    }
    Ok(())
}

fn setup(arguments: &RemoveArguments, config: &Config, destination: Destination, inputs: &[Input]) -> Result<Setup> {
    let limits =
        arguments.max_megapixels.or(config.max_megapixels).map_or_else(Limits::default, Limits::with_megapixels);
    let read = ReadOptions { limits, frame: arguments.frame };
    let mut own = given::read(arguments, inputs, &ReadOptions { frame: 0, ..read })?;
    let mut recipe = Recipe::new(recipe::options(arguments, config)?)?;
    if let Some(trimap) = own.beside.take() {
        recipe = recipe.with_trimap(trimap);
    }
    let mut kinds = arguments.output_kind.clone();
    let mut seen = std::collections::HashSet::new();
    kinds.retain(|kind| seen.insert(*kind));
    let wanted = Wanted {
        format: arguments.format,
        kinds,
        model: recipe.options().model.clone(),
        transparent: recipe.is_transparent(),
    };
    let existing = match (arguments.overwrite, arguments.skip_existing) {
        (true, _) => Existing::Replace,
        (false, true) => Existing::Skip,
        (false, false) => Existing::Refuse,
    };
    let naming = Naming::new(destination, wanted, inputs);
    if naming.needs_picture() && existing == Existing::Skip {
        let message = "--skip-existing must know names beforehand; use a template without {w}, {h} and {hash8}";
        return Err(Error::new(Kind::OptionInvalid, message));
    }
    Ok(Setup {
        recipe,
        read,
        write: WriteOptions {
            format: Format::Png,
            quality: arguments.quality,
            depth: arguments.depth,
            metadata: arguments.metadata,
            compression: arguments.compression,
        },
        naming,
        existing,
        on_empty: arguments.on_empty,
        fail_below: arguments.fail_below,
        convert: arguments.icc == "srgb",
        own,
    })
}

impl Setup {
    /// Plans all inputs, one after the other, so that of two that want one name the first gets it.
    fn items(&self, inputs: Vec<Input>) -> impl Iterator<Item = Item> + Send + '_ {
        inputs.into_iter().enumerate().map(|(at, input)| self.item(at + 1, input, self.existing))
    }

    /// Plans one input.
    fn item(&self, index: usize, input: Input, existing: Existing) -> Item {
        let targets = match &input.source {
            Source::Nothing(_, why) => Err(Error::new(Kind::InputUnreadable, why.clone())),
            _ => self.naming.targets(&input, index, None),
        };
        let targets = targets.and_then(|targets| {
            if !self.naming.needs_picture() {
                self.naming.claim(&input, &targets)?;
            }
            Ok(targets)
        });
        Item { index, input, targets, existing }
    }
}

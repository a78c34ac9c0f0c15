//! `models`: what there is, what is here, fetching, checking and removing it.

use backgroundfx_core::{
    Error, Kind, Result,
    engine::{
        Device, Engine, Precision,
        artifacts::{Artifact, Manifest, Store},
    },
    files::{self, ReadOptions},
    models::{Catalog, DEFAULT, ModelCard},
    tensor,
};
use serde_json::json;
use std::path::PathBuf;

use crate::{
    args::{ModelsCommand, Shared},
    config::Config,
    exit::{self, DONE, Ended},
    interrupt,
    progress::Screen,
    stdout::say,
};

/// Runs one of the model commands.
pub fn run(command: &ModelsCommand, shared: &Shared, config: &Config) -> Ended {
    let catalog = catalog(config)?;
    let store = Store::open(config.store())?;
    match command {
        ModelsCommand::List { json, markdown } => list(&catalog, &store, default(config), *json, *markdown),
        ModelsCommand::Pull { runtime: true, trust_unknown, .. } => pull_runtime(*trust_unknown, shared, config),
        ModelsCommand::Pull { names, trust_unknown, .. } => pull(&catalog, names, *trust_unknown, shared, config),
        ModelsCommand::Optimize { name, pictures, show } => optimize(&catalog, name, pictures, *show, shared, config),
        ModelsCommand::Verify { names } => verify(&catalog, &store, names),
        ModelsCommand::Remove { names } => remove(&catalog, &store, names),
        ModelsCommand::Info { name } => info(&catalog, &store, name),
        ModelsCommand::Path => {
            say!("{}", store.folder().display());
            Ok(DONE)
        }
    }
}

/// The built-in models and those of the configured file.
pub fn catalog(config: &Config) -> Result<Catalog> {
    config.models_file.as_deref().map_or_else(|| Ok(Catalog::built_in()), Catalog::with_file)
}

fn variants<'a>(catalog: &'a Catalog, card: &'a ModelCard) -> Vec<&'a Artifact> {
    catalog.manifest().iter().filter(|artifact| card.files().iter().any(|name| artifact.is_for(name))).collect()
}

/// The model that is used when none is named.
fn default(config: &Config) -> &str {
    config.model.as_deref().unwrap_or(DEFAULT)
}

/// The bytes of all files of a model, the preferred one of each.
fn bytes(catalog: &Catalog, card: &ModelCard) -> Option<u64> {
    card.files().iter().map(|file| catalog.manifest().variants(file).next()?.bytes).sum()
}

/// What `list` tells of a model.
struct Row<'a> {
    card: &'a ModelCard,
    bytes: Option<u64>,
    license: &'a str,
    commercial: bool,
    here: bool,
    default: bool,
}

impl<'a> Row<'a> {
    fn new(card: &'a ModelCard, catalog: &'a Catalog, store: &Store, default: &str) -> Self {
        let first = catalog.manifest().variants(&card.name).next();
        let license = card.own.as_ref().map(|own| &own.license).or(first.map(|artifact| &artifact.license));
        Self {
            card,
            bytes: bytes(catalog, card),
            license: license.map_or(if card.is_key() { "no weights" } else { "unknown" }, |license| &license.weights),
            commercial: card.is_key() || license.is_some_and(|license| license.commercial),
            here: catalog.is_here(store, card),
            default: card.name == default,
        }
    }

    fn megabytes(&self) -> String {
        self.bytes.map_or_else(|| "?".to_owned(), |bytes| bytes.div_ceil(1_000_000).to_string())
    }

    fn json(&self) -> String {
        let ModelCard { name, family, about, memory_mb, .. } = self.card;
        json!({
            "name": name, "family": family, "about": about, "bytes": self.bytes, "memory_mb": memory_mb,
            "license": self.license, "commercial": self.commercial, "here": self.here, "default": self.default,
        })
        .to_string()
    }

    fn markdown(&self) -> String {
        let allowed = if self.commercial { "yes" } else { "no" };
        let ModelCard { name, family, about, .. } = self.card;
        format!("| `{name}` | {family} | {} | {allowed} | {} | {about} |", self.megabytes(), self.license)
    }

    fn line(&self) -> String {
        let mark = match (self.default, self.here) {
            (true, true) => "default, here",
            (true, false) => "default",
            (false, true) => "here",
            (false, false) => "",
        };
        let limits = if self.commercial { "" } else { " (no commercial use)" };
        let ModelCard { name, family, about, .. } = self.card;
        format!("{name:<26} {family:<11} {:>5} MB  {mark:<13}  {}{limits}  {about}", self.megabytes(), self.license)
    }
}

fn list(catalog: &Catalog, store: &Store, default: &str, as_json: bool, markdown: bool) -> Ended {
    if markdown {
        say!("| model | family | MB | commercial use | weights' licence | what for |\n|---|---|---|---|---|---|");
    }
    for card in catalog.cards() {
        let row = Row::new(card, catalog, store, default);
        say!(
            "{}",
            if as_json {
                row.json()
            } else if markdown {
                row.markdown()
            } else {
                row.line()
            }
        );
    }
    Ok(DONE)
}

fn pull(catalog: &Catalog, names: &[String], trust_unknown: bool, shared: &Shared, config: &Config) -> Ended {
    let default = [default(config).to_owned()];
    let names = if names.is_empty() { default.as_slice() } else { names };
    // What is no model but in the list all the same is a file by itself: what browsers run a network by.
    let is_file = |name: &&String| catalog.card(name).is_err() && catalog.manifest().variants(name).next().is_some();
    let (parts, models): (Vec<&String>, Vec<&String>) = names.iter().partition(is_file);
    // A name that is wrong is told before anything is fetched.
    let mut cards = models.into_iter().map(|name| catalog.card(name)).collect::<Result<Vec<_>>>()?;
    cards.retain(|card| !card.is_key());
    interrupt::listen();
    let screen = Screen::new(shared.progress, shared.quiet);
    let mut options = config.engine(None, None);
    options.store.trust_unknown = trust_unknown;
    let engine = Engine::open(options)?;
    for part in parts {
        let (artifact, path) = engine.store().obtain(catalog.manifest(), part, &screen)?;
        if !shared.quiet {
            say!("{} at {}", artifact.id, path.display());
        }
    }
    if cards.is_empty() {
        return Ok(DONE);
    }
    engine.runtime(&screen)?;
    for card in cards.into_iter().filter(|card| card.own.is_none()) {
        for file in card.files() {
            let (artifact, path) = engine.store().obtain(catalog.manifest(), &file, &screen)?;
            if !shared.quiet {
                say!("{}: {} at {}", card.name, artifact.id, path.display());
            }
        }
        // Laid out for this processor now, so that the first picture does not wait for it.
        if card.is_matting() {
            catalog.matting(&engine, &card.name, Device::Cpu, &screen)?;
        } else {
            catalog.segmenter(&engine, &card.name, Device::Cpu, &screen)?;
        }
    }
    Ok(DONE)
}

fn pull_runtime(trust_unknown: bool, shared: &Shared, config: &Config) -> Ended {
    interrupt::listen();
    let mut options = config.engine(None, None);
    options.store.trust_unknown = trust_unknown;
    Engine::open(options)?.runtime(&Screen::new(shared.progress, shared.quiet))?;
    Ok(DONE)
}

/// Finds the ranges on the pictures, if there are any, and computes in 8 bits once, so that all is ready.
fn optimize(
    catalog: &Catalog,
    name: &str,
    pictures: &[PathBuf],
    show: bool,
    shared: &Shared,
    config: &Config,
) -> Ended {
    let card = catalog.card(name)?;
    if card.is_matting() || card.is_key() {
        let why = if card.is_key() { "has no network" } else { "is for matting, which computes in single precision" };
        let message = format!("{name} {why}");
        return Err(Error::new(Kind::OptionInvalid, message));
    }
    interrupt::listen();
    let screen = Screen::new(shared.progress, shared.quiet);
    let engine = Engine::open(config.engine(None, Some(Precision::Int8)))?;
    if !pictures.is_empty() {
        let inputs = pictures.iter().map(|path| {
            let picture = files::read(path, &ReadOptions::default())?;
            tensor::from_picture(&picture.color, picture.profile.as_ref(), &card.input)
        });
        let table = engine.calibrate(card.weights(catalog.manifest()), inputs, &screen)?;
        if show {
            say!("{}", table.to_text().trim_end());
        }
    }
    catalog.segmenter(&engine, name, Device::Cpu, &screen)?;
    if !shared.quiet && !show {
        say!("{name} is ready to compute in 8 bits");
    }
    Ok(DONE)
}

fn chosen<'a>(catalog: &'a Catalog, names: &'a [String]) -> Result<Vec<&'a Artifact>> {
    if names.is_empty() {
        return Ok(catalog.manifest().iter().filter(|artifact| artifact.fits_here()).collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let before = chosen.len();
        // The runtime is an artifact, too, and no model.
        match catalog.card(name) {
            Ok(card) => chosen.extend(variants(catalog, card).into_iter().filter(|artifact| artifact.fits_here())),
            Err(_) => chosen.extend(catalog.manifest().variants(name)),
        }
        if chosen.len() == before {
            catalog.card(name)?;
        }
    }
    Ok(chosen)
}

/// Checks every file that is here; a name of which nothing is here is an error.
fn verify(catalog: &Catalog, store: &Store, names: &[String]) -> Ended {
    let mut code = DONE;
    let mut fail = |error: &Error| {
        exit::show(error);
        code = exit::of(error.kind());
    };
    let groups = if names.is_empty() { vec![names] } else { names.chunks(1).collect() };
    for group in groups {
        let mut here = false;
        for artifact in chosen(catalog, group)? {
            match store.verify(artifact) {
                Err(error) if error.kind() == Kind::ArtifactMissing => continue,
                Ok(path) => say!("ok  {}  {}", artifact.id, path.display()),
                Err(error) => fail(&error.on(&artifact.id)),
            }
            here = true;
        }
        if let (false, [name]) = (here, group)
            && !catalog.card(name).is_ok_and(ModelCard::is_key)
        {
            fail(&Error::new(Kind::ArtifactMissing, format!("{name} is not on this machine")));
        }
    }
    Ok(code)
}

fn remove(catalog: &Catalog, store: &Store, names: &[String]) -> Ended {
    for artifact in chosen(catalog, names)? {
        if store.remove(artifact)? {
            say!("removed {}", artifact.id);
        }
    }
    Engine::forget_prepared(store)?;
    Ok(DONE)
}

fn info(catalog: &Catalog, store: &Store, name: &str) -> Ended {
    let card = catalog.card(name)?;
    say!("{} ({})\n{}", card.name, card.family, card.about);
    if card.is_key() {
        say!("nothing is fetched or loaded for it");
        return Ok(DONE);
    }
    say!("input   {:?}", card.input);
    match card.output.classes.as_slice() {
        [] => say!("output  {:?}", card.output),
        classes => say!("classes {}", classes.join(", ")),
    }
    match card.memory_mb {
        Some(memory) => say!("memory  {memory} MB on a processor"),
        None => say!("memory  not measured"),
    }
    if let Some(own) = &card.own {
        say!("file    {}", own.path.display());
        say!("licence {}", own.license.weights);
    }
    for artifact in variants(catalog, card) {
        show_artifact(artifact, store);
    }
    Ok(DONE)
}

fn show_artifact(artifact: &Artifact, store: &Store) {
    let license = &artifact.license;
    say!("\n{}", artifact.id);
    say!("  licence of code     {}", license.code);
    say!("  licence of weights  {}{}", license.weights, if license.commercial { "" } else { "  (no commercial use)" });
    for (what, text) in [("training data", &license.data), ("note", &license.note), ("about the file", &artifact.note)]
    {
        if let Some(text) = text {
            say!("  {what:<19} {text}");
        }
    }
    say!("  sha256              {}", artifact.sha256.as_deref().unwrap_or("not recorded; the first download asks"));
    say!("  here                {}", store.find(artifact).map_or("no".to_owned(), |path| path.display().to_string()));
    if artifact.sources.is_empty() {
        say!("  source              none: put the file into {}", store.folder().join(&artifact.file).display());
    }
}

/// What `doctor` tells of the models on disk.
pub fn on_disk(store: &Store) -> Vec<String> {
    let found = Manifest::built_in().iter().filter(|artifact| store.find(artifact).is_some());
    found.map(|artifact| artifact.id.clone()).collect()
}

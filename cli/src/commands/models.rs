//! `models`: what there is, what is here, fetching, checking and removing it.

use backgroundfx_core::{
    Kind, Result,
    engine::{
        Engine,
        artifacts::{Artifact, Manifest, Store, StoreOptions},
    },
    models::{Catalog, DEFAULT, ModelCard},
};
use serde_json::json;

use crate::{
    args::{ModelsCommand, Shared},
    config::Config,
    exit::{self, DONE, Ended, SOME_FAILED},
    interrupt,
    progress::Bars,
};

/// Runs one of the model commands.
pub fn run(command: &ModelsCommand, shared: &Shared, config: &Config) -> Ended {
    let catalog = catalog(config)?;
    let store = Store::open(config.store())?;
    match command {
        ModelsCommand::List { json, markdown } => list(&catalog, &store, *json, *markdown),
        ModelsCommand::Pull { names, trust_unknown } => pull(&catalog, names, *trust_unknown, shared, config),
        ModelsCommand::Verify { names } => verify(&catalog, &store, names),
        ModelsCommand::Remove { names } => remove(&catalog, &store, names),
        ModelsCommand::Info { name } => info(&catalog, &store, name),
        ModelsCommand::Path => {
            println!("{}", store.folder().display());
            Ok(DONE)
        }
    }
}

/// The built-in models and those of the configured file.
pub fn catalog(config: &Config) -> Result<Catalog> {
    config.models_file.as_deref().map_or_else(|| Ok(Catalog::built_in()), Catalog::with_file)
}

fn variants<'a>(catalog: &'a Catalog, card: &'a ModelCard) -> Vec<&'a Artifact> {
    catalog.manifest().variants(&card.name).collect()
}

/// Whether a model can be used without fetching anything.
fn is_here(catalog: &Catalog, store: &Store, card: &ModelCard) -> bool {
    match &card.own {
        Some(own) => own.path.is_file(),
        None => variants(catalog, card).iter().any(|artifact| store.find(artifact).is_some()),
    }
}

fn list(catalog: &Catalog, store: &Store, as_json: bool, markdown: bool) -> Ended {
    if markdown {
        println!("| model | family | MB | commercial use | weights' licence | what for |\n|---|---|---|---|---|---|");
    }
    for card in catalog.cards() {
        let here = is_here(catalog, store, card);
        let variants = variants(catalog, card);
        let first = variants.first();
        let license = card.own.as_ref().map(|own| &own.license).or(first.map(|artifact| &artifact.license));
        let megabytes = first.and_then(|artifact| artifact.bytes).map(|bytes| bytes / 1_000_000);
        let (weights, commercial) =
            license.map_or(("unknown", false), |license| (&license.weights, license.commercial));
        if as_json {
            println!(
                "{}",
                json!({
                    "name": card.name, "family": card.family, "about": card.about, "bytes": first.and_then(|a| a.bytes),
                    "license": weights, "commercial": commercial, "here": here, "default": card.name == DEFAULT,
                })
            );
        } else if markdown {
            let size = megabytes.map_or_else(|| "?".to_owned(), |megabytes| megabytes.to_string());
            let allowed = if commercial { "yes" } else { "no" };
            println!("| `{}` | {} | {size} | {allowed} | {weights} | {} |", card.name, card.family, card.about);
        } else {
            let size = megabytes.map_or_else(|| "   ?".to_owned(), |megabytes| format!("{megabytes:>4}"));
            let mark = match (card.name == DEFAULT, here) {
                (true, true) => "default, here",
                (true, false) => "default",
                (false, true) => "here",
                (false, false) => "",
            };
            let limits = if commercial { "" } else { " (no commercial use)" };
            println!("{:<24} {size} MB  {:<13}  {weights}{limits}  {}", card.name, mark, card.about);
        }
    }
    Ok(DONE)
}

fn pull(catalog: &Catalog, names: &[String], trust_unknown: bool, shared: &Shared, config: &Config) -> Ended {
    interrupt::listen();
    let bars = Bars::new(shared.quiet);
    let options = config.engine(None);
    let engine = Engine::open(backgroundfx_core::engine::EngineOptions {
        store: StoreOptions { trust_unknown, ..options.store },
        ..options
    })?;
    engine.runtime(&bars)?;
    let default = [DEFAULT.to_owned()];
    for name in if names.is_empty() { default.as_slice() } else { names } {
        let card = catalog.card(name)?;
        if card.own.is_none() {
            let (artifact, path) = engine.weights(catalog.manifest(), name, &bars)?;
            if !shared.quiet {
                println!("{name}: {} at {}", artifact.id, path.display());
            }
        }
    }
    Ok(DONE)
}

fn chosen<'a>(catalog: &'a Catalog, names: &'a [String]) -> Result<Vec<&'a Artifact>> {
    if names.is_empty() {
        return Ok(catalog.manifest().iter().collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let before = chosen.len();
        chosen.extend(catalog.manifest().variants(name));
        if chosen.len() == before {
            catalog.card(name)?;
        }
    }
    Ok(chosen)
}

fn verify(catalog: &Catalog, store: &Store, names: &[String]) -> Ended {
    let mut code = DONE;
    for artifact in chosen(catalog, names)? {
        match store.verify(artifact) {
            Ok(path) => println!("ok       {}  {}", artifact.id, path.display()),
            Err(error) if error.kind() == Kind::ArtifactMissing && names.is_empty() => {}
            Err(error) if error.kind() == Kind::ArtifactMissing => println!("missing  {}", artifact.id),
            Err(error) => {
                exit::show(&error.on(&artifact.id));
                code = SOME_FAILED;
            }
        }
    }
    Ok(code)
}

fn remove(catalog: &Catalog, store: &Store, names: &[String]) -> Ended {
    for artifact in chosen(catalog, names)? {
        if store.remove(artifact)? {
            println!("removed {}", artifact.id);
        }
    }
    Engine::forget_prepared(store)?;
    Ok(DONE)
}

fn info(catalog: &Catalog, store: &Store, name: &str) -> Ended {
    let card = catalog.card(name)?;
    println!("{} ({})\n{}", card.name, card.family, card.about);
    println!("input   {:?}", card.input);
    println!("output  {:?}", card.output);
    match card.memory_mb {
        Some(memory) => println!("memory  {memory} MB on a processor"),
        None => println!("memory  not measured"),
    }
    if let Some(own) = &card.own {
        println!("file    {}", own.path.display());
        println!("licence {}", own.license.weights);
    }
    for artifact in variants(catalog, card) {
        show_artifact(artifact, store);
    }
    Ok(DONE)
}

fn show_artifact(artifact: &Artifact, store: &Store) {
    let license = &artifact.license;
    println!("\n{}", artifact.id);
    println!("  licence of code     {}", license.code);
    println!(
        "  licence of weights  {}{}",
        license.weights,
        if license.commercial { "" } else { "  (no commercial use)" }
    );
    for (what, text) in [("training data", &license.data), ("note", &license.note), ("about the file", &artifact.note)]
    {
        if let Some(text) = text {
            println!("  {what:<19} {text}");
        }
    }
    println!("  sha256              {}", artifact.sha256.as_deref().unwrap_or("not recorded; the first download asks"));
    println!(
        "  here                {}",
        store.find(artifact).map_or("no".to_owned(), |path| path.display().to_string())
    );
    if artifact.sources.is_empty() {
        println!("  source              none: put the file into {}", store.folder().join(&artifact.file).display());
    }
}

/// What `doctor` tells of the models on disk.
pub fn on_disk(store: &Store) -> Vec<String> {
    let found = Manifest::built_in().iter().filter(|artifact| store.find(artifact).is_some());
    found.map(|artifact| artifact.id.clone()).collect()
}

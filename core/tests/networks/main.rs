//! Every family's pre- and post-processing through the real runtime, on tiny networks of the same signature.
//!
//! The published weights of most families are too large for a test run; a network of one layer with
//! the same inputs, outputs and activation, whose matte is known (the picture's red channel), goes
//! through the same code. What this cannot show is that the real weights find subjects.

mod classes;
mod loops;
mod prompted;
mod selfie;
mod tiny;
mod vitmatte;

use backgroundfx_core::{
    Kind,
    engine::{
        Device, Engine, EngineOptions, Precision, Weights,
        artifacts::{License, Manifest, StoreOptions},
    },
    files::{Format, Metadata, Picture},
    models::{Catalog, InputSize, ModelCard, ModelUsed, Segmenter, Still},
    options::{Compat, Options},
    pixels::{Rgb, Samples, Size},
    progress::Silent,
};
use tiny::Tiny;

/// A picture whose red grows from left to right while green and blue do something else.
fn picture(size: Size) -> Picture {
    let samples = (0..size.area())
        .flat_map(|i| {
            let x = i as u32 % size.width;
            [(x * 255 / (size.width - 1)) as u8, (i / size.width as usize % 256) as u8, 77]
        })
        .collect();
    Picture {
        color: Rgb::new(size, Samples::Eight(samples)),
        alpha: None,
        profile: None,
        metadata: Metadata::default(),
        format: Format::Png,
        warnings: Vec::new(),
    }
}

fn used(card: &ModelCard) -> ModelUsed {
    let license = License { code: "-".into(), weights: "-".into(), data: None, commercial: true, note: None };
    ModelUsed {
        model: card.name.clone(),
        file: "tiny.onnx".into(),
        sha256: None,
        license,
        device: Device::Cpu,
        precision: Precision::Fp32,
        passed_over: Vec::new(),
    }
}

fn engine() -> Engine {
    Engine::open(EngineOptions { threads: Some(2), ..EngineOptions::default() }).expect("the store can be opened")
}

#[test]
#[ignore = "needs the runtime"]
fn every_variant_gives_back_the_matte_its_network_computes() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    for card in Catalog::built_in().cards().iter().filter(|card| {
        !card.is_prompted()
            && !card.is_matting()
            && !card.remembers()
            && !card.is_key()
            && card.output.classes.is_empty()
    }) {
        let tiny = Tiny::like(card);
        let file = folder.path().join(format!("{}.onnx", card.name));
        std::fs::write(&file, tiny.encode()).unwrap();
        let network = engine.network(&file, Device::Cpu, &Silent).unwrap().network;
        let (_, outputs) = network.ports();
        assert_eq!(outputs.len(), tiny.outputs, "{}", card.name);
        let mut segmenter = Still::over(card.clone(), network, None, used(card)).unwrap();
        let size = Size::new(300, 200);
        let matte = segmenter.segment(&picture(size), &Options::default()).unwrap().alpha;
        assert_eq!(matte.size(), size, "{}", card.name);
        for x in [5, 75, 150, 225, 294] {
            let red = x as f32 / 299.0;
            let expected = tiny.matte_of(red);
            let got = matte.values()[100 * 300 + x];
            // Half precision and resizing to and fro cost a little.
            assert!((got - expected).abs() < 0.02, "{} at {x}: {got}, expected {expected}", card.name);
        }
    }
}

#[test]
#[ignore = "needs the runtime"]
fn an_empty_picture_gives_an_empty_matte_but_rembg_stretches_it() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let catalog = Catalog::built_in();
    let card = catalog.card("u2netp").unwrap();
    let file = folder.path().join("u2netp.onnx");
    std::fs::write(&file, Tiny::like(card).encode()).unwrap();
    let network = engine.network(&file, Device::Cpu, &Silent).unwrap().network;
    let mut segmenter = Still::over(card.clone(), network, None, used(card)).unwrap();
    // Red between 0 and 20 of 255: nothing a subject would be.
    let mut dark = picture(Size::new(256, 64));
    if let Samples::Eight(samples) = dark.color.samples_mut() {
        samples.chunks_exact_mut(3).for_each(|pixel| pixel[0] /= 12);
    }
    let greatest = |matte: &[f32]| matte.iter().copied().fold(0.0, f32::max);
    let ours = segmenter.segment(&dark, &Options::default()).unwrap().alpha;
    assert!(greatest(ours.values()) < 0.1);
    let rembg = segmenter.segment(&dark, &Options { compat: Compat::Rembg, ..Options::default() }).unwrap().alpha;
    assert!(greatest(rembg.values()) > 0.9);
}

#[test]
#[ignore = "needs the runtime"]
fn a_model_of_the_users_own_is_a_row_in_a_file() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let row = r#"
        [[model]]
        name = "ours"
        file = "ours.onnx"
        license = "proprietary"
        input = { size = { width = 64, height = 48 }, mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5] }
        output = { activation = "sigmoid" }
    "#;
    let rows = folder.path().join("models.toml");
    std::fs::write(&rows, row).unwrap();
    let catalog = Catalog::with_file(&rows).unwrap();
    let card = catalog.card("ours").unwrap();
    std::fs::write(folder.path().join("ours.onnx"), Tiny::like(card).encode()).unwrap();
    let mut segmenter = catalog.segmenter(&engine, "ours", Device::Cpu, &Silent).unwrap();
    let matte = segmenter.segment(&picture(Size::new(128, 96)), &Options::default()).unwrap().alpha;
    assert!(matte.values()[50] < matte.values()[90]);
    assert_eq!(segmenter.used().license.weights, "proprietary");
}

#[test]
#[ignore = "needs the runtime"]
fn files_without_a_recorded_checksum_are_told_apart_by_their_content() {
    engine().runtime(&Silent).unwrap();
    let (catalog, folder) = (Catalog::built_in(), tempfile::tempdir().unwrap());
    let mut rows = String::new();
    // What is kept of a file is named by the beginning of its checksum; their names begin alike.
    for (name, model) in [("encoder", "u2netp"), ("decoder", "isnet-general-use")] {
        let file = format!("a_name_of_some_length.{name}.onnx");
        std::fs::write(folder.path().join(&file), Tiny::like(catalog.card(model).unwrap()).encode()).unwrap();
        rows += &format!("[[artifact]]\nid = {name:?}\nprovides = {name:?}\nfile = {file:?}\n");
        rows += "license = { code = \"-\", weights = \"-\", commercial = true }\n";
    }
    let manifest = Manifest::from_toml(&rows).unwrap();
    let store = StoreOptions { folder: Some(folder.path().to_owned()), trust_unknown: true, ..StoreOptions::default() };
    let engine = Engine::open(EngineOptions { store, threads: Some(2), ..EngineOptions::default() }).unwrap();
    let outputs = ["encoder", "decoder"].map(|name| {
        let (_, loaded) = engine.model(Weights::Listed(&manifest, name), Device::Cpu, &Silent).unwrap();
        loaded.network.ports().1.len()
    });
    assert_eq!(outputs, [7, 12]);
}

#[test]
#[ignore = "needs the runtime"]
fn what_does_not_fit_is_told() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let catalog = Catalog::built_in();
    let card = catalog.card("isnet-general-use").unwrap();
    let garbage = folder.path().join("garbage.onnx");
    std::fs::write(&garbage, b"not a graph").unwrap();
    let error = engine.network(&garbage, Device::Cpu, &Silent).err().expect("garbage is refused");
    assert_eq!(error.kind(), Kind::InferenceFailed);

    let file = folder.path().join("tiny.onnx");
    std::fs::write(&file, Tiny::like(card).encode()).unwrap();
    let network = engine.network(&file, Device::Cpu, &Silent).unwrap().network;
    let missing = Still::over(card.clone(), network.clone(), Some("no such output".into()), used(card));
    assert_eq!(missing.err().expect("the output is not there").kind(), Kind::ModelMismatch);

    let mut smaller = card.clone();
    smaller.input.size = InputSize::Fixed { width: 32, height: 32 };
    let mut segmenter = Still::over(smaller, network, None, used(card)).unwrap();
    let error = segmenter.segment(&picture(Size::new(64, 64)), &Options::default()).unwrap_err();
    assert!(matches!(error.kind(), Kind::InferenceFailed | Kind::ModelMismatch), "{error}");
}

#[test]
#[ignore = "needs the runtime"]
fn a_named_device_is_used_or_refused_and_auto_says_what_it_chose() {
    let (engine, folder) = (engine(), tempfile::tempdir().unwrap());
    let catalog = Catalog::built_in();
    let file = folder.path().join("tiny.onnx");
    std::fs::write(&file, Tiny::like(catalog.card("u2netp").unwrap()).encode()).unwrap();
    let auto = engine.network(&file, Device::Auto, &Silent).unwrap();
    assert_ne!(auto.device, Device::Auto);
    for status in engine.devices(&Silent).unwrap() {
        let loaded = engine.network(&file, status.device, &Silent);
        match status.usable {
            Ok(()) => assert_eq!(loaded.map(|loaded| loaded.device).ok(), Some(status.device)),
            Err(_) => assert_eq!(loaded.err().map(|error| error.kind()), Some(Kind::DeviceUnavailable)),
        }
    }
}

//! Runs one stage of the pipeline outside the network, for measuring it: `stages STAGE MEGAPIXELS [RUNS [SCENE]]`.
//!
//! STAGE is one of the table's, or `prepare`, which does what all of them need first. `bench/stages` calls it.

use std::{path::Path, time::Instant};

use backgroundfx_core::{
    engine::Tensor,
    files::{self, Encodable, Format, Metadata, ReadOptions, WriteOptions},
    models::Catalog,
    pixels::{Alpha, Rgb, Size},
    steps::{edge_network, foreground, refine_edges},
    tensor,
};

/// What a stage works on.
#[derive(Clone)]
struct Material {
    jpeg: Vec<u8>,
    color: Rgb,
    /// As a network gives it, at the picture's size.
    raw: Alpha,
    refined: Alpha,
}

/// A stage by name, and how it is run once.
type Stage = (&'static str, fn(&mut Material));

const STAGES: &[Stage] = &[
    ("prepare", |_| {}),
    ("decode", |material| drop(files::decode(&material.jpeg, &ReadOptions::default()).expect("a JPEG that we wrote"))),
    ("input", |material| {
        let catalog = Catalog::built_in();
        let card = catalog.card(backgroundfx_core::models::DEFAULT).expect("the default exists");
        drop(tensor::from_picture(&material.color, None, &card.input).expect("it can be shrunk"));
    }),
    ("matte", |material| {
        let catalog = Catalog::built_in();
        let card = catalog.card(backgroundfx_core::models::DEFAULT).expect("the default exists");
        let output = Tensor::new(vec![1, 1, 1024, 1024], vec![0.5; 1 << 20]);
        drop(tensor::to_matte(output, card, material.color.size()).expect("it can be enlarged"));
    }),
    ("edge_network", |material| edge_network::correct(&material.color, &mut material.raw)),
    ("refine_edges", |material| refine_edges::refine(&material.color, &mut material.raw)),
    ("foreground", |material| foreground::estimate(&mut material.color, &material.refined, 1.0)),
    ("png", |material| drop(encode(material, Format::Png))),
    ("webp", |material| drop(encode(material, Format::WebP))),
];

fn encode(material: &Material, format: Format) -> Vec<u8> {
    let metadata = Metadata::default();
    let picture =
        Encodable { color: &material.color, alpha: Some(&material.refined), profile: None, metadata: &metadata };
    files::encode(&picture, &WriteOptions::new(format)).expect("it can be encoded")
}

/// A rendered scene with its accepted matte, enlarged.
fn material(name: &str, megapixels: f64) -> Material {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    let scene =
        files::read(&testdata.join(format!("scenes/{name}.jpg")), &ReadOptions::default()).expect("the scene is there");
    let matte = files::read_matte(&testdata.join(format!("goldens/{name}.png")), &ReadOptions::default())
        .expect("and its matte");
    let scale = (megapixels * 1e6 / scene.color.size().area() as f64).sqrt();
    let side = |length: u32| (f64::from(length) * scale).round() as u32;
    let size = Size::new(side(scene.color.size().width), side(scene.color.size().height));
    let network = tensor::resize_alpha(&matte, Size::new(1024, 1024)).expect("it can be resized");
    let color = tensor::resize_rgb(&scene.color, size).expect("it can be enlarged");
    let metadata = Metadata::default();
    let picture = Encodable { color: &color, alpha: None, profile: None, metadata: &metadata };
    let jpeg = files::encode(&picture, &WriteOptions::new(Format::Jpeg)).expect("it can be encoded");
    let raw = tensor::resize_alpha(&network, size).expect("it can be enlarged");
    let refined = tensor::resize_alpha(&matte, size).expect("it can be enlarged");
    Material { jpeg, color, raw, refined }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let stage = STAGES.iter().find(|(name, _)| words.first().is_some_and(|word| word == name));
    let (Some((name, run)), Some(Ok(megapixels))) = (stage, words.get(1).map(|word| word.parse())) else {
        let names: Vec<_> = STAGES.iter().map(|(name, _)| *name).collect();
        eprintln!("stages STAGE MEGAPIXELS [RUNS]; STAGE is one of {}", names.join(", "));
        std::process::exit(2);
    };
    let material = material(words.get(3).map_or("fox", String::as_str), megapixels);
    let runs: usize = words.get(2).and_then(|word| word.parse().ok()).unwrap_or(1);
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            // Copied before the clock starts.
            let mut material = material.clone();
            let started = Instant::now();
            run(&mut material);
            started.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name} {megapixels} {:.1}", times[times.len() / 2]);
}

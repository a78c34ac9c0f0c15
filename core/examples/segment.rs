//! Measures a model on one picture: `segment MODEL PICTURE WIDTH HEIGHT [RUNS] [THREADS]`.
//!
//! The picture is brought to that size first. Prints milliseconds: opening the model, and the least and the median of
//! its runs, whole and in parts. The least is what a busy machine disturbs least.

use std::{hint::black_box, path::Path, time::Instant};

use backgroundfx_core::{
    engine::{Device, Engine, EngineOptions, Precision, Weights},
    files::{self, ReadOptions},
    models::{Catalog, ModelCard},
    options::Options,
    pixels::Size,
    progress::Silent,
    tensor,
};

fn main() -> backgroundfx_core::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| words.get(index).and_then(|word| word.parse::<u32>().ok());
    let (Some(model), Some(path), Some(width), Some(height)) = (words.first(), words.get(1), number(2), number(3))
    else {
        eprintln!("segment MODEL PICTURE WIDTH HEIGHT [RUNS] [THREADS]");
        std::process::exit(2);
    };
    let mut picture = files::read(Path::new(path), &ReadOptions::default())?;
    picture.color = tensor::resize_rgb(&picture.color, Size::new(width, height))?;
    let runs = number(4).unwrap_or(20);
    let threads = number(5).map(|threads| threads as usize);
    let engine = Engine::open(EngineOptions {
        threads,
        precision: Precision::Fp32,
        keep_memory: true,
        ..EngineOptions::default()
    })?;
    let catalog = Catalog::built_in();
    let card: ModelCard = catalog.card(model)?.clone();
    engine.runtime(&Silent)?;
    let (network, output) = {
        let started = Instant::now();
        let loaded = engine.model(Weights::Listed(catalog.manifest(), model), Device::Cpu, &Silent)?.1;
        println!("{model} open {:.2}", milliseconds(started));
        let output = card.output.name.clone().unwrap_or_else(|| loaded.network.ports().1[0].name.clone());
        (loaded.network, output)
    };
    let mut segmenter = catalog.segmenter(&engine, model, Device::Cpu, &Silent)?;
    let input = tensor::from_picture(&picture.color, None, &card.input)?;
    let given = [input];
    let made = network.run(&given, &output)?;
    let options = Options::default();
    let size = picture.color.size();
    report("input", runs, || drop(black_box(tensor::from_picture(&picture.color, None, &card.input))));
    report("network", runs, || drop(black_box(network.run(&given, &output))));
    report("matte", runs, || drop(black_box(tensor::to_matte(made.clone(), &card, size))));
    report("segment", runs, || drop(black_box(segmenter.segment(&picture, &options))));
    Ok(())
}

fn report(part: &str, runs: u32, run: impl FnMut()) {
    let mut run = run;
    let mut times: Vec<f64> = (0..runs.max(1))
        .map(|_| {
            let started = Instant::now();
            run();
            milliseconds(started)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{part} least {:.2} median {:.2}", times[0], times[times.len() / 2]);
}

fn milliseconds(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}

//! Writes the matte of one picture: `cargo run --release --example matte -- photo.jpg matte.png [PRESET]`.

use backgroundfx_core::{
    engine::{Engine, EngineOptions},
    files::{self, Format, ReadOptions, WriteOptions},
    models::Catalog,
    options::{Options, Preset},
    pipeline::{Recipe, remove_background},
    progress::Silent,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let preset = Preset::ALL.into_iter().find(|preset| Some(preset.name()) == arguments.get(2).map(String::as_str));
    let options = Options::preset(preset.unwrap_or_default());
    let engine = Engine::open(EngineOptions::default())?;
    let mut segmenter = Catalog::built_in().segmenter(&engine, &options.model, options.device, &Silent)?;
    let recipe = Recipe::new(options)?;
    let list: Vec<(String, String)> = if arguments[0].ends_with(".txt") {
        std::fs::read_to_string(&arguments[0])?
            .lines()
            .map(|l| {
                let (a, b) = l.split_once(' ').unwrap();
                (a.into(), b.into())
            })
            .collect()
    } else {
        vec![(arguments[0].clone(), arguments[1].clone())]
    };
    for (input, output) in list {
        let picture = files::read(input.as_ref(), &ReadOptions::default())?;
        let cutout = remove_background(picture, segmenter.as_mut(), &recipe, &Silent)?;
        eprintln!(
            "{input} {:?} {:?} cov {:.3} conf {:.3}",
            cutout.report.timings, cutout.report.subject, cutout.report.coverage, cutout.report.confidence
        );
        std::fs::write(output, files::encode_gray(&cutout.matte, &WriteOptions::new(Format::Png))?)?;
    }
    Ok(())
}

//! MediaPipe's selfie networks, as published and converted by us, against what a reference interpreter gives.

use super::{engine, picture};
use backgroundfx_core::{
    Kind,
    engine::{Device, Engine, EngineOptions, Tensor, Weights, artifacts::StoreOptions},
    models::Catalog,
    options::Options,
    pixels::Size,
    progress::Silent,
};

/// An ellipse of the drawing: centre, radii, colour. Coordinates are −1 to 1 from top to bottom, 0 in the middle.
type Ellipse = ([f64; 2], [f64; 2], [f64; 3]);

/// Shoulders, neck, hair, face, eyes, mouth, in the order in which they are drawn.
const PERSON: [Ellipse; 7] = [
    ([0.0, 1.1], [0.75, 0.75], [0.2, 0.25, 0.5]),
    ([0.0, 0.25], [0.18, 0.4], [0.75, 0.55, 0.45]),
    ([0.0, -0.2], [0.34, 0.46], [0.25, 0.17, 0.12]),
    ([0.0, -0.12], [0.29, 0.38], [0.85, 0.65, 0.54]),
    ([-0.12, -0.18], [0.05, 0.03], [0.12, 0.1, 0.1]),
    ([0.12, -0.18], [0.05, 0.03], [0.12, 0.1, 0.1]),
    ([0.0, 0.08], [0.1, 0.025], [0.65, 0.3, 0.3]),
];

/// A person before a wall in poor light, so that the network is unsure at edges: `[1, 3, height, width]`, 0 to 1.
fn person(width: usize, height: usize) -> Tensor {
    let area = width * height;
    let mut values = vec![0.0; 3 * area];
    for index in 0..area {
        let (x, y) = ((index % width) as f64 + 0.5, (index / width) as f64 + 0.5);
        let (u, v) = ((2.0 * x - width as f64) / height as f64, 2.0 * y / height as f64 - 1.0);
        let mut color = [0.35 + 0.1 * v, 0.45 + 0.1 * u, 0.5 - 0.1 * v];
        for (center, radii, own) in PERSON {
            let away = f64::hypot((u - center[0]) / radii[0], (v - center[1]) / radii[1]);
            let cover = ((1.0 - away) * 4.0).clamp(0.0, 1.0);
            color = [0, 1, 2].map(|c| color[c] * (1.0 - cover) + cover * own[c]);
        }
        for (c, value) in color.into_iter().enumerate() {
            values[c * area + index] = (0.45 + (value - 0.45) * 0.2) as f32;
        }
    }
    Tensor::new(vec![1, 3, height, width], values)
}

#[test]
#[ignore = "needs the runtime and weights"]
fn converted_networks_give_what_the_reference_interpreter_gives() {
    let catalog = Catalog::built_in();
    let cases = [
        ("selfie", 256, 256, include_str!("selfie/selfie.txt")),
        ("selfie-landscape", 256, 144, include_str!("selfie/selfie-landscape.txt")),
    ];
    for (name, width, height, reference) in cases {
        let weights = Weights::Listed(catalog.manifest(), name);
        let network = engine().model(weights, Device::Cpu, &Silent).unwrap().1.network;
        let output = network.ports().1[0].name.clone();
        let matte = network.run(&[person(width, height)], &output).unwrap();
        assert_eq!(matte.shape, [1, 1, height, width], "{name}");
        let (mut worst, mut soft) = (0.0_f32, 0);
        for line in reference.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit())) {
            let [row, column, value] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let value: f32 = value.parse().unwrap();
            let got = matte.values[row.parse::<usize>().unwrap() * width + column.parse::<usize>().unwrap()];
            worst = worst.max((got - value).abs());
            soft += usize::from((0.1..0.9).contains(&value));
        }
        let mean = reference.lines().find_map(|line| line.strip_prefix("mean ")).unwrap().parse::<f64>().unwrap();
        let got = matte.values.iter().copied().map(f64::from).sum::<f64>() / matte.values.len() as f64;
        println!("{name}: off by at most {worst:.1e} at {soft} soft places and others, mean by {:.1e}", got - mean);
        assert!(soft > 50, "{name}: the reference says little");
        assert!(worst < 1e-3, "{name}: {worst}");
        assert!((got - mean).abs() < 1e-5, "{name}: mean {got}, not {mean}");
    }
}

#[test]
#[ignore = "needs the runtime and weights"]
fn a_tflite_file_of_the_users_own_works_as_the_listed_one_and_a_damaged_one_is_told() {
    let (usual, folder) = (engine(), tempfile::tempdir().unwrap());
    let built_in = Catalog::built_in();
    let (_, published) = usual.store().obtain(built_in.manifest(), "selfie", &Silent).unwrap();
    let (_, library) = usual.runtime(&Silent).unwrap();
    let bytes = std::fs::read(published).unwrap();
    std::fs::write(folder.path().join("own.tflite"), &bytes).unwrap();
    std::fs::write(folder.path().join("short.tflite"), &bytes[..bytes.len() / 2]).unwrap();
    let row = |name: &str| {
        format!(
            "[[model]]\nname = \"{name}\"\nfile = \"{name}.tflite\"\nlicense = \"Apache-2.0\"\n\
             input = {{ size = {{ width = 256, height = 256 }} }}\n"
        )
    };
    let rows = folder.path().join("models.toml");
    std::fs::write(&rows, row("own") + &row("short")).unwrap();
    let catalog = Catalog::with_file(&rows).unwrap();
    let store = StoreOptions { folder: Some(folder.path().join("store")), ..StoreOptions::default() };
    let options = EngineOptions { store, runtime: Some(library), threads: Some(2), ..EngineOptions::default() };
    let own = Engine::open(options).unwrap();
    let matte = |engine: &Engine, name: &str| {
        let mut segmenter = catalog.segmenter(engine, name, Device::Cpu, &Silent)?;
        Ok::<_, backgroundfx_core::Error>(
            segmenter.segment(&picture(Size::new(64, 64)), &Options::default()).unwrap().alpha,
        )
    };
    // Twice: the second time from what the first has kept.
    for _ in 0..2 {
        assert_eq!(matte(&own, "own").unwrap(), matte(&usual, "selfie").unwrap());
    }
    let error = matte(&own, "short").unwrap_err();
    assert_eq!(error.kind(), Kind::ModelMismatch);
    assert!(error.to_string().contains("damaged or cut short"), "{error}");
}

//! The default model on the rendered scenes: against the last accepted mattes, and against the true ones.
//!
//! `BACKGROUNDFX_ACCEPT=1 cargo test --test scenes -- --ignored` accepts what comes out today: look at
//! the pictures in `testdata/goldens` before committing them. What a failing run got is kept in
//! `target/scenes`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use backgroundfx_core::{
    engine::{Device, Engine, EngineOptions, Precision},
    files::{self, Format, IfExists, ReadOptions, WriteOptions},
    metrics::{self, Distances},
    models::{Catalog, DEFAULT},
    options::Options,
    pipeline::{Cutout, Recipe, remove_background},
    pixels::Alpha,
    progress::Silent,
};

/// How far a matte may be from the accepted one, and how much farther from the truth.
struct Allowed {
    /// Mean absolute difference to the accepted matte.
    difference: f64,
    /// Mean absolute error beyond the accepted one's.
    mae: f64,
    /// Intersection over union below the accepted one's.
    iou: f64,
}

/// What processors and compilers may change.
const SAME: Allowed = Allowed { difference: 0.002, mae: 0.002, iou: 0.004 };
/// What computing in 8 bits may change. Much of the union can hang on a region of even odds, such as the ball behind the
/// headphones.
const EIGHT_BITS: Allowed = Allowed { difference: 0.005, mae: 0.002, iou: 0.05 };

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")
}

fn matte(path: &Path) -> Alpha {
    files::read_matte(path, &ReadOptions::default()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names and kinds of the scenes.
fn scenes() -> Vec<(String, String)> {
    let index = fs::read_to_string(testdata().join("scenes/index.csv")).expect("the scenes have an index");
    let rows = index.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    rows.map(|row| (row[0].to_owned(), row[3].to_owned())).collect()
}

/// Accepted distances to the true mattes: name, mean absolute error, intersection over union.
fn accepted() -> Vec<(String, f64, f64)> {
    let index = fs::read_to_string(testdata().join("goldens/index.csv")).unwrap_or_default();
    let rows = index.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let number = |text: &str| text.parse::<f64>().expect("distances are numbers");
    rows.map(|row| (row[0].to_owned(), number(row[1]), number(row[2]))).collect()
}

/// What the default model makes of each scene, and its distances to the truth.
fn cut_out_scenes(precision: Precision, mut take: impl FnMut(&str, &str, &Cutout, &Distances)) {
    let engine =
        Engine::open(EngineOptions { precision, ..EngineOptions::default() }).expect("the store can be opened");
    let mut segmenter = Catalog::built_in().segmenter(&engine, DEFAULT, Device::Cpu, &Silent).expect("the model loads");
    let recipe = Recipe::new(Options::default()).expect("the defaults hold");
    let scenes = scenes();
    assert!(scenes.len() >= 12, "only {} scenes", scenes.len());
    for (name, kind) in &scenes {
        let folder = testdata().join("scenes");
        let picture =
            files::read(&folder.join(format!("{name}.jpg")), &ReadOptions::default()).expect("scenes can be read");
        let cutout = remove_background(picture, segmenter.as_mut(), &recipe, &Silent).expect("scenes are cut out");
        assert_eq!(cutout.report.model.precision, precision);
        let truth =
            metrics::compare(&cutout.matte, &matte(&folder.join(format!("{name}.alpha.png")))).expect("of one size");
        take(name, kind, &cutout, &truth);
    }
}

#[test]
#[ignore = "needs the runtime and weights"]
fn scenes_come_out_as_accepted_and_near_the_truth() {
    let accept = std::env::var_os("BACKGROUNDFX_ACCEPT").is_some();
    let (before, mut now, mut wrong) = (accepted(), Vec::new(), Vec::new());
    cut_out_scenes(Precision::Fp32, |name, kind, cutout, truth| {
        if (kind == "empty") != cutout.report.subject.is_none() {
            wrong.push(format!("{name} ({kind}): the subject found is {:?}", cutout.report.subject));
        }
        now.push((name.to_owned(), truth.mae, truth.iou));
        if accept {
            keep(&cutout.matte, &testdata().join(format!("goldens/{name}.png")));
        } else {
            wrong.extend(judge(name, &cutout.matte, truth, &before, &SAME));
        }
    });
    if accept {
        let rows = now.iter().map(|(name, mae, iou)| format!("{name},{mae:.5},{iou:.4}\n"));
        fs::write(testdata().join("goldens/index.csv"), format!("name,mae,iou\n{}", rows.collect::<String>())).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "needs the runtime and weights"]
fn in_eight_bits_scenes_stay_near_the_accepted_mattes_and_as_near_the_truth() {
    let (before, mut wrong) = (accepted(), Vec::new());
    cut_out_scenes(Precision::Int8, |name, kind, cutout, truth| {
        if (kind == "empty") != cutout.report.subject.is_none() {
            wrong.push(format!("{name} ({kind}): the subject found is {:?}", cutout.report.subject));
        }
        wrong.extend(judge(name, &cutout.matte, truth, &before, &EIGHT_BITS));
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is not as accepted.
fn judge(name: &str, got: &Alpha, truth: &Distances, before: &[(String, f64, f64)], allowed: &Allowed) -> Vec<String> {
    let mut wrong = Vec::new();
    match before.iter().find(|(accepted, ..)| accepted == name) {
        None => wrong.push(format!("{name}: nothing accepted yet")),
        Some((_, mae, iou)) => {
            if truth.mae > mae + allowed.mae || truth.iou < iou - allowed.iou {
                let (mae_now, iou_now) = (truth.mae, truth.iou);
                wrong.push(format!(
                    "{name}: to the truth MAE {mae_now:.5} IoU {iou_now:.4}, accepted {mae:.5} {iou:.4}"
                ));
            }
            let golden = matte(&testdata().join(format!("goldens/{name}.png")));
            let distance = metrics::compare(got, &golden).unwrap_or_else(|error| panic!("{name}: {error}"));
            if distance.mae > allowed.difference {
                wrong.push(format!("{name}: MAE {:.5} to the accepted matte", distance.mae));
            }
        }
    }
    if !wrong.is_empty() {
        keep(got, &Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/scenes/{name}.png")));
    }
    wrong
}

fn keep(matte: &Alpha, path: &Path) {
    fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("the folder can be made");
    let bytes = files::encode_gray(matte, &WriteOptions::new(Format::Png)).expect("a matte can be encoded");
    files::write_atomically(path, &bytes, IfExists::Replace).expect("the matte can be written");
}

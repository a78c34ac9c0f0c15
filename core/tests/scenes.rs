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

/// The network alone.
fn unrefined() -> Options {
    let mut options = Options::default();
    options.edges.refine = false;
    options
}

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
/// What computing in 8 bits may change, of the error in the network's own matte too. Much of the union can hang on a region of
/// even odds, such as the ball behind the headphones.
const EIGHT_BITS: Allowed = Allowed { difference: 0.005, mae: 0.002, iou: 0.05 };
/// The scene whose ball the edge network takes for subject in 8 bits, for half of it in single precision, and how much farther
/// from the truth it may be for that.
const BALL: (&str, f64) = ("headphones", 0.003);
/// How much farther from the truth all scenes may be on average in 8 bits, when all is done.
const EIGHT_BITS_ON_AVERAGE: f64 = 0.0005;

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

/// Accepted distances to the true mattes.
struct Accepted {
    name: String,
    /// Mean absolute error, and intersection over union.
    mae: f64,
    iou: f64,
    /// Mean absolute error of the network's own matte, in single precision.
    network_mae: f64,
}

fn accepted() -> Vec<Accepted> {
    let index = fs::read_to_string(testdata().join("goldens/index.csv")).unwrap_or_default();
    let rows = index.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let number = |text: &str| text.parse::<f64>().expect("distances are numbers");
    let accepted = |row: Vec<&str>| {
        let (name, mae, iou, network_mae) = (row[0].to_owned(), number(row[1]), number(row[2]), number(row[3]));
        Accepted { name, mae, iou, network_mae }
    };
    rows.map(accepted).collect()
}

/// What the default model makes of each scene, and its distances to the truth.
fn cut_out_scenes(precision: Precision, options: Options, mut take: impl FnMut(&str, &str, &Cutout, &Distances)) {
    let engine =
        Engine::open(EngineOptions { precision, ..EngineOptions::default() }).expect("the store can be opened");
    let mut segmenter = Catalog::built_in().segmenter(&engine, DEFAULT, Device::Cpu, &Silent).expect("the model loads");
    let recipe = Recipe::new(options).expect("the defaults hold");
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
    cut_out_scenes(Precision::Fp32, Options::default(), |name, kind, cutout, truth| {
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
        let mut network = Vec::new();
        cut_out_scenes(Precision::Fp32, unrefined(), |_, _, _, truth| network.push(truth.mae));
        let rows = now.iter().zip(network);
        let rows = rows.map(|((name, mae, iou), network)| format!("{name},{mae:.5},{iou:.4},{network:.5}\n"));
        let index = format!("name,mae,iou,network_mae\n{}", rows.collect::<String>());
        fs::write(testdata().join("goldens/index.csv"), index).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[ignore = "needs the runtime and weights"]
fn in_eight_bits_scenes_stay_near_the_accepted_mattes_and_as_near_the_truth() {
    let (before, mut wrong, mut farther) = (accepted(), Vec::new(), 0.0);
    let of = |name: &str| before.iter().find(|accepted| accepted.name == name).expect("an accepted scene");
    cut_out_scenes(Precision::Int8, Options::default(), |name, kind, cutout, truth| {
        if (kind == "empty") != cutout.report.subject.is_none() {
            wrong.push(format!("{name} ({kind}): the subject found is {:?}", cutout.report.subject));
        }
        let mae = if name == BALL.0 { BALL.1 } else { EIGHT_BITS.mae };
        wrong.extend(judge(name, &cutout.matte, truth, &before, &Allowed { mae, ..EIGHT_BITS }));
        farther += (truth.mae - of(name).mae) / before.len() as f64;
    });
    if farther > EIGHT_BITS_ON_AVERAGE {
        wrong.push(format!("on average MAE is greater by {farther:.5}"));
    }
    cut_out_scenes(Precision::Int8, unrefined(), |name, _, _, truth| {
        let (now, accepted) = (truth.mae, of(name).network_mae);
        if now > accepted + EIGHT_BITS.mae {
            wrong.push(format!("{name}: the network's matte to the truth MAE {now:.5}, accepted {accepted:.5}"));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is not as accepted.
fn judge(name: &str, got: &Alpha, truth: &Distances, before: &[Accepted], allowed: &Allowed) -> Vec<String> {
    let mut wrong = Vec::new();
    match before.iter().find(|accepted| accepted.name == name) {
        None => wrong.push(format!("{name}: nothing accepted yet")),
        Some(Accepted { mae, iou, .. }) => {
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

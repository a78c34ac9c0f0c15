//! Keying by a screen's colour or a picture of the empty scene: no network, nothing fetched.

use backgroundfx_core::{
    files::{self, Encodable, Format, Metadata, ReadOptions, WriteOptions, encode},
    pixels::{Rgb, Samples, Size},
};

use crate::stage::Stage;

const SIZE: Size = Size::new(160, 120);

/// A block of one colour before a screen, as PNG.
fn block(color: [u8; 3], screen: [u8; 3]) -> Vec<u8> {
    let inside = |i: usize| (60..100).contains(&(i % 160)) && i / 160 > 40;
    let samples = (0..SIZE.area()).flat_map(|i| if inside(i) { color } else { screen });
    let color = Rgb::new(SIZE, Samples::Eight(samples.collect()));
    let picture = Encodable { color: &color, alpha: None, profile: None, metadata: &Metadata::default() };
    encode(&picture, &WriteOptions::new(Format::Png)).unwrap()
}

/// Alpha in the block and beside it.
fn alphas(stage: &Stage, name: &str) -> (f32, f32) {
    let matte = files::read_matte(&stage.path(name), &ReadOptions::default()).unwrap();
    (matte.values()[80 * 160 + 80], matte.values()[80 * 160 + 10])
}

#[test]
fn screens_are_keyed_without_any_model() {
    let stage = Stage::new();
    stage.write("green.png", &block([180, 140, 130], [10, 170, 70]));
    stage.write("blue.png", &block([180, 140, 130], [10, 60, 190]));
    for arguments in [
        ["green.png", "--key-color", "green"].as_slice(),
        &["green.png", "--key-color", "#0aaa46"],
        &["green.png", "--model", "chroma"],
        &["blue.png", "--key-color", "blue", "--key-tolerance", "0.1", "--key-softness", "0.5"],
    ] {
        let usual = ["-o", "out.png", "-y", "--output-kind", "alpha", "--json"];
        let ended = stage.run(&[&["remove"], arguments, &usual].concat()).ends(0);
        assert_eq!(ended.json()[0]["model"], "chroma", "{arguments:?}");
        assert_eq!(alphas(&stage, "out.png"), (1.0, 0.0), "{arguments:?}");
    }
    // Each picture has its own screen.
    stage.run(&["remove", "green.png", "blue.png", "-o", "cut/", "-m", "chroma", "--output-kind", "alpha"]).ends(0);
    assert_eq!((alphas(&stage, "cut/green-alpha.png"), alphas(&stage, "cut/blue-alpha.png")), ((1.0, 0.0), (1.0, 0.0)));
}

#[test]
fn what_differs_from_the_empty_scene_is_cut_out() {
    let stage = Stage::new();
    stage.write("in.png", &block([180, 140, 130], [90, 95, 100]));
    stage.write("empty.png", &block([90, 95, 100], [90, 95, 100]));
    let with = ["remove", "in.png", "-o", "out.png", "--output-kind", "alpha", "--json", "--key-plate", "empty.png"];
    let ended = stage.run(&with).ends(0);
    assert_eq!(ended.json()[0]["model"], "difference");
    let (inside, outside) = alphas(&stage, "out.png");
    assert!(inside > 0.4 && outside == 0.0, "{inside} {outside}");
}

#[test]
fn what_cannot_be_keyed_is_told() {
    let stage = Stage::new();
    stage.picture("ball.png");
    stage.run(&["remove", "ball.png", "-m", "chroma"]).ends(2).tells("screen_missing");
    for (arguments, word) in [
        (["-m", "difference"].as_slice(), "key.plate"),
        (&["-m", "u2net", "--key-color", "green"], "key.color"),
        (&["--key-color", "no colour"], "key.color"),
        (&["--key-color", "#808080"], "nearly grey"),
    ] {
        let ended = stage.run(&[&["remove", "ball.png"], arguments].concat()).ends(2).tells("option_invalid");
        assert!(ended.err.contains(word), "{}", ended.err);
    }
    stage.run(&["remove", "ball.png", "--key-plate", "missing.png"]).ends(4).tells("input_unreadable");
    stage.run(&["remove", "ball.png", "-m", "chroma", "--device", "cuda"]).ends(7).tells("device_unavailable");
}

#[test]
fn models_without_a_network_need_nothing() {
    let stage = Stage::new();
    stage.run(&["models", "pull", "chroma", "difference"]).ends(0);
    stage.run(&["models", "verify", "chroma"]).ends(0);
    assert!(stage.run(&["models", "info", "chroma"]).ends(0).out.contains("nothing is fetched"));
    stage.picture("ball.png");
    stage.run(&["models", "optimize", "chroma", "ball.png"]).ends(2).tells("option_invalid");
    assert_eq!(stage.files(), ["ball.png"]);
}

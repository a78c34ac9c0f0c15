//! Masks and trimaps of the user's own: without any network.

use backgroundfx_core::{
    files::{Format, WriteOptions, encode_gray},
    pixels::{Alpha, Size},
};

use crate::stage::Stage;

/// The ball of [`Stage::picture`] fills about the middle; white marks it, black its surroundings.
fn marks(radius: (f32, f32), size: Size) -> Vec<u8> {
    let value = |i: usize| {
        let (x, y) = ((i as u32 % size.width) as f32, (i as u32 / size.width) as f32);
        let share = f32::hypot(x - size.width as f32 / 2.0, y - size.height as f32 / 2.0) / size.height as f32;
        match share {
            _ if share < radius.0 => 1.0,
            _ if share > radius.1 => 0.0,
            _ => 0.5,
        }
    };
    let values = Alpha::new(size, (0..size.area()).map(value).collect());
    encode_gray(&values, &WriteOptions::new(Format::Png)).unwrap()
}

#[test]
fn a_trimap_alone_needs_no_network_and_may_have_another_size() {
    let stage = Stage::new();
    stage.picture("ball.png");
    for (name, size) in [("same.png", Size::new(240, 180)), ("half.png", Size::new(120, 90))] {
        stage.write(name, &marks((0.1, 0.48), size));
        let ended = stage.run(&["remove", "ball.png", "-o", "out.png", "-y", "--trimap", name, "--json"]).ends(0);
        let line = &ended.json()[0];
        assert_eq!((&line["model"], &line["status"]), (&"trimap".into(), &"ok".into()));
        let unknown = line["unknown"].as_f64().unwrap();
        assert!((0.3..0.7).contains(&unknown), "{unknown}");
        assert!(line["timings_ms"]["matting"].as_f64().is_some());
    }
}

#[test]
fn a_mask_takes_the_networks_place_and_is_refined() {
    let stage = Stage::new();
    stage.picture("ball.png");
    stage.write("mask.png", &marks((0.3, 0.3), Size::new(240, 180)));
    let plain = stage.run(&["remove", "ball.png", "-o", "plain.png", "--mask", "mask.png", "--json"]).ends(0);
    assert_eq!((&plain.json()[0]["model"], &plain.json()[0]["unknown"]), (&"mask".into(), &serde_json::Value::Null));
    let fine = ["remove", "ball.png", "-o", "fine.png", "--mask", "mask.png", "--preserve-details", "--json"];
    assert!(stage.run(&fine).ends(0).json()[0]["unknown"].as_f64().unwrap() > 0.0);
}

#[test]
fn what_cannot_be_is_told() {
    let stage = Stage::new();
    stage.picture("a.png");
    stage.picture("b.png");
    stage.write("marks.png", &marks((0.1, 0.48), Size::new(60, 40)));
    stage.write("white.png", &marks((9.0, 9.0), Size::new(60, 40)));
    for (arguments, word) in [
        (["a.png", "--trimap", "white.png", "--icc", "keep"].as_slice(), "background (black)"),
        (&["a.png", "b.png", "--trimap", "marks.png"], "one picture"),
        (&["a.png", "b.png", "--mask", "marks.png"], "one picture"),
        (&["a.png", "--trimap", "marks.png", "--matting", "none"], "--matting none"),
    ] {
        let ended = stage.run(&[&["remove"], arguments].concat()).ends(2).tells("option_invalid");
        assert!(ended.err.contains(word), "{}", ended.err);
    }
    stage.run(&["remove", "a.png", "--trimap", "missing.png"]).ends(4).tells("input_unreadable");
}

#[test]
fn the_network_for_matting_is_told_missing_before_anything_is_written() {
    let stage = Stage::new();
    stage.picture("ball.png");
    stage.write("marks.png", &marks((0.1, 0.48), Size::new(240, 180)));
    // Marks need no other network, so what is missing is the matting's.
    let with = ["remove", "ball.png", "-o", "out.png", "--trimap", "marks.png", "--matting", "vitmatte"];
    let ended = stage.run(&with).ends(6).tells("artifact_missing");
    assert!(ended.err.contains("vitmatte-small-distinctions-646"), "{}", ended.err);
    let named = [&with[..], &["--matting-model", "vitmatte-base-composition-1k"]].concat();
    let ended = stage.run(&named).ends(6).tells("artifact_missing");
    assert!(ended.err.contains("vitmatte-base-composition-1k"), "{}", ended.err);
    assert!(!stage.path("out.png").exists());
    // Another program's processing has no matting, so its network is not missing.
    let ended = stage.run(&["remove", "ball.png", "-o", "out.png", "--matting", "vitmatte", "--compat", "rembg"]);
    let ended = ended.ends(6).tells("artifact_missing");
    assert!(!ended.err.contains("vitmatte"), "{}", ended.err);
}

#[test]
fn networks_for_matting_and_for_subjects_are_kept_apart() {
    let stage = Stage::new();
    stage.picture("ball.png");
    for (arguments, code) in [
        (["--model", "vitmatte-small-distinctions-646"].as_slice(), "option_invalid"),
        (&["--matting", "vitmatte", "--matting-model", "isnet-general-use"], "option_invalid"),
        (&["--matting", "closed-form", "--matting-model", "vitmatte-small-composition-1k"], "option_invalid"),
        (&["--matting", "vitmatte", "--matting-model", "vitmatte"], "model_unknown"),
    ] {
        stage.run(&[&["remove", "ball.png"], arguments].concat()).ends(2).tells(code);
    }
    stage.run(&["models", "optimize", "vitmatte-small-composition-1k", "ball.png"]).ends(2).tells("option_invalid");
    let info = stage.run(&["models", "info", "vitmatte-small-distinctions-646"]).ends(0).out;
    assert!(info.contains("Apache-2.0") && info.contains("research terms"), "{info}");
}

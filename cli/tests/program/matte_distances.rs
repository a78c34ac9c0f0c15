//! `compare`.

use crate::stage::{Stage, ball, flat_matte};
use backgroundfx_core::{files::Format, pixels::Size};

#[test]
fn distances_are_printed_and_can_fail_a_build() {
    let stage = Stage::new();
    let size = Size::new(64, 48);
    stage.write("black.png", &flat_matte(size, 0.0));
    stage.write("grey.png", &flat_matte(size, 0.2));
    let text = stage.run(&["compare", "black.png", "grey.png"]).ends(0).out;
    for name in ["SAD", "MAE", "MSE", "Grad", "Conn"] {
        assert!(text.contains(name), "{text}");
    }
    let json = stage.run(&["compare", "black.png", "grey.png", "--json"]).ends(0).json();
    assert!((json[0]["mae"].as_f64().unwrap() - 0.2).abs() < 1e-6, "{json:?}");
    assert!((json[0]["sad"].as_f64().unwrap() - 0.2 * 3.072).abs() < 1e-4, "{json:?}");
    stage.run(&["compare", "black.png", "grey.png", "--fail-above", "0.3"]).ends(0);
    stage.run(&["compare", "black.png", "grey.png", "--fail-above", "0.1"]).ends(8);
    stage.run(&["compare", "black.png", "black.png", "--fail-above", "0"]).ends(0);
}

#[test]
fn what_cannot_be_compared_is_told() {
    let stage = Stage::new();
    stage.write("small.png", &flat_matte(Size::new(8, 8), 0.0));
    stage.write("large.png", &flat_matte(Size::new(9, 8), 0.0));
    stage.write("photo.png", &ball(Format::Png, Size::new(8, 8)));
    stage.run(&["compare", "small.png", "large.png"]).ends(4).tells("size_mismatch");
    let missing = stage.run(&["compare", "small.png", "missing.png"]).ends(4).tells("input_unreadable");
    assert!(missing.err.contains("missing.png"), "{}", missing.err);
}

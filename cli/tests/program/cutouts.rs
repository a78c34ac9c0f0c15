//! Real cut-outs: these tests need the runtime and the default model on this machine.
//!
//! `cargo test -p backgroundfx -- --ignored` runs them.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use backgroundfx_core::{
    files::{Format, Picture, ReadOptions, read},
    pixels::Size,
};

use crate::stage::{Stage, ball};

fn opened(stage: &Stage, name: &str) -> Picture {
    read(&stage.path(name), &ReadOptions::default()).unwrap()
}

/// Alpha in the middle, where the ball is, and in a corner.
fn middle_and_corner(picture: &Picture) -> (f32, f32) {
    let alpha = picture.alpha.as_ref().expect("a cut-out has transparency");
    let size = alpha.size();
    let middle = (size.height / 2 * size.width + size.width / 2) as usize;
    (alpha.values()[middle], alpha.values()[0])
}

#[track_caller]
fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(120), "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[test]
#[ignore = "needs the runtime and weights"]
fn points_and_a_box_choose_the_subject() {
    let stage = Stage::with_models();
    stage.picture("ball.jpg");
    for (name, arguments, kept) in [
        ("point.png", &["--point", "50%,50%"][..], true),
        ("box.png", &["--box", "25%,15%,50%,70%"], true),
        ("drop.png", &["--point", "120,90:drop"], false),
    ] {
        let ended = stage.run(&[&["remove", "ball.jpg", "-o", name, "--json"], arguments].concat()).ends(0);
        let (middle, corner) = middle_and_corner(&opened(&stage, name));
        assert!((middle > 0.9) == kept && corner < 0.1, "{name}: {middle} {corner}");
        assert_eq!(ended.json()[0]["status"], if kept { "ok" } else { "no_subject" }, "{name}");
    }
    stage.run(&["remove", "ball.jpg", "-o", "miss.png", "--point", "2,2"]).ends(2).tells("selection_missed");
    assert!(!stage.files().contains(&"miss.png".to_owned()));
}

#[test]
#[ignore = "needs the runtime and weights"]
fn one_picture_is_cut_out_beside_itself() {
    let stage = Stage::with_models();
    stage.picture("ball.jpg");
    let ended = stage.run(&["remove", "ball.jpg", "--json"]).ends(0);
    let (middle, corner) = middle_and_corner(&opened(&stage, "ball-nobg.png"));
    assert!(middle > 0.9 && corner < 0.1, "{middle} {corner}");
    let line = &ended.json()[0];
    for field in line.as_object().unwrap().keys() {
        let documented = include_str!("../../../docs/command-line.md").contains(&format!("| `{field}` |"));
        assert!(documented, "{field} stands in docs/command-line.md");
    }
    for field in
        ["index", "model", "file", "sha256", "license", "device", "coverage", "confidence", "doubts", "warnings"]
    {
        assert!(line.get(field).is_some(), "{field} in {line}");
    }
    assert_eq!((line["status"].as_str(), line["width"].as_u64()), (Some("ok"), Some(240)));
    assert!(line["foreground"]["width"].as_u64().unwrap() > 60, "{line}");
    for stage in ["decode", "segment", "refine_edges", "foreground", "composite", "encode", "write", "total"] {
        assert!(line["timings_ms"][stage].is_number(), "{stage} in {line}");
    }
    assert_eq!(stage.files(), ["ball-nobg.png", "ball.jpg"]);
}

#[test]
#[ignore = "needs the runtime and weights"]
fn a_picture_that_is_less_sure_than_asked_for_fails_and_is_not_written() {
    let stage = Stage::with_models();
    stage.picture("ball.jpg");
    let ended = stage.run(&["remove", "ball.jpg", "--json", "--fail-below", "1"]).ends(8);
    let line = &ended.json()[0];
    assert_eq!((line["status"].as_str(), line["code"].as_str()), (Some("failed"), Some("low_confidence")));
    assert_eq!(stage.files(), ["ball.jpg"]);
    stage.run(&["remove", "ball.jpg", "--fail-below", "0.5"]).ends(0);
    stage.run(&["remove", "ball.jpg", "--fail-below", "2"]).ends(2);
}

#[test]
#[ignore = "needs the runtime and weights"]
fn every_kind_and_format_is_written() {
    let stage = Stage::with_models();
    stage.picture("ball.jpg");
    stage.run(&["remove", "ball.jpg", "-o", "x.png", "--output-kind", "rgba,alpha,mask,color"]).ends(0);
    assert_eq!(stage.files(), ["ball.jpg", "x-alpha.png", "x-color.png", "x-mask.png", "x.png"]);
    assert!(opened(&stage, "x-color.png").alpha.is_none());
    for name in ["y.webp", "y.tiff"] {
        stage.run(&["remove", "ball.jpg", "-o", name]).ends(0);
        assert!(middle_and_corner(&opened(&stage, name)).0 > 0.9, "{name}");
    }
    stage.run(&["remove", "ball.jpg", "-o", "y.jpg", "--background", "#00ff00", "--shadow"]).ends(0);
    assert_eq!(opened(&stage, "y.jpg").format, Format::Jpeg);
    stage.run(&["remove", "ball.jpg", "-o", "{w}x{h}-{hash8}.png", "--canvas", "100x50", "--crop"]).ends(0);
    assert!(stage.files().iter().any(|name| name.starts_with("100x50-") && name.len() == "100x50-01234567.png".len()));
}

#[test]
#[ignore = "needs the runtime and weights"]
fn pictures_go_through_pipes() {
    let stage = Stage::with_models();
    let picture = ball(Format::Jpeg, Size::new(240, 180));
    let ended = stage.pipe(&picture, &["remove", "-"]).ends(0);
    stage.write("out.png", &ended.bytes);
    assert!(middle_and_corner(&opened(&stage, "out.png")).0 > 0.9);
    assert_eq!(ended.err, "");
    let webp = stage.pipe(&picture, &["remove", "-", "-o", "-", "--format", "webp"]).ends(0);
    assert_eq!(Format::sniff(&webp.bytes), Some(Format::WebP));
}

#[test]
#[ignore = "needs the runtime and weights"]
fn a_batch_goes_on_past_bad_files_and_is_resumed() {
    let stage = Stage::with_models();
    for name in ["in/a.jpg", "in/sub/b.png", "in/z.webp"] {
        stage.picture(name);
    }
    stage.write("in/broken.jpg", b"\xFF\xD8\xFFnot much of a picture");
    let ended = stage.run(&["remove", "-r", "in", "-o", "out", "--json", "-j", "3"]).ends(3);
    let told: Vec<_> = ended.json().iter().map(|line| line["status"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, ["ok", "failed", "ok", "ok"], "in the order of the inputs");
    assert!(ended.err.contains("3 cut out, 1 failed"), "{}", ended.err);
    for name in ["out/a.png", "out/sub/b.png", "out/z.png"] {
        assert!(stage.path(name).exists(), "{name}");
    }
    std::fs::remove_file(stage.path("out/a.png")).unwrap();
    stage.picture("in/broken.jpg");
    let ended = stage.run(&["remove", "-r", "in", "-o", "out", "--json", "--skip-existing"]).ends(0);
    let told: Vec<_> = ended.json().iter().map(|line| line["status"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, ["ok", "ok", "skipped", "skipped"]);
}

#[test]
#[ignore = "needs the runtime and weights"]
fn nothing_found_is_a_result_of_its_own() {
    let stage = Stage::with_models();
    let size = Size::new(320, 240);
    stage.write("empty.png", &crate::stage::flat_matte(size, 0.5));
    let ended = stage.run(&["remove", "empty.png", "--json"]).ends(0);
    let line = &ended.json()[0];
    assert_eq!(
        (line["status"].as_str(), line["warnings"][0]["code"].as_str()),
        (Some("no_subject"), Some("no_subject"))
    );
    assert!(line["foreground"].is_null() && ended.err.contains("warning[no_subject]"), "{}", ended.err);
    assert!(stage.path("empty-nobg.png").exists());
    stage.run(&["remove", "empty.png", "-o", "skipped.png", "--on-empty", "skip"]).ends(0);
    stage.run(&["remove", "empty.png", "-o", "failed.png", "--on-empty", "fail"]).ends(8).tells("no_subject");
    assert!(!stage.path("skipped.png").exists() && !stage.path("failed.png").exists());
}

#[cfg(unix)]
#[test]
#[ignore = "needs the runtime and weights"]
fn ctrl_c_finishes_the_pictures_in_hand() {
    let stage = Stage::with_models();
    for number in 0..40 {
        stage.picture(&format!("in/{number:02}.jpg"));
    }
    let mut command = stage.command(&["remove", "-r", "in", "-o", "out", "--report", "report.ndjson"]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the first output", || stage.path("out/00.png").exists());
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(told.contains("not started"), "{told}");
    let report = std::fs::read_to_string(stage.path("report.ndjson")).unwrap();
    assert_eq!(report.lines().count(), 40);
    let finished = report.lines().filter(|line| line.contains("\"ok\"") || line.contains("\"no_subject\"")).count();
    let files = stage.files();
    let outputs: Vec<_> = files.iter().filter(|name| name.starts_with("out/")).collect();
    assert_eq!(outputs.len(), finished, "{outputs:?}");
    for name in outputs {
        opened(&stage, name);
    }
}

#[cfg(unix)]
#[test]
#[ignore = "needs the runtime and weights"]
fn a_watched_folder_is_worked_through_until_ctrl_c() {
    use std::io::Write;
    let stage = Stage::with_models();
    stage.picture("in/first.jpg");
    let mut command = stage.command(&["remove", "--watch", "in", "-o", "in/cut", "-r"]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the output of what was there", || stage.path("in/cut/first.png").exists());
    // A file that grows is left until it is whole.
    let whole = ball(Format::Png, Size::new(240, 180));
    let mut growing = std::fs::File::create(stage.path("in/second.png")).unwrap();
    for part in whole.chunks(whole.len().div_ceil(8)) {
        growing.write_all(part).unwrap();
        growing.flush().unwrap();
        std::thread::sleep(Duration::from_millis(300));
    }
    wait_for("the output of the growing file", || stage.path("in/cut/second.png").exists());
    std::thread::sleep(Duration::from_secs(2));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(!told.contains("error["), "{told}");
    assert_eq!(stage.files(), ["in/cut/first.png", "in/cut/second.png", "in/first.jpg", "in/second.png"]);
}

#[cfg(unix)]
#[test]
#[ignore = "needs the runtime and weights"]
fn a_killed_batch_leaves_only_whole_files_and_is_finished_later() {
    let stage = Stage::with_models();
    for number in 0..20 {
        stage.picture(&format!("in/{number:02}.jpg"));
    }
    let arguments = ["remove", "in", "-r", "-o", "out/", "--skip-existing"];
    let mut child = stage.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("an output", || stage.path("out/00.png").exists() || stage.path("out/01.png").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    for name in stage.files().iter().filter(|name| name.starts_with("out/") && name.ends_with(".png")) {
        opened(&stage, name);
    }
    stage.run(&arguments).ends(0);
    let whole = stage.files().iter().filter(|name| name.starts_with("out/") && name.ends_with(".png")).count();
    assert_eq!(whole, 20);
}

#[cfg(unix)]
#[test]
#[ignore = "needs the runtime and weights"]
fn asked_to_end_it_finishes_what_is_in_hand() {
    for signal in ["-INT", "-TERM"] {
        let stage = Stage::with_models();
        for number in 0..20 {
            stage.picture(&format!("in/{number:02}.jpg"));
        }
        let mut child = stage.command(&["remove", "in", "-r", "-o", "out/"]).stderr(Stdio::piped()).spawn().unwrap();
        wait_for("an output", || stage.path("out/00.png").exists() || stage.path("out/01.png").exists());
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        let outputs: Vec<_> = stage.files().into_iter().filter(|name| name.starts_with("out/")).collect();
        assert!(outputs.len() < 20, "it went on to the end");
        outputs.iter().for_each(|name| drop(opened(&stage, name)));
    }
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs the runtime and weights"]
fn a_full_disk_is_one_clear_error() {
    let stage = Stage::with_models();
    stage.picture("ball.jpg");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let child = stage.command(&["remove", "ball.jpg", "-o", "-"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(told.matches("error[output_unwritable]").count(), 1, "{told}");
    assert_eq!(stage.files(), ["ball.jpg"]);
}

#[test]
#[ignore = "needs the runtime and weights"]
fn eight_bits_are_used_where_they_are_fast_or_asked_for_and_refused_where_nothing_is_known() {
    let stage = Stage::with_models();
    stage.picture("ball.jpg");
    let exact = stage.run(&["remove", "ball.jpg", "-o", "exact.png", "--json", "--precision", "fp32"]).ends(0);
    let coarse = stage.run(&["remove", "ball.jpg", "-o", "coarse.png", "--json", "--precision", "int8"]).ends(0);
    assert_eq!((&exact.json()[0]["precision"], &coarse.json()[0]["precision"]), (&"fp32".into(), &"int8".into()));
    stage.run(&["compare", "coarse.png", "exact.png", "--fail-above", "0.02"]).ends(0);
    assert_ne!(std::fs::read(stage.path("coarse.png")).unwrap(), std::fs::read(stage.path("exact.png")).unwrap());
    // Files of other platforms are not looked for.
    stage.run(&["models", "verify"]).ends(0);
    let auto = stage.run(&["remove", "ball.jpg", "-o", "auto.png", "--json"]).ends(0);
    let fast = backgroundfx_core::engine::quantize::is_fast_here();
    assert_eq!(auto.json()[0]["precision"], if fast { "int8" } else { "fp32" });
    let rembg = stage.run(&["remove", "ball.jpg", "-o", "rembg.png", "--json", "--compat", "rembg"]).ends(0);
    assert_eq!(rembg.json()[0]["precision"], "fp32");
    stage.run(&["models", "optimize", "isnet-general-use"]).ends(0);
    stage.write("own.toml", OWN.as_bytes());
    stage.write("mine.onnx", b"any bytes");
    let own = ["--models-file", "own.toml", "--model", "mine", "--precision", "int8"];
    stage.run(&[&["remove", "ball.jpg"], own.as_slice()].concat()).ends(7).tells("precision_unavailable");
    let optimize = ["models", "optimize", "mine", "--models-file", "own.toml"];
    stage.run(&optimize).ends(7).tells("precision_unavailable");
    stage.run(&[optimize.as_slice(), &["ball.jpg"]].concat()).ends(6).tells("model_mismatch");
}

const OWN: &str = r#"
[[model]]
name = "mine"
file = "mine.onnx"
license = "MIT"
input = { size = { width = 64, height = 64 } }
"#;

//! Wrong command lines, inputs and outputs: each ends with its documented exit code and says what to do.

use crate::stage::Stage;

#[test]
fn wrong_command_lines_end_with_2() {
    let stage = Stage::new();
    stage.picture("a.png");
    stage.write("folder/b.png", b"");
    for arguments in [
        &["remove"][..],
        &["no-such-command"],
        &["remove", "a.png", "--no-such-flag"],
        &["remove", "a.png", "--quality", "0"],
        &["remove", "a.png", "-j", "0"],
        &["remove", "a.png", "--preset", "extreme"],
        &["remove", "a.png", "--device", "gpu"],
        &["remove", "a.png", "--license", "some"],
        &["remove", "a.png", "--overwrite", "--skip-existing"],
        &["remove", "a.png", "--keep-alpha", "--ignore-alpha"],
        &["remove", "a.png", "--quiet", "--verbose"],
        &["remove", "a.png", "--point", "12"],
        &["remove", "a.png", "--box", "1,2,3"],
        &["remove", "-0", "a.png"],
        &["remove", "--watch", "folder", "a.png"],
        &["compare", "a.png"],
        &["completions", "no-such-shell"],
    ] {
        let ended = stage.run(arguments).ends(2);
        assert!(ended.err.contains("error: ") || ended.err.contains("Usage:"), "{arguments:?}: {}", ended.err);
        assert_eq!(ended.out, "", "{arguments:?}");
    }
}

#[test]
fn wrong_options_are_told_before_anything_is_done() {
    let stage = Stage::new();
    stage.picture("a.png");
    stage.write("folder/b.png", b"");
    for (arguments, code) in [
        (&["remove", "a.png", "--threshold", "1.5"][..], "option_invalid"),
        (&["remove", "a.png", "--decontaminate", "2"], "option_invalid"),
        (&["remove", "a.png", "--point", "110%,5"], "option_invalid"),
        (&["remove", "a.png", "--box", "0,0,0,5"], "option_invalid"),
        (&["remove", "a.png", "--model", "mobile-sam"], "prompt_missing"),
        (&["remove", "a.png", "--class", "dog"], "class_unknown"),
        (&["remove", "a.png", "--model", "fcn-resnet50", "--class", "unicorn"], "class_unknown"),
        (&["remove", "a.png", "--shadow=blur=wide"], "option_invalid"),
        (&["remove", "a.png", "-o", "{stam}.png"], "option_invalid"),
        (&["remove", "a.png", "folder/b.png", "-o", "one.png"], "option_invalid"),
        (&["remove", "a.png", "folder/b.png", "-o", "-"], "option_invalid"),
        (&["remove", "a.png", "-o", "-", "--json"], "option_invalid"),
        (&["remove", "a.png", "-o", "-", "--output-kind", "rgba,alpha"], "option_invalid"),
        (&["remove", "a.png", "-o", "{w}.png", "--skip-existing"], "option_invalid"),
        (&["remove", "folder"], "option_invalid"),
        (&["remove", "a.png", "-m", "no-such-model"], "model_unknown"),
        (&["remove", "a.png", "--background", "gradient:nothing"], "background_invalid"),
        (&["remove", "a.png", "-o", "a.gif"], "output_unsupported"),
        (&["remove", "a.png", "-o", "a.xyz"], "output_unsupported"),
        (&["remove", "a.png", "-o", "a.jpg"], "output_unsupported"),
    ] {
        let ended = stage.run(arguments).ends(2).tells(code);
        assert_eq!(ended.out, "", "{arguments:?}");
    }
    assert_eq!(stage.files(), ["a.png", "folder/b.png"]);
}

#[test]
fn a_bad_input_ends_with_4() {
    let stage = Stage::new();
    stage.write("empty.jpg", b"");
    stage.write("text.jpg", b"this is no picture");
    stage.picture("whole.png");
    let whole = std::fs::read(stage.path("whole.png")).unwrap();
    stage.write("cut.png", &whole[..whole.len() / 2]);
    for (name, code) in [
        ("missing.jpg", "input_unreadable"),
        ("empty.jpg", "input_empty"),
        ("text.jpg", "format_unsupported"),
        ("cut.png", "picture_corrupt"),
        ("*.webp", "input_unreadable"),
    ] {
        let ended = stage.run(&["remove", name]).ends(4).tells(code);
        assert!(ended.err.contains(name), "{name}: {}", ended.err);
    }
    let small = stage.run(&["remove", "whole.png", "--max-megapixels", "0"]);
    small.ends(4).tells("picture_too_large");
}

#[test]
fn an_empty_folder_and_an_empty_list_are_told() {
    let stage = Stage::new();
    stage.write("folder/notes.txt", b"no picture");
    stage.write("list.txt", b"\n\n");
    stage.run(&["remove", "-r", "folder"]).ends(4).tells("input_unreadable");
    stage.run(&["remove", "--files-from", "list.txt"]).ends(4).tells("input_unreadable");
    stage.run(&["remove", "--files-from", "missing.txt"]).ends(4).tells("input_unreadable");
    stage.run(&["remove", "--watch", "missing"]).ends(4).tells("input_unreadable");
}

#[test]
fn an_output_that_exists_ends_with_5_and_stays() {
    let stage = Stage::new();
    stage.picture("a.jpg");
    stage.write("a-nobg.png", b"mine");
    stage.run(&["remove", "a.jpg"]).ends(5).tells("output_exists");
    stage
        .run(&["remove", "a.jpg", "-o", "a.jpg", "--background", "white", "--overwrite"])
        .ends(5)
        .tells("output_exists");
    assert_eq!(std::fs::read(stage.path("a-nobg.png")).unwrap(), b"mine");
}

#[test]
fn nothing_to_do_needs_no_model() {
    let stage = Stage::new();
    stage.picture("a.jpg");
    stage.write("a-nobg.png", b"mine");
    let ended = stage.run(&["remove", "a.jpg", "--skip-existing", "--json"]).ends(0);
    assert_eq!(ended.json()[0]["status"], "skipped");
    assert_eq!(ended.json()[0]["output"][0], "a-nobg.png");
}

#[test]
fn a_missing_model_ends_with_6_offline() {
    let stage = Stage::new();
    stage.picture("a.jpg");
    stage.picture("b.jpg");
    let ended = stage.run(&["remove", "a.jpg", "--offline"]).ends(6).tells("artifact_missing");
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    // With several pictures it is told once, and the others are reported as not started.
    let ended = stage.run(&["remove", "a.jpg", "b.jpg", "--json", "-j", "1"]).ends(6).tells("artifact_missing");
    assert_eq!(ended.err.matches("error[").count(), 1, "{}", ended.err);
    let statuses: Vec<_> = ended.json().iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, ["failed", "not_started"]);
    assert_eq!(stage.files(), ["a.jpg", "b.jpg"]);
}

#[test]
fn a_licence_that_forbids_commercial_use_ends_with_6() {
    let stage = Stage::new();
    stage.picture("a.jpg");
    let listed = stage.run(&["models", "list", "--json"]).ends(0).json();
    let forbidden = listed.iter().find(|row| row["commercial"] == false).unwrap();
    let name = forbidden["name"].as_str().unwrap();
    stage.run(&["remove", "a.jpg", "-m", name]).ends(6).tells("licence_refused");
    stage.run(&["remove", "a.jpg", "-m", name, "--license", "any"]).ends(6).tells("artifact_missing");
}

#[test]
fn bad_files_do_not_end_a_batch() {
    let stage = Stage::new();
    stage.write("1.jpg", b"");
    stage.write("2.jpg", b"this is no picture");
    stage.write("3-nobg.png", b"mine");
    stage.picture("3.jpg");
    let ended = stage.run(&["remove", "1.jpg", "2.jpg", "3.jpg", "missing.jpg", "--json"]).ends(3);
    let told: Vec<_> = ended.json().iter().map(|line| line["code"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, ["input_empty", "format_unsupported", "output_exists", "input_unreadable"]);
    assert_eq!(ended.err.matches("error[").count(), 4, "{}", ended.err);
    assert!(ended.err.contains("0 cut out, 4 failed"), "{}", ended.err);
}

#[test]
fn fail_fast_stops_and_says_what_was_not_started() {
    let stage = Stage::new();
    stage.write("1.jpg", b"");
    stage.write("2.jpg", b"");
    stage.write("3.jpg", b"");
    let ended = stage.run(&["remove", "1.jpg", "2.jpg", "3.jpg", "--fail-fast", "-j", "1", "--json"]).ends(3);
    let statuses: Vec<_> = ended.json().iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, ["failed", "not_started", "not_started"]);
}

#[test]
fn quiet_says_only_what_went_wrong() {
    let stage = Stage::new();
    stage.write("1.jpg", b"");
    stage.write("2.jpg", b"");
    let ended = stage.run(&["remove", "1.jpg", "2.jpg", "--quiet"]).ends(3);
    assert_eq!(ended.err.lines().count(), 4, "{}", ended.err);
    assert_eq!(ended.out, "");
}

#[test]
fn reports_go_to_a_file_too() {
    let stage = Stage::new();
    stage.write("1.jpg", b"");
    stage.run(&["remove", "1.jpg", "--report", "report.ndjson"]).ends(4);
    let text = std::fs::read_to_string(stage.path("report.ndjson")).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!((line["input"].as_str(), line["status"].as_str()), (Some("1.jpg"), Some("failed")));
    stage.run(&["remove", "1.jpg", "--report", "no/such/folder.ndjson"]).ends(1).tells("output_unwritable");
}

#[test]
fn progress_is_told_in_the_form_asked_for() {
    let stage = Stage::new();
    stage.write("1.jpg", b"");
    let plain = stage.run(&["remove", "1.jpg", "--progress", "plain"]).ends(4);
    assert!(plain.err.contains("[1/1] 1.jpg: failed"), "{}", plain.err);
    let json = stage.run(&["remove", "1.jpg", "--progress", "json"]).ends(4);
    let event = json.err.lines().find(|line| line.starts_with('{')).unwrap();
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!((event["event"].as_str(), event["total"].as_u64()), (Some("picture"), Some(1)));
    let none = stage.run(&["remove", "1.jpg"]).ends(4);
    assert!(none.err.starts_with("error["), "{}", none.err);
}

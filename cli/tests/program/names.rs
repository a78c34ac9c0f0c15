//! Which pictures are meant and what their outputs are called, seen through dry runs.

use crate::stage::Stage;

/// What a dry run says would be written.
#[track_caller]
fn plan(stage: &Stage, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["remove", "--dry-run"], arguments].concat();
    let files = stage.files();
    let ended = stage.run(&arguments).ends(0);
    assert_eq!(stage.files(), files, "a dry run writes nothing");
    ended.out.lines().map(str::to_owned).collect()
}

fn album() -> Stage {
    let stage = Stage::new();
    for name in ["in/a.jpg", "in/b.PNG", "in/notes.txt", "in/sub/c.webp", "in/.hidden.jpg", "in/.cache/d.jpg"] {
        stage.write(name, b"");
    }
    stage
}

#[test]
fn files_folders_patterns_and_lists_are_expanded() {
    let stage = album();
    stage.write("list.txt", b"in/a.jpg\r\nin/sub/c.webp\n");
    stage.write("list.zero", b"in/a.jpg\0in/sub/c.webp\0");
    let both = ["in/a.jpg → o/a.png", "in/sub/c.webp → o/c.png"];
    for (arguments, expected) in [
        (&["in/a.jpg", "-o", "o/"][..], &both[..1]),
        (&["-r", "in", "-o", "o"], &["in/a.jpg → o/a.png", "in/b.PNG → o/b.png", "in/sub/c.webp → o/sub/c.png"]),
        (&["in/*.jpg", "-o", "o/"], &both[..1]),
        (&["in/**/*.[jw]*", "-o", "o/"], &both),
        (&["--files-from", "list.txt", "-o", "o/"], &both),
        (&["--files-from", "list.zero", "-0", "-o", "o/"], &both),
        (&["in/a.jpg", "in/a.jpg", "-o", "o/"], &both[..1]),
    ] {
        assert_eq!(plan(&stage, arguments), expected, "{arguments:?}");
    }
    let piped = stage.pipe(b"in/a.jpg\nin/sub/c.webp\n", &["remove", "--dry-run", "--files-from", "-", "-o", "o/"]);
    assert_eq!(piped.ends(0).out.lines().collect::<Vec<_>>(), both);
}

#[test]
fn outputs_are_named_as_asked() {
    let stage = album();
    for (arguments, expected) in [
        (&["in/a.jpg"][..], "in/a.jpg → in/a-nobg.png"),
        (&["in/a.jpg", "--format", "webp"], "in/a.jpg → in/a-nobg.webp"),
        (&["in/a.jpg", "--output-kind", "alpha"], "in/a.jpg → in/a-nobg-alpha.png"),
        (&["in/a.jpg", "--output-kind", "rgba,mask"], "in/a.jpg → in/a-nobg.png, in/a-nobg-mask.png"),
        (
            &["in/a.jpg", "--output-kind", "color", "--output-kind", "alpha", "-o", "x.png"],
            "in/a.jpg → x-color.png, x-alpha.png",
        ),
        (&["in/a.jpg", "-o", "x.jpg", "--background", "white"], "in/a.jpg → x.jpg"),
        (&["in/a.jpg", "-o", "x.jpg", "--bg", "rgb(1 2 3)"], "in/a.jpg → x.jpg"),
        (&["in/a.jpg", "-o", "-"], "in/a.jpg → -"),
        (&["-"], "- → -"),
        (&["-", "-o", "o/"], "- → o/stdin.png"),
        (&["in/a.jpg", "-o", "{dir}/{index:03}-{ext}-{model}.png", "-m", "u2net"], "in/a.jpg → in/001-jpg-u2net.png"),
        (&["in/a.jpg", "-o", "{w}x{h}-{hash8}.png"], "in/a.jpg → {w}x{h}-{hash8}.png"),
    ] {
        assert_eq!(plan(&stage, arguments), [expected], "{arguments:?}");
    }
}

#[test]
fn earlier_outputs_are_no_inputs() {
    let stage = album();
    stage.write("in/a-nobg.png", b"");
    stage.write("in/a-nobg-alpha.png", b"");
    let planned = plan(&stage, &["in/*.[jP]*", "--skip-existing"]);
    assert_eq!(planned, ["in/a.jpg → in/a-nobg.png (exists, left as it is)", "in/b.PNG → in/b-nobg.png"]);
    stage.write("in/cut/a.png", b"");
    let found = plan(&stage, &["-r", "in", "-o", "in/cut", "--overwrite"]);
    assert!(found.iter().all(|line| !line.starts_with("in/cut")), "{found:?}");
}

#[test]
fn two_inputs_never_share_an_output() {
    let stage = Stage::new();
    stage.write("in/a.jpg", b"");
    stage.write("in/a.png", b"");
    let ended = stage.run(&["remove", "--dry-run", "-r", "in", "-o", "out", "--json"]).ends(3);
    let lines = ended.json();
    assert_eq!((lines[0]["status"].as_str(), lines[1]["code"].as_str()), (Some("planned"), Some("output_exists")));
    assert!(ended.err.contains("in/a.jpg"), "{}", ended.err);
    assert_eq!(plan(&stage, &["-r", "in", "-o", "out/{stem}-{ext}.png"]).len(), 2);
}

#[test]
fn a_dry_run_tells_what_would_fail() {
    let stage = Stage::new();
    stage.write("a.jpg", b"");
    stage.write("a-nobg.png", b"");
    stage.run(&["remove", "--dry-run", "a.jpg"]).ends(5).tells("output_exists");
    assert_eq!(plan(&stage, &["a.jpg", "--overwrite"]), ["a.jpg → a-nobg.png"]);
}

#[cfg(unix)]
#[test]
fn names_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;
    let stage = Stage::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.jpg");
    std::fs::write(stage.path(".").join(name), b"").unwrap();
    let output = stage.command(&["remove", "--dry-run"]).arg(name).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = stage.command(&["remove"]).arg(name).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("error[input_empty]"), "{output:?}");
}

//! What other tools take from the program, and how it behaves in a pipe.

use std::process::Stdio;

use crate::stage::Stage;

#[test]
fn completions_are_made_for_every_shell() {
    let stage = Stage::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stage.run(&["completions", shell]).ends(0).out;
        assert!(script.contains("backgroundfx") && script.contains("output-kind"), "{shell}");
    }
}

#[test]
fn manual_pages_are_printed_and_written() {
    let stage = Stage::new();
    let page = stage.run(&["man"]).ends(0).out;
    assert!(page.contains(".TH backgroundfx"), "{page}");
    stage.run(&["man", "pages"]).ends(0);
    let pages = stage.files();
    for page in ["pages/backgroundfx.1", "pages/backgroundfx-remove.1", "pages/backgroundfx-models-pull.1"] {
        assert!(pages.iter().any(|name| name == page), "{page} in {pages:?}");
    }
}

#[test]
fn help_has_examples_and_no_colour_in_a_pipe() {
    let stage = Stage::new();
    let help = stage.run(&["remove", "--help"]).ends(0).out;
    assert!(help.contains("Examples:") && help.contains("--skip-existing"), "{help}");
    for arguments in [&["--help"][..], &["--version"], &["help", "models"], &["help", "remove"]] {
        let ended = stage.run_with(&[("NO_COLOR", "1")], arguments).ends(0);
        assert!(!ended.out.contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let stage = Stage::new();
    stage.write("a.jpg", b"");
    for arguments in [
        &["codes"][..],
        &["models", "list"],
        &["completions", "bash"],
        &["doctor"],
        &["remove", "--dry-run", "a.jpg"],
        &["remove", "--dry-run", "a.jpg", "--json"],
    ] {
        let mut child = stage.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && told.is_empty(), "{arguments:?}: {} {told}", output.status);
    }
}

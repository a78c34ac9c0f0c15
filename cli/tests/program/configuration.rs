//! The configuration: file, environment and flags, one on top of the other; what is wrong is told at once.

use crate::stage::Stage;

#[test]
fn flags_stand_above_the_environment_and_that_above_the_file() {
    let stage = Stage::new();
    stage.write("mine.toml", b"model = \"u2net\"\nthreads = 3\n");
    stage.write("a.jpg", b"");
    let shown = stage.run(&["config", "show", "--config", "mine.toml"]).ends(0).out;
    assert!(shown.contains("model = \"u2net\"") && shown.contains("threads = 3"), "{shown}");
    let shown = stage.run_with(&[("BACKGROUNDFX_MODEL", "silueta")], &["config", "show", "--config", "mine.toml"]);
    assert!(shown.ends(0).out.contains("model = \"silueta\""));
    let variables = [("BACKGROUNDFX_MODEL", "silueta"), ("BACKGROUNDFX_CONFIG", "mine.toml")];
    for (arguments, model) in [(&["a.jpg"][..], "silueta"), (&["a.jpg", "-m", "u2netp"], "u2netp")] {
        let arguments = [&["remove", "--dry-run", "-o", "{model}.png"], arguments].concat();
        let ended = stage.run_with(&variables, &arguments).ends(0);
        assert_eq!(ended.out.trim(), format!("a.jpg → {model}.png"));
    }
}

#[test]
fn the_default_file_is_read_when_it_is_there() {
    let stage = Stage::new();
    let path = stage.run(&["config", "path"]).ends(0).out;
    assert!(path.trim().ends_with("backgroundfx/config.toml"), "{path}");
    stage.run(&["config", "show"]).ends(0);
    std::fs::create_dir_all(std::path::Path::new(path.trim()).parent().unwrap()).unwrap();
    std::fs::write(path.trim(), "preset = \"high\"").unwrap();
    assert!(stage.run(&["config", "show"]).ends(0).out.contains("preset = \"high\""));
}

#[test]
fn the_annotated_file_can_be_used_as_it_is() {
    let stage = Stage::new();
    let text = stage.run(&["config", "default"]).ends(0).out;
    assert!(text.contains("#model = "), "{text}");
    stage.write("default.toml", text.as_bytes());
    assert_eq!(
        stage.run(&["models", "path", "--config", "default.toml"]).ends(0).out,
        stage.run(&["models", "path"]).out
    );
}

#[test]
fn everything_wrong_is_told_at_once_by_field() {
    let stage = Stage::new();
    stage.write("wrong.toml", b"modle = \"u2net\"\npreset = \"extreme\"\nthreads = -1\njobs = 0\n");
    let variables = [("BACKGROUNDFX_OFFLINE", "perhaps"), ("BACKGROUNDFX_DEVISE", "cpu")];
    let ended =
        stage.run_with(&variables, &["config", "show", "--config", "wrong.toml"]).ends(2).tells("config_invalid");
    for field in ["wrong.toml", "modle", "preset", "threads", "jobs", "BACKGROUNDFX_OFFLINE", "BACKGROUNDFX_DEVISE"] {
        assert!(ended.err.contains(field), "{field} in {}", ended.err);
    }
    stage.write("broken.toml", b"model = ");
    stage.run(&["config", "show", "--config", "broken.toml"]).ends(2).tells("config_invalid");
    stage.run(&["config", "show", "--config", "missing.toml"]).ends(4).tells("input_unreadable");
}

#[test]
fn models_of_ones_own_are_listed_and_checked() {
    let stage = Stage::new();
    stage.write(
        "own.toml",
        br#"
        [[model]]
        name = "our-products"
        file = "our-products.onnx"
        license = "proprietary"
        input = { size = { width = 320, height = 320 } }
        "#,
    );
    let listed = stage.run(&["models", "list", "--json", "--models-file", "own.toml"]).ends(0).json();
    let own = listed.iter().find(|row| row["name"] == "our-products").unwrap();
    assert_eq!((own["family"].as_str(), own["here"].as_bool()), (Some("custom"), Some(false)));
    stage.write("wrong.toml", b"[[model]]\nname = \"x\"\ncolour = 1\n");
    stage.run(&["models", "list", "--models-file", "wrong.toml"]).ends(2).tells("config_invalid");
}

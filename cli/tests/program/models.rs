//! `models` and `doctor` on a machine that has nothing yet.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::stage::Stage;

#[test]
fn models_are_listed_with_licence_and_place() {
    let stage = Stage::new();
    let rows = stage.run(&["models", "list", "--json"]).ends(0).json();
    assert!(rows.len() >= 10, "{rows:?}");
    for row in &rows {
        for field in ["name", "family", "license", "commercial", "here", "default", "bytes"] {
            assert!(row.get(field).is_some(), "{field} in {row}");
        }
        // What has no weights is always here.
        assert_eq!(row["here"], row["family"] == "key", "{row}");
    }
    let default: Vec<_> = rows.iter().filter(|row| row["default"] == true).collect();
    assert_eq!(default.len(), 1);
    assert_eq!(default[0]["commercial"], true);
    let text = stage.run(&["models", "list"]).ends(0).out;
    assert_eq!(text.lines().count(), rows.len());
    let markdown = stage.run(&["models", "list", "--markdown"]).ends(0).out;
    assert_eq!(markdown.lines().count(), rows.len() + 2);
}

#[test]
fn a_model_is_described() {
    let stage = Stage::new();
    let text = stage.run(&["models", "info", "isnet-general-use"]).ends(0).out;
    for part in ["licence of weights", "sha256", "here                no"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    stage.run(&["models", "info", "isnet-general"]).ends(2).tells("model_unknown");
}

#[test]
fn the_store_is_where_it_was_put_and_empty() {
    let stage = Stage::new();
    let path = stage.run(&["models", "path"]).ends(0).out;
    assert_eq!(path.trim(), stage.path(".store").display().to_string());
    assert_eq!(stage.run(&["models", "verify"]).ends(0).out, "");
    stage.run(&["models", "verify", "u2net"]).ends(6).tells("artifact_missing");
    stage.run(&["models", "verify", "no-such-model"]).ends(2).tells("model_unknown");
    stage.run(&["models", "remove", "u2net"]).ends(0);
    stage.run(&["models", "remove", "no-such-model"]).ends(2).tells("model_unknown");
    stage.run(&["models", "pull", "no-such-model"]).ends(2).tells("model_unknown");
    stage.run(&["models", "pull"]).ends(6).tells("artifact_missing");
    assert!(stage.files().is_empty(), "{:?}", stage.files());
}

#[test]
fn a_damaged_file_is_found() {
    let stage = Stage::new();
    let info = stage.run(&["models", "list", "--json"]).ends(0).json();
    assert!(info.iter().any(|row| row["name"] == "u2netp"));
    stage.write(".store/u2netp.onnx", b"damaged");
    stage.run(&["models", "verify", "u2netp"]).ends(6).tells("checksum_mismatch");
    stage.run(&["models", "verify"]).ends(6).tells("checksum_mismatch");
    assert!(stage.run(&["models", "remove", "u2netp"]).ends(0).out.contains("removed"));
    assert!(!stage.path(".store/u2netp.onnx").exists());
}

#[test]
fn the_doctor_tells_what_is_missing_and_what_to_do() {
    let stage = Stage::new();
    let text = stage.run(&["doctor"]).ends(0).out;
    for what in ["backgroundfx ", "machine", "configuration", "folder", "files", "runtime", "ffmpeg", "npm", "pip"] {
        assert!(text.contains(what), "{what} in {text}");
    }
    let json = stage.run(&["doctor", "--json"]).ends(0).json();
    let findings = json[0]["findings"].as_array().unwrap();
    let runtime = findings.iter().find(|finding| finding["what"] == "runtime").unwrap();
    assert_eq!(runtime["ok"], false);
    assert!(runtime["advice"].as_str().unwrap().contains("models pull"));
    let ill = stage.run_with(&[("BACKGROUNDFX_RUNTIME", "no-such-library.so")], &["doctor"]).ends(7);
    assert!(ill.out.contains("no-such-library.so"), "{}", ill.out);
    stage.run_with(&[("BACKGROUNDFX_THREADS", "many")], &["doctor"]).ends(2);
}

#[test]
#[ignore = "needs the registries or what was fetched before"]
fn what_browsers_need_is_fetched_by_its_names() {
    let stage = Stage::with_models();
    let out = stage.run(&["models", "pull", "onnxruntime-web-script", "onnxruntime-web-wasm"]).ends(0).out;
    assert!(out.contains(".min.mjs") && out.contains(".wasm"), "{out}");
    stage.run(&["models", "pull", "onnxruntime-web-wasm", "onnxruntime-wbe"]).ends(2).tells("model_unknown");
}

#[cfg(unix)]
#[test]
fn the_doctor_tells_the_memory_of_graphics_cards() {
    let stage = Stage::new();
    let driver = "#!/bin/sh\necho '0, NVIDIA H200, 143771, 1200'; echo '1, NVIDIA H200, 143771, 140000'\n";
    stage.write("bin/nvidia-smi", driver.as_bytes());
    let program = stage.path("bin/nvidia-smi");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let seen = |visible| stage.run_with(&[("PATH", &path), ("CUDA_VISIBLE_DEVICES", visible)], &["doctor"]).ends(0).out;
    let text = seen("0,1");
    assert!(text.contains("0: NVIDIA H200, 143771 MB memory, 1200 MB of it free"), "{text}");
    assert!(text.contains("1: NVIDIA H200, 143771 MB memory, 140000 MB of it free"), "{text}");
    let text = seen("1");
    assert!(text.contains("0: NVIDIA H200, 143771 MB memory, 140000 MB of it free"), "{text}");
}

/// A server that answers every request with more bytes than it will ever have sent.
fn slow_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n");
            while stream.write_all(&[0; 1000]).is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        }
    });
    address
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_download_at_once() {
    let stage = Stage::new();
    stage.picture("a.jpg");
    let mirror = slow_server();
    for arguments in [&["models", "pull", "u2netp"][..], &["remove", "a.jpg"]] {
        let mut command = stage.command(arguments);
        command.env("BACKGROUNDFX_MIRROR", &mirror).env("BACKGROUNDFX_OFFLINE", "0").env("PATH", "/bin:/usr/bin");
        let child = command.args(["--progress", "json"]).stderr(Stdio::piped()).spawn().unwrap();
        thread::sleep(Duration::from_millis(700));
        let started = Instant::now();
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{arguments:?}: {told}");
        assert!(told.contains("\"download\"") && told.contains("error[cancelled]"), "{arguments:?}: {told}");
        assert!(started.elapsed() < Duration::from_secs(5), "{arguments:?}");
    }
    let whole: Vec<_> =
        stage.files().into_iter().filter(|name| name.ends_with(".onnx") || name.ends_with(".png")).collect();
    assert!(whole.is_empty(), "{whole:?}");
}

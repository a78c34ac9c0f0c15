//! `doctor`: what was found on this machine, and what to do about what is missing.

use std::{path::Path, process::Command, thread::available_parallelism};

use backgroundfx_core::engine::{Engine, EngineOptions, artifacts::StoreOptions};
use serde_json::{Value, json};

use crate::{
    args::{DoctorArguments, Shared},
    commands::models,
    config::{self, Config},
    exit::{DONE, Ended, SOME_FAILED},
};

/// One thing looked at: how it is, and what to do when it is not well.
struct Finding {
    what: &'static str,
    found: Result<String, String>,
    advice: &'static str,
}

/// Looks at everything and prints it; exit code 3 when something needed is missing.
pub fn run(arguments: &DoctorArguments, shared: &Shared) -> Ended {
    let config = Config::load(shared);
    let mut findings = vec![machine(), configuration(shared, &config)];
    let config = config.unwrap_or_default();
    // Looking must not fetch: what is not here is reported as not here.
    let options = config.engine(None);
    let engine = Engine::open(EngineOptions { store: StoreOptions { offline: true, ..options.store }, ..options });
    match &engine {
        Ok(engine) => findings.extend(engine_findings(engine)),
        Err(error) => findings.push(Finding { what: "store", found: Err(error.to_string()), advice: error.hint() }),
    }
    findings.extend(programs());
    if arguments.json {
        println!("{}", Value::Array(findings.iter().map(Finding::json).collect()));
    } else {
        println!("backgroundfx {}", env!("CARGO_PKG_VERSION"));
        findings.iter().for_each(Finding::print);
    }
    let needed = ["configuration", "store", "runtime"];
    let ill = findings.iter().any(|finding| finding.found.is_err() && needed.contains(&finding.what));
    Ok(if ill { SOME_FAILED } else { DONE })
}

impl Finding {
    fn json(&self) -> Value {
        match &self.found {
            Ok(found) => json!({ "what": self.what, "ok": true, "found": found }),
            Err(missing) => json!({ "what": self.what, "ok": false, "found": missing, "advice": self.advice }),
        }
    }

    fn print(&self) {
        match &self.found {
            Ok(found) => println!("  ok  {:<16} {found}", self.what),
            Err(missing) => println!("  --  {:<16} {missing}\n      {:<16} → {}", self.what, "", self.advice),
        }
    }
}

fn machine() -> Finding {
    let cores = available_parallelism().map_or(1, usize::from);
    let memory = memory_mb().map_or_else(String::new, |(total, free)| format!(", {total} MB memory, {free} MB free"));
    let system = format!("{} {}, {cores} cores{memory}", std::env::consts::OS, std::env::consts::ARCH);
    Finding { what: "machine", found: Ok(system), advice: "" }
}

/// Total and available memory, where the system tells it in a file.
fn memory_mb() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
    };
    Some((field("MemTotal:")?, field("MemAvailable:")?))
}

fn configuration(shared: &Shared, config: &backgroundfx_core::Result<Config>) -> Finding {
    let path = shared.config.clone().or_else(config::default_path);
    let place = path.as_deref().map_or_else(|| "no folder for it".to_owned(), |path| path.display().to_string());
    let found = match config {
        Ok(_) if path.as_deref().is_some_and(Path::is_file) => Ok(place),
        Ok(_) => Ok(format!("defaults; {place} is not there")),
        Err(error) => Err(error.to_string()),
    };
    Finding { what: "configuration", found, advice: "correct the named field, or remove it" }
}

fn engine_findings(engine: &Engine) -> Vec<Finding> {
    let silent = &backgroundfx_core::progress::Silent;
    let store = engine.store();
    let mut findings = vec![Finding { what: "store", found: Ok(store.folder().display().to_string()), advice: "" }];
    let here = models::on_disk(store);
    let found = if here.is_empty() { Err("none fetched yet".to_owned()) } else { Ok(here.join(", ")) };
    let advice = "`backgroundfx models pull` fetches the default model; `remove` does so by itself";
    findings.push(Finding { what: "files", found, advice });
    let runtime = engine.runtime(silent).map(|(about, path)| format!("{} ({about})", path.display()));
    let usable = runtime.is_ok();
    let found = runtime.map_err(|error| error.to_string());
    findings.push(Finding { what: "runtime", found, advice: "`backgroundfx models pull` fetches ONNX Runtime" });
    if usable {
        for status in engine.devices(silent).unwrap_or_default() {
            let found = match status.usable {
                Ok(()) => Ok(status.device.to_string()),
                Err(why) => Err(format!("{}: {why}", status.device)),
            };
            findings.push(Finding {
                what: "device",
                found,
                advice: "only needed for this device; `auto` goes on without",
            });
        }
    }
    findings
}

fn programs() -> Vec<Finding> {
    let program = |what: &'static str, arguments: &[&str], advice: &'static str| {
        let output = Command::new(what).args(arguments).output();
        let found = match output {
            Ok(output) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
            }
            Ok(output) => Err(format!("ends with {}", output.status)),
            Err(_) => Err("not found".to_owned()),
        };
        Finding { what, found, advice }
    };
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    vec![
        program(
            "ffmpeg",
            &["-version"],
            "only needed for video: `apt install ffmpeg`, `brew install ffmpeg`, `winget install ffmpeg`",
        ),
        program(npm, &["--version"], "only a second way to the files: https://nodejs.org"),
        program("pip", &["--version"], "only a second way to the files: `apt install python3-pip`"),
    ]
}

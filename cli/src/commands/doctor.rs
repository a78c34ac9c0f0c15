//! `doctor`: what was found on this machine, and what to do about what is missing.

use std::{path::Path, process::Command, thread::available_parallelism};

use backgroundfx_core::{
    Error, Kind,
    engine::{self, Engine, EngineOptions, artifacts::StoreOptions, quantize},
    progress::Silent,
    video::Ffmpeg,
};
use serde_json::{Value, json};
use sysinfo::{Disks, System};

use crate::{
    args::{DoctorArguments, Shared},
    commands::models,
    config::{self, Config},
    exit::{self, DONE, Ended},
    stdout::say,
};

/// One thing looked at: how it is, and what to do when it is not well.
struct Finding {
    what: &'static str,
    found: Result<String, String>,
    advice: &'static str,
    /// Exit code when nothing will work before this is put right.
    ill: Option<u8>,
}

/// Looks at everything and prints it. What is only not fetched yet is no illness.
pub fn run(arguments: &DoctorArguments, shared: &Shared) -> Ended {
    let config = Config::load(shared);
    let mut findings = vec![machine(), configuration(shared, &config)];
    let config = config.unwrap_or_default();
    // Looking must not fetch: what is not here is reported as not here.
    let options = config.engine(None, None);
    let engine = Engine::open(EngineOptions { store: StoreOptions { offline: true, ..options.store }, ..options });
    match &engine {
        Ok(engine) => findings.extend(engine_findings(engine)),
        Err(error) => findings.push(Finding::ill("store", error)),
    }
    findings.extend(cards());
    findings.extend(programs(config.ffmpeg.as_deref()));
    if arguments.json {
        let findings: Vec<Value> = findings.iter().map(Finding::json).collect();
        say!("{}", json!({ "version": env!("CARGO_PKG_VERSION"), "findings": findings }));
    } else {
        say!("backgroundfx {}", env!("CARGO_PKG_VERSION"));
        for finding in &findings {
            say!("{}", finding.lines());
        }
    }
    Ok(findings.iter().find_map(|finding| finding.ill).unwrap_or(DONE))
}

impl Finding {
    fn new(what: &'static str, found: Result<String, String>, advice: &'static str) -> Self {
        Self { what, found, advice, ill: None }
    }

    fn ill(what: &'static str, error: &Error) -> Self {
        Self { what, found: Err(error.to_string()), advice: error.hint(), ill: Some(exit::of(error.kind())) }
    }

    fn json(&self) -> Value {
        match &self.found {
            Ok(found) => json!({ "what": self.what, "ok": true, "found": found }),
            Err(missing) => json!({ "what": self.what, "ok": false, "found": missing, "advice": self.advice }),
        }
    }

    fn lines(&self) -> String {
        match &self.found {
            Ok(found) => format!("  ok  {:<14} {found}", self.what),
            Err(missing) => format!("  --  {:<14} {missing}\n      {:<14} → {}", self.what, "", self.advice),
        }
    }
}

fn machine() -> Finding {
    let cores = available_parallelism().map_or(1, usize::from);
    let mut system = System::new();
    system.refresh_memory();
    let megabytes = |bytes: u64| bytes / 1_000_000;
    let (total, free) = (megabytes(system.total_memory()), megabytes(system.available_memory()));
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let bytes = if quantize::is_fast_here() { "8 bits are fast here" } else { "8 bits are not fast here" };
    let found = format!("{os} {arch}, {cores} cores ({bytes}), {total} MB memory, {free} MB of it free");
    Finding::new("machine", Ok(found), "")
}

fn configuration(shared: &Shared, config: &backgroundfx_core::Result<Config>) -> Finding {
    let path = shared.config.clone().or_else(config::default_path);
    let place = path.as_deref().map_or_else(|| "its file".to_owned(), |path| path.display().to_string());
    match config {
        Ok(_) if path.as_deref().is_some_and(Path::is_file) => Finding::new("configuration", Ok(place), ""),
        Ok(_) => Finding::new("configuration", Ok(format!("defaults; {place} is not there")), ""),
        Err(error) => Finding::ill("configuration", error),
    }
}

fn engine_findings(engine: &Engine) -> Vec<Finding> {
    let store = engine.store();
    let free = free_megabytes(store.folder()).map_or_else(String::new, |free| format!(", {free} MB free on its disk"));
    let mut findings = vec![Finding::new("folder", Ok(format!("{}{free}", store.folder().display())), "")];
    let here = models::on_disk(store);
    let found = if here.is_empty() { Err("none fetched yet".to_owned()) } else { Ok(here.join(", ")) };
    let advice = "`remove` fetches what it needs by itself; `backgroundfx models pull` does so ahead of time";
    findings.push(Finding::new("files", found, advice));
    match engine.runtime(&Silent) {
        Ok((about, path)) => {
            findings.push(Finding::new("runtime", Ok(format!("{} ({about})", path.display())), ""));
            findings.extend(devices(engine));
        }
        Err(error) if error.kind() == Kind::ArtifactMissing => {
            findings.push(Finding::new("runtime", Err("ONNX Runtime is not fetched yet".to_owned()), advice));
        }
        Err(error) => findings.push(Finding::ill("runtime", &error)),
    }
    findings
}

fn devices(engine: &Engine) -> Vec<Finding> {
    let advice = "`--device auto` goes on without; `runtime` in the configuration names a library built with it";
    let finding = |status: backgroundfx_core::engine::DeviceStatus| match status.usable {
        Ok(()) => Finding::new("device", Ok(status.device.to_string()), ""),
        Err(why) => Finding::new("device", Err(format!("{}: {why}", status.device)), advice),
    };
    match engine.devices(&Silent) {
        Ok(statuses) => statuses.into_iter().map(finding).collect(),
        Err(error) => vec![Finding::ill("device", &error)],
    }
}

/// Graphics cards with their memory, where their driver tells.
fn cards() -> impl Iterator<Item = Finding> {
    engine::cards().into_iter().map(|card| {
        let found =
            format!("{}: {}, {} MB memory, {} MB of it free", card.number, card.name, card.memory_mb, card.free_mb);
        Finding::new("graphics card", Ok(found), "")
    })
}

/// Free space of the disk that a folder is, or will be, on.
fn free_megabytes(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find_map(|folder| folder.canonicalize().ok())?;
    let disks = Disks::new_with_refreshed_list();
    let on = disks.iter().filter(|disk| there.starts_with(disk.mount_point()));
    let disk = on.max_by_key(|disk| disk.mount_point().components().count())?;
    Some(disk.available_space() / 1_000_000)
}

fn programs(ffmpeg: Option<&Path>) -> Vec<Finding> {
    let program = |what: &'static str, name: &str, arguments: &[&str], advice: &'static str| {
        let output = Command::new(name).args(arguments).output();
        let found = match output {
            Ok(output) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
            }
            Ok(output) => Err(format!("is there, but ends with {}", output.status)),
            Err(_) => Err("not found".to_owned()),
        };
        Finding::new(what, found, advice)
    };
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let video = "only needed for video: `apt install ffmpeg`, `brew install ffmpeg` or `winget install ffmpeg`";
    let second = "only a second way to models and runtime, where their public addresses cannot be reached";
    vec![
        Finding::new(
            "ffmpeg",
            Ffmpeg::find(ffmpeg).map(|found| found.about().to_owned()).map_err(|error| error.to_string()),
            video,
        ),
        program("npm", npm, &["--version"], second),
        program("pip", "pip", &["--version"], second),
    ]
}

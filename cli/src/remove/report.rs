//! One JSON object for each picture, for programs.

use std::{fs::File, io::Write, sync::Mutex, time::Duration};

use backgroundfx_core::{Error, Kind, Result};
use serde_json::{Map, Value, json};

use super::{outputs::Item, picture::Done};
use crate::args::RemoveArguments;

/// Where JSON lines go.
pub struct Report {
    stdout: bool,
    file: Option<Mutex<File>>,
}

/// What became of a picture.
pub enum Outcome<'a> {
    /// It was cut out, or nothing was found in it.
    Done(&'a Done),
    /// It was left out because its outputs exist.
    Skipped,
    /// It failed.
    Failed(&'a Error),
}

impl Report {
    /// Opens what the arguments ask for.
    ///
    /// # Errors
    /// [`Kind::OutputUnwritable`] when the file cannot be made.
    pub fn open(arguments: &RemoveArguments) -> Result<Self> {
        let file = match &arguments.report {
            None => None,
            Some(path) => Some(Mutex::new(File::create(path).map_err(|error| {
                Error::new(Kind::OutputUnwritable, format!("cannot write {}: {error}", path.display())).because(error)
            })?)),
        };
        Ok(Self { stdout: arguments.json, file })
    }

    /// Writes one picture's line.
    pub fn line(&self, item: &Item, outcome: &Outcome<'_>) {
        if !self.stdout && self.file.is_none() {
            return;
        }
        let line = format!("{}\n", object(item, outcome));
        if self.stdout {
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
        }
        if let Some(file) = &self.file {
            let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let _ = file.write_all(line.as_bytes());
        }
    }
}

fn object(item: &Item, outcome: &Outcome<'_>) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("input", json!(item.input.name()));
    put("index", json!(item.index));
    match outcome {
        Outcome::Skipped => {
            put("status", json!("skipped"));
            put("output", json!(names(item)));
        }
        Outcome::Failed(error) => {
            put("status", json!("failed"));
            put("output", json!([]));
            put("code", json!(error.code()));
            put("message", json!(error.to_string()));
            put("hint", json!(error.hint()));
            put("retryable", json!(error.is_retryable()));
        }
        Outcome::Done(done) => {
            let report = &done.report;
            put("status", json!(if report.subject.is_some() { "ok" } else { "no_subject" }));
            put("output", if done.written { json!(names(item)) } else { json!([]) });
            put("model", json!(report.model.model));
            put("file", json!(report.model.file));
            put("sha256", json!(report.model.sha256));
            put("license", json!(report.model.license.weights));
            put("device", json!(report.model.device.to_string()));
            put("width", json!(report.picture.width));
            put("height", json!(report.picture.height));
            put(
                "foreground",
                report.subject.map_or(Value::Null, |part| {
                    json!({ "left": part.left, "top": part.top, "width": part.size.width, "height": part.size.height })
                }),
            );
            put("coverage", json!(rounded(report.coverage)));
            put("confidence", json!(rounded(report.confidence)));
            let warnings: Vec<_> =
                done.warnings.iter().map(|w| json!({ "code": w.code(), "message": w.to_string() })).collect();
            put("warnings", json!(warnings));
            let timings = done.timings.iter().map(|(stage, time)| ((*stage).to_owned(), json!(milliseconds(*time))));
            put("timings_ms", Value::Object(timings.collect()));
        }
    }
    Value::Object(object)
}

fn names(item: &Item) -> Vec<String> {
    item.outputs.iter().map(super::outputs::Output::name).collect()
}

fn rounded(value: f32) -> f64 {
    (f64::from(value) * 10_000.0).round() / 10_000.0
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

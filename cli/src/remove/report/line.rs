//! The JSON object of one picture. Its fields are documented in docs/command-line.md; adding one is no break.

use backgroundfx_core::{models::ModelUsed, pixels::Rect};
use serde_json::{Map, Value, json};

use super::{Finished, Outcome, milliseconds};
use crate::remove::{outputs::Target, picture::Done};

/// The object.
pub fn object(finished: &Finished) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    put("index", json!(finished.index));
    put("input", json!(finished.input.name()));
    put("output", json!([]));
    put("status", json!(finished.outcome.status()));
    match &finished.outcome {
        Outcome::Done(done) => put_done(done, &mut put),
        Outcome::Skipped(targets) | Outcome::Planned(targets) => put("output", names(targets)),
        Outcome::Failed(error) => {
            put("code", json!(error.code()));
            put("message", json!(error.to_string()));
            put("hint", json!(error.hint()));
            put("retryable", json!(error.is_retryable()));
        }
        Outcome::NotStarted => {}
    }
    Value::Object(object)
}

fn put_done(done: &Done, put: &mut impl FnMut(&str, Value)) {
    let report = &done.report;
    let used = &report.model;
    put("output", names(&done.outputs));
    put("model", json!(used.model));
    put("file", json!(used.file));
    put("sha256", json!(used.sha256));
    put("license", json!(used.license.weights));
    put("commercial", json!(used.license.commercial));
    put("device", json!(used.device.to_string()));
    put("precision", json!(used.precision.to_string()));
    put("width", json!(done.size.width));
    put("height", json!(done.size.height));
    put("input_width", json!(report.picture.width));
    put("input_height", json!(report.picture.height));
    put("foreground", report.subject.map_or(Value::Null, foreground));
    put("coverage", json!(rounded(report.coverage)));
    put("confidence", json!(rounded(report.confidence)));
    let doubts = report.doubts.iter().map(|doubt| json!({ "code": doubt.code(), "message": doubt.to_string() }));
    put("doubts", doubts.collect());
    let classes = report.classes.iter().map(|class| json!({ "name": class.name, "share": rounded(class.share) }));
    put("classes", classes.collect());
    put("matting_model", report.matting_model.as_ref().map_or(Value::Null, network));
    put("unknown", report.unknown.map_or(Value::Null, |share| json!(rounded(share))));
    let warnings = warnings(done).into_iter().map(|(code, message)| json!({ "code": code, "message": message }));
    put("warnings", warnings.collect());
    let mut timings: Map<String, Value> =
        done.timings.iter().map(|(stage, time)| ((*stage).to_owned(), json!(milliseconds(*time)))).collect();
    let total = done.timings.iter().map(|(_, time)| *time).sum();
    timings.insert("total".to_owned(), json!(milliseconds(total)));
    put("timings_ms", Value::Object(timings));
}

/// Everything a reader should know of a picture that did not fail, as code and message.
pub fn warnings(done: &Done) -> Vec<(&'static str, String)> {
    let mut warnings: Vec<_> = done.warnings.iter().map(|warning| (warning.code(), warning.to_string())).collect();
    if done.report.subject.is_none() {
        let what = if done.outputs.is_empty() { "nothing was written" } else { "the cut-out is empty" };
        warnings.push(("no_subject", format!("no subject was found; {what}")));
    }
    let networks = [Some(&done.report.model), done.report.matting_model.as_ref()];
    let passed_over = networks.into_iter().flatten().flat_map(|used| &used.passed_over);
    warnings.extend(passed_over.map(|why| ("device_passed_over", why.clone())));
    warnings
}

/// Which network, and where and in which numbers it ran.
fn network(used: &ModelUsed) -> Value {
    json!({
        "model": used.model, "file": used.file, "sha256": used.sha256, "license": used.license.weights,
        "commercial": used.license.commercial, "device": used.device.to_string(),
        "precision": used.precision.to_string(),
    })
}

fn names(targets: &[Target]) -> Value {
    targets.iter().map(Target::name).collect()
}

fn foreground(part: Rect) -> Value {
    json!({ "left": part.left, "top": part.top, "width": part.size.width, "height": part.size.height })
}

fn rounded(value: f32) -> f64 {
    (f64::from(value) * 10_000.0).round() / 10_000.0
}

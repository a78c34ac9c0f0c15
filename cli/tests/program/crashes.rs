//! The process dies at each step of a job's life, as by a kill at that very place. Whatever the engines: what was accepted is made
//! once, its sender finds it under the key it was sent with, and nothing is left of it when it is deleted.

use std::{
    path::Path,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    engines::{self, Engines},
    serving::{Server, files, picture},
};

/// A step, and how often its item may have been begun in the end.
type Death = (&'static str, std::ops::RangeInclusive<i64>);
const DEATHS: [Death; 7] = [
    ("accepting", 1..=1),
    ("accepted", 1..=2),
    ("claimed", 2..=2),
    ("made", 2..=2),
    ("kept", 2..=2),
    ("ending", 2..=2),
    ("ended", 1..=1),
];
/// Those of a broker's messages.
const MESSAGES: [Death; 2] = [("sent", 1..=2), ("heard", 1..=2)];

/// How long an item of a process that died may wait for another: a lease (of 10 seconds in builds for tests), and its end noticed.
const AGAIN: Duration = Duration::from_secs(45);

#[test]
fn a_process_on_sqlite_may_die_at_any_step() {
    all(&DEATHS, 4, |_| Vec::new());
}

#[test]
#[ignore = "needs engines: server/engines/run --all"]
fn a_process_on_postgresql_and_rabbitmq_may_die_at_any_step() {
    let _right = engines::alone();
    let on = |prefix: &'static str, queue: bool| move |step: &str| Engines::alone(&format!("{prefix}_{step}"), queue);
    // One after the other: all processes share the broker's queue.
    all(&MESSAGES, 1, on("dies_with_queue", true));
    all(&DEATHS, DEATHS.len(), on("dies", false));
    all(&DEATHS, DEATHS.len(), on("dies_with_queue", true));
}

/// Goes through all deaths, some side by side, each on engines of its own.
fn all(deaths: &[Death], side_by_side: usize, variables: impl Fn(&str) -> Vec<(String, String)> + Sync) {
    let waiting = Mutex::new(deaths.to_vec());
    thread::scope(|scope| {
        for _ in 0..side_by_side {
            scope.spawn(|| {
                loop {
                    let Some((step, begun)) = waiting.lock().unwrap().pop() else { break };
                    dies(step, &begun, &variables(step));
                }
            });
        }
    });
}

fn dies(step: &str, begun: &std::ops::RangeInclusive<i64>, variables: &[(String, String)]) {
    let folder = tempfile::tempdir().unwrap();
    let usual: Vec<_> = variables.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let mortal = Server::start_as("serve", folder.path(), &[&usual[..], &[("BFX_TEST_DIES", step)]].concat());
    let key = mortal.key.clone().unwrap();
    let (headers, body) = (
        format!("{key}\r\nIdempotency-Key: order"),
        format!(r#"{{"image_base64": "{}", "format": "png"}}"#, picture(64)),
    );
    let first = mortal.try_ask("POST", "/v1/jobs", &headers, &body);
    mortal.wait_for_its_end(Duration::from_secs(30));
    let died = Instant::now();

    let server = Server::start_as("serve", folder.path(), &usual);
    // Who had no answer asks again, and who had one may.
    let (status, again) = server.ask("POST", "/v1/jobs", &headers, &body);
    assert!([200, 202].contains(&status), "{step}: {status} {again}");
    let id = again["id"].as_str().unwrap();
    assert!(first.is_none_or(|(status, job)| status == 202 && job["id"] == id), "{step}: one job for one key");
    let job = ended(&server, &key, id, died, step);
    let item = &job["items"][0];
    assert!(begun.contains(&item["attempts"].as_i64().unwrap()), "{step}: {job}");

    let listed = |path: &str, of: &str| server.ask("GET", path, &key, "").1[of].as_array().map(Vec::len);
    assert_eq!(listed("/v1/jobs", "jobs"), Some(1), "{step}: there is no other job");
    assert_eq!(listed("/v1/pictures", "pictures"), Some(1), "{step}: it is made once");
    assert_eq!(server.ask("HEAD", item["result"].as_str().unwrap(), &key, "").0, 200, "{step}");
    assert_eq!(server.ask("DELETE", &format!("/v1/jobs/{id}"), &key, "").0, 200);
    is_cleared(folder.path(), id, step);
}

fn ended(server: &Server, key: &str, id: &str, died: Instant, step: &str) -> Value {
    loop {
        let (_, job) = server.ask("GET", &format!("/v1/jobs/{id}"), key, "");
        if job["status"] == "succeeded" {
            return job;
        }
        assert!(died.elapsed() < AGAIN && job["status"] != "failed", "{step}: {:?} {job}", died.elapsed());
        thread::sleep(Duration::from_millis(100));
    }
}

/// Nothing is left of the job. What was never accepted is a job of no one's, whose files go after an hour.
fn is_cleared(folder: &Path, id: &str, step: &str) {
    let left: Vec<_> = files(&folder.join("objects")).into_iter().filter(|path| !path.contains('#')).collect();
    let is_expected = |path: &String| step == "accepting" && path.contains("sources/") && !path.contains(id);
    assert!(left.iter().all(is_expected), "{step}: {left:?}");
}

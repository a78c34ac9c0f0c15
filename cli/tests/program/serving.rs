//! `serve`: the process itself. It is killed, asked to stop, and started where it cannot run.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// A server of a folder, on any port, that keys by colour and so needs no weights.
pub struct Server {
    child: Child,
    address: String,
    pub key: Option<String>,
}

impl Server {
    fn start(folder: &Path) -> Self {
        Self::start_as("serve", folder, &[])
    }

    /// Starts `serve` or `worker` with these variables set.
    pub fn start_as(command: &str, folder: &Path, variables: &[(&str, &str)]) -> Self {
        Self::try_start_as(command, folder, variables).unwrap()
    }

    /// As [`Server::start_as`]; none when the process ended instead.
    pub fn try_start_as(command: &str, folder: &Path, variables: &[(&str, &str)]) -> Option<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_backgroundfx"))
            .args([command, "--listen", "127.0.0.1:0", "--model", "chroma", "--data"])
            .arg(folder)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut key, mut address) = (None, None);
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(text) = line.strip_prefix("api key: ") {
                key = Some(text.to_owned());
            }
            if let Some(text) = line.strip_prefix("listening on http://") {
                address = Some(text.to_owned());
                break;
            }
        }
        if address.is_none() {
            child.wait().unwrap();
        }
        Some(Self { child, address: address?, key })
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A request on a connection of its own: status and JSON.
    pub fn ask(&self, method: &str, path: &str, key: &str, body: &str) -> (u16, Value) {
        self.try_ask(method, path, key, body).unwrap()
    }

    /// As [`Server::ask`]; none when the connection ends without an answer.
    pub fn try_ask(&self, method: &str, path: &str, key: &str, body: &str) -> Option<(u16, Value)> {
        let headers = format!("X-API-Key: {key}\r\nContent-Type: application/json");
        let (status, _, body) = self.send(&format!("{method} {path}"), &headers, body.as_bytes())?;
        Some((status, serde_json::from_str(&body).unwrap_or_default()))
    }

    /// A request with headers of its own: status, headers and body.
    pub fn send(&self, line: &str, headers: &str, body: &[u8]) -> Option<(u16, String, String)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let length = body.len();
        let head =
            format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, head.to_owned(), body.to_owned()))
    }

    /// Waits until the process ends by itself.
    pub fn wait_for_its_end(mut self, most: Duration) {
        let end = Instant::now() + most;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "it lives on");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Also when the test fails. It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A red square before green, as base64 of a BMP.
pub fn picture(side: u32) -> String {
    base64(&bitmap(side))
}

/// A red square before green, as a BMP: small enough to write here by hand.
pub fn bitmap(side: u32) -> Vec<u8> {
    let mut file = b"BM".to_vec();
    let pixels = side * side * 4;
    file.extend((54 + pixels).to_le_bytes());
    file.extend([0; 4]);
    file.extend(54_u32.to_le_bytes());
    file.extend(40_u32.to_le_bytes());
    file.extend(side.to_le_bytes());
    file.extend(side.to_le_bytes());
    file.extend([1, 0, 32, 0]);
    file.extend([0; 4]);
    file.extend(pixels.to_le_bytes());
    file.extend([0; 16]);
    for at in 0..side * side {
        let inside = |v: u32| (side / 4..3 * side / 4).contains(&v);
        let subject = inside(at % side) && inside(at / side);
        file.extend(if subject { [60, 40, 220, 255] } else { [64, 177, 0, 255] });
    }
    file
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(LETTERS[(number >> (18 - 6 * place) & 63) as usize]));
        }
    }
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            path => vec![path.display().to_string()],
        })
        .collect()
}

#[test]
fn a_health_check_tells_whether_the_service_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let base = format!("http://{}", server.address);
    let ask = |more: &[&str]| {
        let arguments = [&["doctor", "service", "--base", &base], more].concat();
        let made = Command::new(env!("CARGO_BIN_EXE_backgroundfx")).args(arguments).output().unwrap();
        (made.status.code(), String::from_utf8(made.stdout).unwrap())
    };
    let end = Instant::now() + Duration::from_secs(20);
    while ask(&[]).0 != Some(0) {
        assert!(Instant::now() < end, "it never is ready: {:?}", ask(&[]));
        thread::sleep(Duration::from_millis(100));
    }
    let (code, text) = ask(&["--json"]);
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, found["ready"].as_bool(), found["checks"]["database"].as_bool()),
        (Some(0), Some(true), Some(true))
    );
    server.kill();
    let (code, text) = ask(&[]);
    assert!(code == Some(8) && text.contains("does not answer"), "{code:?} {text}");
}

#[test]
fn every_accepted_job_is_made_once_however_often_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let key = server.key.clone().unwrap();
    let picture = picture(900);
    let body = format!(r#"{{"image_base64": ["{picture}", "{picture}", "{picture}"], "format": "png"}}"#);
    let mut accepted = Vec::new();
    for round in 0..4 {
        for _ in 0..3 {
            let (status, job) = server.ask("POST", "/v1/jobs", &key, &body);
            assert_eq!(status, 202, "{job}");
            accepted.push(job["id"].as_str().unwrap().to_owned());
        }
        thread::sleep(Duration::from_millis(150 + 170 * round));
        server.kill();
        server = Server::start(folder.path());
        assert_eq!(server.key, None, "the key is shown once");
    }
    let deadline = Instant::now() + Duration::from_secs(120);
    for id in &accepted {
        loop {
            let (status, job) = server.ask("GET", &format!("/v1/jobs/{id}"), &key, "");
            assert_eq!(status, 200);
            if job["status"] == "succeeded" {
                assert_eq!(job["counts"]["succeeded"], 3, "{job}");
                break;
            }
            assert!(Instant::now() < deadline && job["status"] != "failed", "{job}");
            thread::sleep(Duration::from_millis(100));
        }
    }
    // Each item has one result. What a killed process had put beside it is not shown, and is cleared up in time.
    let (_, jobs) = server.ask("GET", "/v1/jobs?limit=200", &key, "");
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), accepted.len());
    for path in files(&folder.path().join("objects/results")) {
        let bytes = std::fs::read(&path).unwrap();
        assert!(path.contains('#') || bytes.ends_with(b"IEND\xaeB`\x82"), "{path} is half written");
    }
    server.kill();
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_well_and_a_second_server_is_kept_out_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let second = Command::new(env!("CARGO_BIN_EXE_backgroundfx"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(told.contains("error[serve_config_invalid]") && told.contains("another server"), "{told}");
    let taken = Command::new(env!("CARGO_BIN_EXE_backgroundfx"))
        .args(["serve", "--listen", &server.address, "--data"])
        .arg(folder.path().join("other"))
        .output()
        .unwrap();
    let told = String::from_utf8(taken.stderr).unwrap();
    assert_eq!(taken.status.code(), Some(7));
    assert!(told.contains("error[listen_failed]") && told.contains("hint: "), "{told}");
    Command::new("kill").arg(server.child.id().to_string()).status().unwrap();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

/// Three workers on one PostgreSQL: one is killed again and again, one is frozen in the middle of its work until all is done and
/// then goes on, one is left alone. Everything is made, what the frozen one brings late is thrown away.
#[cfg(unix)]
#[test]
#[ignore = "needs a PostgreSQL: server/engines/run"]
fn workers_that_are_killed_or_frozen_lose_nothing_and_double_nothing() {
    let _right = crate::engines::beside_others();
    let database = format!("{}/postgres", std::env::var("POSTGRES_TEST_URL").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let variables = [("BACKGROUNDFX_SERVE_DATABASE", database.as_str()), ("BACKGROUNDFX_SERVE_WORK", "false")];
    let service = Server::start_as("serve", folder.path(), &variables);
    let key = service.key.clone().unwrap();
    let worker = || Server::start_as("worker", folder.path(), &variables);
    let picture = picture(900);
    let body = format!(r#"{{"image_base64": ["{picture}", "{picture}", "{picture}", "{picture}"], "format": "png"}}"#);
    let mut accepted = Vec::new();
    let mut send = |many: usize| {
        for _ in 0..many {
            let (status, job) = service.ask("POST", "/v1/jobs", &key, &body);
            assert_eq!(status, 202, "{job}");
            accepted.push(job["id"].as_str().unwrap().to_owned());
        }
    };
    let frozen = worker();
    send(15);
    freeze_at_work(&frozen, &service, &key);
    let mut mortal = worker();
    let steady = worker();
    for round in 0..6 {
        send(3);
        thread::sleep(Duration::from_millis(200 + 130 * round));
        mortal.kill();
        mortal = worker();
    }
    let deadline = Instant::now() + Duration::from_secs(150);
    let mut attempts = Vec::new();
    for id in &accepted {
        loop {
            let (status, job) = service.ask("GET", &format!("/v1/jobs/{id}"), &key, "");
            assert_eq!(status, 200);
            if job["status"] == "succeeded" {
                assert_eq!(job["counts"]["succeeded"], 4, "{job}");
                let items = job["items"].as_array().unwrap();
                attempts.extend(items.iter().map(|item| item["attempts"].as_i64().unwrap()));
                break;
            }
            assert!(Instant::now() < deadline && job["status"] != "failed", "{job}");
            thread::sleep(Duration::from_millis(200));
        }
    }
    assert!(attempts.iter().any(|attempts| *attempts > 1), "a lease was lost: {attempts:?}");
    let items = || {
        let all = accepted.iter().map(|id| service.ask("GET", &format!("/v1/jobs/{id}"), &key, "").1["items"].clone());
        all.collect::<Vec<_>>()
    };
    let before = items();
    signal(&frozen, "CONT");
    thread::sleep(Duration::from_secs(4));
    assert_eq!(items(), before, "what comes too late changes nothing");
    // One file for each item, but for what a killed worker had put there before it could say so: that is cleared up with its job.
    let kept = files(&folder.path().join("objects/results"));
    let shown: std::collections::HashSet<_> = before.iter().flat_map(|items| items.as_array().unwrap()).collect();
    assert!(kept.len() >= shown.len() && kept.len() <= shown.len() + 12, "{} files, {} items", kept.len(), shown.len());
    for server in [frozen, mortal, steady, service] {
        server.kill();
    }
}

/// Stops a worker, the only one, in the middle of an item.
#[cfg(unix)]
fn freeze_at_work(worker: &Server, service: &Server, key: &str) {
    let running = || {
        let (_, jobs) = service.ask("GET", "/v1/jobs?limit=200", key, "");
        let jobs = jobs["jobs"].as_array().unwrap().clone();
        jobs.iter().any(|job| job["counts"]["running"] != 0)
    };
    for _ in 0..200 {
        if running() {
            signal(worker, "STOP");
            // It may have ended the item between the look and the signal.
            if running() {
                return;
            }
            signal(worker, "CONT");
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the worker was never seen at work");
}

#[cfg(unix)]
fn signal(server: &Server, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), server.child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

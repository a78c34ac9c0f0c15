//! Several processes on real engines while those are cut off, killed and brought back.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    engines::{self, Engines, Way},
    serving::{Server, bitmap, files, picture},
};

/// What a client sends, and what it was promised.
struct Client<'a> {
    server: &'a Server,
    key: &'a str,
    accepted: Vec<String>,
}

impl Client<'_> {
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value, Duration) {
        let began = Instant::now();
        let (status, answer) = self.server.ask(method, path, self.key, body);
        (status, answer, began.elapsed())
    }

    /// Sends a job that must be accepted; how long that took.
    fn accept(&mut self, body: &str) -> Duration {
        let (status, job, took) = self.ask("POST", "/v1/jobs", body);
        assert_eq!(status, 202, "{job}");
        self.accepted.push(job["id"].as_str().unwrap().to_owned());
        took
    }

    /// Waits until all that was accepted is made.
    fn wait_for_all(&self, most: Duration) {
        let deadline = Instant::now() + most;
        for id in &self.accepted {
            loop {
                let (status, job, _) = self.ask("GET", &format!("/v1/jobs/{id}"), "");
                if status == 200 && job["status"] == "succeeded" {
                    break;
                }
                assert!(Instant::now() < deadline && job["status"] != "failed", "{status} {job}");
                thread::sleep(Duration::from_millis(100));
            }
        }
    }

    /// Waits until what is known of all that was made is where it is looked for: a document of each.
    fn wait_for_documents(&self) {
        let made: BTreeSet<String> = self.accepted.iter().cloned().collect();
        let deadline = Instant::now() + Duration::from_secs(60 + made.len() as u64 / 50);
        loop {
            let found = self.documented();
            if found.as_ref().is_ok_and(|found| *found == made) {
                return;
            }
            let found = found.map(|found| format!("there are {} of {}", found.len(), made.len()));
            assert!(Instant::now() < deadline, "documents arrive once the MongoDB is back: {found:?}");
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// The jobs of which there are documents; what was answered where they cannot be listed.
    fn documented(&self) -> Result<BTreeSet<String>, String> {
        let (mut found, mut cursor) = (BTreeSet::new(), String::new());
        loop {
            let (status, page, took) = self.ask("GET", &format!("/v1/pictures?limit=200&fields=job{cursor}"), "");
            if status != 200 {
                return Err(format!("{status} {page} after {} and {took:?}", found.len()));
            }
            for picture in page["pictures"].as_array().into_iter().flatten() {
                assert!(found.insert(picture["job"].as_str().unwrap().to_owned()), "{picture} is there twice");
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(found),
            }
        }
    }
}

fn job(side: u32) -> String {
    format!(r#"{{"image_base64": "{}", "format": "png"}}"#, picture(side))
}

type Act = fn(&Way);
const CUT_OR_CLOGGED: [Act; 2] = [Way::cut, Way::clog];

/// The engines that are cut off, one after the other: what answers meanwhile, and that all is well after.
#[test]
#[ignore = "needs engines: server/engines/run --all"]
fn an_engine_that_is_cut_off_is_told_at_once_or_not_missed() {
    let _right = engines::alone();
    let engines = Engines::new("cut_off");
    let folder = tempfile::tempdir().unwrap();
    let server = engines.start("serve", folder.path());
    let _worker = engines.start("worker", folder.path());
    let key = server.key.clone().unwrap();
    let mut client = Client { server: &server, key: &key, accepted: Vec::new() };
    client.accept(&job(200));
    without_a_database(&engines, &mut client);
    for way in [&engines.redis, &engines.rabbitmq, &engines.mongodb] {
        for act in CUT_OR_CLOGGED {
            act(way);
            let took = [(); 6].map(|()| client.accept(&job(200)));
            assert!(took[5] < Duration::from_secs(1), "nobody waits for what does not answer: {took:?}");
            way.restore();
        }
    }
    without_a_store(&engines, &mut client);
    in_the_middle_of_a_file(&engines, &mut client);
    client.wait_for_all(Duration::from_secs(90));
    client.wait_for_documents();
    let (status, jobs, _) = client.ask("GET", "/v1/jobs?limit=200", "");
    let kept = jobs["jobs"].as_array().unwrap().len();
    assert_eq!((status, kept), (200, client.accepted.len()), "what was refused is not there");
}

/// Nothing can be promised then, and that is said at once.
fn without_a_database(engines: &Engines, client: &mut Client<'_>) {
    for act in CUT_OR_CLOGGED {
        act(&engines.postgres);
        let mut took = [(); 5].map(|()| {
            let (status, problem, took) = client.ask("POST", "/v1/jobs", &job(200));
            assert_eq!((status, problem["code"].as_str()), (503, Some("database_unusable")), "{problem}");
            took
        });
        took.sort();
        assert!(took[2] < Duration::from_secs(1), "{took:?}");
        assert_eq!(client.ask("GET", "/v1/health", "").0, 200, "the process lives");
        engines.postgres.restore();
        let back = Instant::now();
        while client.ask("GET", "/v1/jobs", "").0 != 200 {
            assert!(back.elapsed() < Duration::from_secs(2), "it is not well after two seconds");
        }
        client.accept(&job(200));
    }
}

/// A job with a file needs the store. What breaks off on its way is sent again.
fn without_a_store(engines: &Engines, client: &mut Client<'_>) {
    client.wait_for_all(Duration::from_secs(60));
    engines.s3.cut();
    let (status, problem, _) = client.ask("POST", "/v1/jobs", &job(200));
    assert_eq!((status, problem["code"].as_str()), (503, Some("storage_unusable")), "{problem}");
    let results = client.accepted.iter().take(5).map(|id| format!("/v1/jobs/{id}/results/1"));
    for path in results {
        assert_eq!(client.ask("HEAD", &path, "").0, 200, "the second store has {path}");
    }
    engines.s3.restore();
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..8 {
                thread::sleep(Duration::from_millis(50));
                engines.s3.break_off();
            }
        });
        client.accept(&job(1700));
    });
}

/// A file that is made of its pieces is cut off between its parts: nothing of it is there then, and it is made when its sender
/// asks again.
fn in_the_middle_of_a_file(engines: &Engines, client: &mut Client<'_>) {
    let file = bitmap(3300);
    let key = format!("X-API-Key: {}", client.key);
    let patch = "Content-Type: application/offset+octet-stream\r\nUpload-Offset";
    let begun =
        client.server.send("POST /v1/uploads", &format!("{key}\r\nUpload-Length: {}", file.len()), &[]).unwrap();
    assert_eq!(begun.0, 201, "{}", begun.2);
    let place = begun.1.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned();
    let part_is_there = || files(&engines.all_objects()).iter().any(|path| path.contains(".part-"));
    assert!(!part_is_there(), "of an earlier one");
    let answer = thread::scope(|scope| {
        scope.spawn(|| {
            while !part_is_there() {
                thread::sleep(Duration::from_millis(1));
            }
            engines.s3.clog();
            engines.s3.cut();
        });
        client.server.send(&format!("PATCH {place}"), &format!("{key}\r\n{patch}: 0"), &file).unwrap()
    });
    assert!(answer.0 == 503 && answer.2.contains("storage_unusable"), "{} {}", answer.0, answer.2);
    engines.s3.restore();
    let state = client.server.send(&format!("HEAD {place}"), &key, &[]).unwrap().1;
    assert!(state.contains(&format!("upload-offset: {}", file.len())), "all that came is there: {state}");
    let id = place.rsplit('/').next().unwrap();
    let body = format!(r#"{{"upload": "{id}", "format": "png"}}"#);
    assert_eq!(client.ask("POST", "/v1/jobs", &body).0, 409, "it is not whole yet");
    let again =
        client.server.send(&format!("PATCH {place}"), &format!("{key}\r\n{patch}: {}", file.len()), &[]).unwrap();
    assert_eq!(again.0, 204, "{}", again.2);
    client.accept(&body);
}

/// Jobs from four senders to two services, made by two workers of which one is killed every two seconds, while each engine is
/// killed once: nothing is lost, nothing is made twice, nothing is left over. `FAULT_JOBS` says how many.
#[test]
#[ignore = "needs engines: server/engines/run --all"]
fn whatever_is_killed_nothing_is_lost_doubled_or_left_over() {
    let _right = engines::alone();
    let jobs: usize = std::env::var("FAULT_JOBS").map_or(200, |text| text.parse().unwrap());
    let engines = Engines::new("killed");
    let folder = tempfile::tempdir().unwrap();
    let services = [engines.start("serve", folder.path()), engines.start("serve", folder.path())];
    let key = services[0].key.clone().unwrap();
    let (sent, done, began) = (AtomicUsize::new(0), AtomicBool::new(false), Instant::now());
    let mut client = Client { server: &services[0], key: &key, accepted: Vec::new() };
    thread::scope(|scope| {
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let numbers = (sender..jobs).step_by(4);
                let (services, key, sent) = (&services, &key, &sent);
                scope.spawn(move || numbers.map(|number| order(services, key, number, sent)).collect::<Vec<_>>())
            })
            .collect();
        let workers = scope.spawn(|| keep_killing(&engines, folder.path(), &done));
        for (turn, name) in ["postgres", "redis", "s3", "rabbitmq", "mongodb"].into_iter().enumerate() {
            while sent.load(Ordering::SeqCst) < jobs * (turn + 1) / 7 {
                thread::sleep(Duration::from_millis(20));
            }
            Engines::kill_and_start(name, Duration::from_secs(1));
        }
        client.accepted = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
        client.wait_for_all(Duration::from_secs(120 + jobs as u64 / 10));
        done.store(true, Ordering::SeqCst);
        workers.join().unwrap();
    });
    eprintln!("{jobs} jobs in {:.1} s", began.elapsed().as_secs_f64());
    check_and_clear(&engines, &client, jobs);
}

/// Sends as a client does that must not lose an order: under the same key until there is an answer.
fn order(services: &[Server; 2], key: &str, number: usize, sent: &AtomicUsize) -> String {
    let headers = format!("{key}\r\nIdempotency-Key: order-{number}");
    let body = job(64);
    for attempt in number.. {
        match services[attempt % 2].ask("POST", "/v1/jobs", &headers, &body) {
            (200 | 202, job) => {
                sent.fetch_add(1, Ordering::SeqCst);
                return job["id"].as_str().unwrap().to_owned();
            }
            (429 | 503, _) => thread::sleep(Duration::from_millis(300)),
            (status, problem) => panic!("{status} {problem}"),
        }
    }
    unreachable!("it is tried for ever")
}

fn keep_killing(engines: &Engines, folder: &Path, done: &AtomicBool) {
    let _steady = engines.start("worker", folder);
    while !done.load(Ordering::SeqCst) {
        let mortal = engines.start("worker", folder);
        thread::sleep(Duration::from_secs(2));
        mortal.kill();
    }
}

fn check_and_clear(engines: &Engines, client: &Client<'_>, jobs: usize) {
    let different: BTreeSet<&String> = client.accepted.iter().collect();
    assert_eq!(different.len(), jobs, "each order is a job of its own");
    assert_eq!(engines.count("SELECT COUNT(*) FROM jobs"), jobs, "and there are no others");
    assert_eq!(engines.count("SELECT COUNT(*) FROM items WHERE status = 'succeeded'"), jobs);
    assert_eq!(engines.count("SELECT COUNT(DISTINCT result) FROM items"), jobs, "each item has one result");
    for id in &client.accepted {
        assert_eq!(client.ask("HEAD", &format!("/v1/jobs/{id}/results/1"), "").0, 200, "which is there");
    }
    client.wait_for_documents();
    // The rest of the outbox goes to the broker that came back.
    let deadline = Instant::now() + Duration::from_secs(60);
    while engines.count("SELECT COUNT(*) FROM outbox") > 0 {
        assert!(Instant::now() < deadline, "the broker is told of all in the end");
        thread::sleep(Duration::from_millis(200));
    }
    // All of them, or of many some: the S3 server of tests looks at every file for each.
    let step = if jobs > 400 { jobs / 40 } else { 1 };
    let gone: BTreeSet<&str> = client.accepted.iter().step_by(step).map(String::as_str).collect();
    for id in &gone {
        assert_eq!(client.ask("DELETE", &format!("/v1/jobs/{id}"), "").0, 200);
    }
    let left: Vec<String> = engines.objects().iter().flat_map(|folder| files(folder)).collect();
    let of_gone = left.iter().filter(|path| path.split('/').any(|part| gone.contains(part)));
    assert_eq!(of_gone.count(), 0, "no file is left of a job that is gone");
    assert!(gone.len() < jobs || left.is_empty(), "nor any other: {left:?}");
}

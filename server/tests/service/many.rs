//! Several processes on one PostgreSQL: services that accept, workers that make. `server/engines/run` starts one.

use std::collections::BTreeMap;

use backgroundfx_server::{auth::keys, serve::Part};
use serde_json::{Value, json};

use crate::{
    compat::base64,
    stage::{Stage, disc, json},
};

#[tokio::test]
#[ignore = "needs a PostgreSQL: server/engines/run"]
async fn what_one_process_accepts_others_make_once_and_all_can_show() {
    let first = Stage::with(|config| config.work = false).await;
    let second = first.beside(Part::Service, |config| config.work = false).await;
    let body = |width: u32| json!({"image_base64": base64(&disc(width, 60))});
    let (_, waiting) = json(first.post("/v1/jobs").header("prefer", "wait=2").json(&body(80))).await;
    assert_eq!(waiting["status"], "queued", "nobody makes it: {waiting}");
    let workers = [first.beside(Part::Worker, |_| ()).await, first.beside(Part::Worker, |_| ()).await];
    let mut jobs = vec![waiting["id"].as_str().unwrap().to_owned()];
    for number in 0..40 {
        let stage = if number % 2 == 0 { &first } else { &second };
        let (status, job) = json(stage.post("/v1/jobs").json(&body(81 + number))).await;
        assert_eq!(status, 202, "{job}");
        jobs.push(job["id"].as_str().unwrap().to_owned());
    }
    for id in &jobs {
        let ended = ended(&second, id).await;
        assert_eq!((&ended["status"], &ended["items"][0]["attempts"]), (&json!("succeeded"), &json!(1)), "{ended}");
        let result = first.get(ended["items"][0]["result"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(result.status(), 200);
    }
    // A worker's address tells how it is, and nothing else.
    assert_eq!(json(workers[0].get("/v1/health")).await.0, 200);
    assert_eq!(workers[0].get("/metrics").send().await.unwrap().status(), 200);
    assert_eq!(json(workers[0].get("/v1/jobs")).await.0, 404);
}

/// The same request to two services at the same time makes one job.
#[tokio::test]
#[ignore = "needs a PostgreSQL: server/engines/run"]
async fn an_idempotency_key_is_one_for_all_processes() {
    let first = Stage::with(|config| config.work = false).await;
    let second = first.beside(Part::Service, |config| config.work = false).await;
    let body = json!({"image_base64": base64(&disc(80, 60))});
    let send = |stage: &Stage, key: u32| {
        let request = stage.post("/v1/jobs").header("idempotency-key", format!("order-{key}")).json(&body);
        tokio::spawn(async move { json(request).await })
    };
    let mut jobs: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
    for key in 0..10 {
        for answer in [send(&first, key), send(&second, key), send(&first, key), send(&second, key)] {
            let (status, job) = answer.await.unwrap();
            assert_eq!(status, 202, "{job}");
            jobs.entry(key).or_default().push(job["id"].clone());
        }
    }
    for (key, ids) in jobs {
        assert!(ids.iter().all(|id| *id == ids[0]), "{key}: {ids:?}");
    }
}

/// Whom one process has let in is let in by the others from what the Redis remembers, until any of them ends the session.
#[tokio::test]
#[ignore = "needs a PostgreSQL: server/engines/run"]
async fn a_session_that_ends_in_one_process_ends_in_all() {
    let first = Stage::with(|config| config.work = false).await;
    let second = first.beside(Part::Service, |config| config.work = false).await;
    let user = json!({"email": "ann@example.com", "role": "editor", "password": "correct horse battery"});
    let (_, user) = json(first.post("/v1/users").json(&user)).await;
    let (_, key) = json(first.post("/v1/keys").json(&json!({"name": "page", "role": "editor"}))).await;
    let person = json!({"email": "ann@example.com", "password": "correct horse battery"});
    let by_key = json!({"api_key": key["key"]});
    let (user, key) = (user["id"].as_str().unwrap(), key["id"].as_str().unwrap());
    let own = |cookie: &str| first.http.delete(first.url("/v1/sessions")).header("cookie", cookie);
    let changed = first.http.patch(first.url(&format!("/v1/users/{user}"))).json(&json!({"role": "viewer"}));
    let revoked = first.http.delete(first.url(&format!("/v1/keys/{key}")));
    for (asked, ends) in [
        (&person, None),
        (&person, Some(changed.bearer_auth(&first.key))),
        (&by_key, Some(revoked.bearer_auth(&first.key))),
    ] {
        let answer = second.http.post(second.url("/v1/sessions")).json(asked).send().await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let status =
            async |stage: &Stage| json(stage.http.get(stage.url("/v1/account")).header("cookie", &cookie)).await.0;
        for stage in [&first, &second, &first] {
            assert_eq!(status(stage).await, 200);
        }
        if let Ok(redis) = std::env::var("REDIS_TEST_URL") {
            let hash = keys::hash(cookie.split_once('=').unwrap().1);
            let mut redis = redis::Client::open(redis).unwrap().get_connection().unwrap();
            let kept: Vec<String> =
                redis::cmd("KEYS").arg(format!("*:kept:session:0:{hash}")).query(&mut redis).unwrap();
            assert_eq!(kept.len(), 1, "the Redis knows it");
        }
        let ended = ends.unwrap_or_else(|| own(&cookie).header("sec-fetch-site", "same-origin")).send().await.unwrap();
        assert!(ended.status().is_success(), "{}", ended.text().await.unwrap());
        assert_eq!((status(&second).await, status(&first).await), (401, 401));
    }
}

/// What was written is listed at once by all processes, also when the replica has stood still.
#[tokio::test]
#[ignore = "needs a PostgreSQL, one that follows it and a Redis: server/engines/run --all"]
async fn lists_come_from_a_replica_once_it_has_what_their_reader_wrote() {
    use sqlx::Connection;
    let first = Stage::with(|config| config.work = false).await;
    let second = first.beside(Part::Service, |config| config.work = false).await;
    let follower = std::env::var("REPLICA_TEST_URL").unwrap();
    let mut follower = sqlx::PgConnection::connect(&format!("{follower}/postgres")).await.unwrap();
    let listed = async |stage: &Stage| json(stage.get("/v1/projects")).await.1["projects"].as_array().unwrap().len();
    let from_replica = async || {
        let text = first.get("/metrics").send().await.unwrap().text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with("backgroundfx_reads_total{from=\"replica\"}"));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
    };
    for number in 1..=20 {
        if number == 10 {
            sqlx::query("SELECT pg_wal_replay_pause()").execute(&mut follower).await.unwrap();
        }
        assert_eq!(json(first.post("/v1/projects").json(&json!({"name": "a"}))).await.0, 201);
        assert_eq!((listed(&second).await, listed(&first).await), (number, number), "read what was written");
    }
    sqlx::query("SELECT pg_wal_replay_resume()").execute(&mut follower).await.unwrap();
    let before = from_replica().await;
    let mut after = before;
    for _ in 0..100 {
        assert_eq!(listed(&second).await, 20);
        after = from_replica().await;
        if after > before {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(after > before, "the replica is never asked");
}

async fn ended(stage: &Stage, id: &str) -> Value {
    for _ in 0..600 {
        let (_, job) = json(stage.get(&format!("/v1/jobs/{id}"))).await;
        if ["succeeded", "failed"].iter().any(|status| job["status"] == *status) {
            return job;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the job {id} does not end");
}

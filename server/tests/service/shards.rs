//! Organisations in several databases, and on their way between them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use backgroundfx_server::{
    Kind,
    db::{Database, arrivals},
    serve::organisations,
};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use crate::{
    compat::base64,
    stage::{Stage, disc, json},
};

/// A service whose second shard is a database of its own, and the address of that.
async fn two_shards() -> (Stage, String) {
    let server = std::env::var("POSTGRES_TEST_URL").unwrap();
    let name = format!("shard_{}", uuid::Uuid::now_v7().simple());
    let mut admin = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
    let second = format!("{server}/{name}");
    let shards = vec![second.clone()];
    (Stage::with(|config| config.shards = shards).await, second)
}

async fn count(database: &str, table: &str, organisation: &str) -> i64 {
    let mut connection = PgConnection::connect(database).await.unwrap();
    let sql = format!("SELECT COUNT(*) FROM {table} WHERE organisation = $1");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(organisation).fetch_one(&mut connection).await.unwrap()
}

fn ask(stage: &Stage, method: &str, path: &str, key: &str) -> reqwest::RequestBuilder {
    stage.http.request(method.parse().unwrap(), stage.url(path)).bearer_auth(key)
}

#[tokio::test]
#[ignore = "needs a PostgreSQL: server/engines/run"]
async fn an_organisation_is_served_wherever_it_is() {
    let (stage, second) = two_shards().await;
    let add = |owner: &'static str, shard| organisations::add(stage.settings(), "Shop", owner, shard);
    let (id, key) = add("ann@shop.example", 1).await.unwrap();
    assert_eq!(add("ann@shop.example", 0).await.unwrap_err().kind(), Kind::Conflict, "an address is one person's");
    assert_eq!(add("bob@shop.example", 2).await.unwrap_err().kind(), Kind::RequestInvalid);
    let listed = organisations::list(stage.settings()).await.unwrap();
    assert_eq!(listed.iter().map(|(shard, _)| *shard).collect::<Vec<_>>(), [0, 1]);

    let body = json!({"image_base64": base64(&disc(80, 60))});
    let (status, job) = json(ask(&stage, "POST", "/v1/jobs", &key).header("prefer", "wait=60").json(&body)).await;
    assert_eq!((status, job["status"].as_str()), (200, Some("succeeded")), "{job}");
    let job = job["id"].as_str().unwrap();
    assert_eq!((count(&second, "jobs", &id).await, stage_count(&stage, &id).await), (1, 0));
    let result = format!("/v1/jobs/{job}/results/1");
    assert_eq!(stage.get(&result).send().await.unwrap().status(), 404, "it is not the first one's");
    let (_, link) = json(ask(&stage, "GET", &format!("{result}/link"), &key)).await;

    // All the ways to be known: a person's password, a session, a token.
    let user = json!({"email": "carl@shop.example", "role": "admin", "password": "long enough a password"});
    assert_eq!(json(ask(&stage, "POST", "/v1/users", &key).json(&user)).await.0, 201);
    assert_eq!(json(stage.post("/v1/users").json(&user)).await.0, 409, "in another shard too");
    let signed = json!({"email": "carl@shop.example", "password": "long enough a password"});
    let signed = stage.http.post(stage.url("/v1/sessions")).json(&signed).send().await.unwrap();
    assert_eq!(signed.status(), 201);
    let cookie = signed.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let (_, token) = json(ask(&stage, "POST", "/v1/tokens", &key).json(&json!({}))).await;
    let token = token["token"].as_str().unwrap().to_owned();
    for shard in [1, 0, 1] {
        organisations::relocate(stage.settings(), &id, shard).await.unwrap();
        assert_eq!(
            (count(&second, "jobs", &id).await, stage_count(&stage, &id).await),
            (shard as i64, 1 - shard as i64)
        );
        for request in [
            ask(&stage, "GET", &result, &key),
            ask(&stage, "GET", &result, &token),
            stage.http.get(stage.url(&result)).header("cookie", &cookie),
        ] {
            assert_eq!(request.send().await.unwrap().status(), 200, "in shard {shard}");
        }
        if let Some(own) = link["url"].as_str().filter(|url| url.starts_with('/')) {
            assert_eq!(stage.http.get(stage.url(own)).send().await.unwrap().status(), 200, "in shard {shard}");
        }
        let (_, log) = json(ask(&stage, "GET", "/v1/audit", &key)).await;
        assert_eq!(log["entries"].as_array().unwrap().len(), 2, "{log}");
    }
    for wrong in ["bfx_wrong", "eyJ.wrong.wrong"] {
        assert_eq!(ask(&stage, "GET", "/v1/jobs", wrong).send().await.unwrap().status(), 401);
    }
    let (_, first) = json(stage.get("/v1/account")).await;
    let first = first["organisation"].as_str().unwrap();
    assert_eq!(organisations::relocate(stage.settings(), first, 1).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(organisations::relocate(stage.settings(), "org_none", 1).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL: server/engines/run"]
async fn a_move_that_is_cut_off_is_finished_when_it_is_asked_for_again() {
    let (stage, second) = two_shards().await;
    let (id, key) = organisations::add(stage.settings(), "Shop", "ann@shop.example", 1).await.unwrap();
    let body = json!({"image_base64": base64(&disc(80, 60))});
    assert_eq!(json(ask(&stage, "POST", "/v1/jobs", &key).header("prefer", "wait=60").json(&body)).await.0, 200);
    let path = "/v1/jobs?limit=1";
    // A move that was cut off when all had come, and the one before had let go.
    let first = stage.settings().database.clone().unwrap();
    let (from, to) = (Database::open_at(&second).await.unwrap(), Database::open_at(&first).await.unwrap());
    arrivals::depart(&from, &to, &id).await.unwrap();
    let (status, problem) = json(ask(&stage, "GET", path, &key)).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("database_unusable")), "{problem}");
    organisations::relocate(stage.settings(), &id, 0).await.unwrap();
    assert_eq!(ask(&stage, "GET", path, &key).send().await.unwrap().status(), 200);
    // One that was cut off when all had come, and the one before had not.
    let mut connection = PgConnection::connect(&second).await.unwrap();
    let stale = "INSERT INTO arrivals (organisation, number, name, content) VALUES ($1, 1, 'organisations', '{}')";
    sqlx::query(stale).bind(&id).execute(&mut connection).await.unwrap();
    assert_eq!(ask(&stage, "GET", path, &key).send().await.unwrap().status(), 200, "it is where it was");
    organisations::relocate(stage.settings(), &id, 1).await.unwrap();
    assert_eq!((count(&second, "jobs", &id).await, stage_count(&stage, &id).await), (1, 0));
    // Two at a time, which is nobody's intention.
    for _ in 0..3 {
        let one = |shard| organisations::relocate(stage.settings(), &id, shard);
        let (to_first, to_second) = tokio::join!(one(0), one(1));
        to_first.unwrap();
        to_second.unwrap();
        assert_eq!(count(&second, "jobs", &id).await + stage_count(&stage, &id).await, 1);
    }
}

/// Jobs of an organisation in the first shard.
async fn stage_count(stage: &Stage, organisation: &str) -> i64 {
    count(stage.settings().database.as_ref().unwrap(), "jobs", organisation).await
}

/// Senders go on while their organisation moves to and fro: what was accepted is there and made, once.
#[tokio::test]
#[ignore = "needs a PostgreSQL: server/engines/run"]
async fn an_organisation_loses_nothing_while_it_moves() {
    let (stage, second) = two_shards().await;
    let stage = Arc::new(stage);
    let (id, key) = organisations::add(stage.settings(), "Shop", "ann@shop.example", 1).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..3)
        .map(|sender| {
            let (stage, key, done) = (stage.clone(), key.clone(), done.clone());
            tokio::spawn(async move { send(&stage, &key, sender, &done).await })
        })
        .collect();
    for shard in [0, 1, 0, 1, 0] {
        tokio::time::sleep(Duration::from_millis(700)).await;
        organisations::relocate(stage.settings(), &id, shard).await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let mut accepted = Vec::new();
    for sender in senders {
        accepted.extend(sender.await.unwrap());
    }
    assert!(accepted.len() > 20, "{}", accepted.len());
    for job in &accepted {
        let mut last = Value::Null;
        for _ in 0..600 {
            last = json(ask(&stage, "GET", &format!("/v1/jobs/{job}"), &key)).await.1;
            if last["status"] == "succeeded" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(last["status"], "succeeded", "{last}");
        let result = ask(&stage, "GET", &format!("/v1/jobs/{job}/results/1"), &key).send().await.unwrap();
        assert_eq!(result.status(), 200);
    }
    let all = stage_count(&stage, &id).await;
    assert_eq!((all, count(&second, "jobs", &id).await), (accepted.len() as i64, 0), "each order once");
}

/// Sends jobs, each until it is accepted, as a client does that must not lose an order.
async fn send(stage: &Stage, key: &str, sender: usize, done: &AtomicBool) -> Vec<String> {
    let body = json!({"image_base64": base64(&disc(80, 60))});
    let mut accepted = Vec::new();
    while !done.load(Ordering::SeqCst) {
        let order = format!("order-{sender}-{}", accepted.len());
        let (status, answer) =
            json(ask(stage, "POST", "/v1/jobs", key).header("idempotency-key", order).json(&body)).await;
        match status {
            200 | 202 => {
                accepted.push(answer["id"].as_str().unwrap().to_owned());
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            503 => tokio::time::sleep(Duration::from_millis(100)).await,
            _ => panic!("{status} {answer}"),
        }
    }
    accepted
}

/// Only its organisations miss a database that lets nobody in.
#[tokio::test]
#[ignore = "needs a PostgreSQL: server/engines/run"]
async fn a_shard_that_does_not_answer_is_missed_by_its_organisations_only() {
    let (stage, second) = two_shards().await;
    let (_, key) = organisations::add(stage.settings(), "Shop", "ann@shop.example", 1).await.unwrap();
    let body = json!({"image_base64": base64(&disc(80, 60))});
    let order =
        async |key: &str| json(ask(&stage, "POST", "/v1/jobs", key).header("prefer", "wait=60").json(&body)).await;
    assert_eq!((order(&key).await.0, order(&stage.key).await.0), (200, 200));

    let (server, name) = second.rsplit_once('/').unwrap();
    let mut admin = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    let mut let_in = async |allowed: bool| {
        let sql = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
        let sql = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1";
        sqlx::query(sql).bind(name).execute(&mut admin).await.unwrap();
    };
    let_in(false).await;
    let (status, problem) = order(&key).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("database_unusable")), "{problem}");
    let (status, job) = order(&stage.key).await;
    assert_eq!((status, job["status"].as_str()), (200, Some("succeeded")), "others are served: {job}");
    let_in(true).await;
    let mut status = 0;
    for _ in 0..100 {
        status = order(&key).await.0;
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(status, 200, "it is well again");
}

//! `/graphql`: the same data, within limits.

use serde_json::{Value, json};

use crate::{
    compat::base64,
    stage::{Stage, disc, json},
};

async fn ask(stage: &Stage, key: &str, query: &str) -> Value {
    let request = stage.http.post(stage.url("/graphql")).bearer_auth(key).json(&json!({"query": query}));
    let (status, answer) = json(request).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn several_things_are_read_at_one_time() {
    let stage = Stage::new().await;
    let body = json!({"image_base64": [base64(&disc(80, 60)), "aGVsbG8="], "name": "two"});
    let (_, job) = json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&body)).await;
    let id = job["id"].as_str().unwrap();
    let query = format!(
        r#"{{ account {{ role }} job(id: "{id}") {{ name status progress items {{ number status result errorCode }} }} jobs(first: 5) {{ id }} }}"#
    );
    let data = &ask(&stage, &stage.key, &query).await["data"];
    assert_eq!((data["account"]["role"].as_str(), data["job"]["status"].as_str()), (Some("owner"), Some("SUCCEEDED")));
    assert_eq!(data["job"]["items"][0]["result"], format!("/v1/jobs/{id}/results/1"));
    assert_eq!(data["job"]["items"][1]["errorCode"], "format_unsupported");
    assert_eq!(data["jobs"][0]["id"], id);
    let gone = ask(&stage, &stage.key, &format!(r#"mutation {{ deleteJob(id: "{id}") {{ id status }} }}"#)).await;
    assert_eq!(gone["data"]["deleteJob"]["status"], "SUCCEEDED", "it had ended; its files are gone");
}

#[tokio::test]
async fn what_costs_too_much_or_is_not_allowed_is_refused() {
    let stage = Stage::new().await;
    let code = |answer: &Value| answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned();
    let (_, viewer) = json(stage.post("/v1/keys").json(&json!({"name": "v", "role": "viewer"}))).await;
    let create = r#"mutation { createJob(job: {imageUrls: ["http://10.0.0.1/a.png"]}) { id } }"#;
    assert_eq!(code(&ask(&stage, viewer["key"].as_str().unwrap(), create).await), "forbidden");
    assert_eq!(code(&ask(&stage, &stage.key, create).await), "url_refused");
    assert_eq!(code(&ask(&stage, &stage.key, r#"{ job(id: "none") { id } }"#).await), "not_found");
    let costly = ask(&stage, &stage.key, "{ jobs(first: 200) { items(first: 200) { number } } }").await;
    assert!(costly["errors"][0]["message"].as_str().unwrap().contains("complex"), "{costly}");
    let aliases: String = (0..50).map(|n| format!("a{n}: jobs(first: 200) {{ id }} ")).collect();
    assert!(ask(&stage, &stage.key, &format!("{{ {aliases} }}")).await["data"].is_null());
    let batch = stage.post("/graphql").json(&json!([{"query": "{ account { role } }"}]));
    assert_eq!(json(batch).await.0, 400);
}

//! `/v1/pictures`: what is known of everything that was made, found by what its sender noted, kept when its files are gone.

use serde_json::{Value, json};

use crate::{
    compat::base64,
    stage::{Stage, disc, json},
};

async fn made(stage: &Stage, metadata: Value) -> Value {
    let body = json!({"image_base64": base64(&disc(80, 60)), "name": "shoes", "metadata": metadata});
    let (status, job) = json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&body)).await;
    assert_eq!((status, job["status"].as_str()), (200, Some("succeeded")), "{job}");
    // What is known of it is on its way for a second where a MongoDB keeps it.
    let place = format!("/v1/pictures/{}-000001", job["id"].as_str().unwrap());
    for _ in 0..100 {
        if json(stage.get(&place)).await.0 != 404 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    job
}

#[tokio::test]
async fn pictures_are_found_by_their_metadata_also_when_their_files_are_gone() {
    let stage = Stage::new().await;
    let mut jobs = Vec::new();
    for metadata in [json!({"sku": "a-1", "season": "spring"}), json!({"sku": "a-2", "season": "spring"}), json!({})] {
        jobs.push(made(&stage, metadata).await["id"].as_str().unwrap().to_owned());
    }
    let found = async |query: &str| {
        let (status, page) = json(stage.get(&format!("/v1/pictures{query}"))).await;
        assert_eq!(status, 200, "{page}");
        let all = page["pictures"].as_array().unwrap().iter();
        all.map(|one| one["job"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("").await, [jobs[2].clone(), jobs[1].clone(), jobs[0].clone()]);
    assert_eq!(found("?metadata.season=spring").await, [jobs[1].clone(), jobs[0].clone()]);
    assert_eq!(found("?metadata.season=spring&metadata.sku=a-1&model=chroma").await, [jobs[0].clone()]);
    assert!(found("?model=isnet").await.is_empty() && found("?project=none").await.is_empty());
    let (_, page) = json(stage.get("/v1/pictures?limit=2&fields=id")).await;
    assert_eq!(page["pictures"][0], json!({"id": format!("{}-000001", jobs[2])}));
    let rest = format!("?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(found(&rest).await, [jobs[0].clone()]);

    assert_eq!(
        json(stage.http.delete(stage.url(&format!("/v1/jobs/{}", jobs[0]))).bearer_auth(&stage.key)).await.0,
        200
    );
    let place = format!("/v1/pictures/{}-000001", jobs[0]);
    let (_, picture) = json(stage.get(&place)).await;
    assert_eq!(
        (&picture["kind"], &picture["metadata"]["sku"], &picture["details"]["width"], &picture["options"]["model"]),
        (&json!("pictures"), &json!("a-1"), &json!(80), &json!("chroma")),
        "{picture}"
    );
    let delete = || stage.http.delete(stage.url(&place)).bearer_auth(&stage.key).send();
    assert_eq!(delete().await.unwrap().status(), 204);
    assert_eq!(delete().await.unwrap().status(), 404);
    assert_eq!(json(stage.get(&place)).await.0, 404);
}

#[tokio::test]
async fn metadata_that_cannot_be_asked_for_is_refused() {
    let stage = Stage::new().await;
    for wrong in [json!({"a.b": "x"}), json!({"a": 1}), json!({"a": {"b": "c"}}), json!(["a"])] {
        let body = json!({"image_base64": base64(&disc(80, 60)), "metadata": wrong});
        let (status, problem) = json(stage.post("/v1/jobs").json(&body)).await;
        assert_eq!((status, &problem["code"]), (400, &json!("request_invalid")), "{problem}");
    }
    for wrong in ["?metadata.a.b=x", "?metadata.=x", "?colour=x", "?limit=0", "?limit=x", "?fields=colour"] {
        made(&stage, json!({})).await;
        assert_eq!(json(stage.get(&format!("/v1/pictures{wrong}"))).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_mongodb_that_is_not_there_stops_no_job_and_is_told() {
    let stage = Stage::with(|config| {
        config.documents = Some("mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=200".to_owned());
    })
    .await;
    made(&stage, json!({"sku": "a"})).await;
    let (status, problem) = json(stage.get("/v1/pictures")).await;
    assert_eq!((status, &problem["code"]), (503, &json!("database_unusable")), "{problem}");
}

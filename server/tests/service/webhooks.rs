//! `/v1/webhooks`: who is told what, how it is signed, and what happens to those who do not listen.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    compat::base64,
    stage::{Stage, disc, json},
};

/// An address that notes what it is told and answers what it is asked to.
struct Receiver {
    address: String,
    told: Arc<Mutex<Vec<String>>>,
    status: Arc<Mutex<&'static str>>,
}

impl Receiver {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (told, status) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new("200 OK")));
        let (notes, answer) = (told.clone(), status.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut text = Vec::new();
                let whole = |text: &[u8]| {
                    let text = String::from_utf8_lossy(text).into_owned();
                    let (head, body) = text.split_once("\r\n\r\n")?;
                    let length = head
                        .to_lowercase()
                        .split("content-length: ")
                        .nth(1)?
                        .split("\r\n")
                        .next()?
                        .parse::<usize>()
                        .ok()?;
                    (body.len() >= length).then_some(text)
                };
                while whole(&text).is_none() {
                    let mut buffer = [0; 4096];
                    match stream.read(&mut buffer).await {
                        Ok(0) | Err(_) => break,
                        Ok(length) => text.extend_from_slice(&buffer[..length]),
                    }
                }
                notes.lock().unwrap().extend(whole(&text));
                let status = *answer.lock().unwrap();
                let _ = stream
                    .write_all(
                        format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes(),
                    )
                    .await;
            }
        });
        Self { address, told, status }
    }

    fn answer(&self, status: &'static str) {
        *self.status.lock().unwrap() = status;
    }

    async fn wait_for(&self, count: usize) -> Vec<String> {
        for _ in 0..100 {
            if self.told.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.told.lock().unwrap().clone()
    }
}

async fn add(stage: &Stage, receiver: &Receiver) -> (String, String) {
    let url = format!("http://{}/hook", receiver.address);
    let (status, webhook) = json(stage.post("/v1/webhooks").json(&json!({"url": url}))).await;
    assert_eq!(status, 201, "{webhook}");
    (webhook["id"].as_str().unwrap().to_owned(), webhook["secret"].as_str().unwrap().to_owned())
}

async fn last_delivery(stage: &Stage, id: &str, settled: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..100 {
        last = json(stage.get(&format!("/v1/webhooks/{id}/deliveries"))).await.1["deliveries"][0].clone();
        if settled(&last) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    last
}

#[tokio::test]
async fn the_end_of_a_job_is_told_signed() {
    let receiver = Receiver::open().await;
    let stage = Stage::with(|config| config.fetch_hosts = vec![receiver.address.clone()]).await;
    let (id, secret) = add(&stage, &receiver).await;
    assert!(secret.starts_with("whsec_"));
    let body = json!({"image_base64": base64(&disc(80, 60)), "name": "shoe"});
    let (_, job) = json(stage.post("/v1/jobs").json(&body)).await;
    let told = receiver.wait_for(1).await;
    let (head, body) = told[0].split_once("\r\n\r\n").unwrap();
    let event: Value = serde_json::from_str(body).unwrap();
    assert_eq!((event["type"].as_str(), event["data"]["name"].as_str()), (Some("job.succeeded"), Some("shoe")));
    assert_eq!(event["data"]["id"], job["id"]);
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap().to_owned();
    assert!(header("webhook-id").starts_with("msg_") && header("webhook-signature").starts_with("v1,"));
    assert!(header("webhook-timestamp").parse::<u64>().unwrap() > 1_700_000_000);
    let delivery = last_delivery(&stage, &id, |delivery| delivery["status"] == "delivered").await;
    assert_eq!((delivery["status"].as_str(), delivery["attempts"].as_i64()), (Some("delivered"), Some(1)));
    // The secret is not in the folder as it is.
    for entry in std::fs::read_dir(stage.folder.path()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{:?}", entry.path());
    }
    assert!(json(stage.get("/v1/webhooks")).await.1["webhooks"][0].get("secret").is_none());
}

#[tokio::test]
async fn who_does_not_listen_is_told_again_and_who_is_gone_is_not() {
    let receiver = Receiver::open().await;
    let stage = Stage::with(|config| config.fetch_hosts = vec![receiver.address.clone()]).await;
    let (id, _) = add(&stage, &receiver).await;
    let test = || stage.post(&format!("/v1/webhooks/{id}/test"));
    // Pointing elsewhere is no listening, and is not followed.
    receiver.answer("302 Found\r\nLocation: http://127.0.0.1:1/");
    let (_, sent) = json(test()).await;
    let delivery = last_delivery(&stage, &id, |delivery| !delivery["last_answer"].is_null()).await;
    assert_eq!(
        (delivery["status"].as_str(), delivery["last_answer"].as_str()),
        (Some("waiting"), Some("answered 302"))
    );
    assert!(delivery["next"].is_string());
    receiver.answer("200 OK");
    let again = stage.post(&format!("/v1/webhooks/{id}/deliveries/{}/redeliver", sent["id"].as_str().unwrap()));
    assert_eq!(again.send().await.unwrap().status(), 202);
    let delivery = last_delivery(&stage, &id, |delivery| delivery["status"] == "delivered").await;
    assert_eq!(delivery["status"], "delivered");
    let told = receiver.wait_for(2).await;
    let ids: Vec<_> =
        told.iter().map(|text| text.split("webhook-id: ").nth(1).unwrap().split("\r\n").next().unwrap()).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1], "receivers know it by its id: {ids:?}");
    receiver.answer("410 Gone");
    test().send().await.unwrap();
    last_delivery(&stage, &id, |delivery| delivery["status"] == "failed").await;
    let (_, all) = json(stage.get("/v1/webhooks")).await;
    assert!(all["webhooks"][0]["disabled"].as_str().is_some_and(|why| why.contains("410")), "{all}");
    assert_eq!(
        stage
            .http
            .delete(stage.url(&format!("/v1/webhooks/{id}")))
            .bearer_auth(&stage.key)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
}

#[tokio::test]
async fn private_addresses_are_not_told() {
    let stage = Stage::new().await;
    for url in ["http://127.0.0.1:9/x", "http://[::ffff:10.0.0.1]/", "ftp://example.com/", "no address"] {
        let (status, problem) = json(stage.post("/v1/webhooks").json(&json!({"url": url}))).await;
        assert_eq!((status, problem["code"].as_str()), (400, Some("url_refused")), "{url}");
    }
}

#[tokio::test]
async fn projects_keep_what_they_are_given_and_lose_no_change() {
    let stage = Stage::new().await;
    let (status, project) = json(stage.post("/v1/projects").json(&json!({"name": "Spring", "data": {"a": 1}}))).await;
    assert_eq!((status, project["version"].as_i64()), (201, Some(1)));
    let place = format!("/v1/projects/{}", project["id"].as_str().unwrap());
    let put = |tag: &str, data: i64| {
        let request = stage.http.put(stage.url(&place)).bearer_auth(&stage.key).header("if-match", tag.to_owned());
        json(request.json(&json!({"name": "Summer", "data": {"a": data}})))
    };
    assert_eq!(put("\"1\"", 2).await.0, 200);
    assert_eq!(put("\"1\"", 3).await.0, 409, "somebody else was quicker");
    let (_, now) = json(stage.get(&place)).await;
    assert_eq!(
        (now["name"].as_str(), now["data"]["a"].as_i64(), now["version"].as_i64()),
        (Some("Summer"), Some(2), Some(2))
    );
    let body = json!({"image_base64": base64(&disc(40, 30)), "project": project["id"]});
    let (_, job) = json(stage.post("/v1/jobs").json(&body)).await;
    let (_, jobs) = json(stage.get(&format!("/v1/jobs?project={}", project["id"].as_str().unwrap()))).await;
    assert_eq!(jobs["jobs"][0]["id"], job["id"]);
    assert_eq!(
        json(stage.post("/v1/jobs").json(&json!({"image_base64": "aGVsbG8=", "project": "project_none"}))).await.0,
        404
    );
    assert_eq!(json(stage.post("/v1/projects").json(&json!({"name": " "}))).await.0, 400);
    let gone = stage.http.delete(stage.url(&place)).bearer_auth(&stage.key).send().await.unwrap();
    assert_eq!((gone.status().as_u16(), json(stage.get(&place)).await.0), (204, 404));
}

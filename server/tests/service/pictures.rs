//! `/v1/remove`: what it takes, what it gives, and what happens when too many come.

use std::{collections::BTreeMap, time::Duration};

use backgroundfx_core::{
    files::{self, Format, ReadOptions, WriteOptions},
    pixels::{Alpha, Size},
};
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use crate::{
    compat::base64,
    stage::{Stage, disc, json},
};

#[tokio::test]
async fn a_picture_sent_as_it_is_comes_back_cut_out() {
    let stage = Stage::new().await;
    let send = |query: &str| {
        stage.post(&format!("/v1/remove{query}")).header("content-type", "image/jpeg").body(disc(400, 300)).send()
    };
    let response = send("").await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "image/png");
    assert_eq!(response.headers()["x-bgfx-model"], "chroma");
    let timing = response.headers()["server-timing"].to_str().unwrap();
    assert!(timing.contains("decode;dur=") && timing.contains("encode;dur="), "{timing}");
    let cut = files::decode(&response.bytes().await.unwrap(), &ReadOptions::default()).unwrap();
    let alpha = cut.alpha.unwrap();
    assert_eq!((alpha.values()[0], alpha.values()[150 * 400 + 200]), (0.0, 1.0));
    for (query, media_type) in [
        ("?format=webp", "image/webp"),
        ("?background=%23fff", "image/jpeg"),
        ("?background=blur:8&format=png", "image/png"),
        ("?output=matte", "image/png"),
        ("?output=pair", "application/zip"),
        ("?options=%7B%22layout%22%3A%7B%22crop%22%3Atrue%7D%7D", "image/png"),
    ] {
        let response = send(query).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()),
            (200, media_type),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_mask_stands_for_what_a_model_finds() {
    let stage = Stage::new().await;
    let form = |more: &str| {
        let mask = Part::bytes(corner(40, 30)).file_name("mask.png");
        let options = r#"{"edges": {"refine": false}}"#;
        let form = Form::new().part("image", Part::bytes(disc(400, 300))).part("mask", mask).text("options", options);
        if more.is_empty() { form } else { form.text("model", more.to_owned()) }
    };
    let response = stage.post("/v1/remove").multipart(form("")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["x-bgfx-model"]), (200, &"mask".parse().unwrap()));
    let cut = files::decode(&response.bytes().await.unwrap(), &ReadOptions::default()).unwrap();
    let alpha = cut.alpha.unwrap();
    let at = |x: usize, y: usize| alpha.values()[y * 400 + x];
    assert_eq!((at(20, 20), at(380, 280), at(240, 180)), (1.0, 0.0, 0.0), "not the disc, but the mask");
    let (status, problem) = json(stage.post("/v1/remove").multipart(form("chroma"))).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("request_invalid")));
    let unreadable = Form::new()
        .part("image", Part::bytes(disc(40, 30)))
        .part("mask", Part::bytes(&b"no picture"[..]).file_name("mask.png"));
    let (status, problem) = json(stage.post("/v1/remove").multipart(unreadable)).await;
    assert_eq!((status, problem["code"].as_str()), (415, Some("format_unsupported")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("mask"), "{problem}");
}

/// A grey PNG that is white in its upper left quarter.
pub fn corner(width: u32, height: u32) -> Vec<u8> {
    let white = |at: u32| at % width < width / 2 && at / width < height / 2;
    let values = (0..width * height).map(|at| if white(at) { 1.0 } else { 0.0 }).collect();
    let matte = Alpha::new(Size::new(width, height), values);
    files::encode_gray(&matte, &WriteOptions::new(Format::Png)).unwrap()
}

/// Pictures with bytes changed, cut off or doubled: each gets one answer that says so, and the server goes on.
#[tokio::test]
async fn broken_pictures_are_refused_and_never_a_fault_of_the_server() {
    let stage = Stage::new().await;
    let whole = [disc(64, 48), corner(64, 48)];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut answers = BTreeMap::new();
    for round in 0..300 {
        let mut bytes = whole[round % 2].clone();
        match round % 3 {
            0 => bytes.truncate(random(bytes.len())),
            1 => (0..1 + random(8)).for_each(|_| {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }),
            _ => {
                let (from, to) = (random(bytes.len()), random(bytes.len()));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.splice(from..from, piece);
            }
        }
        let response = stage.post("/v1/remove").header("content-type", "image/jpeg").body(bytes).send().await.unwrap();
        *answers.entry(response.status().as_u16()).or_insert(0) += 1;
    }
    assert!(answers.keys().all(|status| matches!(status, 200 | 400 | 413 | 415 | 422)), "{answers:?}");
    assert!(
        answers.iter().filter(|(status, _)| **status != 200).map(|(_, count)| count).sum::<i32>() > 50,
        "{answers:?}"
    );
    assert_eq!(json(stage.get("/v1/ready")).await.0, 200);
}

#[tokio::test]
async fn the_answer_can_be_json() {
    let stage = Stage::new().await;
    let body = serde_json::json!({"image_base64": base64(&disc(400, 300)), "options": {"layout": {"crop": true}}});
    let (status, answer) = json(stage.post("/v1/remove").header("accept", "application/json").json(&body)).await;
    assert_eq!(status, 200, "{answer}");
    let width = answer["width"].as_u64().unwrap();
    assert!((140..=160).contains(&width), "the disc is 150 wide: {width}");
    assert_eq!((answer["subject"]["left"].as_u64(), answer["subject"]["width"].as_u64()), (Some(0), Some(width)));
    assert!(answer["image_base64"].as_str().unwrap().starts_with("iVBORw0KGgo"));
}

/// Bodies with something wrong: the status and code they are answered with, and what the message names.
fn wrong_requests(picture: &str) -> Vec<(Value, u16, &'static str, &'static str)> {
    vec![
        (serde_json::json!({}), 400, "request_invalid", "image"),
        (serde_json::json!({"image_base64": picture, "colour": "red"}), 400, "request_invalid", "colour"),
        (serde_json::json!({"image_base64": picture, "preset": "best"}), 400, "request_invalid", "medium"),
        (
            serde_json::json!({"image_base64": picture, "options": {"edges": {"fether": 1}}}),
            400,
            "request_invalid",
            "fether",
        ),
        (
            serde_json::json!({"image_base64": picture, "options": {"layout": {"scale": 7}}}),
            400,
            "option_invalid",
            "layout.scale",
        ),
        (
            serde_json::json!({"image_base64": picture, "background": "/etc/passwd"}),
            400,
            "request_invalid",
            "background",
        ),
        (
            serde_json::json!({"image_base64": picture, "background": "image:a.png"}),
            400,
            "request_invalid",
            "background",
        ),
        (
            serde_json::json!({"image_base64": picture, "options": {"background": "a.png"}}),
            400,
            "request_invalid",
            "background",
        ),
        (
            serde_json::json!({"image_base64": picture, "options": {"key": {"plate": "/etc/passwd"}}}),
            400,
            "request_invalid",
            "plate",
        ),
        (serde_json::json!({"image_base64": picture, "options": {"device": "cuda"}}), 400, "request_invalid", "device"),
        (serde_json::json!({"image_base64": picture, "model": "isnet"}), 404, "model_unknown", "isnet"),
        (
            serde_json::json!({"image_base64": picture, "model": "birefnet-general"}),
            503,
            "artifact_missing",
            "birefnet",
        ),
        (serde_json::json!({"image_base64": picture, "format": "bmp"}), 400, "request_invalid", "webp"),
        (serde_json::json!({"image_base64": picture, "quality": 101}), 400, "request_invalid", "100"),
        (serde_json::json!({"image_base64": "aGVsbG8="}), 415, "format_unsupported", ""),
        (serde_json::json!({"image_url": "http://10.0.0.1/a.png"}), 400, "url_refused", "10.0.0.1"),
        (serde_json::json!({"image_url": "file:///etc/passwd"}), 400, "url_refused", "file"),
    ]
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let stage = Stage::new().await;
    for (body, status, code, named) in wrong_requests(&base64(&disc(40, 30))) {
        let (found, problem) = json(stage.post("/v1/remove").json(&body)).await;
        let told = problem["detail"].as_str().unwrap_or_default();
        assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{body}: {problem}");
        assert!(told.contains(named), "{named} in {told}");
    }
    let (status, problem) = json(stage.post("/v1/remove").header("content-type", "text/html").body("<p>")).await;
    assert_eq!((status, problem["code"].as_str()), (415, Some("content_unsupported")));
}

/// Holds all threads: a picture that takes long enough for others to come meanwhile.
fn slow() -> Vec<u8> {
    disc(3000, 2000)
}

#[tokio::test]
async fn exactly_as_many_as_there_are_places_are_served_and_the_rest_is_told_at_once() {
    let stage = Stage::with(|config| (config.waiting, config.threads) = (3, Some(1))).await;
    let mut sent = Vec::new();
    for number in 0..20 {
        // Each another picture, or they would be made together.
        let mut picture = slow();
        picture.extend([number, 0]);
        let request = stage.post("/v1/remove").header("content-type", "image/jpeg").body(picture);
        sent.push(tokio::spawn(async move { request.send().await.unwrap() }));
    }
    let mut statuses = Vec::new();
    for answer in sent {
        let answer = answer.await.unwrap();
        if answer.status() == 429 {
            assert!(answer.headers().contains_key("retry-after"));
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], "busy");
            statuses.push(429);
        } else {
            statuses.push(answer.status().as_u16());
        }
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 4, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 16, "{statuses:?}");
}

#[tokio::test]
async fn one_picture_that_a_hundred_ask_for_is_made_once() {
    let stage = Stage::with(|config| (config.waiting, config.bodies_megabytes) = (3, 2000)).await;
    let picture = slow();
    let mut sent = Vec::new();
    for _ in 0..100 {
        let request = stage.post("/v1/remove").header("content-type", "image/jpeg").body(picture.clone());
        sent.push(tokio::spawn(async move {
            let answer = request.send().await.unwrap();
            (
                answer.status().as_u16(),
                answer.headers()["server-timing"].to_str().unwrap().to_owned(),
                answer.bytes().await.unwrap(),
            )
        }));
    }
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.unwrap());
    }
    // One run has one set of times; with more places than runs there can be no other way to serve all.
    assert!(answers.iter().all(|answer| answer.0 == 200 && answer.1 == answers[0].1 && answer.2 == answers[0].2));
}

#[tokio::test]
async fn a_stopping_server_finishes_what_it_began() {
    let mut stage = Stage::new().await;
    let request = stage.post("/v1/remove").header("content-type", "image/jpeg").body(slow());
    let running = tokio::spawn(async move { request.send().await.unwrap().bytes().await.unwrap().len() });
    tokio::time::sleep(Duration::from_millis(300)).await;
    stage.stop();
    assert!(running.await.unwrap() > 1000);
    tokio::time::timeout(Duration::from_secs(20), stage.stopped()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_claims_too_much_or_leaves_takes_nothing_with_it() {
    use tokio::{io::AsyncWriteExt, net::TcpStream};
    let stage = Stage::new().await;
    let head = |length: u64| {
        format!(
            "POST /v1/remove HTTP/1.1\r\nHost: a\r\nX-API-Key: {}\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n",
            stage.key
        )
    };
    for _ in 0..10 {
        let mut stream = TcpStream::connect(stage.address).await.unwrap();
        stream.write_all(head(10_000_000).as_bytes()).await.unwrap();
        stream.write_all(&[0; 1000]).await.unwrap();
        drop(stream);
    }
    let (status, problem) =
        json(stage.post("/v1/remove").header("content-type", "image/jpeg").body(vec![0; 24_000_000])).await;
    assert_eq!((status, problem["code"].as_str()), (413, Some("body_too_large")));
    let response =
        stage.post("/v1/remove").header("content-type", "image/jpeg").body(disc(40, 30)).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

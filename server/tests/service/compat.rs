//! Other programs' protocols.

use backgroundfx_server::conformance::{self, Outcome, Target};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::stage::{Stage, disc};

/// Gives one picture to everybody who asks; the address.
async fn picture_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let picture = disc(400, 300);
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", picture.len());
            let _ = stream.write_all(&[head.as_bytes(), &picture].concat()).await;
            // What the client has sent is read, or closing would take back what was written.
            let mut rest = [0; 4096];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut rest).await;
        }
    });
    address.to_string()
}

#[tokio::test]
async fn removebg_conformance() {
    let pictures = picture_server().await;
    let stage = Stage::with(|config| config.fetch_hosts = vec![pictures.clone()]).await;
    let address = format!("http://{pictures}/a.jpg");
    let target = Target::new(&stage.url("/v1.0"), &stage.key, Some(&address));
    let report = conformance::run(&target, |line| println!("{line}")).await.unwrap();
    let failed: Vec<String> =
        report.lines.iter().filter(|line| line.outcome != Outcome::Passed).map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(report.counts(), (27, 0, 0));
}

#[tokio::test]
async fn a_rate_that_is_used_up_is_told_in_removebgs_words() {
    let stage = Stage::with(|config| config.rate_megapixels = 2).await;
    let send = || {
        let form = serde_json::json!({"image_file_b64": base64(&disc(200, 150))});
        stage.post("/v1.0/removebg").json(&form).send()
    };
    for _ in 0..2 {
        assert_eq!(send().await.unwrap().status(), 200);
    }
    let refused = send().await.unwrap();
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=31).contains(&wait), "{wait}");
    assert_eq!(refused.headers()["x-ratelimit-remaining"], "0");
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["errors"][0]["code"], "rate_limit_exceeded");
}

#[tokio::test]
async fn improve_keeps_the_picture() {
    let stage = Stage::new().await;
    let form = serde_json::json!({"image_file_b64": base64(&disc(200, 150)), "tag": "hair", "image_filename": "a.jpg"});
    let response = stage.post("/v1.0/improve").json(&form).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let body: serde_json::Value = response.json().await.unwrap();
    let id = body["id"].as_str().unwrap();
    let kept = std::fs::read_dir(stage.objects().join("improvements")).unwrap().next().unwrap().unwrap();
    let read = |name: &str| std::fs::read(kept.path().join(name));
    let is_sealed = || read(&format!("{id}.sealed")).is_ok_and(|bytes| bytes.starts_with(b"BFXS"));
    assert!(read(id).is_ok_and(|bytes| bytes == disc(200, 150)) || is_sealed());
    let wrong =
        stage.post("/v1.0/improve").json(&serde_json::json!({"image_file_b64": "aGVsbG8="})).send().await.unwrap();
    assert_eq!(wrong.status(), 400);
}

#[tokio::test]
async fn rembgs_route_answers_with_a_png_and_needs_no_key_where_that_is_allowed() {
    let stage = Stage::with(|config| config.anonymous = true).await;
    let boundary = "x";
    let mut body = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\n".to_vec();
    body.extend(disc(320, 240));
    body.extend(b"\r\n--x--\r\n");
    let post = |query: &str| {
        let request = stage.http.post(stage.url(&format!("/api/remove{query}")));
        request.header("content-type", format!("multipart/form-data; boundary={boundary}")).body(body.clone()).send()
    };
    let cut = post("").await.unwrap();
    assert_eq!((cut.status().as_u16(), cut.headers()["content-type"].to_str().unwrap()), (200, "image/png"));
    let cut = cut.bytes().await.unwrap();
    assert_eq!(cut[25], 6, "a PNG of colours and alpha");
    let mask = post("?om=true").await.unwrap().bytes().await.unwrap();
    assert_eq!(mask[25], 0, "a grey PNG");
    assert_eq!(post("?bgc=300,0,0,0").await.unwrap().status(), 400);
    assert_eq!(post("?model=no-such").await.unwrap().status(), 404);
    assert_eq!(stage.http.get(stage.url("/api/remove?url=http://127.0.0.1:1/a")).send().await.unwrap().status(), 400);
    // What is open is cutting out, nothing else.
    assert_eq!(stage.http.get(stage.url("/v1/account")).send().await.unwrap().status(), 401);
}

pub fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}

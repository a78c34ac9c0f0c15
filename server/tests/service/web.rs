//! The web app's files. What the page does is tested in a browser: see `web/tests`.

use backgroundfx_server::Config;

use crate::stage::{Stage, json};

#[tokio::test]
async fn the_page_is_given_to_everybody_under_a_strict_policy_and_once() {
    let stage = Stage::new().await;
    let page = reqwest::get(stage.url("/")).await.unwrap();
    let header = |name: &str| page.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((page.status().as_u16(), header("content-type").as_str()), (200, "text/html; charset=utf-8"));
    let policy = header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains(" 'unsafe") && !policy.contains("http"),
        "{policy}"
    );
    assert_eq!(header("cross-origin-embedder-policy"), "require-corp");
    let tag = header("etag");
    let text = page.text().await.unwrap();
    let again = stage.http.get(stage.url("/")).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    // What the page names is there.
    for name in text.split('"').filter(|part| part.starts_with("/app/")) {
        let file = reqwest::get(stage.url(name)).await.unwrap();
        assert_eq!(file.status(), 200, "{name}");
        assert_ne!(file.headers()["content-type"], "application/octet-stream", "{name}");
    }
    for nothing in ["/app/", "/app/none.js", "/app/../Cargo.toml", "/app/%2e%2e/package.json", "/app//etc/passwd"] {
        assert_eq!(stage.http.get(stage.url(nothing)).send().await.unwrap().status(), 404, "{nothing}");
    }
    assert_eq!(json(stage.get("/v1/health")).await.1["anonymous"], false);
}

#[tokio::test]
async fn browsers_are_offered_a_network_that_they_can_run_and_may_have() {
    let default = |config: &mut Config| config.model = None;
    let kept = |config: &mut Config| (config.model, config.on_device) = (None, false);
    let (keying, offering, keeping) = (Stage::new().await, Stage::with(default).await, Stage::with(kept).await);
    for (stage, offered) in [(&keying, false), (&offering, true), (&keeping, false)] {
        assert_eq!(json(stage.get("/v1/health")).await.1["on_device"], offered);
    }
    for (stage, why) in [(&keying, "chroma"), (&keeping, "on_device")] {
        for path in ["/v1/device", "/v1/device/secret.key"] {
            let (status, problem) = json(stage.get(path)).await;
            assert_eq!((status, problem["code"].as_str()), (404, Some("not_found")));
            assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
        }
    }
}

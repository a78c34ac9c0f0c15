//! People: signing in, sessions of browsers, tokens of services.

use serde_json::{Value, json};

use crate::stage::{Stage, json};

const PASSWORD: &str = "correct horse battery";

async fn add(stage: &Stage, email: &str, role: &str) -> Value {
    let body = json!({"email": email, "role": role, "password": PASSWORD});
    let (status, user) = json(stage.post("/v1/users").json(&body)).await;
    assert_eq!(status, 201, "{user}");
    user
}

fn sign_in(stage: &Stage, email: &str, password: &str) -> reqwest::RequestBuilder {
    stage.http.post(stage.url("/v1/sessions")).json(&json!({"email": email, "password": password}))
}

#[tokio::test]
async fn who_signs_in_gets_a_session_that_ends() {
    let stage = Stage::new().await;
    add(&stage, "Ann@example.com", "editor").await;
    assert_eq!(sign_in(&stage, "ann@example.com", "wrong password").send().await.unwrap().status(), 401);
    assert_eq!(sign_in(&stage, "nobody@example.com", PASSWORD).send().await.unwrap().status(), 401);
    assert_eq!(
        sign_in(&stage, "owner@localhost", "").send().await.unwrap().status(),
        401,
        "the owner has no password yet"
    );
    let answer = sign_in(&stage, "ann@example.com", PASSWORD).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let with = |request: reqwest::RequestBuilder| request.header("cookie", &cookie);
    let (status, account) = json(with(stage.http.get(stage.url("/v1/account")))).await;
    assert_eq!((status, account["role"].as_str()), (200, Some("editor")));
    let project = || with(stage.http.post(stage.url("/v1/projects"))).json(&json!({"name": "a"}));
    assert_eq!(project().send().await.unwrap().status(), 403, "nothing says that it is our page");
    assert_eq!(project().header("sec-fetch-site", "cross-site").send().await.unwrap().status(), 403);
    assert_eq!(project().header("origin", "http://evil.example").send().await.unwrap().status(), 403);
    assert_eq!(project().header("sec-fetch-site", "same-origin").send().await.unwrap().status(), 201);
    assert_eq!(project().header("origin", format!("http://{}", stage.address)).send().await.unwrap().status(), 201);
    assert_eq!(with(stage.http.delete(stage.url("/v1/sessions"))).send().await.unwrap().status(), 204);
    assert_eq!(json(with(stage.http.get(stage.url("/v1/account")))).await.0, 401);
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let stage = Stage::new().await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(sign_in(&stage, "ann@example.com", "a guess").send().await.unwrap().status().as_u16());
    }
    assert_eq!((statuses[0], statuses[9], statuses[11]), (401, 401, 429), "{statuses:?}");
    let (_, problem) = json(sign_in(&stage, "ann@example.com", "a guess")).await;
    assert_eq!(problem["code"], "rate_limited");
}

#[tokio::test]
async fn a_changed_user_has_to_sign_in_again_and_the_last_owner_stays() {
    let stage = Stage::new().await;
    let ann = add(&stage, "ann@example.com", "admin").await;
    let place = format!("/v1/users/{}", ann["id"].as_str().unwrap());
    let answer = sign_in(&stage, "ann@example.com", PASSWORD).send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let account = || stage.http.get(stage.url("/v1/account")).header("cookie", &cookie);
    assert_eq!(json(account()).await.0, 200);
    let patch = |place: &str, body: Value| json(stage.http.patch(stage.url(place)).bearer_auth(&stage.key).json(&body));
    let (status, changed) = patch(&place, json!({"role": "viewer"})).await;
    assert_eq!((status, changed["role"].as_str()), (200, Some("viewer")));
    assert_eq!(json(account()).await.0, 401);
    let (_, users) = json(stage.get("/v1/users")).await;
    let owner = users["users"].as_array().unwrap().iter().find(|user| user["role"] == "owner").unwrap();
    let owner = format!("/v1/users/{}", owner["id"].as_str().unwrap());
    assert_eq!(patch(&owner, json!({"role": "viewer"})).await.0, 409);
    assert_eq!(stage.http.delete(stage.url(&owner)).bearer_auth(&stage.key).send().await.unwrap().status(), 409);
    assert_eq!(patch(&owner, json!({"password": "too short"})).await.0, 400);
    assert_eq!(patch(&owner, json!({"password": PASSWORD})).await.0, 200);
    assert_eq!(sign_in(&stage, "owner@localhost", PASSWORD).send().await.unwrap().status(), 201);
    let again = json(stage.post("/v1/users").json(&json!({"email": "ANN@example.com", "role": "viewer"}))).await;
    assert_eq!(again.0, 409, "the address is taken");
}

#[tokio::test]
async fn a_token_carries_a_role_and_goes_with_its_key() {
    let stage = Stage::new().await;
    let (_, key) = json(stage.post("/v1/keys").json(&json!({"name": "service", "role": "editor"}))).await;
    let text = key["key"].as_str().unwrap();
    let ask = |body: Value| json(stage.http.post(stage.url("/v1/tokens")).bearer_auth(text).json(&body));
    assert_eq!(ask(json!({"role": "admin"})).await.0, 403);
    assert_eq!(ask(json!({"expires_in": 0})).await.0, 400);
    let (status, token) = ask(json!({"role": "viewer", "expires_in": 60})).await;
    assert_eq!(status, 201);
    let token = token["token"].as_str().unwrap();
    let account = || json(stage.http.get(stage.url("/v1/account")).bearer_auth(token));
    assert_eq!(account().await.1["role"], "viewer");
    assert_eq!(json(stage.http.post(stage.url("/v1/jobs")).bearer_auth(token)).await.0, 403);
    let revoke = stage.http.delete(stage.url(&format!("/v1/keys/{}", key["id"].as_str().unwrap())));
    assert_eq!(revoke.bearer_auth(&stage.key).send().await.unwrap().status(), 204);
    assert_eq!(account().await.0, 401);
}

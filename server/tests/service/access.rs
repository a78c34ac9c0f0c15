//! Keys, roles, and answers to those who may not.

use std::collections::BTreeSet;

use backgroundfx_server::{auth::Needs, http};
use serde_json::{Value, json};

use crate::stage::{Stage, disc, json};

#[tokio::test]
async fn the_first_start_gives_a_key_that_a_restart_keeps_and_does_not_show_again() {
    let stage = Stage::new().await;
    assert!(stage.key.starts_with("bfx_"));
    let (status, account) = json(stage.get("/v1/account")).await;
    assert_eq!((status, account["role"].as_str()), (200, Some("owner")));
    // The key is nowhere in the folder.
    let key = stage.key.clone().into_bytes();
    for entry in std::fs::read_dir(stage.folder.path()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(key.len()).any(|window| window == key), "{:?}", entry.path());
    }
    let stage = stage.restart().await;
    assert_eq!(json(stage.get("/v1/account")).await.1, account);
}

/// Method, path, and the roles that get past the door; behind it, requests without a body are not right.
const GUARDED: &[(&str, &str, &str)] = &[
    ("GET", "/v1/account", "owner admin editor viewer"),
    ("GET", "/v1/models", "owner admin editor viewer"),
    ("GET", "/v1/device", "owner admin editor"),
    ("GET", "/v1/device/none", "owner admin editor"),
    ("POST", "/v1/remove", "owner admin editor"),
    ("GET", "/v1/jobs", "owner admin editor viewer"),
    ("POST", "/v1/jobs", "owner admin editor"),
    ("GET", "/v1/jobs/none", "owner admin editor viewer"),
    ("DELETE", "/v1/jobs/none", "owner admin editor"),
    ("GET", "/v1/jobs/none/items", "owner admin editor viewer"),
    ("GET", "/v1/jobs/none/events", "owner admin editor viewer"),
    ("GET", "/v1/jobs/none/archive", "owner admin editor viewer"),
    ("GET", "/v1/jobs/none/results/1", "owner admin editor viewer"),
    ("GET", "/v1/jobs/none/results/1/link", "owner admin editor viewer"),
    ("POST", "/v1/uploads", "owner admin editor"),
    ("HEAD", "/v1/uploads/none", "owner admin editor"),
    ("PATCH", "/v1/uploads/none", "owner admin editor"),
    ("DELETE", "/v1/uploads/none", "owner admin editor"),
    ("GET", "/v1/pictures", "owner admin editor viewer"),
    ("GET", "/v1/pictures/none", "owner admin editor viewer"),
    ("DELETE", "/v1/pictures/none", "owner admin editor"),
    ("GET", "/v1/projects", "owner admin editor viewer"),
    ("POST", "/v1/projects", "owner admin editor"),
    ("GET", "/v1/projects/none", "owner admin editor viewer"),
    ("PUT", "/v1/projects/none", "owner admin editor"),
    ("DELETE", "/v1/projects/none", "owner admin editor"),
    ("GET", "/v1/webhooks", "owner admin"),
    ("POST", "/v1/webhooks", "owner admin"),
    ("DELETE", "/v1/webhooks/none", "owner admin"),
    ("POST", "/v1/webhooks/none/test", "owner admin"),
    ("GET", "/v1/webhooks/none/deliveries", "owner admin"),
    ("POST", "/v1/webhooks/none/deliveries/none/redeliver", "owner admin"),
    ("POST", "/v1/tokens", "owner admin editor viewer"),
    ("POST", "/graphql", "owner admin editor viewer"),
    ("GET", "/v1/users", "owner admin"),
    ("POST", "/v1/users", "owner admin"),
    ("PATCH", "/v1/users/none", "owner admin"),
    ("DELETE", "/v1/users/none", "owner admin"),
    ("GET", "/v1/keys", "owner admin"),
    ("POST", "/v1/keys", "owner admin"),
    ("DELETE", "/v1/keys/none", "owner admin"),
    ("GET", "/v1/audit", "owner admin"),
    ("GET", "/metrics", "owner admin"),
    ("POST", "/v1.0/removebg", "owner admin editor"),
    ("GET", "/v1.0/account", "owner admin editor viewer"),
    ("POST", "/v1.0/improve", "owner admin editor"),
    ("GET", "/api/remove", "owner admin editor"),
    ("POST", "/api/remove", "owner admin editor"),
];

#[test]
fn the_list_of_guarded_routes_is_whole() {
    let whole = |path: &str| {
        let names = [("{id}", "none"), ("{file}", "none"), ("{delivery}", "none"), ("{number}", "1")];
        names.iter().fold(path.to_owned(), |path, (name, stands_for)| path.replace(name, stands_for))
    };
    let listed: BTreeSet<_> =
        GUARDED.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    let guarded = http::routes().into_iter().filter(|route| route.needs != Needs::Nothing);
    let there: BTreeSet<_> = guarded.map(|route| (route.method.to_owned(), whole(route.path))).collect();
    assert_eq!(listed, there);
}

#[tokio::test]
async fn a_key_is_for_its_scopes_only_and_gives_no_others() {
    let stage = Stage::new().await;
    let make =
        async |key: &str, body: Value| json(stage.http.post(stage.url("/v1/keys")).bearer_auth(key).json(&body)).await;
    let (status, shop) = make(&stage.key, json!({"name": "shop", "role": "editor", "scopes": ["cut"]})).await;
    assert_eq!((status, &shop["scopes"]), (201, &json!(["cut"])), "{shop}");
    let shop = shop["key"].as_str().unwrap();
    let cut = stage.http.post(stage.url("/v1/remove")).bearer_auth(shop).header("content-type", "image/jpeg");
    assert_eq!(cut.body(disc(80, 60)).send().await.unwrap().status(), 200);
    let (status, problem) = json(stage.http.get(stage.url("/v1/jobs")).bearer_auth(shop)).await;
    assert_eq!((status, problem["code"].as_str()), (403, Some("forbidden")));
    assert!(problem["detail"].as_str().unwrap().contains("cut"), "{problem}");

    let wide = json!({"name": "keys", "role": "owner", "scopes": ["manage", "read"]});
    let (_, keeper) = make(&stage.key, wide).await;
    let keeper = keeper["key"].as_str().unwrap();
    assert_eq!(make(keeper, json!({"name": "more", "role": "editor", "scopes": ["cut"]})).await.0, 403);
    let (status, same) = make(keeper, json!({"name": "same", "role": "owner"})).await;
    assert_eq!((status, &same["scopes"]), (201, &json!(["read", "manage"])), "what is not named is its maker's");
    let user = json!({"email": "a@b.example", "role": "owner", "password": "long enough a password"});
    assert_eq!(json(stage.http.post(stage.url("/v1/users")).bearer_auth(keeper).json(&user)).await.0, 403);
    let (_, token) = json(stage.http.post(stage.url("/v1/tokens")).bearer_auth(keeper).json(&json!({}))).await;
    let token = token["token"].as_str().unwrap();
    assert_eq!(json(stage.http.get(stage.url("/v1/jobs")).bearer_auth(token)).await.0, 200);
    assert_eq!(json(stage.http.post(stage.url("/v1/jobs")).bearer_auth(token).json(&json!({}))).await.0, 403);
    for wrong in [json!([]), json!(["everything"])] {
        assert_eq!(make(&stage.key, json!({"name": "x", "role": "viewer", "scopes": wrong})).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn every_route_refuses_who_has_no_key_and_whose_role_may_not() {
    let stage = Stage::new().await;
    let mut keys = Vec::new();
    for role in ["owner", "admin", "editor", "viewer"] {
        let (status, made) = json(stage.post("/v1/keys").json(&json!({"name": role, "role": role}))).await;
        assert_eq!(status, 201, "{made}");
        keys.push((role, made["key"].as_str().unwrap().to_owned()));
    }
    for (method, path, allowed) in GUARDED {
        let request = || stage.http.request(method.parse().unwrap(), stage.url(path));
        let refused = if path.starts_with("/v1.0") { [403, 403] } else { [401, 403] };
        for wrong in [None, Some("bfx_wrong"), Some("")] {
            let request = wrong.map_or_else(request, |key| request().header("x-api-key", key));
            assert_eq!(request.send().await.unwrap().status().as_u16(), refused[0], "{method} {path} {wrong:?}");
        }
        for (role, key) in &keys {
            let status = request().bearer_auth(key).send().await.unwrap().status().as_u16();
            let may = allowed.split(' ').any(|allowed| allowed == *role);
            assert_eq!(status != refused[1], may, "{method} {path} as {role}: {status}");
            assert!(status < 500, "{method} {path} as {role}: {status}");
        }
    }
    for open in ["/v1/health", "/v1/ready"] {
        assert_eq!(stage.http.get(stage.url(open)).send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn nobody_makes_or_revokes_a_mightier_key_and_a_revoked_one_opens_nothing() {
    let stage = Stage::new().await;
    let make = async |key: &str, role: &str| {
        let request = stage.http.post(stage.url("/v1/keys")).bearer_auth(key);
        json(request.json(&json!({"name": role, "role": role}))).await
    };
    let (_, admin) = make(&stage.key, "admin").await;
    let admin_key = admin["key"].as_str().unwrap();
    assert_eq!(make(admin_key, "owner").await.0, 403);
    let (_, keys) = json(stage.get("/v1/keys")).await;
    let owner = keys["keys"].as_array().unwrap().iter().find(|key| key["role"] == "owner").unwrap();
    assert!(owner.get("key").is_none(), "a key is shown once only");
    let revoke = |key: &str, id: &str| stage.http.delete(stage.url(&format!("/v1/keys/{id}"))).bearer_auth(key).send();
    assert_eq!(revoke(admin_key, owner["id"].as_str().unwrap()).await.unwrap().status(), 403);
    assert_eq!(revoke(&stage.key, admin["id"].as_str().unwrap()).await.unwrap().status(), 204);
    assert_eq!(stage.http.get(stage.url("/v1/account")).bearer_auth(admin_key).send().await.unwrap().status(), 401);
    let (_, log) = json(stage.get("/v1/audit")).await;
    let actions: Vec<_> =
        log["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["key.revoke", "key.create", "key.create"]);
}

#[tokio::test]
async fn problems_have_a_code_a_hint_and_the_request_id() {
    let stage = Stage::new().await;
    let response = stage.get("/v1/nothing").header("x-request-id", "mine-1").send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "mine-1");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let problem: serde_json::Value = response.json().await.unwrap();
    assert_eq!((problem["code"].as_str(), problem["status"].as_u64()), (Some("not_found"), Some(404)));
    assert_eq!(problem["request_id"], "mine-1");
    assert!(problem["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
    let (status, problem) = json(stage.get("/v1/jobs/a/results/b")).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("request_invalid")));
    // An id that could write into the log is replaced.
    let response = stage.get("/v1/health").header("x-request-id", "a b\tc").send().await.unwrap();
    assert!(response.headers()["x-request-id"].to_str().unwrap().starts_with("req_"));
    let response = stage.http.put(stage.url("/v1/remove")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["allow"].to_str().unwrap()), (405, "POST"));
}

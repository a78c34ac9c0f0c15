//! Several organisations on one service: nothing of one is shown, changed or told to another.

use backgroundfx_server::{auth::Needs, http};
use serde_json::{Value, json};

use crate::{
    compat::base64,
    stage::{Stage, disc, json},
};

/// What one organisation has, one of each kind.
struct Things {
    job: String,
    upload: String,
    picture: String,
    project: String,
    webhook: String,
    delivery: String,
    user: String,
    key: String,
}

impl Things {
    async fn made(stage: &Stage) -> Self {
        let id = |made: (u16, Value)| {
            assert!(made.0 < 300, "{}", made.1);
            made.1["id"].as_str().unwrap().to_owned()
        };
        // Nobody listens there.
        let webhook = id(json(stage.post("/v1/webhooks").json(&json!({"url": "http://127.0.0.1:1/"}))).await);
        let project = id(json(stage.post("/v1/projects").json(&json!({"name": "shoes"}))).await);
        let body = json!({"image_base64": base64(&disc(80, 60)), "project": project});
        let job = id(json(stage.post("/v1/jobs").header("prefer", "wait=120").json(&body)).await);
        let begun = stage.post("/v1/uploads").header("upload-length", "100").send().await.unwrap();
        let upload = begun.headers()["location"].to_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let user = json!({"email": "editor@first.example", "role": "editor"});
        let user = id(json(stage.post("/v1/users").json(&user)).await);
        let key = id(json(stage.post("/v1/keys").json(&json!({"name": "second", "role": "viewer"}))).await);
        let picture = format!("{job}-000001");
        first(stage, &stage.key, &format!("/v1/pictures/{picture}")).await;
        let deliveries = first(stage, &stage.key, &format!("/v1/webhooks/{webhook}/deliveries")).await;
        let delivery = deliveries["deliveries"][0]["id"].as_str().unwrap().to_owned();
        Self { job, upload, picture, project, webhook, delivery, user, key }
    }

    fn ids(&self) -> [&str; 8] {
        let Self { job, upload, picture, project, webhook, delivery, user, key } = self;
        [job, upload, picture, project, webhook, delivery, user, key].map(String::as_str)
    }

    /// The address of what a route is for.
    fn place(&self, path: &str) -> String {
        let kind = path.split('/').nth(2).unwrap();
        let id = match kind {
            "jobs" => &self.job,
            "uploads" => &self.upload,
            "pictures" => &self.picture,
            "projects" => &self.project,
            "webhooks" => &self.webhook,
            "users" => &self.user,
            "keys" => &self.key,
            other => panic!("of what kind is {other}?"),
        };
        path.replace("{id}", id).replace("{delivery}", &self.delivery).replace("{number}", "1")
    }
}

/// What an address shows once there is something: deliveries and documents are on their way for a moment.
async fn first(stage: &Stage, key: &str, path: &str) -> Value {
    for _ in 0..100 {
        let (status, shown) = json(stage.http.get(stage.url(path)).bearer_auth(key)).await;
        if status == 200 && shown["deliveries"].as_array().is_none_or(|all| !all.is_empty()) {
            return shown;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("there is nothing at {path}");
}

/// A request as it is right, so that nothing but whose the thing is can be what is wrong with it.
async fn ask(stage: &Stage, key: &str, method: &str, path: &str, place: &str) -> (u16, String) {
    let request = stage.http.request(method.parse().unwrap(), stage.url(place)).bearer_auth(key);
    let request = match (method, path) {
        ("PUT", _) => request.json(&json!({"name": "taken"})),
        ("PATCH", "/v1/users/{id}") => request.json(&json!({"role": "viewer"})),
        ("PATCH", _) => {
            request.header("upload-offset", "0").header("content-type", "application/offset+octet-stream").body("x")
        }
        _ => request,
    };
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    // Events go on for as long as somebody listens.
    let text = if path.ends_with("events") && status == 200 { String::new() } else { answer.text().await.unwrap() };
    (status, text)
}

async fn two() -> (Stage, String, Things) {
    let stage = Stage::with(|config| config.fetch_hosts = vec!["127.0.0.1".to_owned()]).await;
    let other = stage.organisation("Other", "Owner@Other.example ").await;
    let things = Things::made(&stage).await;
    (stage, other, things)
}

#[tokio::test]
async fn no_route_reaches_what_is_anothers() {
    let (stage, other, things) = two().await;
    let mut routes: Vec<_> =
        http::routes().into_iter().filter(|route| route.needs != Needs::Nothing && route.path.contains('{')).collect();
    // A network for browsers is nobody's.
    routes.retain(|route| route.path != "/v1/device/{file}");
    assert!(routes.len() > 20, "{}", routes.len());
    for route in &routes {
        let place = things.place(route.path);
        let (status, text) = ask(&stage, &other, route.method, route.path, &place).await;
        assert_eq!(status, 404, "{} {place}: {text}", route.method);
    }
    // Whose they are reaches them all, as they were: what deletes comes last, what belongs to a thing before the thing.
    routes.sort_by_key(|route| (route.method == "DELETE", std::cmp::Reverse(route.path.len())));
    for route in &routes {
        let place = things.place(route.path);
        let (status, text) = ask(&stage, &stage.key, route.method, route.path, &place).await;
        // One that waits to be told need not be told again.
        assert!(status < 300 || status == 409, "{} {place}: {status} {text}", route.method);
        assert!(!text.contains("taken") || route.method == "PUT", "{text}");
    }
}

#[tokio::test]
async fn no_list_and_no_query_shows_what_is_anothers() {
    let (stage, other, things) = two().await;
    let lists: Vec<_> = http::routes()
        .into_iter()
        .filter(|route| route.method == "GET" && route.needs != Needs::Nothing && !route.path.contains('{'))
        .filter(|route| route.path != "/metrics")
        .collect();
    for route in lists {
        let (_, text) = ask(&stage, &other, "GET", route.path, route.path).await;
        assert!(things.ids().iter().all(|id| !text.contains(id)), "{}: {text}", route.path);
    }
    assert_eq!(ask(&stage, &other, "GET", "/metrics", "/metrics").await.0, 403, "it counts what all do");
    let post = |path: &str, body: Value| json(stage.http.post(stage.url(path)).bearer_auth(&other).json(&body));
    for query in [
        format!(r#"{{ job(id: "{}") {{ id }} }}"#, things.job),
        format!(r#"{{ project(id: "{}") {{ id }} }}"#, things.project),
        format!(r#"mutation {{ deleteJob(id: "{}") {{ id }} }}"#, things.job),
    ] {
        let (_, answer) = post("/graphql", json!({"query": query})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "not_found", "{query}: {answer}");
    }
    let (_, answer) = post("/graphql", json!({"query": "{ jobs { id } projects { id } }"})).await;
    assert_eq!(answer["data"], json!({"jobs": [], "projects": []}), "{answer}");
    let picture = base64(&disc(80, 60));
    for body in [json!({"upload": things.upload}), json!({"image_base64": picture, "project": things.project})] {
        assert_eq!(post("/v1/jobs", body.clone()).await.0, 404, "{body}");
    }
}

#[tokio::test]
async fn an_order_and_its_end_are_its_organisations() {
    let (stage, other, things) = two().await;
    let hook = json!({"url": "http://127.0.0.1:1/"});
    let (_, hook) = json(stage.http.post(stage.url("/v1/webhooks")).bearer_auth(&other).json(&hook)).await;
    let body = json!({"image_base64": base64(&disc(80, 60))});
    let order = |key: &str| {
        let request = stage.http.post(stage.url("/v1/jobs")).bearer_auth(key).header("idempotency-key", "order-1");
        json(request.header("prefer", "wait=120").json(&body))
    };
    let ((_, mine), (_, theirs)) = (order(&other).await, order(&stage.key).await);
    assert_ne!(mine["id"], theirs["id"], "the same key is two orders");
    let told = first(&stage, &other, &format!("/v1/webhooks/{}/deliveries", hook["id"].as_str().unwrap())).await;
    assert_eq!(told["deliveries"].as_array().unwrap().len(), 1, "of one job, its own: {told}");
    let told = told.to_string();
    assert!(!told.contains(&things.job) && !told.contains(theirs["id"].as_str().unwrap()), "{told}");
}

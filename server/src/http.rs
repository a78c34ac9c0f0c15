//! Every route, on one page, with what it asks of its caller.

mod access;
mod body;
mod compat;
mod cut;
mod device;
mod docs;
mod form;
pub mod graphql;
mod health;
mod jobs;
pub mod keys;
mod metadata;
mod pictures;
mod problem;
mod projects;
mod query;
mod remove;
pub mod shards;
pub mod time;
pub mod uploads;
pub mod users;
mod web;
mod webhooks;

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, head, options, patch, post, put},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, NotForContentType, Predicate},
    },
};

use crate::{App, Error, Kind, auth::Needs};
use compat::{rembg, removebg};
use problem::Problem;
pub use remove::describe;

/// A route: what it is called by, what it needs, and who answers.
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, with its variable parts in braces.
    pub path: &'static str,
    /// What it asks of its caller.
    pub needs: Needs,
    handler: MethodRouter<Arc<App>>,
}

fn route(method: &'static str, path: &'static str, needs: Needs, handler: MethodRouter<Arc<App>>) -> Route {
    Route { method, path, needs, handler }
}

/// All routes of the service.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        route("POST", "/v1/remove", Needs::Cut, post(remove::remove)),
        route("GET", "/v1/jobs", Needs::Read, get(jobs::list)),
        route("POST", "/v1/jobs", Needs::Write, post(jobs::create)),
        route("GET", "/v1/jobs/{id}", Needs::Read, get(jobs::get)),
        route("DELETE", "/v1/jobs/{id}", Needs::Write, delete(jobs::cancel)),
        route("GET", "/v1/jobs/{id}/items", Needs::Read, get(jobs::list_items)),
        route("GET", "/v1/jobs/{id}/events", Needs::Read, get(jobs::events)),
        route("GET", "/v1/jobs/{id}/archive", Needs::Read, get(jobs::archive)),
        route("GET", "/v1/jobs/{id}/results/{number}", Needs::Read, get(jobs::result)),
        route("GET", "/v1/jobs/{id}/results/{number}/link", Needs::Read, get(jobs::link)),
        route("GET", "/v1/files/{job}/{number}", Needs::Nothing, get(jobs::linked)),
        route("OPTIONS", "/v1/uploads", Needs::Nothing, options(uploads::options)),
        route("POST", "/v1/uploads", Needs::Write, post(uploads::create)),
        route("HEAD", "/v1/uploads/{id}", Needs::Write, head(uploads::head)),
        route("PATCH", "/v1/uploads/{id}", Needs::Write, patch(uploads::append)),
        route("DELETE", "/v1/uploads/{id}", Needs::Write, delete(uploads::delete)),
        route("GET", "/v1/pictures", Needs::Read, get(pictures::list)),
        route("GET", "/v1/pictures/{id}", Needs::Read, get(pictures::get)),
        route("DELETE", "/v1/pictures/{id}", Needs::Write, delete(pictures::delete)),
        route("GET", "/v1/projects", Needs::Read, get(projects::list)),
        route("POST", "/v1/projects", Needs::Write, post(projects::create)),
        route("GET", "/v1/projects/{id}", Needs::Read, get(projects::get)),
        route("PUT", "/v1/projects/{id}", Needs::Write, put(projects::replace)),
        route("DELETE", "/v1/projects/{id}", Needs::Write, delete(projects::delete)),
        route("GET", "/v1/webhooks", Needs::Manage, get(webhooks::list)),
        route("POST", "/v1/webhooks", Needs::Manage, post(webhooks::create)),
        route("DELETE", "/v1/webhooks/{id}", Needs::Manage, delete(webhooks::delete)),
        route("POST", "/v1/webhooks/{id}/test", Needs::Manage, post(webhooks::test)),
        route("GET", "/v1/webhooks/{id}/deliveries", Needs::Manage, get(webhooks::deliveries)),
        route("POST", "/v1/webhooks/{id}/deliveries/{delivery}/redeliver", Needs::Manage, post(webhooks::redeliver)),
        route("POST", "/graphql", Needs::Read, post(graphql::answer)),
        route("GET", "/v1/models", Needs::Read, get(health::models)),
        route("GET", "/v1/device", Needs::Cut, get(device::offer)),
        route("GET", "/v1/device/{file}", Needs::Cut, get(device::file)),
        route("GET", "/v1/account", Needs::Read, get(health::account)),
        route("POST", "/v1/sessions", Needs::Nothing, post(users::sign_in)),
        route("DELETE", "/v1/sessions", Needs::Nothing, delete(users::sign_out)),
        route("POST", "/v1/tokens", Needs::Read, post(users::token)),
        route("GET", "/v1/users", Needs::Manage, get(users::list)),
        route("POST", "/v1/users", Needs::Manage, post(users::create)),
        route("PATCH", "/v1/users/{id}", Needs::Manage, patch(users::change)),
        route("DELETE", "/v1/users/{id}", Needs::Manage, delete(users::delete)),
        route("GET", "/v1/keys", Needs::Manage, get(keys::list)),
        route("POST", "/v1/keys", Needs::Manage, post(keys::create)),
        route("DELETE", "/v1/keys/{id}", Needs::Manage, delete(keys::revoke)),
        route("GET", "/v1/audit", Needs::Manage, get(keys::audit_log)),
        route("GET", "/v1/openapi.json", Needs::Nothing, get(docs::description)),
        route("GET", "/v1/docs", Needs::Nothing, get(docs::page)),
        route("GET", "/v1/docs/{file}", Needs::Nothing, get(docs::file)),
        route("GET", "/v1/health", Needs::Nothing, get(health::live)),
        route("GET", "/v1/ready", Needs::Nothing, get(health::ready)),
        route("GET", "/metrics", Needs::Manage, get(health::metrics)),
        route("GET", "/", Needs::Nothing, get(web::page)),
        route("GET", "/app/{*file}", Needs::Nothing, get(web::file)),
    ]
    .into_iter()
    .chain(compatible())
    .collect()
}

/// Other programs' addresses.
fn compatible() -> [Route; 5] {
    [
        route("POST", "/v1.0/removebg", Needs::Cut, post(removebg::remove)),
        route("GET", "/v1.0/account", Needs::Read, get(removebg::account)),
        route("POST", "/v1.0/improve", Needs::Write, post(removebg::improve)),
        route("GET", "/api/remove", Needs::Cut, get(rembg::remove)),
        route("POST", "/api/remove", Needs::Cut, post(rembg::remove)),
    ]
}

/// The routes with everything around them.
pub fn router(app: &Arc<App>) -> Router {
    around(app, routes())
}

/// What tells whether a worker lives, and what it counts.
pub fn watching(app: &Arc<App>) -> Router {
    let watched = ["/v1/health", "/v1/ready", "/metrics"];
    around(app, routes().into_iter().filter(|route| watched.contains(&route.path)).collect())
}

fn around(app: &Arc<App>, routes: Vec<Route>) -> Router {
    let mut router = Router::new();
    for Route { path, needs, handler, .. } in routes {
        let app = app.clone();
        let check = move |request: Request, next: Next| access::check(app.clone(), needs, request, next);
        router = router.route(path, handler.route_layer(from_fn(check)));
    }
    // Pictures are compressed already, and so is what is made of them.
    let worthwhile = DefaultPredicate::new().and(NotForContentType::new("application/zip"));
    // Nor are a network's weights any smaller for it.
    let worthwhile = worthwhile.and(NotForContentType::new("application/octet-stream"));
    router
        .fallback(async || Problem::from(Error::new(Kind::NotFound, "there is nothing at this address")))
        .method_not_allowed_fallback(async || {
            Problem::from(Error::new(Kind::MethodNotAllowed, "this address does not take this method"))
        })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), problem::answer))
        .layer(CompressionLayer::new().compress_when(worthwhile))
        .layer(from_fn_with_state(app.clone(), strict_headers))
        .with_state(app.clone())
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::from(Error::new(Kind::Internal, "the request ended in a fault")).into_response()
}

/// What keeps browsers from taking an answer for more than it is.
async fn strict_headers(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    if app.config.tls_certificate.is_some() {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    if !response.headers().contains_key(header::CACHE_CONTROL) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

//! Every route, on one page, with what it asks of its caller.

mod access;
mod body;
mod compat;
mod cut;
mod form;
mod health;
mod jobs;
pub mod keys;
mod problem;
mod projects;
mod query;
mod remove;
pub mod time;
pub mod uploads;
mod webhooks;

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, head, options, post, put},
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

/// All routes of the service.
pub fn router(app: &Arc<App>) -> Router {
    let routes = Routes { app: app.clone(), router: Router::new() }
        .add("/v1/remove", Needs::Cut, post(remove::remove))
        .add("/v1/jobs", Needs::Read, get(jobs::list))
        .add("/v1/jobs", Needs::Write, post(jobs::create))
        .add("/v1/jobs/{id}", Needs::Read, get(jobs::get))
        .add("/v1/jobs/{id}", Needs::Write, delete(jobs::cancel))
        .add("/v1/jobs/{id}/items", Needs::Read, get(jobs::list_items))
        .add("/v1/jobs/{id}/events", Needs::Read, get(jobs::events))
        .add("/v1/jobs/{id}/results/{number}", Needs::Read, get(jobs::result))
        .add("/v1/uploads", Needs::Nothing, options(uploads::options))
        .add("/v1/uploads", Needs::Write, post(uploads::create))
        .add("/v1/uploads/{id}", Needs::Write, head(uploads::head).patch(uploads::append).delete(uploads::delete))
        .add("/v1/projects", Needs::Read, get(projects::list))
        .add("/v1/projects", Needs::Write, post(projects::create))
        .add("/v1/projects/{id}", Needs::Read, get(projects::get))
        .add("/v1/projects/{id}", Needs::Write, put(projects::replace).delete(projects::delete))
        .add("/v1/webhooks", Needs::Manage, get(webhooks::list).post(webhooks::create))
        .add("/v1/webhooks/{id}", Needs::Manage, delete(webhooks::delete))
        .add("/v1/webhooks/{id}/test", Needs::Manage, post(webhooks::test))
        .add("/v1/webhooks/{id}/deliveries", Needs::Manage, get(webhooks::deliveries))
        .add("/v1/webhooks/{id}/deliveries/{delivery}/redeliver", Needs::Manage, post(webhooks::redeliver))
        .add("/v1/models", Needs::Read, get(health::models))
        .add("/v1/account", Needs::Read, get(health::account))
        .add("/v1/keys", Needs::Manage, get(keys::list).post(keys::create))
        .add("/v1/keys/{id}", Needs::Manage, delete(keys::revoke))
        .add("/v1/audit", Needs::Manage, get(keys::audit_log))
        .add("/v1/health", Needs::Nothing, get(health::live))
        .add("/v1/ready", Needs::Nothing, get(health::ready))
        .add("/metrics", Needs::Manage, get(health::metrics))
        // Other programs' addresses.
        .add("/v1.0/removebg", Needs::Cut, post(removebg::remove))
        .add("/v1.0/account", Needs::Read, get(removebg::account))
        .add("/v1.0/improve", Needs::Write, post(removebg::improve))
        .add("/api/remove", Needs::Cut, get(rembg::remove).post(rembg::remove));
    routes.finish()
}

/// Routes that cannot be added without saying what they need.
struct Routes {
    app: Arc<App>,
    router: Router<Arc<App>>,
}

impl Routes {
    fn add(mut self, path: &str, needs: Needs, methods: MethodRouter<Arc<App>>) -> Self {
        let app = self.app.clone();
        let check = move |request: Request, next: Next| access::check(app.clone(), needs, request, next);
        self.router = self.router.route(path, methods.route_layer(from_fn(check)));
        self
    }

    fn finish(self) -> Router {
        // Pictures are compressed already, and so is what is made of them.
        let worthwhile = DefaultPredicate::new().and(NotForContentType::new("application/zip"));
        self.router
            .fallback(async || Problem::from(Error::new(Kind::NotFound, "there is nothing at this address")))
            .method_not_allowed_fallback(async || {
                Problem::from(Error::new(Kind::MethodNotAllowed, "this address does not take this method"))
            })
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn_with_state(self.app.clone(), problem::answer))
            .layer(CompressionLayer::new().compress_when(worthwhile))
            .layer(from_fn(strict_headers))
            .with_state(self.app)
    }
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::from(Error::new(Kind::Internal, "the request ended in a fault")).into_response()
}

/// What keeps browsers from taking an answer for more than it is.
async fn strict_headers(request: Request, next: Next) -> Response {
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
    if !response.headers().contains_key(header::CACHE_CONTROL) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

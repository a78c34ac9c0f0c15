//! What load balancers and monitoring ask, and what is installed.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{device, problem::Problem};
use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::{items, organisations, outbox},
    jobs::Status,
};

/// The process lives; what a page must know before anybody has signed in.
pub async fn live(State(app): State<Arc<App>>) -> Json<Value> {
    Json(json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "anonymous": app.config.anonymous,
        "on_device": device::is_offered(&app),
    }))
}

/// Requests can be served: the database answers and the default network is loaded.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    let database = app.db.check().await.is_ok();
    let checks = [("database", database), ("model", app.is_warm()), ("accepting", !app.is_stopping())];
    let ok = checks.iter().all(|(_, fine)| *fine);
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let checks: serde_json::Map<String, Value> =
        checks.into_iter().map(|(name, fine)| (name.to_owned(), fine.into())).collect();
    (status, Json(json!({"status": if ok { "ok" } else { "unavailable" }, "checks": checks}))).into_response()
}

/// Counters and histograms in Prometheus's text format, for whoever runs the service: the first organisation.
pub async fn metrics(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Result<Response, Problem> {
    // Without the database they are all the more of use.
    if organisations::first(&app.db).await.is_ok_and(|first| first.is_some_and(|first| first != caller.organisation)) {
        let message = "what the service counts is for the organisation that runs it";
        return Err(Error::new(Kind::Forbidden, message).into());
    }
    let (waiting, places) = app.inference.filling();
    metrics::gauge!("backgroundfx_admitted").set(waiting as f64);
    metrics::gauge!("backgroundfx_admitted_most").set(places as f64);
    metrics::gauge!("backgroundfx_running").set(app.inference.running() as f64);
    metrics::gauge!("backgroundfx_uptime_seconds").set(app.started.elapsed().as_secs_f64());
    // What is not there is told too: who scales by it must see it come to nothing.
    let depth = items::depth(&app.databases).await;
    metrics::gauge!("backgroundfx_dependency_up", "dependency" => "database").set(f64::from(u8::from(depth.is_ok())));
    let depth = depth.unwrap_or_default();
    for status in [Status::Queued, Status::Running] {
        let count = depth.get(status.name()).copied().unwrap_or_default();
        metrics::gauge!("backgroundfx_items", "status" => status.name()).set(count as f64);
    }
    let oldest = items::oldest(&app.databases, app.now()).await.unwrap_or_default();
    let waited = oldest.map_or(0.0, |created| (app.now() - created) as f64 / 1000.0);
    metrics::gauge!("backgroundfx_items_oldest_wait_seconds").set(waited);
    if app.config.queue.is_some() {
        metrics::gauge!("backgroundfx_outbox").set(outbox::depth(&app.databases).await.unwrap_or_default() as f64);
    }
    let text = app.metrics.render();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// The models that requests may name.
pub async fn models(State(app): State<Arc<App>>) -> Json<Value> {
    let (catalog, store) = (app.inference.catalog(), app.inference.engine().store());
    let here =
        catalog.cards().iter().filter(|card| card.is_key() || card.name == app.model() || catalog.is_here(store, card));
    let shown: Vec<Value> = here
        .map(|card| {
            json!({
                "name": card.name, "family": card.family, "about": card.about, "matting": card.is_matting(),
                "asks_for_points": card.is_prompted(), "default": card.name == app.model(),
                "classes": card.output.classes,
            })
        })
        .collect();
    Json(json!({"models": shown}))
}

/// Who the key is, and what it may still send.
pub async fn account(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    let left = app.rates.look(&caller.actor).await;
    Ok(Json(json!({
        "organisation": caller.organisation,
        "actor": caller.actor,
        "role": caller.role.name(),
        "scopes": caller.scopes.names().collect::<Vec<_>>(),
        "rate": {"megapixels_per_minute": left.limit, "remaining": left.remaining},
        "limits": {
            "body_megabytes": app.config.body_megabytes,
            "max_megapixels": app.config.max_megapixels,
            "result_hours": app.config.result_hours,
        },
    })))
}

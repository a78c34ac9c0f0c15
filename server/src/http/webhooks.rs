//! `/v1/webhooks`: addresses that are told when jobs end.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{body, keys::audit, problem::Problem, time};
use crate::{
    App, Error, Kind, Result,
    auth::Caller,
    db::{
        deliveries::{self, Delivery},
        webhooks::{self, Webhook},
    },
    webhooks::new_secret,
};

/// Most addresses of one organisation.
const MOST: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewWebhook {
    url: String,
}

/// Lists the organisation's addresses.
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Result<Json<Value>, Problem> {
    let all = webhooks::list(&app.db, &caller.organisation).await?;
    Ok(Json(json!({"webhooks": all.iter().map(show).collect::<Vec<_>>()})))
}

/// Adds an address and shows its secret, once.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let wanted: NewWebhook = body::json(request).await?;
    if wanted.url.len() > 2000 {
        return Err(Error::new(Kind::RequestInvalid, "url must have at most 2000 letters").into());
    }
    app.fetcher.allow(&wanted.url)?;
    if webhooks::list(&app.db, &caller.organisation).await?.len() >= MOST {
        return Err(Error::new(Kind::Conflict, format!("there are {MOST} webhooks already")).into());
    }
    let (id, secret) = (app.new_id("webhook"), new_secret());
    let locked = app.vault.lock(&secret, &id)?;
    let webhook = Webhook { id, url: wanted.url, secret: locked, created: app.now(), disabled: None };
    let mut work = app.db.begin_alone().await?;
    webhooks::insert(&mut work, &caller.organisation, &webhook).await?;
    audit(&mut work, &caller, "webhook.create", &webhook.id).await?;
    work.commit().await?;
    let mut shown = show(&webhook);
    shown["secret"] = secret.into();
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// Removes an address.
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let webhook = webhooks::get(&app.db, &caller.organisation, &id).await?;
    let mut work = app.db.begin_alone().await?;
    webhooks::delete(&mut work, &webhook.id).await?;
    audit(&mut work, &caller, "webhook.delete", &webhook.id).await?;
    work.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells an address something that means nothing.
pub async fn test(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let webhook = webhooks::get(&app.db, &caller.organisation, &id).await?;
    let payload = json!({"type": "test", "timestamp": time::shown(app.now()), "data": {}}).to_string();
    let mut work = app.db.begin_alone().await?;
    let id = deliveries::insert(&mut work, &webhook.id, "test", &payload, app.now()).await?;
    work.commit().await?;
    app.tell.notify_one();
    Ok((StatusCode::ACCEPTED, Json(json!({"id": id}))).into_response())
}

/// What an address was told, newest first.
pub async fn deliveries(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let webhook = webhooks::get(&app.db, &caller.organisation, &id).await?;
    let told = deliveries::list(&app.db, &webhook.id, 200).await?;
    Ok(Json(json!({"deliveries": told.iter().map(show_delivery).collect::<Vec<_>>()})))
}

/// Tells an address something again.
pub async fn redeliver(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let webhook = webhooks::get(&app.db, &caller.organisation, &id).await?;
    deliveries::again(&app.db, &webhook.id, &delivery, app.now()).await?;
    app.tell.notify_one();
    Ok(StatusCode::ACCEPTED)
}

fn show(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id, "url": webhook.url, "created": time::shown(webhook.created), "disabled": webhook.disabled,
    })
}

fn show_delivery(delivery: &Delivery) -> Value {
    let next = (delivery.status == "waiting").then(|| time::shown(delivery.next_at));
    json!({
        "id": delivery.id, "event": delivery.event, "status": delivery.status, "attempts": delivery.attempts,
        "created": time::shown(delivery.created), "next": next, "last_answer": delivery.last_answer,
        "payload": serde_json::from_str::<Value>(&delivery.payload).unwrap_or_default(),
    })
}

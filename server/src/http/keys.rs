//! `/v1/keys` and `/v1/audit`: who may call, and who changed what.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{body, problem::Problem, time};
use crate::{
    App, Error, Kind, Result,
    app::{new_id, now},
    auth::{Caller, Role, Scopes, keys, signed_in},
    db::{
        Work,
        api_keys::{self, ApiKey},
        audit_log::{self, Entry},
    },
};

/// A key that is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    name: String,
    role: Role,
    scopes: Option<Vec<String>>,
}

/// Lists the organisation's keys.
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Result<Json<Value>, Problem> {
    let keys = api_keys::list(&app.db, &caller.organisation).await?;
    Ok(Json(json!({"keys": keys.iter().map(show).collect::<Vec<_>>()})))
}

/// Makes a key and shows it, once.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let wanted: NewKey = body::json(request).await?;
    let name = named(&wanted.name)?;
    if !caller.role.may_give(wanted.role) {
        let message = format!("the role {} may not give {}", caller.role.name(), wanted.role.name());
        return Err(Error::new(Kind::Forbidden, message).into());
    }
    let names = |names: &Vec<String>| Scopes::named(names.iter().map(String::as_str));
    let scopes = wanted.scopes.as_ref().map_or(Ok(caller.scopes), names)?;
    if !caller.scopes.contain(scopes) {
        return Err(Error::new(Kind::Forbidden, "a key gives no scope that it does not have itself").into());
    }
    let mut work = app.db.begin_alone().await?;
    let mut key = blank(name, wanted.role);
    key.scopes = scopes;
    let text = add(&mut work, &caller.organisation, &mut key).await?;
    audit(&mut work, &caller, "key.create", &key.id).await?;
    work.commit().await?;
    let mut shown = show(&key);
    shown["key"] = text.into();
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// Revokes a key.
pub async fn revoke(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let keys = api_keys::list(&app.db, &caller.organisation).await?;
    let unknown = || Error::new(Kind::NotFound, format!("there is no key {id:?}"));
    let key = keys.iter().find(|key| key.id == id).ok_or_else(unknown)?;
    if !caller.role.may_give(key.role) {
        let message = format!("the role {} may not revoke a key of the role {}", caller.role.name(), key.role.name());
        return Err(Error::new(Kind::Forbidden, message).into());
    }
    let mut work = app.db.begin_alone().await?;
    if !api_keys::revoke(&mut work, &caller.organisation, &id, app.now()).await? {
        return Err(unknown().into());
    }
    audit(&mut work, &caller, "key.revoke", &id).await?;
    signed_in::end_with(&app, work, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the newest changes.
pub async fn audit_log(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    let entries = audit_log::list(app.reading(&caller.organisation).await, &caller.organisation, None, 200).await?;
    let shown: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "id": entry.id, "actor": entry.actor, "action": entry.action, "target": entry.target,
                "at": time::shown(entry.at),
            })
        })
        .collect();
    Ok(Json(json!({"entries": shown})))
}

/// A name without the spaces around it.
///
/// # Errors
/// [`Kind::RequestInvalid`] for one of no characters, or over 100.
pub fn named(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(Error::new(Kind::RequestInvalid, "name must have 1 to 100 characters"));
    }
    Ok(name)
}

/// A key for all that a role may, before it is added.
pub fn blank(name: &str, role: Role) -> ApiKey {
    ApiKey {
        id: new_id("key"),
        name: name.to_owned(),
        prefix: String::new(),
        role,
        scopes: Scopes::ALL,
        created: now(),
        last_used: None,
    }
}

/// Adds a key to the table and gives its text, which is nowhere else.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn add(work: &mut Work, organisation: &str, key: &mut ApiKey) -> Result<String> {
    let text = keys::generate();
    key.prefix = keys::shown(&text);
    api_keys::insert(work, organisation, key, &keys::hash(&text)).await?;
    Ok(text)
}

/// Notes a change in the same work as the change.
///
/// # Errors
/// [`Kind::DatabaseUnusable`].
pub async fn audit(work: &mut Work, caller: &Caller, action: &str, target: &str) -> Result<()> {
    let entry = Entry {
        id: new_id("audit"),
        actor: caller.actor.clone(),
        action: action.to_owned(),
        target: target.to_owned(),
        at: now(),
    };
    audit_log::insert(work, &caller.organisation, &entry).await
}

fn show(key: &ApiKey) -> Value {
    json!({
        "id": key.id, "name": key.name, "prefix": key.prefix, "role": key.role.name(),
        "scopes": key.scopes.names().collect::<Vec<_>>(),
        "created": time::shown(key.created), "last_used": key.last_used.map(time::shown),
    })
}

//! `/v1/users`, `/v1/sessions` and `/v1/tokens`: people, how they sign in, and what their services carry.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{access, body, keys::audit, problem::Problem, time};
use crate::{
    App, Error, Kind, Result,
    auth::{Caller, Role, Scopes, keys, passwords, signed_in, tokens},
    db::{
        Database, api_keys, sessions,
        users::{self, User},
    },
};

/// How long a session lasts, in seconds.
const SESSION: i64 = 14 * 24 * 3600;
/// How long a token lasts unless asked otherwise, and at most, in seconds.
const TOKEN: (i64, i64) = (900, 86_400);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: Option<String>,
    password: Option<String>,
    api_key: Option<String>,
}

/// `POST /v1/sessions`: signs in by address and password, or by an API key; the browser keeps a cookie.
pub async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let asked: SignIn = body::json(request).await?;
    let (db, caller) = match (&asked.email, &asked.password, &asked.api_key) {
        (Some(email), Some(password), None) => by_password(&app, &address(email)?, password).await?,
        (None, None, Some(key)) => by_key(&app, key).await?,
        _ => return Err(Error::new(Kind::RequestInvalid, "send email and password, or api_key").into()),
    };
    let text = keys::generate();
    let expires = app.now() + SESSION * 1000;
    sessions::insert(db, &keys::hash(&text), &caller, app.now(), expires).await?;
    let secure = if app.config.tls_certificate.is_some() { "; Secure" } else { "" };
    let cookie = format!("{}={text}; Path=/; HttpOnly; SameSite=Strict; Max-Age={SESSION}{secure}", access::COOKIE);
    let shown = json!({"actor": caller.actor, "role": caller.role.name(), "expires": time::shown(expires)});
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(shown)).into_response())
}

/// Whose key it is, and in which database.
async fn by_key<'a>(app: &'a App, key: &str) -> Result<(&'a Database, Caller)> {
    let hash = keys::hash(key);
    for db in &app.databases {
        if let Some((caller, _)) = api_keys::caller(db, &hash).await? {
            return Ok((db, caller));
        }
    }
    Err(Error::new(Kind::Unauthenticated, "the API key is not known here"))
}

async fn by_password<'a>(app: &'a App, email: &str, password: &str) -> Result<(&'a Database, Caller)> {
    for bucket in [email, "everybody"] {
        let limits = if bucket == email { &app.sign_ins } else { &app.all_sign_ins };
        limits.take(bucket).await.map_err(|error| {
            let wait = error.retry_after().unwrap_or(Duration::from_secs(60));
            Error::new(Kind::RateLimited, "too many have tried to sign in").after(wait)
        })?;
    }
    let found = users::with_email(&app.databases, email).await?;
    let hash = found.as_ref().and_then(|(_, user)| user.password_hash.as_deref());
    let fits = passwords::verify(password, hash).await?;
    let (db, user) =
        found.filter(|_| fits).ok_or_else(|| Error::new(Kind::Unauthenticated, "address or password is wrong"))?;
    Ok((db, Caller { actor: user.id, organisation: user.organisation, role: user.role, scopes: Scopes::ALL }))
}

/// `DELETE /v1/sessions`: signs out.
pub async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(session) = access::session(&headers) {
        signed_in::end(&app, &keys::hash(session)).await?;
    }
    let cookie = format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0", access::COOKIE);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    role: Option<Role>,
    expires_in: Option<i64>,
}

/// `POST /v1/tokens`: a JWT for a service, of the caller's role or a lesser one.
pub async fn token(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let asked: NewToken = body::json(request).await?;
    let role = asked.role.unwrap_or(caller.role);
    if !caller.role.is_at_least(role) {
        let message = format!("the role {} may not give {}", caller.role.name(), role.name());
        return Err(Error::new(Kind::Forbidden, message).into());
    }
    let seconds = asked.expires_in.unwrap_or(TOKEN.0);
    if !(1..=TOKEN.1).contains(&seconds) {
        let message = format!("expires_in is {seconds}, allowed is 1 to {}", TOKEN.1);
        return Err(Error::new(Kind::RequestInvalid, message).into());
    }
    let (now, expires) = (app.now() / 1000, app.now() / 1000 + seconds);
    let token = tokens::issue(&app.vault, &Caller { role, ..caller }, now, expires)?;
    let shown = json!({"token": token, "role": role.name(), "expires": time::shown(expires * 1000)});
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// `GET /v1/users`.
pub async fn list(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Result<Json<Value>, Problem> {
    let all = users::list(&app.db, &caller.organisation).await?;
    Ok(Json(json!({"users": all.iter().map(show).collect::<Vec<_>>()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    email: String,
    role: Role,
    password: Option<String>,
}

/// `POST /v1/users`.
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let wanted: NewUser = body::json(request).await?;
    may_give(&caller, wanted.role)?;
    let password_hash = match &wanted.password {
        Some(password) => Some(passwords::hash(password).await?),
        None => None,
    };
    let user = User {
        id: app.new_id("user"),
        organisation: caller.organisation.clone(),
        email: address(&wanted.email)?,
        password_hash,
        role: wanted.role,
        created: app.now(),
    };
    users::must_be_free(&app.databases, &user.email).await?;
    let mut work = app.db.begin_alone().await?;
    users::insert(&mut work, &user).await?;
    audit(&mut work, &caller, "user.create", &user.id).await?;
    work.commit().await?;
    Ok((StatusCode::CREATED, Json(show(&user))).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    role: Option<Role>,
    password: Option<String>,
}

/// `PATCH /v1/users/{id}`: role and password. Whoever is changed has to sign in again.
pub async fn change(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let wanted: Change = body::json(request).await?;
    let mut user = users::get(&app.db, &caller.organisation, &id).await?;
    may_give(&caller, user.role)?;
    let was_owner = user.role == Role::Owner;
    if let Some(role) = wanted.role {
        may_give(&caller, role)?;
        user.role = role;
    }
    if let Some(password) = &wanted.password {
        user.password_hash = Some(passwords::hash(password).await?);
    }
    let mut work = app.db.begin_alone().await?;
    users::update(&mut work, &user).await?;
    keep_an_owner(&mut work, &caller.organisation, was_owner).await?;
    audit(&mut work, &caller, "user.change", &user.id).await?;
    signed_in::end_with(&app, work, &user.id).await?;
    Ok(Json(show(&user)))
}

/// `DELETE /v1/users/{id}`.
pub async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let user = users::get(&app.db, &caller.organisation, &id).await?;
    may_give(&caller, user.role)?;
    let mut work = app.db.begin_alone().await?;
    users::delete(&mut work, &user.id).await?;
    keep_an_owner(&mut work, &caller.organisation, user.role == Role::Owner).await?;
    audit(&mut work, &caller, "user.delete", &user.id).await?;
    signed_in::end_with(&app, work, &user.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn keep_an_owner(work: &mut crate::db::Work, organisation: &str, concerned: bool) -> Result<()> {
    if concerned && users::owners(work, organisation).await? == 0 {
        return Err(Error::new(Kind::Conflict, "an organisation keeps an owner: make somebody else one first"));
    }
    Ok(())
}

fn may_give(caller: &Caller, role: Role) -> Result<()> {
    // Somebody who signs in has no scopes to hold them back.
    if caller.scopes != Scopes::ALL {
        return Err(Error::new(Kind::Forbidden, "a key for some scopes only may not add or change users"));
    }
    if caller.role.may_give(role) {
        return Ok(());
    }
    let message = format!("the role {} may not add or change users of the role {}", caller.role.name(), role.name());
    Err(Error::new(Kind::Forbidden, message))
}

/// An address as it is kept.
///
/// # Errors
/// [`Kind::RequestInvalid`] for what is none.
pub fn address(text: &str) -> Result<String> {
    let text = text.trim().to_lowercase();
    let fits = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if fits && text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Ok(text);
    }
    Err(Error::new(Kind::RequestInvalid, format!("{text:?} is no e-mail address")))
}

fn show(user: &User) -> Value {
    json!({
        "id": user.id, "email": user.email, "role": user.role.name(), "can_sign_in": user.password_hash.is_some(),
        "created": time::shown(user.created),
    })
}

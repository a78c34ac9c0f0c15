//! Who may call a route: the key is looked up, the role is asked, before anything of the body is read.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{form::drain, problem::Problem, shards::Refused};
use crate::{
    App, Error, Kind, Result,
    auth::{Caller, Needs, Role, Scopes, keys, signed_in, tokens},
    db::{api_keys, organisations},
};

/// The cookie of a session.
pub const COOKIE: &str = "bfx_session";

/// Times in milliseconds closer than this are not worth a write.
const USED_AGAIN: i64 = 60_000;

/// Lets a request through whose caller may do what the route needs, and tells the route who it is.
pub async fn check(app: Arc<App>, needs: Needs, mut request: Request, next: Next) -> Response {
    let mut writer = None;
    if needs != Needs::Nothing {
        let found = match request.extensions_mut().remove::<Refused>().and_then(Refused::reason) {
            Some(error) => Err(error),
            None => within_patience(&app, needs, request.method(), request.headers()).await,
        };
        match found {
            Ok(caller) => {
                // What is only cut out changes nothing that is listed.
                writer = (needs != Needs::Cut && !request.method().is_safe()).then(|| caller.organisation.clone());
                request.extensions_mut().insert(caller);
            }
            Err(error) => {
                // Most clients read no answer before they have sent everything.
                drain(request.into_body().into_data_stream()).await;
                return Problem::from(error).into_response();
            }
        }
    }
    let response = next.run(request).await;
    if let Some(organisation) = writer {
        app.wrote(&organisation).await;
    }
    response
}

async fn within_patience(app: &Arc<App>, needs: Needs, method: &Method, headers: &HeaderMap) -> Result<Caller> {
    let looking = caller(app, needs, method, headers);
    let found = tokio::time::timeout(app.db.patience(), looking).await;
    let silent = || Error::new(Kind::DatabaseUnusable, "the database does not answer").after(Duration::from_secs(2));
    found.unwrap_or_else(|_| Err(silent()))
}

async fn caller(app: &Arc<App>, needs: Needs, method: &Method, headers: &HeaderMap) -> Result<Caller> {
    let caller = match (key(headers), session(headers)) {
        (Some(token), _) if token.starts_with("eyJ") => by_token(app, token).await?,
        (Some(key), _) => by_key(app, key).await?,
        (None, Some(session)) => by_session(app, session, method, headers).await?,
        (None, None) if needs == Needs::Cut && app.config.anonymous => return anonymous(app).await,
        (None, None) => return Err(Error::new(Kind::Unauthenticated, "the request brings no API key")),
    };
    caller.check(needs)?;
    Ok(caller)
}

async fn by_key(app: &Arc<App>, key: &str) -> Result<Caller> {
    let unknown = || Error::new(Kind::Unauthenticated, "the API key is not known here, or was revoked");
    let (caller, used) = api_keys::caller(&app.db, &keys::hash(key)).await?.ok_or_else(unknown)?;
    let now = app.now();
    if used.is_none_or(|used| now - used > USED_AGAIN) {
        // Nobody waits for it: on an embedded database others may be writing.
        let (app, actor) = (app.clone(), caller.actor.clone());
        tokio::spawn(async move {
            if let Err(error) = api_keys::touch(&app.db, &actor, now).await {
                tracing::warn!(%error, "cannot note that a key was used");
            }
        });
    }
    Ok(caller)
}

async fn by_token(app: &App, token: &str) -> Result<Caller> {
    let unknown = || Error::new(Kind::Unauthenticated, "the token is not this server's, or is over");
    let caller = tokens::caller(&app.vault, token).ok_or_else(unknown)?;
    // A revoked key takes its tokens with it.
    if !api_keys::is_there(&app.db, &caller.organisation, &caller.actor).await? {
        return Err(unknown());
    }
    Ok(caller)
}

async fn by_session(app: &App, session: &str, method: &Method, headers: &HeaderMap) -> Result<Caller> {
    // Browsers send cookies by themselves: what changes something must come from our own pages.
    if !method.is_safe() && !is_from_here(headers) {
        return Err(Error::new(Kind::Forbidden, "the request comes from a page of another site"));
    }
    let found = signed_in::caller(app, &keys::hash(session)).await?;
    found.ok_or_else(|| Error::new(Kind::Unauthenticated, "the session is over: sign in again"))
}

/// Whether a browser says that the request comes from a page of this server.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), _, _) => site == "same-origin",
        (None, Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        _ => false,
    }
}

/// What a browser keeps of its session.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies
        .split(';')
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
        .filter(|text| !text.is_empty())
}

async fn anonymous(app: &App) -> Result<Caller> {
    let organisation = organisations::first(&app.db).await?;
    let organisation = organisation.ok_or_else(|| Error::new(Kind::Internal, "the server has no organisation yet"))?;
    Ok(Caller { actor: Caller::ANONYMOUS.to_owned(), organisation, role: Role::Editor, scopes: Scopes::ALL })
}

/// The key of a request, as all clients spell it.
pub fn key(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let bearer = || {
        let (scheme, key) = text(header::AUTHORIZATION.as_str())?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    };
    text("x-api-key").or_else(bearer).filter(|key| !key.is_empty())
}

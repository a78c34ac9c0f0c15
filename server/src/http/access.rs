//! Who may call a route: the key is looked up, the role is asked, before anything of the body is read.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::problem::Problem;
use crate::{
    App, Error, Kind, Result,
    auth::{Caller, Needs, Role, keys},
    db::{api_keys, organisations},
};

/// Times in milliseconds closer than this are not worth a write.
const USED_AGAIN: i64 = 60_000;

/// Lets a request through whose caller may do what the route needs, and tells the route who it is.
pub async fn check(app: Arc<App>, needs: Needs, mut request: Request, next: Next) -> Response {
    if needs != Needs::Nothing {
        match caller(&app, needs, request.headers()).await {
            Ok(caller) => _ = request.extensions_mut().insert(caller),
            Err(error) => return Problem::from(error).into_response(),
        }
    }
    next.run(request).await
}

async fn caller(app: &App, needs: Needs, headers: &HeaderMap) -> Result<Caller> {
    let Some(key) = key(headers) else {
        if needs == Needs::Cut && app.config.anonymous {
            return anonymous(app).await;
        }
        return Err(Error::new(Kind::Unauthenticated, "the request brings no API key"));
    };
    let unknown = || Error::new(Kind::Unauthenticated, "the API key is not known here, or was revoked");
    let (caller, used) = api_keys::caller(&app.db, &keys::hash(key)).await?.ok_or_else(unknown)?;
    if !caller.role.may(needs) {
        return Err(Error::new(Kind::Forbidden, format!("a key of the role {} may not do this", caller.role.name())));
    }
    let now = app.now();
    if used.is_none_or(|used| now - used > USED_AGAIN)
        && let Err(error) = api_keys::touch(&app.db, &caller.actor, now).await
    {
        tracing::warn!(%error, "cannot note that a key was used");
    }
    Ok(caller)
}

async fn anonymous(app: &App) -> Result<Caller> {
    let organisation = organisations::first(&app.db).await?;
    let organisation = organisation.ok_or_else(|| Error::new(Kind::Internal, "the server has no organisation yet"))?;
    Ok(Caller { actor: "anonymous".to_owned(), organisation, role: Role::Editor })
}

/// The key of a request, as all clients spell it.
fn key(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let bearer = || {
        let (scheme, key) = text(header::AUTHORIZATION.as_str())?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    };
    text("x-api-key").or_else(bearer).filter(|key| !key.is_empty())
}

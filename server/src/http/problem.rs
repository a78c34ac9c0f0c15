//! From errors to answers: the one place where kinds become statuses, and where every answer gets its request id.
//!
//! Handlers give a [`Problem`]; the outermost layer writes it in the dialect of the address. Causes go to the log only.

use std::{sync::Arc, time::Instant};

use axum::{
    Json,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tracing::Instrument;

use super::compat;
use crate::{App, Error, Kind};

/// Names a request in answers and in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An error on its way to being an answer.
#[derive(Debug, Clone)]
pub struct Problem(pub Arc<Error>);

impl<E: Into<Error>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(Arc::new(error.into()))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = status(self.0.kind()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

fn status(kind: Kind) -> StatusCode {
    StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The outermost layer: request id, log line, counters, and errors in the address's dialect.
pub async fn answer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers()).unwrap_or_else(|| app.new_id("req"));
    let method = request.method().clone();
    // Addresses by their patterns: as they are sent, there are endlessly many.
    let path = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let place = request.uri().path().to_owned();
    let began = Instant::now();
    let value = HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("invalid"));
    request.headers_mut().insert(REQUEST_ID, value.clone());
    let span = tracing::info_span!("request", id = %id, method = %method, path = %path);
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>().or_else(|| unread(&response)) {
        metrics::counter!("backgroundfx_errors_total", "code" => problem.0.kind().code()).increment(1);
        span.in_scope(|| log(&problem.0));
        let headers = std::mem::take(response.headers_mut());
        response = render(&problem.0, &place, &id);
        // What routing said beside the status, as in Allow.
        headers.into_iter().for_each(|(name, value)| {
            if let Some(name) = name.filter(|name| name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE) {
                response.headers_mut().entry(name).or_insert(value);
            }
        });
    }
    response.headers_mut().insert(REQUEST_ID, value);
    let (took, code) = (began.elapsed(), response.status().as_u16());
    metrics::histogram!("backgroundfx_request_seconds", "path" => path, "method" => method.to_string())
        .record(took.as_secs_f64());
    metrics::counter!("backgroundfx_requests_total", "status" => code.to_string()).increment(1);
    span.in_scope(|| tracing::info!(status = code, took_ms = took.as_millis() as u64, "answered"));
    response
}

/// What the router could not read of an address: it would answer in plain text.
fn unread(response: &Response) -> Option<Problem> {
    let kind = response.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    let refused = response.status() == StatusCode::BAD_REQUEST && kind.starts_with("text/plain");
    refused.then(|| Error::new(Kind::RequestInvalid, "a part of the address is not of its kind").into())
}

/// The client's own id, when it is short and of harmless letters.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    ((1..=64).contains(&id.len()) && id.chars().all(harmless)).then(|| id.to_owned())
}

fn log(error: &Error) {
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    let (code, causes) = (error.kind().code(), causes.join(": "));
    match error.kind().status() {
        500.. => tracing::error!(code, error = %error, causes, "failed"),
        _ => tracing::debug!(code, error = %error, causes, "refused"),
    }
}

fn render(error: &Error, place: &str, id: &str) -> Response {
    let mut response = match compat::dialect(place) {
        Some(dialect) => dialect(error),
        None => native(error, id),
    };
    if let Some(wait) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
    }
    if error.kind() == Kind::Unauthenticated && response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Problem details (RFC 9457), with our code and hint.
fn native(error: &Error, id: &str) -> Response {
    let (kind, status) = (error.kind(), status(error.kind()));
    let body = json!({
        "type": format!("urn:backgroundfx:error:{}", kind.code()),
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": error.told(),
        "code": kind.code(),
        "hint": kind.hint(),
        "request_id": id,
    });
    let media_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, media_type, Json(body).into_response().into_body()).into_response()
}

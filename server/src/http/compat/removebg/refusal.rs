//! Errors as remove.bg's clients read them: `{"errors": [{"title", "code", "detail"}]}`.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use backgroundfx_core as core;
use serde_json::json;

use crate::{Error, Kind};

/// An error in remove.bg's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    code: &'static str,
    title: String,
    detail: Option<String>,
    retry_after: Option<u64>,
}

impl Refusal {
    /// An error with one of remove.bg's codes.
    pub fn new(status: u16, code: &'static str, title: impl Into<String>) -> Self {
        Self { status, code, title: title.into(), detail: None, retry_after: None }
    }

    /// Adds what we know of it.
    #[must_use]
    pub fn about(mut self, error: &Error) -> Self {
        self.detail = Some(error.told());
        self
    }

    /// Says after how many seconds to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// Our kinds in remove.bg's terms: status, code and title.
fn translated(kind: Kind) -> (u16, &'static str, &'static str) {
    use core::Kind as K;
    match kind {
        Kind::Unauthenticated => (403, "auth_failed", "API Key invalid or missing"),
        Kind::Forbidden => (403, "auth_failed", "API Key not allowed to do this"),
        Kind::NotFound => (404, "not_found", "Not found"),
        Kind::MethodNotAllowed => (405, "method_not_allowed", "Method not allowed"),
        Kind::BodyTooLarge => (400, "file_too_large", "File too large"),
        Kind::ContentUnsupported | Kind::RequestInvalid => (400, "invalid_request", "Invalid request"),
        Kind::UrlRefused => (400, "invalid_image_url", "Invalid image_url"),
        Kind::FetchFailed => (400, "failed_image_download", "Failed to download image"),
        Kind::Busy | Kind::RateLimited => (429, "rate_limit_exceeded", "Rate limit exceeded"),
        Kind::Picture(kind) => match kind {
            K::FormatUnsupported => (400, "invalid_file_type", "Invalid file type"),
            K::PictureCorrupt | K::InputEmpty => (400, "failed_to_read_image", "Failed to read image"),
            K::PictureTooLarge => (400, "resolution_too_high", "Image resolution too high"),
            K::SelectionMissed => (400, "roi_exceeds_bounds", "ROI exceeds the image"),
            K::BackgroundInvalid => (400, "failed_to_read_bg_image", "Failed to read background image"),
            K::NoSubject => (400, "unknown_foreground", "Could not identify foreground in image"),
            kind => (Kind::Picture(kind).status(), kind.row().code, "Image cannot be processed"),
        },
        other => (other.status(), other.code(), "Server error, try again"),
    }
}

impl From<&Error> for Refusal {
    fn from(error: &Error) -> Self {
        let (status, code, title) = translated(error.kind());
        let retry_after = error.retry_after().map(|wait| wait.as_secs().max(1));
        Self { status, code, title: title.to_owned(), detail: Some(error.told()), retry_after }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        metrics::counter!("backgroundfx_errors_total", "code" => self.code).increment(1);
        tracing::debug!(code = self.code, detail = self.detail, "refused");
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut error = json!({"title": self.title, "code": self.code});
        if let Some(detail) = self.detail {
            error["detail"] = detail.into();
        }
        let mut response = (status, Json(json!({"errors": [error]}))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

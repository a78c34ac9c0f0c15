//! Everything that can go wrong in the service, as one type and one table from kind to status, code and hint.

mod pictures;

use std::{error::Error as StdError, fmt, io::ErrorKind, time::Duration};

use backgroundfx_core as core;

/// A failure: what kind it is, what failed and on what, and the cause below it, which only the log sees.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of anything in this crate that may fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for programs. New kinds may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// What the library reports of a picture, its options or a model.
    Picture(core::Kind),
    /// The request cannot be understood.
    RequestInvalid,
    /// The body is larger than this server takes.
    BodyTooLarge,
    /// The body is of a type that this route does not take.
    ContentUnsupported,
    /// No key, or one that is not known.
    Unauthenticated,
    /// The key may not do this.
    Forbidden,
    /// There is nothing at this address, or nothing of that name for this key.
    NotFound,
    /// The address does not take this method.
    MethodNotAllowed,
    /// The thing is in a state that does not allow this.
    Conflict,
    /// An idempotency key came again with another request.
    IdempotencyMismatch,
    /// An address that this server does not fetch from.
    UrlRefused,
    /// An address gave no picture.
    FetchFailed,
    /// The range asked for is not inside the file.
    RangeInvalid,
    /// The waiting room is full.
    Busy,
    /// The key asks more often than it may.
    RateLimited,
    /// The request took longer than it may.
    TookTooLong,
    /// The server is being stopped.
    Stopping,
    /// The database cannot be used.
    DatabaseUnusable,
    /// Results cannot be kept or read.
    StorageUnusable,
    /// The disk is full.
    StorageFull,
    /// A setting has a value outside what it allows.
    ConfigInvalid,
    /// The address to listen on cannot be used.
    ListenFailed,
    /// A fault in this program.
    Internal,
}

/// A kind with what clients and people are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindRow {
    /// The kind.
    pub kind: Kind,
    /// The HTTP status it is answered with.
    pub status: u16,
    /// The stable code.
    pub code: &'static str,
    /// What the reader can do.
    pub hint: &'static str,
}

const fn row(kind: Kind, status: u16, code: &'static str, hint: &'static str) -> KindRow {
    KindRow { kind, status, code, hint }
}

/// The kinds that are the service's own; those of pictures are in [`core::KINDS`].
pub const KINDS: &[KindRow] = &[
    row(
        Kind::RequestInvalid,
        400,
        "request_invalid",
        "compare the request with the API's description at /v1/openapi.json",
    ),
    row(Kind::BodyTooLarge, 413, "body_too_large", "send a smaller file; large ones go through /v1/uploads"),
    row(Kind::ContentUnsupported, 415, "content_unsupported", "send multipart/form-data or application/json"),
    row(
        Kind::Unauthenticated,
        401,
        "unauthenticated",
        "send the key as `Authorization: Bearer bfx_…` or `X-API-Key: bfx_…`; `backgroundfx serve` prints one at its first start",
    ),
    row(
        Kind::Forbidden,
        403,
        "forbidden",
        "use a key whose role and scopes allow this; an owner or admin can make one",
    ),
    row(
        Kind::NotFound,
        404,
        "not_found",
        "check the address; things of other organisations and expired results are not shown",
    ),
    row(Kind::MethodNotAllowed, 405, "method_not_allowed", "the header Allow lists the methods of this address"),
    row(Kind::Conflict, 409, "conflict", "look at the thing's present state first"),
    row(Kind::IdempotencyMismatch, 422, "idempotency_mismatch", "use a new Idempotency-Key for another request"),
    row(
        Kind::UrlRefused,
        400,
        "url_refused",
        "name a public http or https address; the operator can allow hosts of the own network",
    ),
    row(Kind::FetchFailed, 400, "fetch_failed", "check that the address answers with a picture, without signing in"),
    row(Kind::RangeInvalid, 416, "range_invalid", "the header Content-Range tells the file's length"),
    row(
        Kind::Busy,
        429,
        "busy",
        "try again after the seconds in Retry-After, or send a job to /v1/jobs, which waits its turn",
    ),
    row(Kind::RateLimited, 429, "rate_limited", "try again after the seconds in Retry-After"),
    row(Kind::TookTooLong, 503, "took_too_long", "try again, send a smaller picture, or send a job to /v1/jobs"),
    row(Kind::Stopping, 503, "stopping", "the server is being stopped; try again in a moment"),
    row(
        Kind::DatabaseUnusable,
        503,
        "database_unusable",
        "try again in a moment; the operator finds the cause in the log",
    ),
    row(
        Kind::StorageUnusable,
        503,
        "storage_unusable",
        "try again in a moment; the operator finds the cause in the log",
    ),
    row(
        Kind::StorageFull,
        507,
        "storage_full",
        "delete jobs that are no longer needed, or have the operator make room",
    ),
    row(Kind::ConfigInvalid, 500, "serve_config_invalid", "`backgroundfx config default` explains every setting"),
    row(Kind::ListenFailed, 500, "listen_failed", "another program may use the address; name another with --listen"),
    row(Kind::Internal, 500, "internal_error", "this is a fault in backgroundfx; report it with the request id"),
];

impl Kind {
    fn row(self) -> &'static KindRow {
        KINDS.iter().find(|row| row.kind == self).expect("a test checks that every kind has its row")
    }

    /// The kind of that code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        let own = KINDS.iter().find(|row| row.code == code).map(|row| row.kind);
        own.or_else(|| core::KINDS.iter().find(|row| row.code == code).map(|row| Self::Picture(row.kind)))
    }

    /// The stable snake-case code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Picture(kind) => kind.row().code,
            own => own.row().code,
        }
    }

    /// What the reader can do.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::Picture(kind) => pictures::hint(kind),
            own => own.row().hint,
        }
    }

    /// The HTTP status it is answered with.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Picture(kind) => pictures::status(kind),
            own => own.row().status,
        }
    }
}

impl Error {
    /// Makes an error of this kind; `message` says what failed and on what.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, source: None }
    }

    /// Adds the cause, kept for logs.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says when trying again may help.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// What went wrong, for programs.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What clients are told: the message, but not what the library says of this machine.
    #[must_use]
    pub fn told(&self) -> String {
        let inside = self.kind.status() >= 500 && matches!(self.kind, Kind::Picture(_)) && self.source.is_some();
        if inside { "the server cannot do this now; its log says why".to_owned() } else { self.message.clone() }
    }

    /// When trying again may help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<core::Error> for Error {
    fn from(error: core::Error) -> Self {
        Self::new(Kind::Picture(error.kind()), error.to_string()).because(error)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        // SQLite's own number for it.
        let full = error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("13"));
        match full || is_full(&error) {
            true => Self::new(Kind::StorageFull, "the disk of the database is full").because(error),
            false => Self::new(Kind::DatabaseUnusable, "the database does not answer")
                .because(error)
                .after(Duration::from_secs(2)),
        }
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        let error = match error {
            // A store of our own may have said what it is.
            object_store::Error::Generic { store, source } => match source.downcast::<Self>() {
                Ok(ours) => return *ours,
                Err(source) => object_store::Error::Generic { store, source },
            },
            other => other,
        };
        match is_full(&error) {
            true => Self::new(Kind::StorageFull, "the disk of results is full").because(error),
            false => Self::new(Kind::StorageUnusable, "the store of results does not answer")
                .because(error)
                .after(Duration::from_secs(2)),
        }
    }
}

impl Error {
    /// What writing a file reports.
    #[must_use]
    pub fn writing(what: &str, error: std::io::Error) -> Self {
        let kind = if is_full(&error) { Kind::StorageFull } else { Kind::StorageUnusable };
        Self::new(kind, what).because(error)
    }
}

/// Whether a full disk is among the causes of an error.
fn is_full(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        let io = inner.downcast_ref::<std::io::Error>();
        if io.is_some_and(|error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)) {
            return true;
        }
        // An error of input and output hides the one it carries from `source`.
        cause = io
            .and_then(std::io::Error::get_ref)
            .map(|error| error as &(dyn StdError + 'static))
            .or_else(|| inner.source());
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_snake_case_and_shared_with_no_other_kind() {
        let own = KINDS.iter().map(|row| row.code);
        let codes: Vec<_> = own.chain(core::KINDS.iter().map(|row| row.code)).collect();
        let once: HashSet<_> = codes.iter().collect();
        assert_eq!(once.len(), codes.len());
        assert!(codes.iter().all(|code| code.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
    }

    #[test]
    fn a_full_disk_is_known_behind_other_errors() {
        let full = || std::io::Error::from(ErrorKind::StorageFull);
        assert_eq!(Error::writing("it", full()).kind(), Kind::StorageFull);
        assert_eq!(Error::from(sqlx::Error::Io(std::io::Error::other(full()))).kind(), Kind::StorageFull);
        let store = object_store::Error::Generic { store: "folder", source: Box::new(full()) };
        assert_eq!(Error::from(store).kind(), Kind::StorageFull);
        assert_eq!(Error::from(sqlx::Error::PoolTimedOut).kind(), Kind::DatabaseUnusable);
    }

    #[test]
    fn what_the_library_says_of_this_machine_is_not_told() {
        let missing = core::Error::new(core::Kind::ArtifactMissing, "x.onnx is not in /home/a");
        assert!(!Error::from(missing).told().contains("/home"));
        let torn = core::Error::new(core::Kind::PictureCorrupt, "the picture ends early");
        assert_eq!(Error::from(torn).told(), "the picture ends early");
    }

    #[test]
    fn every_kind_has_a_status() {
        for row in KINDS {
            assert_eq!(row.kind.row(), row);
            assert!((400..600).contains(&row.status));
        }
        for row in core::KINDS {
            assert!((400..600).contains(&Kind::Picture(row.kind).status()), "{}", row.code);
        }
    }
}

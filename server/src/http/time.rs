//! Times as answers show them.

/// Milliseconds since 1970 as RFC 3339 in UTC.
#[must_use]
pub fn shown(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

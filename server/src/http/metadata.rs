//! What senders note of their jobs: a few short texts by keys of their own, to find pictures by.

use std::collections::BTreeMap;

use crate::{Error, Kind, Result};

/// Most keys.
pub const MOST: usize = 20;
/// Most characters of a text.
const LONGEST: usize = 500;

/// Reads a JSON object of texts, and writes it as it is kept.
///
/// # Errors
/// [`Kind::RequestInvalid`].
pub fn read(text: &str) -> Result<String> {
    let wrong = |why: String| Error::new(Kind::RequestInvalid, format!("metadata {why}"));
    let noted: BTreeMap<String, String> = serde_json::from_str(text)
        .map_err(|error| wrong(format!("is not a JSON object of texts: {error}")).because(error))?;
    if noted.len() > MOST {
        return Err(wrong(format!("has {} keys, allowed are {MOST}", noted.len())));
    }
    for (key, value) in &noted {
        check_key(key)?;
        if value.chars().count() > LONGEST || value.contains('\0') {
            return Err(wrong(format!(
                "has a text under {key:?} of more than {LONGEST} characters, or with a zero in it"
            )));
        }
    }
    serde_json::to_string(&noted)
        .map_err(|error| Error::new(Kind::Internal, "metadata cannot be written").because(error))
}

/// Whether a key is one.
///
/// # Errors
/// [`Kind::RequestInvalid`].
pub fn check_key(key: &str) -> Result<()> {
    let fits =
        (1..=40).contains(&key.len()) && key.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'));
    if fits {
        return Ok(());
    }
    let message = format!("metadata has the key {key:?}, allowed are 1 to 40 letters, digits, - and _");
    Err(Error::new(Kind::RequestInvalid, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_under_plain_keys_are_taken() {
        assert_eq!(read(r#"{"b": "2", "a-1_x": "$ne"}"#).unwrap(), r#"{"a-1_x":"$ne","b":"2"}"#);
        let long = format!(r#"{{"a": "{}"}}"#, "x".repeat(501));
        let many: BTreeMap<String, &str> = (0..21).map(|number| (number.to_string(), "x")).collect();
        let many = serde_json::to_string(&many).unwrap();
        for wrong in ["[]", r#"{"a": 1}"#, r#"{"a.b": "x"}"#, r#"{"$a": "x"}"#, r#"{"": "x"}"#, &long, &many] {
            assert_eq!(read(wrong).unwrap_err().kind(), Kind::RequestInvalid, "{wrong}");
        }
    }
}

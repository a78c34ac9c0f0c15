//! A request's fields, whichever of the three kinds of body they came in.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedSemaphorePermit;

use crate::{App, Error, Kind, Result};

/// Fields in the order they were sent.
#[derive(Default)]
pub struct Form {
    fields: Vec<(String, Field)>,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// Text; numbers and booleans of JSON are written out.
    Text(String),
    /// A file, and what its sender calls it.
    File(Bytes, Option<String>),
}

/// A body in memory, with its share of what bodies may take together.
pub struct Held {
    /// The body.
    pub bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

/// How long a client may pause while it sends.
const PAUSE: Duration = Duration::from_secs(20);

impl Held {
    /// Reads a body into memory.
    ///
    /// # Errors
    /// [`Kind::BodyTooLarge`]; [`Kind::Busy`] when all bodies together would be too large; [`Kind::RequestInvalid`] when it
    /// ends early or its sender pauses too long.
    pub async fn read(app: &Arc<App>, headers: &HeaderMap, body: Body) -> Result<Self> {
        let most = app.config.body_megabytes * 1_000_000;
        let too_large = || {
            let message = format!("the body is larger than {} megabytes", app.config.body_megabytes);
            Error::new(Kind::BodyTooLarge, message)
        };
        let claimed = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let mut chunks = body.into_data_stream();
        if claimed.is_some_and(|length| length > most) {
            drain(chunks).await;
            return Err(too_large());
        }
        let share = claimed.unwrap_or(most).div_ceil(App::BODY_UNIT).max(1) as u32;
        let Ok(share) = app.bodies.clone().try_acquire_many_owned(share) else {
            drain(chunks).await;
            let message = "the pictures that are being sent now fill the memory that is set aside for them";
            return Err(Error::new(Kind::Busy, message).after(Duration::from_secs(2)));
        };
        let mut bytes = BytesMut::with_capacity(claimed.unwrap_or(0) as usize);
        let broken = |why: &str| Error::new(Kind::RequestInvalid, format!("the body {why}"));
        loop {
            let chunk = tokio::time::timeout(PAUSE, chunks.next()).await;
            match chunk.map_err(|_| broken("did not arrive in time"))? {
                None => break,
                Some(Err(error)) => return Err(broken("ended early").because(error)),
                Some(Ok(chunk)) if (bytes.len() + chunk.len()) as u64 > most => {
                    drain(chunks).await;
                    return Err(too_large());
                }
                Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            }
        }
        Ok(Self { bytes: bytes.freeze(), _share: share })
    }
}

/// Lets a client finish what it sends, for a moment: most read no answer before.
pub async fn drain(mut chunks: axum::body::BodyDataStream) {
    let rest = async { while let Some(Ok(_)) = chunks.next().await {} };
    let _ = tokio::time::timeout(Duration::from_secs(3), rest).await;
}

impl Form {
    /// Reads the fields of `multipart/form-data`, `application/json` or `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// [`Kind::ContentUnsupported`] for other types; [`Kind::RequestInvalid`] when the body is not of its type.
    pub async fn parse(headers: &HeaderMap, body: Bytes) -> Result<Self> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "multipart/form-data" => Self::multipart(content_type, body).await,
            "application/json" => Self::json(&body),
            "application/x-www-form-urlencoded" => Self::urlencoded(&body),
            "" if body.is_empty() => Ok(Self::default()),
            other => {
                Err(Error::new(Kind::ContentUnsupported, format!("a body of the type {other:?} is not taken here")))
            }
        }
    }

    async fn multipart(content_type: &str, body: Bytes) -> Result<Self> {
        let wrong = |error: multer::Error| {
            Error::new(Kind::RequestInvalid, format!("the body is not valid multipart/form-data: {error}"))
                .because(error)
        };
        let boundary = multer::parse_boundary(content_type).map_err(wrong)?;
        let whole = stream::once(async move { Ok::<_, std::io::Error>(body) });
        let mut parts = multer::Multipart::new(whole, boundary);
        let mut fields = Vec::new();
        while let Some(part) = parts.next_field().await.map_err(wrong)? {
            let name = part.name().unwrap_or_default().to_owned();
            let file_name = part.file_name().map(str::to_owned);
            let is_file = file_name.is_some() || part.content_type().is_some_and(|kind| kind.type_() != "text");
            let bytes = part.bytes().await.map_err(wrong)?;
            // A picture that is sent without a file name is no text either.
            let field = match std::str::from_utf8(&bytes) {
                Ok(text) if !is_file => Field::Text(text.to_owned()),
                _ => Field::File(bytes, file_name.filter(|name| !name.is_empty())),
            };
            fields.push((name, field));
        }
        Ok(Self { fields })
    }

    fn json(body: &[u8]) -> Result<Self> {
        let wrong = |error: serde_json::Error| {
            Error::new(Kind::RequestInvalid, format!("the body is not a JSON object: {error}")).because(error)
        };
        let object: serde_json::Map<String, Value> = serde_json::from_slice(body).map_err(wrong)?;
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        // A list stands for a field that comes several times.
        let fields = object.into_iter().flat_map(|(name, value)| {
            let values = match value {
                Value::Null => Vec::new(),
                Value::Array(values) => values,
                single => vec![single],
            };
            values.into_iter().map(move |value| (name.clone(), Field::Text(text(value))))
        });
        Ok(Self { fields: fields.collect() })
    }

    fn urlencoded(body: &[u8]) -> Result<Self> {
        let wrong = |error: serde_urlencoded::de::Error| {
            Error::new(Kind::RequestInvalid, format!("the body is not form-encoded: {error}")).because(error)
        };
        let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(body).map_err(wrong)?;
        Ok(Self { fields: fields.into_iter().map(|(name, text)| (name, Field::Text(text))).collect() })
    }

    /// Adds the fields of an address's query, behind those of the body.
    ///
    /// # Errors
    /// [`Kind::RequestInvalid`] when it is not form-encoded.
    pub fn with_query(mut self, query: Option<&str>) -> Result<Self> {
        self.fields.extend(Self::urlencoded(query.unwrap_or_default().as_bytes())?.fields);
        Ok(self)
    }

    /// Adds a text.
    pub fn push_text(&mut self, name: &str, text: &str) {
        self.fields.push((name.to_owned(), Field::Text(text.to_owned())));
    }

    /// Adds a file.
    pub fn push_file(&mut self, name: &str, bytes: Bytes) {
        self.fields.push((name.to_owned(), Field::File(bytes, None)));
    }

    /// The names of all fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }

    /// A field's text, trimmed. An empty one is not there: clients send those for what they do not set.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.iter().find_map(|(known, field)| match field {
            Field::Text(text) if known == name && !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        })
    }

    /// All texts of a field that are not empty, trimmed.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let texts = self.fields.iter().filter(move |(known, _)| known == name);
        texts.filter_map(|(_, field)| match field {
            Field::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            Field::File(..) => None,
        })
    }

    /// All files of a field that are not empty, and what their sender calls them.
    pub fn files(&self, name: &str) -> impl Iterator<Item = (Bytes, Option<&str>)> {
        let files = self.fields.iter().filter(move |(known, _)| known == name);
        files
            .map(|(_, field)| match field {
                Field::File(bytes, called) => (bytes.clone(), called.as_deref()),
                Field::Text(text) => (Bytes::from(text.clone()), None),
            })
            .filter(|(bytes, _)| !bytes.is_empty())
    }

    /// SHA-256 of all fields, in hexadecimal: by it a request that comes again is known, however it is divided into parts.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (name, field) in &self.fields {
            let (kind, bytes) = match field {
                Field::Text(text) => (0_u8, text.as_bytes()),
                Field::File(bytes, _) => (1, &bytes[..]),
            };
            for part in [name.as_bytes(), &[kind], bytes] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A file that is not empty. A text under the name counts: clients send pictures without saying that they are files.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<Bytes> {
        self.fields.iter().find_map(|(known, field)| match field {
            Field::File(bytes, _) if known == name && !bytes.is_empty() => Some(bytes.clone()),
            Field::Text(text) if known == name && !text.is_empty() => Some(Bytes::from(text.clone())),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())])
    }

    #[tokio::test]
    async fn the_three_kinds_of_body_give_the_same_fields() {
        let multipart = "--x\r\nContent-Disposition: form-data; name=\"size\"\r\n\r\nauto\r\n\
                         --x\r\nContent-Disposition: form-data; name=\"crop\"\r\n\r\ntrue\r\n\
                         --x\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\n\r\n--x--\r\n";
        for (content_type, body) in [
            ("multipart/form-data; boundary=x", multipart),
            ("application/json; charset=utf-8", r#"{"size": "auto", "crop": true, "type": null}"#),
            ("application/x-www-form-urlencoded", "size=auto&crop=true&type="),
        ] {
            let form = Form::parse(&headers(content_type), body.into()).await.unwrap();
            assert_eq!((form.text("size"), form.text("crop"), form.text("type")), (Some("auto"), Some("true"), None));
        }
    }

    #[tokio::test]
    async fn a_file_needs_neither_type_nor_name() {
        let mut body = b"--x\r\nContent-Disposition: form-data; name=\"image_file\"\r\n\r\n".to_vec();
        body.extend([0x89, b'P', b'N', b'G', 0xff, 0]);
        body.extend(b"\r\n--x--\r\n");
        let form = Form::parse(&headers("multipart/form-data; boundary=x"), body.into()).await.unwrap();
        assert_eq!(form.file("image_file").unwrap().len(), 6);
    }

    #[tokio::test]
    async fn what_is_not_of_its_type_is_refused() {
        for (content_type, body, kind) in [
            ("text/xml", "<a/>", Kind::ContentUnsupported),
            ("application/json", "[1]", Kind::RequestInvalid),
            ("application/json", "{", Kind::RequestInvalid),
            ("multipart/form-data", "", Kind::RequestInvalid),
            ("multipart/form-data; boundary=x", "nothing", Kind::RequestInvalid),
        ] {
            let result = Form::parse(&headers(content_type), body.into()).await;
            assert_eq!(result.err().unwrap().kind(), kind, "{content_type} {body}");
        }
    }
}

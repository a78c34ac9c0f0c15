//! A client of remove.bg's protocol that can be made to misbehave as real ones do.

use backgroundfx_core::{
    files::{self, Picture, ReadOptions},
    pixels::Size,
};
use bytes::Bytes;
use reqwest::{Client, Response, header::HeaderMap};
use serde_json::Value;

use super::{Outcome, Verdict};

/// The server that is checked.
pub struct Target {
    base: String,
    key: String,
    image_url: Option<String>,
    http: Client,
}

/// A field of a form.
pub enum Part<'a> {
    /// Text.
    Text(&'a str),
    /// A file, sent with neither file name nor type, as some clients do.
    Bare(&'a [u8]),
    /// A file with name and type.
    File(&'a [u8]),
}

/// An answer, read whole.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Multipart,
    Json,
    Form,
}

const BOUNDARY: &str = "backgroundfx-conformance-7MA4YWxkTrZu0gW";

impl Target {
    /// A server whose addresses begin with `base`, up to and without `/removebg`; `image_url` is a picture it may fetch.
    #[must_use]
    pub fn new(base: &str, key: &str, image_url: Option<&str>) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { base, key: key.to_owned(), image_url: image_url.map(str::to_owned), http: Client::new() }
    }

    /// The beginning of its addresses.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A picture that the server may fetch.
    pub fn image_url(&self) -> Result<&str, Outcome> {
        self.image_url
            .as_deref()
            .ok_or_else(|| Outcome::LeftOut("no picture was named that the server can fetch".to_owned()))
    }

    /// Whether anything answers.
    pub(super) async fn reach(&self) -> Result<(), reqwest::Error> {
        self.http.get(format!("{}/account", self.base)).send().await.map(|_| ())
    }

    /// `GET` of an address below the base, with the key.
    pub async fn get(&self, path: &str) -> Result<Answer, Outcome> {
        let request = self.http.get(format!("{}/{path}", self.base)).header("X-Api-Key", &self.key);
        Answer::read(request.send().await).await
    }

    /// A form as most clients send it.
    pub async fn post(&self, fields: &[(&str, Part<'_>)]) -> Result<Answer, Outcome> {
        self.post_as(fields, Some(&self.key), "*/*").await
    }

    /// A form that wants its answer as JSON.
    pub async fn post_for_json(&self, fields: &[(&str, Part<'_>)]) -> Result<Answer, Outcome> {
        self.post_as(fields, Some(&self.key), "application/json").await
    }

    /// A form with another key, or none.
    pub async fn post_as(
        &self,
        fields: &[(&str, Part<'_>)],
        key: Option<&str>,
        accept: &str,
    ) -> Result<Answer, Outcome> {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let mut request = self
            .http
            .post(format!("{}/removebg", self.base))
            .header("Accept", accept)
            .header("Content-Type", content_type)
            .body(multipart(fields));
        if let Some(key) = key {
            request = request.header("X-API-Key", key);
        }
        Answer::read(request.send().await).await
    }

    /// Texts in one of the three encodings.
    pub async fn post_texts(&self, fields: &[(&str, &str)], encoding: Encoding) -> Result<Answer, Outcome> {
        let (content_type, body) = match encoding {
            Encoding::Multipart => {
                let parts: Vec<_> = fields.iter().map(|(name, text)| (*name, Part::Text(text))).collect();
                return self.post(&parts).await;
            }
            Encoding::Json => {
                let object: serde_json::Map<String, Value> =
                    fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())).collect();
                ("application/json", Value::Object(object).to_string())
            }
            Encoding::Form => {
                ("application/x-www-form-urlencoded", serde_urlencoded::to_string(fields).unwrap_or_default())
            }
        };
        let request = self.http.post(format!("{}/removebg", self.base)).header("X-API-Key", &self.key);
        Answer::read(request.header("Content-Type", content_type).body(body).send().await).await
    }
}

fn multipart(fields: &[(&str, Part<'_>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, part) in fields {
        let (more, bytes) = match part {
            Part::Text(text) => ("", text.as_bytes()),
            Part::Bare(bytes) => ("", *bytes),
            Part::File(bytes) => ("; filename=\"photo.jpg\"\r\nContent-Type: image/jpeg", *bytes),
        };
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n").bytes());
        body.extend_from_slice(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

impl Answer {
    async fn read(response: Result<Response, reqwest::Error>) -> Result<Self, Outcome> {
        let failed = |error: reqwest::Error| Outcome::Failed(format!("no answer: {error}"));
        let response = response.map_err(failed)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, body: response.bytes().await.map_err(failed)? })
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header's number.
    pub fn number(&self, name: &str) -> Result<u32, Outcome> {
        let number = self.header(name).and_then(|text| text.parse().ok());
        number.ok_or_else(|| Outcome::Failed(format!("the header {name} is {:?}, not a number", self.header(name))))
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value, Outcome> {
        serde_json::from_slice(&self.body).map_err(|error| Outcome::Failed(format!("the body is not JSON: {error}")))
    }

    /// The picture of an answer that says that all is well.
    pub fn picture(&self) -> Result<Picture, Outcome> {
        self.expect_ok()?;
        picture(&self.body)
    }

    /// Fails unless all is well.
    pub fn expect_ok(&self) -> Verdict {
        match self.status {
            200 => Ok(()),
            status => Err(Outcome::Failed(format!("answered {status}: {}", self.beginning()))),
        }
    }

    /// Fails unless it is an error of this status and code, in remove.bg's form.
    pub fn expect_error(&self, status: u16, code: &str) -> Verdict {
        if self.status != status {
            return Err(Outcome::Failed(format!("answered {}, not {status}: {}", self.status, self.beginning())));
        }
        let body = self.json()?;
        let error = &body["errors"][0];
        if !error["title"].is_string() {
            return Err(Outcome::Failed(format!("errors[0].title is missing: {}", self.beginning())));
        }
        match error["code"].as_str() {
            Some(found) if found == code => Ok(()),
            found => Err(Outcome::Failed(format!("the code is {found:?}, not {code:?}"))),
        }
    }

    fn beginning(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(160).collect()
    }
}

/// Reads a picture.
pub fn picture(bytes: &[u8]) -> Result<Picture, Outcome> {
    files::decode(bytes, &ReadOptions::default()).map_err(|error| Outcome::Failed(format!("the picture: {error}")))
}

/// Fails with `why` unless it holds.
pub fn ensure(holds: bool, why: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Outcome::Failed(why())) }
}

/// A size as it is written.
pub fn sides(picture: &Picture) -> Size {
    picture.color.size()
}

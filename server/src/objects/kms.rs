//! A key management service of AWS's protocol, of which two calls are used: `GenerateDataKey` and `Decrypt`
//! (docs.aws.amazon.com/kms/latest/APIReference). Credentials and region are found as for S3.

use std::{env, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    Error, Kind, Result,
    aws::{Aws, Unasked},
    breaker::Breaker,
};

/// Pauses before it is asked again, when it does not answer or has too much to do.
const AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// One key of such a service.
pub struct Kms {
    key: String,
    endpoint: String,
    aws: Aws,
    breaker: Breaker,
}

/// Whether asking again may help.
enum Failure {
    Passing(String),
    Lasting(String),
}

impl Kms {
    /// The key of an id, ARN or `alias/name`, at `AWS_ENDPOINT_URL_KMS` or where AWS has the region's.
    ///
    /// # Errors
    /// [`Kind::ConfigInvalid`] when the variables `AWS_…` do not fit together.
    pub fn new(key: &str) -> Result<Self> {
        let aws = Aws::from_env()
            .map_err(|why| Error::new(Kind::ConfigInvalid, format!("serve.object_keys has \"kms:{key}\": {why}")))?;
        let endpoint =
            env::var("AWS_ENDPOINT_URL_KMS").unwrap_or_else(|_| format!("https://kms.{}.amazonaws.com", aws.region));
        Ok(Self { key: key.to_owned(), endpoint, aws, breaker: Breaker::new("kms") })
    }

    /// A new data key of 32 bytes, and the same as the service has wrapped it.
    ///
    /// # Errors
    /// [`Kind::StorageUnusable`].
    pub async fn generate(&self) -> Result<([u8; 32], Vec<u8>)> {
        let answer = self.ask("GenerateDataKey", json!({ "KeyId": self.key, "KeySpec": "AES_256" })).await?;
        Ok((secret(&answer)?, bytes(&answer["CiphertextBlob"])?))
    }

    /// A data key that the service has wrapped.
    ///
    /// # Errors
    /// [`Kind::StorageUnusable`].
    pub async fn decrypt(&self, wrapped: &[u8]) -> Result<[u8; 32]> {
        secret(&self.ask("Decrypt", json!({ "CiphertextBlob": BASE64_STANDARD.encode(wrapped) })).await?)
    }

    async fn ask(&self, action: &str, mut content: Value) -> Result<Value> {
        // Who reads the service's log sees what the keys are for, and nothing else can be made to unwrap them.
        content["EncryptionContext"] = json!({ "service": "backgroundfx" });
        let mut pauses = AGAIN.iter();
        loop {
            if !self.breaker.lets_through() {
                return Err(no_answer("it did not answer a moment ago"));
            }
            let failure = match self.ask_once(action, &content.to_string()).await {
                Ok(answer) => {
                    self.breaker.went(true);
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            self.breaker.went(matches!(failure, Failure::Lasting(_)));
            match (failure, pauses.next()) {
                (Failure::Passing(_), Some(pause)) => tokio::time::sleep(*pause).await,
                (Failure::Passing(why) | Failure::Lasting(why), _) => return Err(no_answer(&why)),
            }
        }
    }

    async fn ask_once(&self, action: &str, content: &str) -> Result<Value, Failure> {
        let headers = [
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", format!("TrentService.{action}")),
        ];
        let url = format!("{}/", self.endpoint.trim_end_matches('/'));
        let asked = self.aws.post(("kms", &self.aws.region), &url, &headers, content.to_owned()).await;
        let (status, answer) = asked.map_err(|unasked| match unasked {
            Unasked::NoAnswer(why) => Failure::Passing(why),
            Unasked::Wrong(why) => Failure::Lasting(why),
        })?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let name = answer["__type"].as_str().unwrap_or_default();
        let why = format!("{action}: {status} {name} {}", answer["message"].as_str().unwrap_or_default());
        let is_passing = status.is_server_error() || name.contains("Throttling") || name.contains("LimitExceeded");
        Err(if is_passing { Failure::Passing(why) } else { Failure::Lasting(why) })
    }
}

fn secret(answer: &Value) -> Result<[u8; 32]> {
    bytes(&answer["Plaintext"])?.try_into().map_err(|_| no_answer("its key is not 32 bytes long"))
}

fn bytes(value: &Value) -> Result<Vec<u8>> {
    value.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok()).ok_or_else(|| no_answer("its answer has no key"))
}

fn no_answer(why: &str) -> Error {
    let cause = std::io::Error::other(why.to_owned());
    Error::new(Kind::StorageUnusable, "the service that keeps the keys of results gives none")
        .because(cause)
        .after(Duration::from_secs(2))
}

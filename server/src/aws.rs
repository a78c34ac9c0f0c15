//! Requests to AWS's services, signed as they ask (Signature Version 4). Credentials and region are found as for S3.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use bytes::Bytes;
use object_store::{
    aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer, AwsCredentialProvider},
    client::{HttpRequest, HttpRequestBody},
};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who asks, and of which region.
pub struct Aws {
    /// The region of the variables, or us-east-1.
    pub region: String,
    credentials: AwsCredentialProvider,
    client: reqwest::Client,
}

impl Aws {
    /// As the variables `AWS_…` say.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn from_env() -> Result<Self, String> {
        // It is never asked for a bucket: it knows all the ways to credentials.
        let builder = AmazonS3Builder::from_env().with_bucket_name("none");
        let region = builder.get_config_value(&AmazonS3ConfigKey::Region).unwrap_or_else(|| "us-east-1".to_owned());
        let credentials = builder.build().map_err(|error| error.to_string())?.credentials().clone();
        let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build();
        Ok(Self { region, credentials, client: client.map_err(|error| error.to_string())? })
    }

    /// Posts to a service: its status and answer, or why there is none.
    ///
    /// # Errors
    /// [`Unasked`].
    pub async fn post(
        &self,
        (service, region): (&str, &str),
        url: &str,
        headers: &[(&'static str, String)],
        content: String,
    ) -> Result<(StatusCode, Bytes), Unasked> {
        let unasked = |error: &dyn std::fmt::Display| Unasked::Wrong(error.to_string());
        let no_answer = |error: &dyn std::fmt::Display| Unasked::NoAnswer(error.to_string());
        let credential = self.credentials.get_credential().await.map_err(|error| no_answer(&error))?;
        let mut request = HttpRequest::new(HttpRequestBody::from(content.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.parse::<Uri>().map_err(|error| unasked(&error))?;
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|error| unasked(&error))?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let authorizer = AwsAuthorizer::new(&credential, service, region);
        authorizer.try_authorize(&mut request, None).map_err(|error| unasked(&error))?;
        let sent = self.client.post(request.uri().to_string()).headers(request.headers().clone()).body(content).send();
        let response = sent.await.map_err(|error| no_answer(&error))?;
        let status = response.status();
        Ok((status, response.bytes().await.map_err(|error| no_answer(&error))?))
    }
}

/// Why a service gave no answer.
pub enum Unasked {
    /// It was not reached, or nobody said who asks; that may pass.
    NoAnswer(String),
    /// The request cannot be made.
    Wrong(String),
}

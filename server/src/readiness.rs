//! Asks a running service whether it is ready, as a container's health check or a person does.

use std::time::Duration;

use serde_json::Value;

use crate::{Error, Kind, Result};

/// What is looked at, by name, and whether it is well; or why there is no answer.
pub type Readiness = std::result::Result<Vec<(String, bool)>, String>;

/// Asks the service at an address such as `http://127.0.0.1:8080`, for at most five seconds; for a caller without an async runtime.
///
/// # Errors
/// [`Kind::Internal`] when no runtime can be started. A service that does not answer is a finding.
pub fn ask(base: &str) -> Result<Readiness> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(Kind::Internal, "cannot start the runtime").because(error))?;
    Ok(runtime.block_on(answer(base)))
}

async fn answer(base: &str) -> Readiness {
    let told = |error: reqwest::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    };
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build().map_err(told)?;
    let url = format!("{}/v1/ready", base.trim_end_matches('/'));
    let response = http.get(url).send().await.map_err(told)?;
    let (status, body) = (response.status(), response.bytes().await.map_err(told)?);
    let checks = serde_json::from_slice::<Value>(&body).ok().and_then(|body| body["checks"].as_object().cloned());
    let checks = checks.ok_or_else(|| format!("it answers {status}, and not as this service does"))?;
    Ok(checks.into_iter().map(|(name, fine)| (name, fine == Value::Bool(true))).collect())
}

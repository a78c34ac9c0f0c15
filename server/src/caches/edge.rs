//! The edge of `deploy/nginx`: each address is asked for as `PURGE`, at a port that only processes of the service reach.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future;
use reqwest::{Client, Method, StatusCode, Url, redirect::Policy};

use super::{Cache, Gone};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// An nginx with its module `cache_purge`.
pub struct Edge {
    address: Url,
    client: Client,
}

impl Edge {
    /// The one at `http://host:port`.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(address: &str) -> Result<Self, String> {
        let address = Url::parse(address).map_err(|error| error.to_string())?;
        if address.path() != "/" || address.query().is_some() {
            return Err("it has more than a host and a port".to_owned());
        }
        let client = Client::builder().timeout(PATIENCE).redirect(Policy::none()).build();
        Ok(Self { address, client: client.map_err(|error| error.to_string())? })
    }

    async fn forget_one(&self, gone: &Gone) -> Result<(), String> {
        let url = self.address.join(&gone.path).map_err(|error| error.to_string())?;
        let answer = self.client.request(Method::from_bytes(b"PURGE").expect("it is a word"), url).send().await;
        match answer.map_err(|error| error.to_string())?.status() {
            // What it does not keep it has forgotten already; the module says so by 412.
            StatusCode::OK | StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED => Ok(()),
            status => Err(format!("the edge {} answers {status}", self.address)),
        }
    }
}

#[async_trait]
impl Cache for Edge {
    async fn forget(&self, gone: &[Gone]) -> Result<(), String> {
        future::try_join_all(gone.iter().map(|one| self.forget_one(one))).await.map(drop)
    }
}

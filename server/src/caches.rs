//! Caches before the service, an edge or a content delivery network, which keep what links lead to for as long as a link lasts. They
//! are told when a job's files are gone, again until they have heard.

mod cloudfront;
mod edge;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future;
use tokio::time;

use crate::{App, Error, Kind, Result, db::links};

/// Pause between looks at what is gone.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause before a cache that does not answer is told again.
const AGAIN: Duration = Duration::from_secs(10);
/// Most addresses that caches are told of at a time.
const AT_A_TIME: i64 = 100;

/// An address of a result that leads nowhere any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// As it was given: path and query.
    pub path: String,
    /// Its job; everything below `/v1/files/JOB/` is gone.
    pub job: String,
}

/// A cache.
#[async_trait]
pub trait Cache: Send + Sync {
    /// Has it forget what it keeps of some addresses.
    ///
    /// # Errors
    /// Why it may not have.
    async fn forget(&self, gone: &[Gone]) -> Result<(), String>;
}

/// The caches at `http://…` (the edge of `deploy/nginx`) and `cloudfront:DISTRIBUTION`.
///
/// # Errors
/// [`Kind::ConfigInvalid`] naming what is no such address.
pub fn at(addresses: &[String]) -> Result<Vec<Arc<dyn Cache>>> {
    let cache = |address: &String| -> Result<Arc<dyn Cache>, String> {
        match address.split_once(':') {
            Some(("cloudfront", distribution)) => Ok(Arc::new(cloudfront::CloudFront::new(distribution)?)),
            Some(("http" | "https", _)) => Ok(Arc::new(edge::Edge::new(address)?)),
            _ => Err("it is neither http://… nor cloudfront:DISTRIBUTION".to_owned()),
        }
    };
    let wrong =
        |address: &String, why: String| Error::new(Kind::ConfigInvalid, format!("serve.caches has {address:?}: {why}"));
    addresses.iter().map(|address| cache(address).map_err(|why| wrong(address, why))).collect()
}

/// Tells the caches of what is gone until the server is stopped.
pub async fn relay(app: Arc<App>) {
    while !app.is_stopping() {
        let pause = match tell(&app).await {
            Ok(told) if told == AT_A_TIME as usize => continue,
            Ok(_) => PAUSE,
            Err(error) => {
                tracing::warn!(%error, "a cache may still keep what was deleted; it is told again");
                AGAIN
            }
        };
        tokio::select! {
            () = app.stopped() => {}
            () = time::sleep(pause) => {}
        }
    }
}

/// Several processes may tell the same: to forget twice does no harm.
async fn tell(app: &App) -> Result<usize> {
    let gone: Vec<Gone> =
        links::gone(&app.db, AT_A_TIME).await?.into_iter().map(|(path, job)| Gone { path, job }).collect();
    if gone.is_empty() {
        return Ok(0);
    }
    let told = future::join_all(app.caches.iter().map(|cache| cache.forget(&gone))).await;
    told.into_iter().collect::<Result<(), String>>().map_err(|why| Error::new(Kind::Internal, why))?;
    for one in &gone {
        links::told(&app.db, &one.path).await?;
    }
    Ok(gone.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_caches_are_checked() {
        let given = |address: &str| at(&[address.to_owned()]);
        assert!(given("http://edge.internal:8081").is_ok() && given("cloudfront:E2EXAMPLE").is_ok());
        for wrong in ["edge.internal", "cloudfront:", "cloudfront:a/b", "http://", "http://edge/path", "ftp://edge"] {
            assert_eq!(given(wrong).err().map(|error| error.kind()), Some(Kind::ConfigInvalid), "{wrong}");
        }
    }
}

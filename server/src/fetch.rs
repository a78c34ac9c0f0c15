//! Fetching from addresses that clients name: only public ones, checked where the connection is made.

mod public;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::LOCATION,
    redirect::Policy,
};

use tokio::io::AsyncWriteExt;

use crate::{Error, Kind, Result};
pub use public::is_public;

/// How often an address may point elsewhere.
const REDIRECTS: usize = 5;

/// The client for all addresses that others name.
pub struct Fetcher {
    client: Client,
    allowed: Arc<Vec<String>>,
}

/// How an address answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// After how many seconds it wants to be asked again.
    pub retry_after: Option<i64>,
}

/// Gives a name's public addresses only. The connection is made to what it gives, so that a name that changes between
/// checking and connecting changes nothing.
struct PublicOnly {
    allowed: Arc<Vec<String>>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let exempt = self.allowed.iter().any(|host| host.split(':').next() == Some(name.as_str()));
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.filter(|address| exempt || is_public(address.ip())).collect();
            if addresses.is_empty() {
                return Err(format!("{} has no public address", name.as_str()).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl Fetcher {
    /// A client that, besides public addresses, fetches from the allowed hosts (`host` or `host:port`).
    ///
    /// # Errors
    /// [`Kind::Internal`] when it cannot be set up.
    pub fn new(allowed: &[String]) -> Result<Self> {
        let allowed = Arc::new(allowed.to_vec());
        let client = Client::builder()
            .dns_resolver(Arc::new(PublicOnly { allowed: allowed.clone() }))
            // A proxy would connect where we must not, without our check.
            .no_proxy()
            // Each redirection is checked like the first address.
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(10))
            .user_agent(concat!("backgroundfx/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::new(Kind::Internal, "cannot set up the client for addresses").because(error))?;
        Ok(Self { client, allowed })
    }

    /// Fetches a file of at most `most` bytes.
    ///
    /// # Errors
    /// [`Kind::UrlRefused`] for an address that is not public; [`Kind::FetchFailed`] when it does not answer with a file,
    /// [`Kind::BodyTooLarge`] when that is too large.
    pub async fn get(&self, address: &str, most: u64) -> Result<Bytes> {
        let reading = async { read(self.answer(address).await?, most).await };
        let late = |_| Error::new(Kind::FetchFailed, "the address did not give its file in time");
        tokio::time::timeout(Duration::from_secs(30), reading).await.map_err(late)?
    }

    async fn answer(&self, address: &str) -> Result<Response> {
        let mut url = Url::parse(address).map_err(|error| refused(format!("{address:?} is no address: {error}")))?;
        for _ in 0..=REDIRECTS {
            self.check(&url)?;
            let response = self.client.get(url.clone()).send().await.map_err(|error| unreachable(&url, error))?;
            let status = response.status();
            if status.is_redirection()
                && let Some(target) = response.headers().get(LOCATION)
            {
                let next = target.to_str().ok().and_then(|target| url.join(target).ok());
                url = next.ok_or_else(|| Error::new(Kind::FetchFailed, "the address points to none"))?;
                continue;
            }
            if !status.is_success() {
                return Err(Error::new(Kind::FetchFailed, format!("the address answered {status}")));
            }
            return Ok(response);
        }
        Err(Error::new(Kind::FetchFailed, format!("the address points elsewhere more than {REDIRECTS} times")))
    }

    /// Fetches a file of at most `most` bytes into another.
    ///
    /// # Errors
    /// As [`get`](Self::get); [`Kind::StorageUnusable`] when it cannot be written.
    pub async fn get_into(&self, address: &str, most: u64, file: &mut tokio::fs::File) -> Result<()> {
        let mut response = self.answer(address).await?;
        let (url, mut length) = (response.url().clone(), 0);
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&url, error))? {
            length += chunk.len() as u64;
            if length > most {
                return Err(too_large(most));
            }
            file.write_all(&chunk).await.map_err(|error| Error::writing("what is fetched cannot be written", error))?;
        }
        Ok(())
    }

    /// Sends JSON to an address. It is not followed where it points elsewhere.
    ///
    /// # Errors
    /// [`Kind::UrlRefused`]; [`Kind::FetchFailed`] when there is no answer within 20 seconds.
    pub async fn post_json(&self, address: &str, headers: &[(&str, String)], body: String) -> Result<Answered> {
        let url = Url::parse(address).map_err(|error| refused(format!("{address:?} is no address: {error}")))?;
        self.check(&url)?;
        let mut request = self.client.post(url.clone()).header("content-type", "application/json").body(body);
        for (name, text) in headers {
            request = request.header(*name, text);
        }
        let answer = request.timeout(Duration::from_secs(20)).send().await.map_err(|error| unreachable(&url, error))?;
        let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Answered { status: answer.status().as_u16(), retry_after })
    }

    /// Whether an address may be fetched, as far as can be told without asking anybody.
    ///
    /// # Errors
    /// [`Kind::UrlRefused`].
    pub fn allow(&self, address: &str) -> Result<()> {
        let url = Url::parse(address).map_err(|error| refused(format!("{address:?} is no address: {error}")))?;
        self.check(&url)
    }

    /// What the resolver does not see: schemes, names and passwords, and hosts that are numbers.
    fn check(&self, url: &Url) -> Result<()> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(format!("{} addresses are not fetched", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("addresses with a user name are not fetched".to_owned()));
        }
        let Some(host) = url.host_str() else { return Err(refused("the address names no host".to_owned())) };
        let port = url.port_or_known_default().unwrap_or(0);
        let with_port = format!("{host}:{port}");
        if self.allowed.iter().any(|allowed| *allowed == host || *allowed == with_port) {
            return Ok(());
        }
        let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if number.is_ok_and(|address| !is_public(address)) {
            return Err(refused(format!("{host} is not a public address")));
        }
        Ok(())
    }
}

async fn read(mut response: Response, most: u64) -> Result<Bytes> {
    if response.content_length().is_some_and(|length| length > most) {
        return Err(too_large(most));
    }
    let url = response.url().clone();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&url, error))? {
        if (bytes.len() + chunk.len()) as u64 > most {
            return Err(too_large(most));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn too_large(most: u64) -> Error {
    Error::new(Kind::BodyTooLarge, format!("the file at the address is larger than {} megabytes", most / 1_000_000))
}

fn refused(message: String) -> Error {
    Error::new(Kind::UrlRefused, message)
}

/// Why there was no answer; whether a port of the own network is closed or filtered is not told.
fn unreachable(url: &Url, error: reqwest::Error) -> Error {
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(inner) = cause {
        if inner.to_string().contains("has no public address") {
            return refused(format!("{} has no public address", url.host_str().unwrap_or("the host"))).because(error);
        }
        cause = inner.source();
    }
    let what = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
    Error::new(Kind::FetchFailed, format!("{} {what}", url.host_str().unwrap_or("the host"))).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(address: &str, allowed: &[String]) -> Result<()> {
        let fetcher = Fetcher::new(allowed).unwrap();
        fetcher.check(&Url::parse(address).unwrap())
    }

    #[test]
    fn numbers_in_every_spelling_and_odd_addresses_are_refused() {
        let refused = [
            "http://127.0.0.1/a.png",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[64:ff9b::a00:1]/",
            "http://169.254.169.254/latest/meta-data",
            "http://0.0.0.0/",
            "ftp://example.com/a.png",
            "file:///etc/passwd",
            "http://user:secret@example.com/",
            "http://user@example.com/",
        ];
        for address in refused {
            assert_eq!(verdict(address, &[]).unwrap_err().kind(), Kind::UrlRefused, "{address}");
        }
        assert!(verdict("https://example.com/a.png", &[]).is_ok());
        assert!(verdict("http://8.8.8.8/", &[]).is_ok());
    }

    #[test]
    fn an_operator_can_allow_a_host_or_one_of_its_ports() {
        assert!(verdict("http://127.0.0.1:9000/a", &["127.0.0.1:9000".into()]).is_ok());
        assert!(verdict("http://127.0.0.1:9001/a", &["127.0.0.1:9000".into()]).is_err());
        assert!(verdict("http://127.0.0.1:9001/a", &["127.0.0.1".into()]).is_ok());
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_refused_where_it_is_resolved() {
        let fetcher = Fetcher::new(&[]).unwrap();
        let error = fetcher.get("http://localhost:1/a.png", 100).await.unwrap_err();
        assert_eq!(error.kind(), Kind::UrlRefused, "{error}");
    }
}

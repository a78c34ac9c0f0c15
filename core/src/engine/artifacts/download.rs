//! Fetches one address over HTTP, going on where an earlier try stopped.

use ureq::{
    Agent, Body, Proxy,
    http::{Response, header},
    tls::{RootCerts, TlsConfig},
};

use super::{
    part::{Arrived, Part, Want, discard, one_line},
    surroundings::Surroundings,
};
use crate::{Error, Kind, Result, progress::Progress};

/// How often a transfer that breaks off is taken up again, as long as each try brings more bytes.
const MOST_CUTS: usize = 5;

/// An HTTP client with our patience: quick to give up on a host, unhurried while bytes come.
#[derive(Debug, Clone)]
pub(super) struct Http {
    agent: Agent,
}

impl Http {
    /// Certificates are checked as the platform does, so that a company's own authority works.
    pub(super) fn new(surroundings: &Surroundings) -> Self {
        let connect = Some(surroundings.connect_timeout);
        let stall = Some(surroundings.stall_timeout);
        let proxy = if surroundings.use_proxy { Proxy::try_from_env() } else { None };
        let config = Agent::config_builder()
            .proxy(proxy)
            .http_status_as_error(false)
            .timeout_resolve(connect)
            .timeout_connect(connect)
            .timeout_send_request(stall)
            .timeout_recv_response(stall)
            .timeout_per_read(stall)
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .user_agent(concat!("backgroundfx/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.new_agent() }
    }

    /// Fetches `url` into the wanted file.
    ///
    /// What lies there from an earlier try is completed; if the whole is wrong then, it is fetched afresh once,
    /// because the old bytes may be another file's.
    pub(super) fn fetch(&self, url: &str, want: &Want, progress: &dyn Progress) -> Result<Arrived> {
        let mut cuts = 0;
        loop {
            let kept = want.kept();
            match self.try_once(url, want, progress) {
                Err(error) if error.kind() == Kind::ChecksumMismatch && kept > 0 => discard(&want.part()),
                Err(error) if error.kind() == Kind::DownloadFailed && want.kept() > kept && cuts < MOST_CUTS => {
                    cuts += 1
                }
                result => return result,
            }
        }
    }

    fn try_once(&self, url: &str, want: &Want, progress: &dyn Progress) -> Result<Arrived> {
        let mut part = Part::resume(want, progress)?;
        if part.is_full() {
            return part.finish();
        }
        let mut response = self.ask(url, part.done())?;
        if response.status() == 416 {
            // The server has fewer bytes than we kept: they are of another file.
            part.restart()?;
            response = self.ask(url, 0)?;
        }
        match response.status().as_u16() {
            // The size is looked at first: a page of a hotel's network must not cost us what we have.
            200 => part.expect(length(&response)).and_then(|()| part.restart())?,
            206 if first_byte(&response) == Some(part.done()) => {
                part.expect(length(&response).map(|rest| part.done() + rest))?;
            }
            206 => return Err(Error::new(Kind::DownloadFailed, "sends another part than was asked for")),
            status => return Err(Error::new(Kind::DownloadFailed, format!("answers HTTP {status}"))),
        }
        part.fill(response.into_body().into_reader())?;
        part.finish()
    }

    fn ask(&self, url: &str, from: u64) -> Result<Response<Body>> {
        let mut request = self.agent.get(url);
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        request.call().map_err(|error| Error::new(Kind::DownloadFailed, one_line(&error)).because(error))
    }
}

fn length(response: &Response<Body>) -> Option<u64> {
    response.body().content_length()
}

/// The first byte's position according to `Content-Range: bytes FIRST-LAST/TOTAL`.
fn first_byte(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

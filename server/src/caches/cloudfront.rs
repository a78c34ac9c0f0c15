//! Amazon CloudFront: an invalidation of everything below each job's address
//! (docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html).

use std::{collections::BTreeSet, env};

use async_trait::async_trait;
use uuid::Uuid;

use super::{Cache, Gone};
use crate::aws::{Aws, Unasked};

/// Its own region for all the world.
const REGION: &str = "us-east-1";

/// One distribution.
pub struct CloudFront {
    distribution: String,
    endpoint: String,
    aws: Aws,
}

impl CloudFront {
    /// The one of an identifier, at `AWS_ENDPOINT_URL_CLOUDFRONT` or where AWS has it.
    ///
    /// # Errors
    /// What is wrong with the identifier or the variables `AWS_…`.
    pub fn new(distribution: &str) -> Result<Self, String> {
        if distribution.is_empty() || !distribution.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err("a distribution's identifier has letters and digits only".to_owned());
        }
        let endpoint = env::var("AWS_ENDPOINT_URL_CLOUDFRONT");
        let endpoint = endpoint.unwrap_or_else(|_| "https://cloudfront.amazonaws.com".to_owned());
        Ok(Self { distribution: distribution.to_owned(), endpoint, aws: Aws::from_env()? })
    }
}

#[async_trait]
impl Cache for CloudFront {
    async fn forget(&self, gone: &[Gone]) -> Result<(), String> {
        let endpoint = self.endpoint.trim_end_matches('/');
        let url = format!("{endpoint}/2020-05-31/distribution/{}/invalidation", self.distribution);
        let headers = [("content-type", "application/xml".to_owned())];
        let asked = self.aws.post(("cloudfront", REGION), &url, &headers, batch(gone)).await;
        let (status, answer) = asked.map_err(|(Unasked::NoAnswer(why) | Unasked::Wrong(why))| why)?;
        if status.is_success() {
            return Ok(());
        }
        let answer: String = String::from_utf8_lossy(&answer).chars().take(300).collect();
        Err(format!("CloudFront answers {status}: {answer}"))
    }
}

/// What is to be forgotten. Identifiers of jobs have letters, digits and underscores: nothing needs another spelling in XML.
fn batch(gone: &[Gone]) -> String {
    let jobs: BTreeSet<&str> = gone.iter().map(|one| one.job.as_str()).collect();
    let paths: String = jobs.iter().map(|job| format!("<Path>/v1/files/{job}/*</Path>")).collect();
    format!(
        "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
         <CallerReference>{}</CallerReference><Paths><Items>{paths}</Items><Quantity>{}</Quantity></Paths></InvalidationBatch>",
        Uuid::now_v7(),
        jobs.len()
    )
}

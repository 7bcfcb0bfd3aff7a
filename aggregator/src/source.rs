//! Where certificates come from.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256};
use reqwest::{StatusCode, Url};

use crate::certificate::Certificate;

/// Largest certificate in JSON, in bytes: hex doubles its call.
const RESPONSE_BYTES_MAX: usize = 1 << 20;
/// Longest time for one answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Which certificate is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateQuery {
    /// The chain.
    pub chain_id: u64,
    /// The hub on it.
    pub hub: Address,
    /// The accumulator that it has to extend.
    pub after: B256,
}

/// Why a source gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Not a URL, or not http or https.
    #[error("node url is not an http or https url")]
    NotHttp,
    /// No usable answer.
    #[error("node does not answer: {0}")]
    Unreachable(String),
    /// An answer with another status.
    #[error("node answered with http status {0}")]
    Status(u16),
    /// An answer larger than any certificate.
    #[error("node's answer is larger than {RESPONSE_BYTES_MAX} bytes")]
    TooLarge,
    /// No certificate in the answer.
    #[error("node's answer is no certificate: {0}")]
    Malformed(String),
}

/// Gives the newest certificate that extends an accumulator and fits one transaction
/// ([`CALL_BYTES_MAX`](crate::CALL_BYTES_MAX)). The submitter checks what it gets.
pub trait CertificateSource: Send + Sync {
    /// `None` when there is nothing newer, or the accumulator is unknown.
    fn certificate(
        &self,
        query: CertificateQuery,
    ) -> impl Future<Output = Result<Option<Certificate>, SourceError>> + Send;
}

impl<S: CertificateSource> CertificateSource for Arc<S> {
    async fn certificate(
        &self,
        query: CertificateQuery,
    ) -> Result<Option<Certificate>, SourceError> {
        self.as_ref().certificate(query).await
    }
}

/// Any node's API: `GET /v1/certificates?chain_id=&hub=&after=`.
#[derive(Clone, Debug)]
pub struct HttpSource {
    client: reqwest::Client,
    url: Url,
}

impl HttpSource {
    /// The API under `base`, for example `http://localhost:8080`.
    pub fn new(base: &str) -> Result<Self, SourceError> {
        let mut url: Url = base.parse().map_err(|_| SourceError::NotHttp)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SourceError::NotHttp);
        }
        let path = format!("{}/v1/certificates", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let client = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .build()
            .map_err(|error| SourceError::Unreachable(error.to_string()))?;
        Ok(Self { client, url })
    }
}

impl CertificateSource for HttpSource {
    async fn certificate(
        &self,
        query: CertificateQuery,
    ) -> Result<Option<Certificate>, SourceError> {
        let unreachable = |error: reqwest::Error| SourceError::Unreachable(error.to_string());
        let parameters = [
            ("chain_id", query.chain_id.to_string()),
            ("hub", format!("{:#x}", query.hub)),
            ("after", format!("{:#x}", query.after)),
        ];
        let request = self.client.get(self.url.clone()).query(&parameters);
        let mut response = request.send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            other => return Err(SourceError::Status(other.as_u16())),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len().saturating_add(chunk.len()) > RESPONSE_BYTES_MAX {
                return Err(SourceError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body)
            .map(Some)
            .map_err(|error| SourceError::Malformed(error.to_string()))
    }
}

//! A client of a node's HTTP API.

use std::time::Duration;

use alloy_primitives::B256;
use eyre::{Context as _, Result, bail};
use oracle_node::views::{JobView, Status};
use reqwest::StatusCode;
use serde::de::DeserializeOwned;

/// Longest time for one answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// One node's API.
#[derive(Clone, Debug)]
pub struct NodeClient {
    client: reqwest::Client,
    base: String,
}

/// Whether a node can take part in attesting: `GET /ready`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Readiness {
    /// Whether it can.
    pub ready: bool,
    /// What it lacks.
    pub missing: Vec<String>,
}

impl NodeClient {
    /// The API under `base`, such as `http://127.0.0.1:8600`. No request is made.
    ///
    /// # Errors
    /// When no HTTP client can be set up.
    pub fn new(base: &str) -> Result<Self> {
        let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build()?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned() })
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `GET /v1/status`.
    ///
    /// # Errors
    /// When the node does not answer, or not as it should.
    pub async fn status(&self) -> Result<Status> {
        self.required("/v1/status").await
    }

    /// `GET /ready`.
    ///
    /// # Errors
    /// As above.
    pub async fn readiness(&self) -> Result<Readiness> {
        let (_, body) = self.get("/ready").await?;
        self.parse("/ready", &body)
    }

    /// `GET /metrics`.
    ///
    /// # Errors
    /// As above.
    pub async fn metrics(&self) -> Result<String> {
        let (status, body) = self.get("/metrics").await?;
        if status != StatusCode::OK {
            bail!("node {} answers /metrics with {status}", self.base);
        }
        String::from_utf8(body).wrap_err_with(|| format!("node {}: /metrics", self.base))
    }

    /// A job, or `None` while the ledger has not opened it.
    ///
    /// # Errors
    /// As above.
    pub async fn job(&self, id: B256) -> Result<Option<JobView>> {
        self.optional(&format!("/v1/jobs/{id}")).await
    }

    /// Whatever is at a path.
    ///
    /// # Errors
    /// As above, and when there is nothing.
    pub async fn required<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        match self.optional(path).await? {
            Some(value) => Ok(value),
            None => bail!("node {} has no {path}", self.base),
        }
    }

    /// Whatever is at a path, or `None` when there is nothing.
    pub(crate) async fn optional<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let (status, body) = self.get(path).await?;
        match status {
            StatusCode::OK => self.parse(path, &body).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            other => bail!(
                "node {} answers {path} with {other}: {}",
                self.base,
                String::from_utf8_lossy(&body)
            ),
        }
    }

    fn parse<T: DeserializeOwned>(&self, path: &str, body: &[u8]) -> Result<T> {
        serde_json::from_slice(body).wrap_err_with(|| {
            format!("node {} answers {path} in another form; is it another version?", self.base)
        })
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, Vec<u8>)> {
        let url = format!("{}{path}", self.base);
        let advice = || format!("node {} does not answer; is it running?", self.base);
        let mut response = self.client.get(&url).send().await.wrap_err_with(advice)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.wrap_err_with(advice)? {
            if body.len().saturating_add(chunk.len()) > MAX_ANSWER_BYTES {
                bail!("node {} answers {path} with more than {MAX_ANSWER_BYTES} bytes", self.base);
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status(), body))
    }
}

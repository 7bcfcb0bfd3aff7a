//! Talking to one node's HTTP API.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes};
use reqwest::{Client, Response, StatusCode, Url, header};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::SignedAnswer;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
const MAX_ERROR_CHARACTERS: usize = 300;

/// Why a node does not do what it is asked.
#[derive(Debug, Error)]
pub enum ClientError {
    /// It can't be reached, or breaks off.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// It says no.
    #[error("the node says {status}: {said}")]
    Status {
        /// The HTTP status.
        status: StatusCode,
        /// The beginning of what it says.
        said: String,
    },
    /// It says too much.
    #[error("the node's answer has more than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    /// What it says is not of the API's form.
    #[error("the node's answer is not of the API's form: {0}")]
    Form(String),
}

/// What is posted to a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The job.
    pub job_id: B256,
    /// The response's parts.
    pub parts: Vec<Bytes>,
    /// r ‖ s ‖ v.
    pub signature: Bytes,
}

impl From<&SignedAnswer> for Submission {
    fn from(answer: &SignedAnswer) -> Self {
        let SignedAnswer { job_id, parts, signature, .. } = answer.clone();
        Self { job_id, parts, signature }
    }
}

/// One node.
#[derive(Clone, Debug)]
pub struct NodeClient {
    http: Client,
    challenges: Url,
    stream: Url,
    responses: Url,
}

impl NodeClient {
    /// A client of the node at `base`, for the challenges of `provider`.
    ///
    /// # Errors
    /// When `base` is no URL.
    pub fn new(base: &str, provider: Address) -> Result<Self, ClientError> {
        let url = |path: &str| {
            Url::parse(&format!("{}{path}", base.trim_end_matches('/')))
                .map_err(|error| ClientError::Form(error.to_string()))
        };
        let http = Client::builder().connect_timeout(CONNECT_TIMEOUT).build()?;
        let provider = alloy_primitives::hex::encode_prefixed(provider);
        Ok(Self {
            http,
            challenges: url(&format!("/v1/challenges?provider={provider}"))?,
            stream: url(&format!("/v1/challenges/stream?provider={provider}"))?,
            responses: url("/v1/responses")?,
        })
    }

    /// The node's open challenges, each as the JSON that it sends.
    ///
    /// # Errors
    /// When the node does not answer as it should.
    pub async fn challenges(&self) -> Result<Vec<serde_json::Value>, ClientError> {
        let request = self.http.get(self.challenges.clone()).timeout(REQUEST_TIMEOUT);
        let body = read_body(accepted(request.send().await?).await?).await?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Form(error.to_string()))
    }

    /// Opens the node's stream of challenges.
    ///
    /// # Errors
    /// When the node has none.
    pub async fn stream(&self) -> Result<Response, ClientError> {
        let request =
            self.http.get(self.stream.clone()).header(header::ACCEPT, "text/event-stream");
        let sent = tokio::time::timeout(REQUEST_TIMEOUT, request.send()).await;
        accepted(sent.map_err(|_| ClientError::Form("no answer in time".into()))??).await
    }

    /// Hands a response in.
    ///
    /// # Errors
    /// When the node does not take it.
    pub async fn submit(&self, submission: &Submission) -> Result<(), ClientError> {
        let request =
            self.http.post(self.responses.clone()).timeout(REQUEST_TIMEOUT).json(submission);
        accepted(request.send().await?).await.map(|_| ())
    }
}

async fn accepted(response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = read_body(response).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&body).chars().take(MAX_ERROR_CHARACTERS).collect();
    Err(ClientError::Status { status, said })
}

async fn read_body(mut response: Response) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > MAX_BODY_BYTES {
            return Err(ClientError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

//! An HTTP transport whose answers are bounded in size and in time, and whose errors never show the URL: RPC URLs carry
//! API keys.

use std::task::{Context, Poll};
use std::time::Duration;

use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use reqwest::Url;
use tower::Service;

/// How much one endpoint may take of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest time from sending a request to the last byte of its answer.
    pub request_timeout: Duration,
    /// Longest time to establish a connection.
    pub connect_timeout: Duration,
    /// Largest answer accepted, in bytes.
    pub response_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            response_bytes_max: 16 << 20,
        }
    }
}

/// Why an answer was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpFault {
    #[error("{0}")]
    Request(reqwest::Error),
    #[error("http status {status}")]
    Status { status: u16, retry_after: Option<Duration> },
    #[error("answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("answer is not JSON-RPC: {0}")]
    NotJsonRpc(serde_json::Error),
}

/// JSON-RPC over HTTP POST.
#[derive(Clone, Debug)]
pub(crate) struct BoundedHttp {
    client: reqwest::Client,
    url: Url,
    response_bytes_max: usize,
}

impl BoundedHttp {
    pub(crate) fn new(url: Url, limits: Limits) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(limits.request_timeout)
            .connect_timeout(limits.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(reqwest::Error::without_url)?;
        Ok(Self { client, url, response_bytes_max: limits.response_bytes_max })
    }

    async fn send(self, packet: RequestPacket) -> Result<ResponsePacket, HttpFault> {
        let request_error = |error: reqwest::Error| HttpFault::Request(error.without_url());
        let mut response =
            self.client.post(self.url).json(&packet).send().await.map_err(request_error)?;
        let status = response.status();
        let refused =
            HttpFault::Status { status: status.as_u16(), retry_after: retry_after(&response) };
        // Whatever the body of such an answer says, it is about load and not about the request.
        if matches!(status.as_u16(), 429 | 503) {
            return Err(refused);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(request_error)? {
            if body.len().saturating_add(chunk.len()) > self.response_bytes_max {
                return Err(HttpFault::TooLarge(self.response_bytes_max));
            }
            body.extend_from_slice(&chunk);
        }
        match serde_json::from_slice(&body) {
            Ok(packet) => Ok(packet),
            Err(_) if !status.is_success() => Err(refused),
            Err(error) => Err(HttpFault::NotJsonRpc(error)),
        }
    }
}

/// `Retry-After` in seconds (RFC 9110, 10.2.3); its other form, a date, is left to the backoff.
fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let seconds = response.headers().get(reqwest::header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

impl Service<RequestPacket> for BoundedHttp {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.send(packet).await.map_err(TransportErrorKind::custom) })
    }
}

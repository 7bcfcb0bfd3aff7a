//! Responses: providers bring them, auditors read them.

use std::time::Duration;

use alloy_primitives::{B256, hex};
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use operator::ResponseRefused;
use protocol::{
    ids::JobId,
    response::{MAX_RESPONSE_PARTS, ResponseError, SignedResponse},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{
    ApiError, Context,
    error::{Parameters, Text},
    ledger::parse_hash,
};
use crate::{archive::response_key, core::Command};

/// How long a response may wait here for its job's seed.
const SEED_PATIENCE: Duration = Duration::from_secs(1);

/// `POST /v1/responses`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Respond {
    /// The job that is answered.
    pub job_id: B256,
    /// The parts, hex.
    pub parts: Vec<String>,
    /// The provider's signature, 65 bytes, hex.
    pub signature: String,
}

impl Respond {
    fn decode(&self) -> Result<SignedResponse, ApiError> {
        if self.parts.len() > MAX_RESPONSE_PARTS {
            return Err(ApiError::bad("TOO_MANY_PARTS", ResponseError::Parts(self.parts.len())));
        }
        let bad = |what: String| ApiError::bad("BAD_HEX", format!("{what} is not hex"));
        let mut parts = Vec::new();
        for (position, part) in self.parts.iter().enumerate() {
            parts.push(hex::decode(part).map_err(|_| bad(format!("part {position}")))?);
        }
        let signature = hex::decode_to_array(&self.signature).map_err(|_| {
            ApiError::bad("BAD_SIGNATURE", "signature must be 65 bytes of hex, r || s || v")
        })?;
        Ok(SignedResponse { job: JobId(self.job_id), parts, signature })
    }
}

pub(super) async fn submit(
    State(context): State<Context>,
    body: Result<Json<Respond>, JsonRejection>,
) -> Result<(StatusCode, Json<serde_json::Value>), ApiError> {
    let Json(body) = body.map_err(|error| ApiError::bad("BAD_JSON", error.body_text()))?;
    let response = body.decode()?;
    let hash = response.hash();
    let deadline = Instant::now() + SEED_PATIENCE;
    let mut view = context.view.clone();
    loop {
        view.mark_unchanged();
        let refused = match hand_over(&context, response.clone()).await? {
            Ok(()) => return Ok((StatusCode::ACCEPTED, Json(json!({ "response": hash })))),
            Err(refused) => refused,
        };
        // Another node may have combined the beacon of an open job a moment earlier.
        let early = match refused {
            ResponseRefused::NotWaiting(job) => is_open(&context, job),
            ResponseRefused::TooMany(_) | ResponseRefused::Bad(_) => false,
        };
        if !early || !matches!(timeout_at(deadline, view.changed()).await, Ok(Ok(()))) {
            return Err(refusal(refused));
        }
    }
}

fn is_open(context: &Context, job: JobId) -> bool {
    context.view.borrow().jobs.iter().any(|view| view.job_id == job.0)
}

async fn hand_over(
    context: &Context,
    response: SignedResponse,
) -> Result<Result<(), ResponseRefused>, ApiError> {
    let stopping = || ApiError::Unavailable("the node is stopping".into());
    let (reply, answer) = oneshot::channel();
    let command = Command::Respond { response, reply };
    context.commands.send(command).await.map_err(|_| stopping())?;
    answer.await.map_err(|_| stopping())
}

fn refusal(refused: ResponseRefused) -> ApiError {
    let code = match &refused {
        ResponseRefused::NotWaiting(_) => "NOT_WAITING",
        ResponseRefused::TooMany(_) => "TOO_MANY_RESPONSES",
        ResponseRefused::Bad(ResponseError::TooLong(_)) => "TOO_LONG",
        ResponseRefused::Bad(ResponseError::Parts(_)) => "BAD_PARTS",
        ResponseRefused::Bad(ResponseError::Encoding(_)) => "BAD_ENCODING",
        ResponseRefused::Bad(ResponseError::Signature { .. }) => "BAD_SIGNATURE",
        ResponseRefused::Bad(ResponseError::WrongSigner { .. }) => "WRONG_SIGNER",
    };
    ApiError::bad(code, refused)
}

/// Whose response is wanted.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct OfJob {
    job: B256,
}

/// The stored response of a concluded job: its canonical bytes, hex.
pub(super) async fn body(
    State(context): State<Context>,
    Text(hash): Text,
    Parameters(wanted): Parameters<OfJob>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let hash = parse_hash("response hash", &hash)?;
    let body = context.store.response(response_key(JobId(wanted.job), hash))?;
    body.map(|body| Json(json!({ "response": hash, "body": hex::encode_prefixed(body) })))
        .ok_or_else(|| ApiError::NotFound(format!("no response {hash} is kept here")))
}

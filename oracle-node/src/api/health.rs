//! Whether the node lives, whether it is of use, and what it counts.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::Context;
use crate::{metrics, views::Status};

/// 200 while the process answers.
pub(super) async fn health() -> Json<serde_json::Value> {
    Json(json!({ "status": "alive" }))
}

/// 200 when this operator can take part in attesting: peers for a quorum, a share, chains read.
pub(super) async fn ready(State(context): State<Context>) -> Response {
    let status = context.view.borrow().status.clone();
    let quorum = protocol::ids::Quorums::of(usize::from(status.members)).q as u64;
    let mut missing = Vec::new();
    if status.peers + 1 < quorum {
        missing.push(format!("{} of {quorum} operators connected", status.peers + 1));
    }
    if status.group_key.is_none() {
        missing.push("no group key yet".into());
    } else if !status.has_share {
        missing.push("no share of the group key".into());
    }
    for chain in status.chains.iter().filter(|chain| !chain.healthy || chain.halted) {
        let why = chain.trouble.as_deref().unwrap_or("not read");
        missing.push(format!("chain {}: {why}", chain.chain_id));
    }
    let code = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(json!({ "ready": missing.is_empty(), "missing": missing }))).into_response()
}

pub(super) async fn metrics(State(context): State<Context>) -> Response {
    match context.metrics.text() {
        Ok(text) => ([("content-type", metrics::MEDIA_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

pub(super) async fn status(State(context): State<Context>) -> Json<Status> {
    Json(context.view.borrow().status.clone())
}

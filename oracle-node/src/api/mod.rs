//! The HTTP API: JSON, hex with 0x, errors as `{"error": …, "code": …}`.

mod challenges;
mod error;
mod health;
mod ledger;
mod patience;
mod responses;
mod seats;
mod server;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use host::Host;
use protocol::genesis::Genesis;
use store::Store;
use tokio::sync::{mpsc, watch};

use crate::{archive::Archive, core::Command, metrics::Metrics, views::View};

pub(crate) use self::server::{Limits, serve};
pub use self::{
    error::ApiError,
    ledger::{Block, Committee, Page},
    responses::Respond,
    seats::Seats,
};

/// The largest request body, in bytes: a response of 256 KiB in hex, with its framing.
const MAX_BODY_BYTES: usize = 640 * 1024;

/// Streams of challenges at a time.
pub const STREAMS_MAX: usize = 64;

/// Responses that are read at a time: each may hold its body twice, as text and as bytes.
pub const UPLOADS_MAX: usize = 16;

/// What the handlers read and where they write to.
#[derive(Clone)]
pub struct Context {
    /// The node as it is now.
    pub view: watch::Receiver<Arc<View>>,
    /// Concluded jobs and certificates.
    pub archive: Archive,
    /// Blocks and responses.
    pub store: Store,
    /// What the ledger stands on.
    pub genesis: Arc<Genesis>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Peers.
    pub host: Host,
    /// The core.
    pub commands: mpsc::Sender<Command>,
    /// Streams of challenges that are open.
    pub streams: Seats,
    /// Responses that are being read.
    pub uploads: Seats,
    /// Ends streams when the node stops.
    pub stop: watch::Receiver<bool>,
}

/// All routes.
pub fn router(context: Context) -> Router {
    let uploads = from_fn_with_state(context.uploads.clone(), seats::wait);
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/v1/status", get(health::status))
        .route("/v1/genesis", get(ledger::genesis))
        .route("/v1/committee", get(ledger::committee))
        .route("/v1/jobs", get(ledger::jobs))
        .route("/v1/jobs/{job}", get(ledger::job))
        .route("/v1/blocks", get(ledger::blocks))
        .route("/v1/blocks/{height}", get(ledger::block))
        .route("/v1/certificates", get(ledger::certificate))
        .route("/v1/statements/{hash}", get(ledger::statement))
        .route("/v1/challenges", get(challenges::list))
        .route("/v1/challenges/stream", get(challenges::stream))
        .route("/v1/responses", post(responses::submit).layer(uploads))
        .route("/v1/responses/{hash}", get(responses::body))
        .fallback(error::no_route)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(context)
}

//! What a host needs to know before it starts.

use std::path::PathBuf;
use std::time::Duration;

/// Longest block body, bytes.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Longest application gossip message, bytes.
pub const GOSSIP_BYTES_MAX: usize = 96 * 1024;
/// Longest request, bytes.
pub const REQUEST_BYTES_MAX: usize = 320 * 1024;
/// Longest answer to a request, bytes.
pub const RESPONSE_BYTES_MAX: usize = 320 * 1024;

/// One operator of the committee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Compressed secp256k1 key that signs proposals and votes.
    pub consensus_key: [u8; 33],
    /// Ed25519 public key of the operator's network identity.
    pub network_key: [u8; 32],
    /// Where to dial the operator, as multiaddrs without a peer id, for example
    /// `/ip4/192.0.2.7/tcp/26656`; may be empty for one that only dials.
    pub addresses: Vec<String>,
}

/// How long consensus waits in each step; every failed round adds `delta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the proposal; also the time the application has to build a body.
    pub propose: Duration,
    /// For disagreeing prevotes to settle.
    pub prevote: Duration,
    /// For disagreeing precommits to settle.
    pub precommit: Duration,
    /// Added to each with every round.
    pub delta: Duration,
    /// Before the votes of a round are sent again, first time; doubles up to 8 times this.
    pub resend: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            propose: Duration::from_secs(2),
            prevote: Duration::from_secs(1),
            precommit: Duration::from_secs(1),
            delta: Duration::from_millis(500),
            resend: Duration::from_secs(1),
        }
    }
}

/// Bounds of the host's queues and its pacing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events waiting for the application. Gossip and requests beyond it are dropped, consensus waits.
    pub events: usize,
    /// Requests of one peer answered at a time.
    pub requests_per_peer: usize,
    /// Gossip messages the application is judging at a time.
    pub gossip_pending: usize,
    /// How many of these one peer may have passed on.
    pub gossip_pending_per_peer: usize,
    /// How long the application may take over a message or request.
    pub answer_timeout: Duration,
    /// How long a request to a peer may take.
    pub request_timeout: Duration,
    /// Shortest time between a decision and the next height if only one other operator asks for it.
    pub peer_wake_interval: Duration,
    /// How often each peer hears which heights this node has.
    pub status_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: 512,
            requests_per_peer: 16,
            gossip_pending: 1024,
            gossip_pending_per_peer: 128,
            answer_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            peer_wake_interval: Duration::from_millis(20),
            status_interval: Duration::from_secs(2),
        }
    }
}

/// Everything a host needs to start.
#[derive(Clone)]
pub struct HostConfig {
    /// The ledger; signatures and topics are bound to it.
    pub ledger_id: [u8; 32],
    /// Ed25519 seed of this node's network identity.
    pub network_key: [u8; 32],
    /// Secp256k1 secret that signs proposals and votes.
    pub consensus_key: [u8; 32],
    /// The committee in its fixed order; this node is one of them.
    pub validators: Vec<Validator>,
    /// Multiaddr to listen on, for example `/ip4/0.0.0.0/tcp/26656`; port 0 picks a free one.
    pub listen: String,
    /// Folder of the write-ahead log and of bodies not yet decided; made if missing.
    pub wal_dir: PathBuf,
    /// First height to decide: one more than the last block the application stored, 1 at genesis.
    pub start_height: u64,
    /// Longest time without a block.
    pub max_idle: Duration,
    /// Waiting times of consensus.
    pub timeouts: Timeouts,
    /// Bounds and pacing.
    pub limits: Limits,
    /// Start without a write-ahead log although blocks exist. Only safe when this node has certainly
    /// not signed anything for `start_height`; otherwise it may contradict itself and be slashed.
    pub allow_missing_wal: bool,
}

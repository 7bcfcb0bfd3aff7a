//! What the host asks of the application, and what they say to each other.

use std::path::PathBuf;

use thiserror::Error;
use tokio::sync::oneshot;

use crate::offence::{OFFENCES, Offence};

/// Ed25519 public key of an operator's network identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerKey(pub [u8; 32]);

/// Gossip topics of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Signed bundles of facts.
    Bundles,
    /// Announcements of responses.
    Responses,
    /// Partial signatures.
    Partials,
}

/// Request protocols of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Messages for one operator, such as dealings.
    Direct,
    /// Bodies by hash.
    Fetch,
}

/// What the application thinks of a gossiped message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Good: pass it on.
    Accept,
    /// Not useful now: don't pass it on, nobody is to blame.
    Ignore,
    /// Wrong: don't pass it on, and count it against the peer it came from. Only for what every honest
    /// operator refuses, however far it has come: an honest one passes on what it accepted.
    Reject(Offence),
}

/// Build the body of a block now.
#[derive(Debug)]
pub struct Propose {
    /// Height of the block.
    pub height: u64,
    /// The body, at most 2 MiB. Later than the propose timeout is too late.
    pub reply: oneshot::Sender<Vec<u8>>,
}

/// Judge a proposed body, one's own too. A pure function of body and the blocks before it.
#[derive(Debug)]
pub struct Validate {
    /// Height of the block.
    pub height: u64,
    /// The body.
    pub body: Vec<u8>,
    /// Whether it may be decided.
    pub reply: oneshot::Sender<bool>,
}

/// A block is final.
#[derive(Debug)]
pub struct Decided {
    /// Height of the block.
    pub height: u64,
    /// The body.
    pub body: Vec<u8>,
    /// Its id.
    pub block_id: [u8; 32],
    /// Self-contained commit certificate, as `consensus::verify_certificate` reads it.
    pub certificate: Vec<u8>,
    /// Sent when body and certificate are on disk.
    pub reply: oneshot::Sender<()>,
}

/// A block as the application keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlock {
    /// Height of the block.
    pub height: u64,
    /// The body.
    pub body: Vec<u8>,
    /// Its commit certificate.
    pub certificate: Vec<u8>,
}

/// Blocks for an operator that lags.
#[derive(Debug)]
pub struct StoredBlocks {
    /// First height wanted.
    pub from: u64,
    /// Last height wanted, inclusive.
    pub to: u64,
    /// Consecutive blocks from `from`, as many as are there; empty if none.
    pub reply: oneshot::Sender<Vec<StoredBlock>>,
}

/// A message from the gossip network.
#[derive(Debug)]
pub struct Gossip {
    /// The topic.
    pub topic: Topic,
    /// The operator that passed it on, not necessarily its author.
    pub from: PeerKey,
    /// The message.
    pub bytes: Vec<u8>,
    /// The verdict on it.
    pub reply: oneshot::Sender<Acceptance>,
}

/// A request from an operator.
#[derive(Debug)]
pub struct Request {
    /// The operator that asks.
    pub from: PeerKey,
    /// The protocol.
    pub protocol: Protocol,
    /// The request.
    pub bytes: Vec<u8>,
    /// The answer; `None` for none.
    pub reply: oneshot::Sender<Option<Vec<u8>>>,
}

/// What the host tells or asks the application.
#[derive(Debug)]
pub enum Event {
    /// Build a body.
    Propose(Propose),
    /// Judge a body.
    Validate(Validate),
    /// Store a final block.
    Decided(Decided),
    /// Read blocks.
    StoredBlocks(StoredBlocks),
    /// The earliest height the application can serve.
    EarliestHeight(oneshot::Sender<u64>),
    /// A gossiped message.
    Gossip(Gossip),
    /// A request.
    Request(Request),
    /// An operator is connected.
    PeerConnected(PeerKey),
    /// An operator is gone.
    PeerDisconnected(PeerKey),
    /// The host has stopped signing; stop it.
    Fatal(HostError),
}

/// Why a host can't start or go on.
#[derive(Clone, Debug, Error)]
pub enum HostError {
    /// A configuration value can't be used.
    #[error("config {key}: {reason}")]
    Config {
        /// The field of [`crate::HostConfig`].
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Blocks exist, the write-ahead log doesn't.
    #[error(
        "no write-ahead log at {path} although blocks up to {height} exist; starting without it may \
         sign a conflicting vote: restore the file, or allow a missing log if this node has certainly \
         not voted at height {next}", path = path.display(), next = height + 1
    )]
    WalMissing {
        /// Where it should be.
        path: PathBuf,
        /// Last stored height.
        height: u64,
    },
    /// The write-ahead log can't be trusted.
    #[error(
        "write-ahead log {path} is corrupt ({reason}); this node must not vote until the other \
         operators have decided height {height}: restore the file, or move it away and allow a missing \
         log once they have", path = path.display()
    )]
    WalCorrupt {
        /// The file.
        path: PathBuf,
        /// The height it belongs to.
        height: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Writing what must be on disk before signing failed.
    #[error("can't write {path}: {reason}; free the disk and restart", path = path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        reason: String,
    },
    /// The address can't be listened on.
    #[error("can't listen on {address}: {reason}")]
    Listen {
        /// The multiaddr.
        address: String,
        /// The system's error.
        reason: String,
    },
    /// The committee decided a block that this node's application refuses.
    #[error(
        "height {height}: the committee decided block 0x{block}, which this node finds invalid; its state \
         differs from the others'", block = crate::event::hex(block_id)
    )]
    DecidedInvalid {
        /// Height of the block.
        height: u64,
        /// Its id.
        block_id: [u8; 32],
    },
    /// A block is decided whose body was lost.
    #[error(
        "height {height}: the body of decided block 0x{block} is not on disk; restart with an empty folder of \
         the write-ahead log, allowing a missing log, once the other operators have decided the height",
        block = crate::event::hex(block_id)
    )]
    BodyMissing {
        /// Height of the block.
        height: u64,
        /// Its id.
        block_id: [u8; 32],
    },
    /// The application dropped a reply that the host can't do without.
    #[error("the application gave no answer to {question} at height {height}")]
    Application {
        /// What was asked.
        question: &'static str,
        /// At which height.
        height: u64,
    },
    /// The engine stopped.
    #[error("consensus engine stopped: {0}")]
    Engine(String),
}

/// Why a message was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PublishError {
    /// The message is longer than gossip allows.
    #[error("message of {0} bytes is too long")]
    TooLong(usize),
    /// No operator is connected and listening.
    #[error("no operator listens")]
    NoPeers,
    /// The queues to all operators are full.
    #[error("queues to all operators are full")]
    Busy,
    /// The host has stopped.
    #[error("host has stopped")]
    Stopped,
}

/// Why a request got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The key is no operator's, or one's own.
    #[error("not an operator's key")]
    UnknownPeer,
    /// No connection to it.
    #[error("peer is not connected")]
    NotConnected,
    /// No answer in time, or the connection broke.
    #[error("peer did not answer")]
    NoAnswer,
    /// It had nothing to say.
    #[error("peer has no answer")]
    Refused,
    /// The message is longer than the protocol allows.
    #[error("message of {0} bytes is too long")]
    TooLong(usize),
    /// Too many requests of one's own are under way.
    #[error("too many requests under way")]
    Busy,
    /// The host has stopped.
    #[error("host has stopped")]
    Stopped,
}

/// Counters since the start, and gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Last decided height, 0 before the first.
    pub height: u64,
    /// Highest round number started at the current height.
    pub round: u32,
    /// Connected operators.
    pub peers: u64,
    /// Heights decided by voting.
    pub decided: u64,
    /// Heights taken over from others.
    pub synced: u64,
    /// Rounds that failed.
    pub rounds_failed: u64,
    /// Gossip messages passed to the application.
    pub gossip_received: u64,
    /// Gossip messages dropped because the application was busy.
    pub gossip_dropped: u64,
    /// Messages refused as malformed or wrong.
    pub messages_refused: u64,
    /// Requests answered.
    pub requests_answered: u64,
    /// Requests dropped because the application was busy.
    pub requests_dropped: u64,
    /// Connections refused because the key is no operator's, or one that is refused for offences.
    pub connections_refused: u64,
    /// Connections that operators made to this node.
    pub connections_inbound: u64,
    /// Conflicting votes or proposals seen.
    pub equivocations: u64,
    /// How peers were judged.
    pub peers_judged: PeerMetrics,
}

/// What peers did wrong, or too much of, and what followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerMetrics {
    /// Offences, in the order of [`Offence::ALL`].
    pub offences: [u64; OFFENCES],
    /// Messages dropped because a peer sent more than it may, in the order of [`GOSSIP_TOPICS`].
    pub gossip_limited: [u64; GOSSIP_TOPICS.len()],
    /// Requests dropped because a peer sent more than it may, in the order of [`REQUEST_PROTOCOLS`].
    pub requests_limited: [u64; REQUEST_PROTOCOLS.len()],
    /// Times that an operator was disconnected and refused for a while.
    pub refusals: u64,
    /// Operators refused now.
    pub refused: u64,
    /// Times that an operator would have been refused, had not f been already.
    pub spared: u64,
    /// Messages of consensus, or bodies, for heights that are decided.
    pub past_heights: u64,
    /// Messages of consensus, or bodies, for heights too far ahead.
    pub future_heights: u64,
    /// Votes and proposals heard again.
    pub repeated: u64,
    /// Messages for peers that were dropped since they do not read.
    pub unsent: u64,
}

impl PeerMetrics {
    /// How often an offence was counted.
    #[must_use]
    pub fn count(&self, offence: Offence) -> u64 {
        let place = Offence::ALL.iter().position(|known| *known == offence);
        place.and_then(|place| self.offences.get(place)).copied().unwrap_or_default()
    }
}

/// Names of the gossip topics.
pub const GOSSIP_TOPICS: [&str; 5] = ["consensus", "bodies", "bundles", "responses", "partials"];
/// Names of the request protocols.
pub const REQUEST_PROTOCOLS: [&str; 4] = ["sync", "status", "direct", "fetch"];

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Malachite's engine and one libp2p swarm, behind a small interface of blocks and messages.
//!
//! [`start`] brings up one operator's node: consensus over the validators of [`HostConfig`], and one
//! authenticated network of the same operators for the application's own messages. The application
//! gets [`Event`]s from a bounded channel and answers them through their reply channels; it acts
//! through [`Host`]. No type of the engine or of the network library appears here.
//!
//! # Contract
//! - Heights are decided in order, each once: [`Event::Decided`] for `h` comes after the reply to
//!   `h - 1`. The body is durable in the host until the application has replied.
//! - [`Event::Propose`] and [`Event::Validate`] for height `h` come only after the reply to
//!   [`Event::Decided`] of `h - 1`.
//! - A dropped reply means "no": no proposal, an invalid body, [`Acceptance::Ignore`], no answer.
//!   Only a dropped reply to [`Event::Decided`] is fatal.
//! - Idle: after a decision the next height starts on [`Host::wake`] here or at any other operator,
//!   or after `max_idle`.
//! - After [`Event::Fatal`] the host signs nothing any more; stop it and exit.

mod bodies;
mod codec;
mod config;
pub mod decoding;
mod driver;
mod event;
mod host;
mod network;
mod offence;
mod probe;
mod progress;
mod questions;
mod rate;
mod statements;
mod supervisor;
mod wal;

pub use config::{
    BODY_BYTES_MAX, GOSSIP_BYTES_MAX, HostConfig, Limits, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX,
    Timeouts, Validator,
};
pub use event::{
    Acceptance, Decided, Event, GOSSIP_TOPICS, Gossip, HostError, Metrics, PeerKey, PeerMetrics,
    Propose, Protocol, PublishError, REQUEST_PROTOCOLS, Request, RequestError, StoredBlock,
    StoredBlocks, Topic, Validate,
};
pub use host::{Host, start};
pub use offence::Offence;
pub use probe::{ProbeError, probe};
pub use wal::path as wal_file;

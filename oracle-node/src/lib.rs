//! # The operator's daemon
//!
//! [`run`] assembles a node: it opens store and keys, replays the stored blocks through the
//! ledger, and starts consensus and network (`host`), chain watchers (`chain`), the operator's
//! decisions (`operator`) in one loop ([`core`]), verification, settling on chain, and the API.
//!
//! Everything that happens reaches the [`core`] through bounded channels; it hands it to the
//! operator and carries out the effects in order. What must be durable is on disk before anybody
//! sees what depends on it.

pub mod api;
mod archive;
mod clock;
pub mod config;
mod core;
mod halt;
mod keys;
pub mod lookout;
mod metrics;
mod node;
mod participation;
mod reminder;
pub mod resources;
mod settle;
mod statements;
pub mod timeline;
mod verification;
pub mod views;

pub use self::core::Command;
pub use archive::{Archive, JobRecord};
pub use metrics::{Metrics, Sources};
pub use node::{Options, run};

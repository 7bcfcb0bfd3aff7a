//! Rust over the committed contract ABIs, for calls, events and errors.
//!
//! Without features this crate does no IO and may be used anywhere. Feature `rpc` adds a JSON-RPC client for nodes and
//! submitters, feature `deploy` the deployment of all contracts for the devnet and for tests.

#[cfg(feature = "deploy")]
pub mod addresses;
#[cfg(feature = "deploy")]
pub mod anvil;
mod contracts;
#[cfg(feature = "deploy")]
pub mod deploy;
#[cfg(feature = "deploy")]
pub mod faulty;
#[cfg(feature = "rpc")]
pub mod rpc;

pub use contracts::*;

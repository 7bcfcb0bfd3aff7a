//! JSON-RPC over HTTP: answers bounded in size and time and checked for range, endpoints that fail over, errors that name
//! no URL.

mod account;
mod backoff;
mod client;
mod endpoints;
mod error;
mod transaction;
mod transport;
mod wallet;

pub use alloy::signers::local::PrivateKeySigner;

pub use account::{FeeHistory, Receipt};
pub use backoff::Backoff;
pub use client::{BlockId, BlockRef, Header, Log, LogBlocks, Rpc, UrlError};
pub use endpoints::{ENDPOINTS_MAX, Endpoints};
pub use error::RpcError;
pub use transaction::{SignedTransaction, TRANSFER_GAS, Transaction};
pub use transport::Limits;
pub use wallet::{Wallet, WalletError};

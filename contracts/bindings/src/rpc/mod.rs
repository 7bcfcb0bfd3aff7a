//! JSON-RPC over HTTP: answers bounded in size and time and checked for range, endpoints that fail over, errors that name
//! no URL.

mod account;
mod backoff;
mod client;
mod endpoints;
mod error;
mod transport;

pub use account::{FeeHistory, Receipt};
pub use backoff::Backoff;
pub use client::{BlockId, BlockRef, Header, Log, LogBlocks, Rpc, UrlError};
pub use endpoints::{ENDPOINTS_MAX, Endpoints};
pub use error::RpcError;
pub use transport::Limits;

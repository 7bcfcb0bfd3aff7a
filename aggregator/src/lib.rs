//! From group signatures to settled hubs.
//!
//! A [`Certificate`] is one group signature with the outcomes of every ledger height since an accumulator of the hub. A
//! [`CertificateSource`] gives the newest one: the node its own, [`HttpSource`] that of any node. A [`Submitter`] checks it
//! against the hub, waits its turn, and sends it in one EIP-1559 transaction: fees are raised until it is mined, the
//! receipt is watched to its depth, and nothing is sent, or what was sent is cancelled, when others were first. Every
//! decision is in [`machine`], which does no IO.

mod certificate;
mod config;
mod event;
mod fault;
mod fees;
mod flight;
pub mod machine;
mod source;
mod submitter;

pub use bindings::rpc::PrivateKeySigner;
pub use certificate::{
    Audience, BATCH_OUTCOMES_MAX, BATCHES_MAX, Batch, CALL_BYTES_MAX, CallSize, Certificate,
    CertificateError,
};
pub use config::{ConfigError, Policy, SubmitterConfig, Turn};
pub use event::{Execution, SubmitterEvent};
pub use fault::SendFault;
pub use fees::{Fees, Market};
pub use source::{CertificateQuery, CertificateSource, HttpSource, SourceError};
pub use submitter::{HubState, Submitter, Tick, TickError};

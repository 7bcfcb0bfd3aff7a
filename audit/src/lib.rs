//! The ledger in one file, and everything that it concluded, derived again from that file.
//!
//! An auditor runs no consensus, has no keys and trusts no node. [`Exporter`] writes blocks, their
//! commit certificates and what jobs were judged by; [`verify`] reads them once, in order, and holds
//! one record and the ledger's state at a time. Neither opens a file or a socket: hosts bring a reader
//! or a writer.
//!
//! # File
//! JSON objects, one a line, each in its one spelling: as [`Record::line`] writes it, byte for byte.
//!
//! | `type` | fields | how many |
//! |---|---|---|
//! | `genesis` | `format`, `version`, `ledger_id`, `genesis` | one, first |
//! | `block` | `height`, `body`, `certificate` | one a height, from 1 |
//! | `statement` | `job`, `bytes` | after the block that concluded the job |
//! | `key` | `job`, `bytes` | after the statement that names it |
//! | `response` | `job`, `bytes` | after its job's keys |
//! | `end` | `blocks`, `records`, `height`, `state_digest`, `keccak256` | one, last |
//!
//! Bytes are hex with `0x`. `body` is what `keccak256` of is in the block id; `certificate` is
//! [`consensus::verify_certificate`]'s; a response's bytes are those of
//! [`protocol::response::SignedResponse`]. A job's records come in the order of the conclusions in its
//! block. `records` counts the lines before the `end` record, and `keccak256` is that of their bytes, line ends
//! included.
//!
//! # What is derived
//! [`verify`] explains each check; a [`Finding`] says which record fails which.

mod conclusion;
mod export;
mod finding;
mod judge;
mod read;
mod record;
mod replay;
mod report;
mod verify;

pub use conclusion::{Conclusion, Origin};
pub use export::{ExportError, Exporter, Summary};
pub use finding::{Finding, MAX_FINDINGS};
pub use judge::keys_needed;
pub use record::{FORMAT, MAX_LINE_BYTES, Record, VERSION};
pub use report::{Counts, HubReport, Report, Verdicts};
pub use verify::{Materials, Observer, Options, Unusable, verify};

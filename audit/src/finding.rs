//! What is wrong, and where.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

/// The most findings that a report holds; more are counted.
pub const MAX_FINDINGS: usize = 100;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The record, from 1: the line of the file.
    pub record: u64,
    /// The record's first byte in the file, from 0.
    pub offset: u64,
    /// The height that was audited.
    pub height: u64,
    /// The job that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<B256>,
    /// What does not hold, in words.
    pub what: String,
}

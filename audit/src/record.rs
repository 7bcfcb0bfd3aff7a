//! Records: what a line of the file says.

use alloy_primitives::{B256, Bytes};
use protocol::genesis::Genesis;
use serde::{Deserialize, Serialize};

/// What the first record calls the format.
pub const FORMAT: &str = "assay-audit";

/// The version that this crate writes and reads.
pub const VERSION: u32 = 1;

/// The longest line, in bytes: a block of the largest size in hex, with its certificate.
pub const MAX_LINE_BYTES: usize = 8 * 1024 * 1024;

/// What every file of this version begins with.
pub(crate) const BEGINNING: &[u8] = br#"{"type":"genesis","format":"assay-audit","version":1,"#;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// What the ledger stands on.
    Genesis {
        /// [`FORMAT`].
        format: String,
        /// [`VERSION`].
        version: u32,
        /// The ledger's name.
        ledger_id: B256,
        /// The genesis that has this name.
        genesis: Box<Genesis>,
    },
    /// A decided block.
    Block {
        /// Its height.
        height: u64,
        /// Its body, as it is hashed.
        body: Bytes,
        /// The commit certificate.
        certificate: Bytes,
    },
    /// What a job asked for.
    Statement {
        /// The job.
        job: B256,
        /// The kind's statement.
        bytes: Bytes,
    },
    /// A verifying key that a job's statement names.
    Key {
        /// The job.
        job: B256,
        /// The key's canonical bytes.
        bytes: Bytes,
    },
    /// What a job was answered with.
    Response {
        /// The job.
        job: B256,
        /// The signed response's canonical bytes.
        bytes: Bytes,
    },
    /// The file's end.
    End {
        /// Blocks before this record.
        blocks: u64,
        /// Records before this record.
        records: u64,
        /// The last block's height.
        height: u64,
        /// The state digest after the last block.
        state_digest: B256,
        /// keccak256 of all bytes before this record.
        keccak256: B256,
    },
}

impl Record {
    /// The record's one spelling, with its line end.
    ///
    /// # Errors
    /// Never for the records that exist.
    pub fn line(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }

    /// What the record is, for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Genesis { .. } => "genesis",
            Self::Block { .. } => "block",
            Self::Statement { .. } => "statement",
            Self::Key { .. } => "key",
            Self::Response { .. } => "response",
            Self::End { .. } => "end",
        }
    }
}

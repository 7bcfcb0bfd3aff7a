//! What a contract fixed when it asked for a verification, and where an operator saw that.

use alloy_primitives::{Address, B256};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    bytes,
    ids::{HubIndex, JobId},
};

/// Everything that a job's id commits to.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct JobDescriptor {
    /// The chain that the request is on.
    pub chain_id: u64,
    /// The contract that asked and will be told.
    pub escrow: Address,
    /// The hub's own counter, from 1: the job's nonce.
    pub index: u64,
    /// Whose proof is asked for.
    pub provider: Address,
    /// The proof kind: first four bytes of keccak256 of its name.
    pub kind: [u8; 4],
    /// keccak256 of the kind's statement.
    pub statement_hash: B256,
    /// Unix seconds after which the escrow may expire the job.
    pub deadline_seconds: u64,
}

impl JobDescriptor {
    /// The job's id.
    pub fn id(&self) -> JobId {
        bytes::job_id(self)
    }
}

/// Where in a chain a request was emitted.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct Position {
    /// The block's number.
    pub block_number: u64,
    /// The log's index in the block.
    pub log_index: u32,
}

/// A request as one operator read it at its own endpoint.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct Sighting {
    /// The hub that emitted it.
    pub hub: HubIndex,
    /// What was asked for.
    pub job: JobDescriptor,
    /// Where it was emitted.
    pub position: Position,
}

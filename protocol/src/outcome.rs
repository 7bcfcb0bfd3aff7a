//! Verdicts, judgements and outcomes.

use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::ids::{HubIndex, JobId};

/// What was concluded about a response.
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
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The proof holds.
    Valid,
    /// The proof was refuted, or the provider signed two.
    Invalid,
    /// No response in time; only the ledger itself says so.
    Missed,
    /// The network could not agree; never a slash.
    Inconclusive,
}

impl Verdict {
    /// The number that stands for it in every message.
    pub const fn to_u8(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Missed => 2,
            Self::Inconclusive => 3,
        }
    }

    /// The verdict behind a number of a message.
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Valid),
            1 => Some(Self::Invalid),
            2 => Some(Self::Missed),
            3 => Some(Self::Inconclusive),
            _ => None,
        }
    }
}

/// Reason codes that the ledger itself gives; kinds use those below 0xF000.
pub mod code {
    /// `Missed`: no response reached f+1 operators in time.
    pub const NO_ANSWER: u16 = 0xF001;
    /// `Invalid`: the provider signed two responses.
    pub const EQUIVOCATED: u16 = 0xF002;
    /// `Inconclusive`: no q operators revealed the same judgement in time.
    pub const NO_QUORUM: u16 = 0xF003;
}

/// What one operator, or the ledger, holds to be true of a job.
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
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Its reason code, 0 when there is none.
    pub code: u16,
    /// The value in the kind's unit, 0 unless `Valid`.
    pub value: u128,
    /// The EVIDENCE hash of what was judged.
    pub evidence: B256,
}

/// A job's one conclusion.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Outcome {
    /// The job.
    pub job: JobId,
    /// The hub that will hear it.
    pub hub: HubIndex,
    /// The hub's number for the job.
    pub job_index: u64,
    /// What was concluded.
    pub judgement: Judgement,
}

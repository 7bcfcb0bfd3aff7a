//! What a block brought about, for hosts to act on.

use alloy_primitives::B256;
use thiserror::Error;

use super::Batch;
use crate::{
    ids::{Epoch, JobId, OperatorIndex},
    outcome::Outcome,
    subject::Subject,
};

/// Why a fact was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum SkipCode {
    /// A hub, chain or job that the ledger does not know.
    #[error("no such hub or open job")]
    Unknown,
    /// The job is open or concluded.
    #[error("the job is already open or concluded")]
    AlreadyOpen,
    /// The operator stated this before.
    #[error("stated before")]
    Duplicate,
    /// The operator stated something else before.
    #[error("contradicts an earlier statement of the same operator")]
    Contradiction,
    /// The job or ceremony is in another phase.
    #[error("not in this phase")]
    WrongPhase,
    /// The job's own deadline has passed, or leaves no time for its phases.
    #[error("the job's deadline leaves no time for its phases")]
    Expired,
    /// A bound of the ledger is reached; try again later.
    #[error("a bound of the ledger is reached")]
    Full,
    /// A signature that does not hold.
    #[error("the signature does not hold")]
    BadSignature,
    /// A reveal that is not what was committed to.
    #[error("the reveal does not open the operator's commitment")]
    NotCommitted,
    /// A reveal about another seed, response or a verdict that only the ledger gives.
    #[error("the reveal is not about this job's seed and response")]
    WrongSubject,
    /// A ceremony log that does not decode or is another dealer's.
    #[error("the ceremony log is malformed or another dealer's")]
    BadLog,
}

/// One thing that a block brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A fact made no sense.
    Skipped {
        /// Whose.
        operator: OperatorIndex,
        /// In which bundle.
        number: u64,
        /// Its place in the bundle, from 0.
        position: usize,
        /// Why.
        code: SkipCode,
    },
    /// A job was opened: its beacon is due.
    Opened {
        /// The job.
        job: JobId,
    },
    /// The job's seed is known; its provider may answer.
    Challenged {
        /// The job.
        job: JobId,
        /// The seed.
        seed: B256,
    },
    /// The response is fixed; operators judge.
    Answered {
        /// The job.
        job: JobId,
        /// The response's root.
        response: B256,
    },
    /// Commitments may be opened.
    RevealsOpened {
        /// The job.
        job: JobId,
    },
    /// The job ended.
    Concluded(Outcome),
    /// The outcomes of this height for one hub.
    BatchClosed(Batch),
    /// The group shall sign this.
    SignatureDue {
        /// What.
        subject: Subject,
        /// The 32 bytes.
        message: B256,
    },
    /// The group has signed this, and the ledger holds the proof.
    Signed {
        /// What.
        subject: Subject,
        /// The signature, compressed.
        signature: [u8; 48],
    },
    /// A group signature that is not due or does not verify.
    SignatureSkipped {
        /// What it claimed to sign.
        subject: Subject,
    },
    /// A ceremony round collects keys.
    CeremonyOpened {
        /// The round.
        round: u64,
    },
    /// A ceremony round collects dealers' logs.
    DealingOpened {
        /// The round.
        round: u64,
    },
    /// A round gave no key; the next one opens.
    CeremonyFailed {
        /// The round.
        round: u64,
        /// Members whose key or log was missing.
        absent: Vec<OperatorIndex>,
        /// Why.
        reason: String,
    },
    /// The epoch has its group key.
    GroupFormed {
        /// The epoch.
        epoch: Epoch,
        /// The round that gave it.
        round: u64,
        /// Members without a log.
        absent: Vec<OperatorIndex>,
        /// Whether a share had to be made public; the key should be refreshed at once.
        revealed: bool,
    },
}

//! What a host is asked to do.

use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use protocol::{
    bytes::HubAddress,
    ids::{Epoch, JobId, LedgerTime, OperatorIndex},
    job::{JobDescriptor, Position},
    ledger::Event,
    outcome::Verdict,
    response::SignedResponse,
    subject::Subject,
};
use thiserror::Error;
use threshold::Share;

/// Gossip topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Signed bundles.
    Bundles,
    /// Responses, or that one is held.
    Responses,
    /// Partial signatures.
    Partials,
}

/// What to do with a gossiped message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Pass it on.
    Accept,
    /// Not useful now; nobody's fault.
    Ignore,
    /// Wrong on every member that is honest, so whoever passed it on is at fault.
    Reject(Fault),
}

/// What is wrong with a message, however far the member that judges it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Bytes that are no message.
    Malformed,
    /// In the name of nobody in the committee.
    NotMember,
    /// Not signed by whom it names, or for another ledger, committee or challenge.
    BadSignature,
}

/// A place in the journal: one value each, replaced or removed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum JournalKey {
    /// My latest signed bundle.
    Bundle,
    /// A request that my endpoint showed.
    Request(JobId),
    /// A response that I hold for an open job.
    Response(JobId, B256),
    /// The judgement that I have committed to, as its reveal.
    Judgement(JobId),
    /// The secrets of a ceremony round.
    CeremonySecret(u64),
    /// A dealing that I acknowledged.
    Dealing(u64, OperatorIndex),
    /// The log that I signed as a dealer.
    DealerLog(u64),
}

/// A response to verify, with everything that the verdict may depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyTask {
    /// The job.
    pub job: JobId,
    /// What was asked.
    pub descriptor: JobDescriptor,
    /// Where: keys registered up to this block count.
    pub position: Position,
    /// The hub that asked.
    pub hub: HubAddress,
    /// The challenge's seed.
    pub seed: B256,
    /// The kind's statement, as the chain has it.
    pub statement: Vec<u8>,
    /// The response's root.
    pub response: B256,
    /// The response's parts.
    pub parts: Vec<Vec<u8>>,
    /// The ledger time at which the response was fixed.
    pub answered_at: LedgerTime,
}

/// What a verifier said of a [`VerifyTask`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// `Valid`, `Invalid` or `Inconclusive`.
    pub verdict: Verdict,
    /// The kind's reason code, 0 when there is none.
    pub code: u16,
    /// The value in the kind's unit.
    pub value: u128,
    /// Hash of the reported values, zero if none.
    pub reported: B256,
}

/// Something that a person should hear of.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Warning {
    /// Another member signed two bundles with one number.
    #[error("operator {operator} signed two bundles with number {number}")]
    DoubleBundle {
        /// Who.
        operator: OperatorIndex,
        /// The number.
        number: u64,
    },
    /// Members whose partial signatures were bad.
    #[error("bad partial signatures on {subject:?} from shares {culprits:?}")]
    BadPartials {
        /// What was signed.
        subject: Subject,
        /// Indices.
        culprits: Vec<u16>,
    },
    /// The ledger holds a bundle of mine that this journal does not know.
    #[error(
        "the ledger holds my bundle {ledger}, my journal ends at {journal}: another process may \
         run with this operator's keys, or its disk was lost"
    )]
    ForeignBundle {
        /// On the ledger.
        ledger: u64,
        /// In the journal.
        journal: u64,
    },
    /// The group was formed without a share for this operator.
    #[error("no share of the group key of round {round}: {reason}")]
    NoShare {
        /// The ceremony round.
        round: u64,
        /// Why.
        reason: String,
    },
    /// A dealing that was not acknowledged.
    #[error("dealing of operator {dealer} in round {round} refused: {reason}")]
    BadDealing {
        /// Who dealt.
        dealer: OperatorIndex,
        /// The ceremony round.
        round: u64,
        /// Why.
        reason: String,
    },
    /// A fact of mine made no sense to the ledger.
    #[error("my fact {position} of bundle {number} was skipped: {code}")]
    Skipped {
        /// The bundle.
        number: u64,
        /// The fact's place.
        position: usize,
        /// Why.
        code: protocol::ledger::SkipCode,
    },
}

/// Why a provider's response was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResponseRefused {
    /// No job of this id waits for a response here.
    #[error("job {0} is not waiting for a response")]
    NotWaiting(JobId),
    /// Two responses are held already.
    #[error("job {0} already has two different responses")]
    TooMany(JobId),
    /// Too large, or not signed by the job's provider for this challenge.
    #[error(transparent)]
    Bad(#[from] protocol::response::ResponseError),
}

/// What the host carries out, in order.
#[derive(Debug)]
pub enum Effect {
    /// Make durable before any later effect; none removes the value.
    Persist {
        /// Where.
        key: JournalKey,
        /// What.
        value: Option<Vec<u8>>,
    },
    /// Gossip to all members.
    Publish {
        /// The topic.
        topic: Topic,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Send to one member; it may be lost, and is sent again.
    Send {
        /// To whom.
        to: OperatorIndex,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Ask these members for a response's body, any of them.
    Fetch {
        /// The job.
        job: JobId,
        /// The response's root.
        response: B256,
        /// Who holds it.
        from: Vec<OperatorIndex>,
    },
    /// Verify a response, and bring the verdict to [`crate::Operator::verified`].
    Verify(Box<VerifyTask>),
    /// Consensus should decide a block.
    WantBlock,
    /// Keep this share of the group key, encrypted and durable, before any later effect.
    StoreShare {
        /// The epoch it is for.
        epoch: Epoch,
        /// The ceremony round that gave it.
        round: u64,
        /// The share.
        share: Box<Share>,
    },
    /// Keep a response of a concluded job for auditors.
    StoreResponse {
        /// Its root.
        response: B256,
        /// The response.
        body: SignedResponse,
    },
    /// The group has signed this; it may not be on the ledger yet.
    Signed {
        /// What.
        subject: Subject,
        /// The signature, EIP-2537 form.
        signature: Box<[u8; 128]>,
    },
    /// What a decided block brought about.
    Ledger(Event),
    /// A member has sent what no honest one sends.
    Blame {
        /// Who sent it, or passed it on.
        member: OperatorIndex,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Something that a person should hear of.
    Warn(Warning),
}

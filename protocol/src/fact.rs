//! What an operator can state in a bundle, and the hash that each statement has in its tree.

use alloy_primitives::{B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    bytes::{self, Preimage, Tag},
    ids::JobId,
    job::Sighting,
    outcome::{Judgement, Verdict},
};

/// A judgement, opened: its parts, so that evidence about each of them is self-contained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Reveal {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason code.
    pub code: u16,
    /// The value in the kind's unit.
    pub value: u128,
    /// The seed that the response was judged against.
    pub seed: B256,
    /// The response that was judged.
    pub response: B256,
    /// Hash of the values that the response reports, zero if none.
    pub reported: B256,
    /// The salt of the commitment.
    pub salt: B256,
}

impl Reveal {
    /// The judgement that this opens, for a job with this statement.
    pub fn judgement(&self, statement_hash: B256) -> Judgement {
        Judgement {
            verdict: self.verdict,
            code: self.code,
            value: self.value,
            evidence: bytes::evidence(self.seed, statement_hash, self.response, self.reported),
        }
    }
}

/// One statement of one operator.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Fact {
    /// My own endpoint shows this request as final.
    Saw(Sighting),
    /// I hold this response, signed by the job's provider.
    Got {
        /// The job.
        job: JobId,
        /// The response's root.
        response: B256,
        /// The provider's signature on the RESPONSE digest: r ‖ s ‖ v.
        signature: [u8; 65],
    },
    /// I have judged the response, and will open this.
    Commit {
        /// The job.
        job: JobId,
        /// The COMMIT hash.
        commitment: B256,
    },
    /// This is what I committed to.
    Reveal {
        /// The job.
        job: JobId,
        /// The judgement's parts.
        reveal: Reveal,
    },
    /// Dealings of this ceremony round reach me sealed to this X25519 key.
    CeremonyKey {
        /// The round.
        round: u64,
        /// The public key.
        key: [u8; 32],
    },
    /// My dealing of this round, with who acknowledged it.
    CeremonyLog {
        /// The round.
        round: u64,
        /// The signed log, as `threshold` encodes it.
        log: Vec<u8>,
    },
}

impl Fact {
    /// The fact's hash: a leaf of its bundle's tree.
    pub fn hash(&self) -> B256 {
        match self {
            Self::Saw(sighting) => Preimage::new(Tag::FactSaw)
                .word(sighting.job.id().0)
                .uint(sighting.hub.0)
                .uint(sighting.position.block_number)
                .uint(sighting.position.log_index)
                .hash(),
            Self::Got { job, response, signature } => Preimage::new(Tag::FactGot)
                .word(job.0)
                .word(*response)
                .word(keccak256(signature))
                .hash(),
            Self::Commit { job, commitment } => {
                Preimage::new(Tag::FactCommit).word(job.0).word(*commitment).hash()
            }
            Self::Reveal { job, reveal } => Preimage::new(Tag::FactReveal)
                .word(job.0)
                .uint(reveal.verdict.to_u8())
                .uint(reveal.code)
                .uint(reveal.value)
                .word(reveal.seed)
                .word(reveal.response)
                .word(reveal.reported)
                .word(reveal.salt)
                .hash(),
            Self::CeremonyKey { round, key } => {
                Preimage::new(Tag::FactCeremonyKey).uint(*round).word(B256::from(*key)).hash()
            }
            Self::CeremonyLog { round, log } => {
                Preimage::new(Tag::FactCeremonyLog).uint(*round).word(keccak256(log)).hash()
            }
        }
    }
}

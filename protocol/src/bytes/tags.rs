//! All domain tags, in one place, so that no two messages can share one.

use std::sync::LazyLock;

use alloy_primitives::{B256, keccak256};

/// The tags' hashes, by place in [`Tag::ALL`]: every message begins with one.
static HASHES: LazyLock<Vec<B256>> =
    LazyLock::new(|| Tag::ALL.iter().map(|tag| keccak256(tag.text())).collect());

/// The name that a hash or signed message begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// The genesis file.
    Ledger,
    /// A block's id.
    Block,
    /// A job's id.
    Job,
    /// The random beacon of a height.
    Beacon,
    /// A job's challenge seed.
    Seed,
    /// What a judgement was about.
    Evidence,
    /// A hidden judgement.
    Commit,
    /// An outcome, as a tree leaf.
    Leaf,
    /// An inner node of any tree.
    Node,
    /// The committee's statement about all outcomes so far.
    Attest,
    /// The chain of outcome batches of one hub.
    Acc,
    /// The handover from one group key to the next.
    Rotate,
    /// Proof of possession of a group key.
    KeyPop,
    /// A provider's signature on its response.
    Response,
    /// One part of a response, as a tree leaf.
    Part,
    /// The challenge-bound public input of a proof.
    Bound,
    /// A member's envelope around a partial signature.
    Partial,
    /// The salt of a commitment.
    Salt,
    /// A fact: a job was seen on its chain.
    FactSaw,
    /// A fact: a response was received.
    FactGot,
    /// A fact: a commitment to a judgement.
    FactCommit,
    /// A fact: a judgement, opened.
    FactReveal,
    /// A fact: the key that a member's dealings are sealed to.
    FactCeremonyKey,
    /// A fact: a dealer's log of a ceremony.
    FactCeremonyLog,
    /// The ledger's state after a block.
    State,
}

impl Tag {
    /// Every tag, for tests and tables.
    pub const ALL: [Self; 25] = [
        Self::Ledger,
        Self::Block,
        Self::Job,
        Self::Beacon,
        Self::Seed,
        Self::Evidence,
        Self::Commit,
        Self::Leaf,
        Self::Node,
        Self::Attest,
        Self::Acc,
        Self::Rotate,
        Self::KeyPop,
        Self::Response,
        Self::Part,
        Self::Bound,
        Self::Partial,
        Self::Salt,
        Self::FactSaw,
        Self::FactGot,
        Self::FactCommit,
        Self::FactReveal,
        Self::FactCeremonyKey,
        Self::FactCeremonyLog,
        Self::State,
    ];

    /// The text whose hash the tag is.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Ledger => "assay/v1/LEDGER",
            Self::Block => "assay/v1/BLOCK",
            Self::Job => "assay/v1/JOB",
            Self::Beacon => "assay/v1/BEACON",
            Self::Seed => "assay/v1/SEED",
            Self::Evidence => "assay/v1/EVIDENCE",
            Self::Commit => "assay/v1/COMMIT",
            Self::Leaf => "assay/v1/LEAF",
            Self::Node => "assay/v1/NODE",
            Self::Attest => "assay/v1/ATTEST",
            Self::Acc => "assay/v1/ACC",
            Self::Rotate => "assay/v1/ROTATE",
            Self::KeyPop => "assay/v1/KEYPOP",
            Self::Response => "assay/v1/RESPONSE",
            Self::Part => "assay/v1/PART",
            Self::Bound => "assay/v1/BOUND",
            Self::Partial => "assay/v1/PARTIAL",
            Self::Salt => "assay/v1/SALT",
            Self::FactSaw => "assay/v1/FACT_SAW",
            Self::FactGot => "assay/v1/FACT_GOT",
            Self::FactCommit => "assay/v1/FACT_COMMIT",
            Self::FactReveal => "assay/v1/FACT_REVEAL",
            Self::FactCeremonyKey => "assay/v1/FACT_CEREMONY_KEY",
            Self::FactCeremonyLog => "assay/v1/FACT_CEREMONY_LOG",
            Self::State => "assay/v1/STATE",
        }
    }

    /// The 32 bytes that a message begins with: keccak256 of [`Tag::text`].
    pub fn hash(self) -> B256 {
        let known = HASHES.get(self as usize).copied();
        known.unwrap_or_else(|| keccak256(self.text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_of_every_tag_is_its_texts() {
        for tag in Tag::ALL {
            assert_eq!(tag.hash(), keccak256(tag.text()), "{tag:?}");
        }
    }
}

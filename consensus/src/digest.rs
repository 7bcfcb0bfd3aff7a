//! The digests that are signed: `keccak256(abi.encode(TAG, …))` over fixed-width words.

use alloy_primitives::keccak256;
use arc_malachitebft_core_types::{NilOrVal, Round, VoteType};

use crate::block::BlockId;

/// `keccak256("assay/v1/NAME")`.
pub(crate) fn tag(name: &str) -> [u8; 32] {
    keccak256(format!("assay/v1/{name}")).0
}

/// ABI words in the making.
pub(crate) struct Words(Vec<u8>);

impl Words {
    pub(crate) fn new(tag: [u8; 32]) -> Self {
        Self(tag.to_vec())
    }

    pub(crate) fn word(mut self, word: &[u8; 32]) -> Self {
        self.0.extend_from_slice(word);
        self
    }

    pub(crate) fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&[0; 24]);
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn digest(self) -> [u8; 32] {
        keccak256(self.0).0
    }
}

/// A round as the contract sees it: `uint32`, 2^32 - 1 for none.
pub(crate) fn round_number(round: Round) -> u64 {
    u64::from(round.as_u32().unwrap_or(u32::MAX))
}

/// The digest a validator signs to vote for `block` (`None`: for nil); `step` is 0 for a prevote, 1 for a
/// precommit.
#[must_use]
pub fn vote_digest(
    ledger_id: &[u8; 32],
    step: VoteType,
    height: u64,
    round: Round,
    block: NilOrVal<BlockId>,
) -> [u8; 32] {
    let step = match step {
        VoteType::Prevote => 0,
        VoteType::Precommit => 1,
    };
    let block = match block {
        NilOrVal::Nil => [0; 32],
        NilOrVal::Val(id) => id.0,
    };
    Words::new(tag("VOTE"))
        .word(ledger_id)
        .number(step)
        .number(height)
        .number(round_number(round))
        .word(&block)
        .digest()
}

/// The digest a proposer signs to propose `block`.
#[must_use]
pub fn proposal_digest(
    ledger_id: &[u8; 32],
    height: u64,
    round: Round,
    valid_round: Round,
    block: BlockId,
) -> [u8; 32] {
    proposed("PROPOSAL", ledger_id, height, round, valid_round, block)
}

/// The digest a proposer signs to send the body of `block`.
#[must_use]
pub fn body_digest(
    ledger_id: &[u8; 32],
    height: u64,
    round: Round,
    valid_round: Round,
    block: BlockId,
) -> [u8; 32] {
    proposed("BODY", ledger_id, height, round, valid_round, block)
}

fn proposed(
    name: &str,
    ledger_id: &[u8; 32],
    height: u64,
    round: Round,
    valid_round: Round,
    block: BlockId,
) -> [u8; 32] {
    Words::new(tag(name))
        .word(ledger_id)
        .number(height)
        .number(round_number(round))
        .number(round_number(valid_round))
        .word(&block.0)
        .digest()
}

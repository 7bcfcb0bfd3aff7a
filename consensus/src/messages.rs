//! Votes, proposals and the part that carries a body.

use arc_malachitebft_core_types::{self as core_types, NilOrVal, Round, SignedExtension, VoteType};

use crate::block::{BlockId, Height};
use crate::context::LedgerContext;
use crate::digest::{body_digest, proposal_digest, vote_digest};
use crate::keys::Signature;
use crate::validators::Address;

/// A vote for a block, or for nil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Prevote or precommit.
    pub step: VoteType,
    /// Height voted at.
    pub height: Height,
    /// Round voted in.
    pub round: Round,
    /// What for.
    pub block: NilOrVal<BlockId>,
    /// Whose vote it is.
    pub validator: Address,
}

impl Vote {
    /// What is signed; see [`vote_digest`].
    #[must_use]
    pub fn digest(&self, ledger_id: &[u8; 32]) -> [u8; 32] {
        vote_digest(ledger_id, self.step, self.height.0, self.round, self.block)
    }
}

impl core_types::Vote<LedgerContext> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<BlockId> {
        &self.block
    }

    fn take_value(self) -> NilOrVal<BlockId> {
        self.block
    }

    fn vote_type(&self) -> VoteType {
        self.step
    }

    fn validator_address(&self) -> &Address {
        &self.validator
    }

    // Votes carry no extensions; see the protocol, "Attested".
    fn extension(&self) -> Option<&SignedExtension<LedgerContext>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<LedgerContext>> {
        None
    }

    fn extend(self, _extension: SignedExtension<LedgerContext>) -> Self {
        self
    }
}

/// A proposal of a block by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Height proposed for.
    pub height: Height,
    /// Round proposed in.
    pub round: Round,
    /// The block.
    pub block: BlockId,
    /// The earlier round in which a quorum prevoted for it, if any.
    pub valid_round: Round,
    /// The proposer.
    pub proposer: Address,
}

impl Proposal {
    /// What is signed; see [`proposal_digest`].
    #[must_use]
    pub fn digest(&self, ledger_id: &[u8; 32]) -> [u8; 32] {
        proposal_digest(ledger_id, self.height.0, self.round, self.valid_round, self.block)
    }
}

impl core_types::Proposal<LedgerContext> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &BlockId {
        &self.block
    }

    fn take_value(self) -> BlockId {
        self.block
    }

    fn pol_round(&self) -> Round {
        self.valid_round
    }

    fn validator_address(&self) -> &Address {
        &self.proposer
    }
}

/// The body of a proposed block, whole, signed by the proposer of the round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalPart {
    /// Height proposed for.
    pub height: Height,
    /// Round proposed in.
    pub round: Round,
    /// The earlier round in which a quorum prevoted for it, if any.
    pub valid_round: Round,
    /// The proposer.
    pub proposer: Address,
    /// The body; its block id is [`crate::block_id`].
    pub body: bytes::Bytes,
    /// Signature over [`body_digest`].
    pub signature: Signature,
}

impl ProposalPart {
    /// The block's id.
    #[must_use]
    pub fn block_id(&self, ledger_id: &[u8; 32]) -> BlockId {
        crate::block_id(ledger_id, self.height.0, &self.body)
    }

    /// What is signed, given the block's id; see [`body_digest`].
    #[must_use]
    pub fn digest(&self, ledger_id: &[u8; 32], block: BlockId) -> [u8; 32] {
        body_digest(ledger_id, self.height.0, self.round, self.valid_round, block)
    }
}

impl core_types::ProposalPart<LedgerContext> for ProposalPart {
    fn is_first(&self) -> bool {
        true
    }

    fn is_last(&self) -> bool {
        true
    }
}

//! Malachite's context: which types consensus runs on.

use arc_malachitebft_core_types::{Context, LinearTimeouts, NilOrVal, Round, VoteType};

use crate::block::{BlockId, Height};
use crate::keys::Secp256k1;
use crate::messages::{Proposal, ProposalPart, Vote};
use crate::validators::{Address, LedgerValidator, LedgerValidators};

/// The types of Assay's ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerContext;

impl Context for LedgerContext {
    type Address = Address;
    type Height = Height;
    type ProposalPart = ProposalPart;
    type Proposal = Proposal;
    type Validator = LedgerValidator;
    type ValidatorSet = LedgerValidators;
    type Timeouts = LinearTimeouts;
    type Value = BlockId;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Secp256k1;

    fn select_proposer<'a>(
        &self,
        validators: &'a LedgerValidators,
        height: Height,
        round: Round,
    ) -> &'a LedgerValidator {
        validators.proposer(height, round)
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        block: BlockId,
        valid_round: Round,
        proposer: Address,
    ) -> Proposal {
        Proposal { height, round, block, valid_round, proposer }
    }

    fn new_prevote(
        &self,
        height: Height,
        round: Round,
        block: NilOrVal<BlockId>,
        validator: Address,
    ) -> Vote {
        Vote { step: VoteType::Prevote, height, round, block, validator }
    }

    fn new_precommit(
        &self,
        height: Height,
        round: Round,
        block: NilOrVal<BlockId>,
        validator: Address,
    ) -> Vote {
        Vote { step: VoteType::Precommit, height, round, block, validator }
    }
}

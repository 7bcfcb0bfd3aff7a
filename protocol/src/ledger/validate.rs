//! Whether a block may be voted for.

use super::Ledger;
use crate::{
    block::{Block, BlockError, MAX_BLOCK_SIGNATURES},
    bundle::SignedBundle,
    ids::OperatorIndex,
};

impl Ledger {
    /// Checks a block that would be the next one.
    ///
    /// Nothing else can make a block invalid: facts and group signatures are judged when it is
    /// applied, and skipped where they make no sense.
    ///
    /// # Errors
    /// On another state digest, too many signatures, and bundles that are out of order, of no
    /// member, not the next of their member, too large or badly signed.
    pub fn validate(&self, block: &Block) -> Result<(), BlockError> {
        self.validate_knowing(block, |_| false)
    }

    /// As [`Ledger::validate`], taking the signatures of bundles as good that are `known` to be.
    ///
    /// # Errors
    /// As [`Ledger::validate`].
    pub fn validate_knowing(
        &self,
        block: &Block,
        known: impl Fn(&SignedBundle) -> bool,
    ) -> Result<(), BlockError> {
        if block.state_digest != self.digest {
            return Err(BlockError::StateDigest { theirs: block.state_digest, ours: self.digest });
        }
        if block.signatures.len() > MAX_BLOCK_SIGNATURES {
            return Err(BlockError::TooManySignatures(block.signatures.len()));
        }
        let mut previous: Option<OperatorIndex> = None;
        for signed in &block.bundles {
            let operator = signed.bundle.operator;
            if previous.is_some_and(|previous| previous >= operator) {
                return Err(BlockError::BundleOrder(operator));
            }
            previous = Some(operator);
            let (Some(member), Some(state)) =
                (self.genesis.member(operator), self.state.member(operator))
            else {
                return Err(BlockError::NoMember(operator));
            };
            let expected = state.bundles.saturating_add(1);
            if signed.bundle.number != expected {
                let number = signed.bundle.number;
                return Err(BlockError::BundleNumber { operator, number, expected });
            }
            if !known(signed) {
                signed.verify_by(self.signatures(), self.state.ledger_id, member.operator)?;
            }
        }
        Ok(())
    }
}

//! Validators and their fixed order.

use core::fmt;

use arc_malachitebft_core_types::{self as core_types, Round, VotingPower};
use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

use crate::block::Height;
use crate::context::LedgerContext;
use crate::keys::PublicKey;

/// Most validators a set may have.
pub const VALIDATORS_MAX: usize = 128;

/// Ethereum address of a consensus key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Address(pub [u8; 20]);

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", alloy_primitives::Address::from(self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl core_types::Address for Address {}

/// One validator; all have one vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerValidator {
    address: Address,
    key: PublicKey,
}

impl LedgerValidator {
    /// The validator with this consensus key.
    #[must_use]
    pub fn new(key: PublicKey) -> Self {
        Self { address: key.address(), key }
    }
}

impl core_types::Validator<LedgerContext> for LedgerValidator {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn voting_power(&self) -> VotingPower {
        1
    }
}

/// Why keys make no validator set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ValidatorSetError {
    /// No validators, or too many.
    #[error("{0} validators; a set has 1 to {VALIDATORS_MAX}")]
    Count(usize),
    /// A key comes twice.
    #[error("consensus key of {0} comes twice")]
    Twice(Address),
}

/// Validators in the committee's order; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerValidators(Vec<LedgerValidator>);

impl LedgerValidators {
    /// The set with these keys, in this order.
    ///
    /// # Errors
    /// If there are none, more than [`VALIDATORS_MAX`], or one twice.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self, ValidatorSetError> {
        let validators: Vec<_> = keys.into_iter().map(LedgerValidator::new).collect();
        if validators.is_empty() || validators.len() > VALIDATORS_MAX {
            return Err(ValidatorSetError::Count(validators.len()));
        }
        let mut addresses: Vec<_> = validators.iter().map(|validator| validator.address).collect();
        addresses.sort_unstable();
        for pair in addresses.windows(2) {
            if let [left, right] = pair
                && left == right
            {
                return Err(ValidatorSetError::Twice(*left));
            }
        }
        Ok(Self(validators))
    }

    /// Votes that decide: `n - floor((n - 1) / 3)`.
    #[must_use]
    pub fn quorum(&self) -> usize {
        let n = self.0.len();
        n - (n - 1) / 3
    }

    /// Votes of which one is honest: `floor((n - 1) / 3) + 1`.
    #[must_use]
    pub fn one_honest(&self) -> usize {
        (self.0.len() - 1) / 3 + 1
    }

    /// The proposer of a height and round: index `(height + round) mod n`.
    #[must_use]
    pub fn proposer(&self, height: Height, round: Round) -> &LedgerValidator {
        let count = self.0.len() as u64;
        let round = u64::from(round.as_u32().unwrap_or(0));
        let index = (height.0 % count + round % count) % count;
        usize::try_from(index)
            .ok()
            .and_then(|index| self.0.get(index))
            .expect("a validator set is never empty")
    }

    /// The key of an address.
    #[must_use]
    pub fn key(&self, address: &Address) -> Option<&PublicKey> {
        self.0
            .iter()
            .find(|validator| validator.address == *address)
            .map(|validator| &validator.key)
    }
}

impl core_types::ValidatorSet<LedgerContext> for LedgerValidators {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn total_voting_power(&self) -> VotingPower {
        self.0.len() as VotingPower
    }

    fn get_by_address(&self, address: &Address) -> Option<&LedgerValidator> {
        self.0.iter().find(|validator| validator.address == *address)
    }

    fn get_by_index(&self, index: usize) -> Option<&LedgerValidator> {
        self.0.get(index)
    }
}

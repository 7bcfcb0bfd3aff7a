//! Heights and block ids.

use core::fmt;

use alloy_primitives::{B256, keccak256};
use arc_malachitebft_core_types as core_types;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::digest::{Words, tag};

/// Height of a block; 1 is the first.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
)]
pub struct Height(pub u64);

impl fmt::Display for Height {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl core_types::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// Id of a block, what validators vote on; see [`block_id`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct BlockId(pub [u8; 32]);

impl fmt::Debug for BlockId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", B256::from(self.0))
    }
}

impl core_types::Value for BlockId {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

/// `keccak256(abi.encode(keccak256("assay/v1/BLOCK"), bytes32 ledgerId, uint64 height, bytes32 keccak256(body)))`.
#[must_use]
pub fn block_id(ledger_id: &[u8; 32], height: u64, body: &[u8]) -> BlockId {
    let digest =
        Words::new(tag("BLOCK")).word(ledger_id).number(height).word(&keccak256(body).0).digest();
    BlockId(digest)
}

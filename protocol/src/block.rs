//! Blocks: what consensus orders.

use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

use crate::{
    bundle::{BundleError, SignedBundle},
    ids::OperatorIndex,
    subject::GroupSignature,
};

/// The most group signatures in a block: each costs a pairing to apply.
pub const MAX_BLOCK_SIGNATURES: usize = 16;

/// The largest encoded block, in bytes: a full bundle of each of 30 members.
pub const MAX_BLOCK_BYTES: usize = 2 * 1024 * 1024;

/// Why a block cannot be voted for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BlockError {
    /// Longer than [`MAX_BLOCK_BYTES`].
    #[error("block has {0} bytes, the most is {MAX_BLOCK_BYTES}")]
    TooLong(usize),
    /// Not the encoding of a block.
    #[error("block cannot be decoded: {0}")]
    Encoding(String),
    /// More signatures than [`MAX_BLOCK_SIGNATURES`].
    #[error("block has {0} group signatures, the most is {MAX_BLOCK_SIGNATURES}")]
    TooManySignatures(usize),
    /// The proposer's state is not ours.
    #[error("block is built on state {theirs}, ours is {ours}")]
    StateDigest {
        /// What the block says.
        theirs: B256,
        /// What we reached.
        ours: B256,
    },
    /// Bundles are not in ascending order of operators, one each.
    #[error("block has the bundle of operator {0} out of order or twice")]
    BundleOrder(OperatorIndex),
    /// A bundle of somebody who is no member.
    #[error("block has a bundle of operator {0}, who is no member")]
    NoMember(OperatorIndex),
    /// A bundle that is not its operator's next.
    #[error("block has bundle {number} of operator {operator}, the next is {expected}")]
    BundleNumber {
        /// Whose.
        operator: OperatorIndex,
        /// Its number.
        number: u64,
        /// The number it should have.
        expected: u64,
    },
    /// A bundle that is too large or badly signed.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// One block's body.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Block {
    /// The state digest after the previous block.
    pub state_digest: B256,
    /// At most one bundle an operator, ascending by operator.
    pub bundles: Vec<SignedBundle>,
    /// Group signatures of earlier heights.
    pub signatures: Vec<GroupSignature>,
}

impl Block {
    /// The bytes that are hashed, sent and stored.
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Reads what [`Block::encode`] wrote; nothing else decodes.
    ///
    /// # Errors
    /// On bytes that are too long, no block, or have something left over.
    pub fn decode(bytes: &[u8]) -> Result<Self, BlockError> {
        if bytes.len() > MAX_BLOCK_BYTES {
            return Err(BlockError::TooLong(bytes.len()));
        }
        let block: Self =
            borsh::from_slice(bytes).map_err(|error| BlockError::Encoding(error.to_string()))?;
        if block.signatures.len() > MAX_BLOCK_SIGNATURES {
            return Err(BlockError::TooManySignatures(block.signatures.len()));
        }
        Ok(block)
    }
}

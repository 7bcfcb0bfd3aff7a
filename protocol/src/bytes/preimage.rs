//! `abi.encode` of fixed-width values: one 32-byte word each.

use alloy_primitives::{Address, B256, keccak256};

use super::Tag;

/// The words of one message, in order.
#[derive(Clone, Debug)]
pub struct Preimage(Vec<u8>);

impl Preimage {
    /// A message that begins with `tag`.
    pub fn new(tag: Tag) -> Self {
        Self(tag.hash().to_vec())
    }

    /// Appends a `bytes32`.
    #[must_use]
    pub fn word(mut self, word: B256) -> Self {
        self.0.extend_from_slice(word.as_slice());
        self
    }

    /// Appends an unsigned integer of at most 128 bits.
    #[must_use]
    pub fn uint(self, value: impl Into<u128>) -> Self {
        let mut word = [0u8; 32];
        word[16..].copy_from_slice(&value.into().to_be_bytes());
        self.word(B256::from(word))
    }

    /// Appends an `address`: right-aligned.
    #[must_use]
    pub fn address(self, address: Address) -> Self {
        self.word(address.into_word())
    }

    /// Appends a `bytes4`: left-aligned.
    #[must_use]
    pub fn bytes4(self, bytes: [u8; 4]) -> Self {
        let mut word = [0u8; 32];
        word[..4].copy_from_slice(&bytes);
        self.word(B256::from(word))
    }

    /// keccak256 of the message.
    pub fn hash(self) -> B256 {
        keccak256(self.0)
    }
}

//! Partial signatures on their way between members, in an envelope signed by the sender.
//!
//! A partial signature alone names nobody: any q of them forge another member's. The envelope is
//! signed with the sender's network key, so that a false partial costs its sender its slot, and
//! nobody else's.

use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;
use thiserror::Error;

use crate::{
    bytes,
    ids::OperatorIndex,
    signatures::{Shipped, Signatures},
    subject::Subject,
};

/// The largest encoded envelope, in bytes.
pub const MAX_ENVELOPE_BYTES: usize = 256;

/// Why bytes are no envelope of a member.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// Longer than [`MAX_ENVELOPE_BYTES`], or not the encoding of an envelope.
    #[error("partial signature cannot be decoded")]
    Encoding,
    /// The sender's key is no point, or the signature is not its own.
    #[error("partial signature of operator {0} is not signed by its network key")]
    Signature(OperatorIndex),
}

/// One member's partial signature on one subject.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PartialEnvelope {
    /// Who signs.
    pub operator: OperatorIndex,
    /// What is signed.
    pub subject: Subject,
    /// The partial signature: compressed G1.
    pub partial: [u8; 48],
    /// The sender's ed25519 signature on the PARTIAL digest.
    pub signature: [u8; 64],
}

impl PartialEnvelope {
    /// Wraps a partial signature on `message`, the 32 bytes behind `subject`.
    pub fn seal(
        ledger: B256,
        operator: OperatorIndex,
        subject: Subject,
        message: B256,
        partial: [u8; 48],
        network_key: &SigningKey,
    ) -> Self {
        Self::seal_by(&Shipped, ledger, operator, subject, message, partial, network_key)
    }

    /// As [`PartialEnvelope::seal`], with these signatures.
    #[allow(clippy::too_many_arguments)]
    pub fn seal_by(
        signatures: &dyn Signatures,
        ledger: B256,
        operator: OperatorIndex,
        subject: Subject,
        message: B256,
        partial: [u8; 48],
        network_key: &SigningKey,
    ) -> Self {
        let digest = bytes::partial_digest(ledger, message, operator.0, &partial);
        let signature = signatures.seal(network_key, digest);
        Self { operator, subject, partial, signature }
    }

    /// Checks that the member with this network key sent it.
    ///
    /// # Errors
    /// When the signature is not that member's on this message.
    pub fn verify(
        &self,
        ledger: B256,
        message: B256,
        network_key: &[u8; 32],
    ) -> Result<(), EnvelopeError> {
        self.verify_by(&Shipped, ledger, message, network_key)
    }

    /// As [`PartialEnvelope::verify`], with these signatures.
    ///
    /// # Errors
    /// As there.
    pub fn verify_by(
        &self,
        signatures: &dyn Signatures,
        ledger: B256,
        message: B256,
        network_key: &[u8; 32],
    ) -> Result<(), EnvelopeError> {
        let digest = bytes::partial_digest(ledger, message, self.operator.0, &self.partial);
        if signatures.is_sealed_by(network_key, digest, &self.signature) {
            Ok(())
        } else {
            Err(EnvelopeError::Signature(self.operator))
        }
    }

    /// The bytes that travel.
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Reads what [`PartialEnvelope::encode`] wrote; nothing else decodes.
    ///
    /// # Errors
    /// On any other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(EnvelopeError::Encoding);
        }
        borsh::from_slice(bytes).map_err(|_| EnvelopeError::Encoding)
    }
}

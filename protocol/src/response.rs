//! A provider's response: its parts, their root, and the provider's signature.

use alloy_primitives::{Address, B256};
use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

use crate::{
    bytes::{self, HubAddress, merkle_root},
    ecdsa::SignatureError,
    ids::JobId,
    signatures::{Shipped, Signatures},
};

/// The most bytes of all parts together.
pub const MAX_RESPONSE_BYTES: usize = 256 * 1024;

/// The most parts: the response's tree has at most ten levels.
pub const MAX_RESPONSE_PARTS: usize = 1024;

/// What an encoded response may have beyond its parts' bytes.
const MAX_FRAMING_BYTES: usize = 32 + 65 + 4 + 4 * MAX_RESPONSE_PARTS;

/// Why bytes are no response.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResponseError {
    /// More bytes than [`MAX_RESPONSE_BYTES`].
    #[error("response has {0} bytes, the most is {MAX_RESPONSE_BYTES}")]
    TooLong(usize),
    /// No parts, or more than [`MAX_RESPONSE_PARTS`].
    #[error("response has {0} parts, expected 1 to {MAX_RESPONSE_PARTS}")]
    Parts(usize),
    /// Not the encoding of a response.
    #[error("response cannot be decoded: {0}")]
    Encoding(String),
    /// Not signed canonically.
    #[error("response of job {job}: {source}")]
    Signature {
        /// The job.
        job: JobId,
        /// What is wrong.
        source: SignatureError,
    },
    /// Signed by somebody else, or for another job, seed or ledger.
    #[error("response of job {job} is signed by {signer}, not by its provider {provider}")]
    WrongSigner {
        /// The job.
        job: JobId,
        /// Who signed.
        signer: Address,
        /// Who should have.
        provider: Address,
    },
}

/// A response with its provider's signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedResponse {
    /// The job that it answers.
    pub job: JobId,
    /// The kind's canonical bytes, in parts that a dispute can open one by one.
    pub parts: Vec<Vec<u8>>,
    /// The provider's signature on the RESPONSE digest: r ‖ s ‖ v.
    pub signature: [u8; 65],
}

impl SignedResponse {
    /// The root over the parts: what operators agree on.
    pub fn hash(&self) -> B256 {
        response_hash(&self.parts)
    }

    /// The bytes that travel and are stored.
    pub fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    /// Reads what [`SignedResponse::encode`] wrote; nothing else decodes.
    ///
    /// # Errors
    /// On bytes that are too long, no response, or have something left over.
    pub fn decode(bytes: &[u8]) -> Result<Self, ResponseError> {
        if bytes.len() > MAX_RESPONSE_BYTES + MAX_FRAMING_BYTES {
            return Err(ResponseError::TooLong(bytes.len()));
        }
        let response: Self =
            borsh::from_slice(bytes).map_err(|error| ResponseError::Encoding(error.to_string()))?;
        response.check_bounds()?;
        Ok(response)
    }

    /// Checks the number of parts and their bytes.
    ///
    /// # Errors
    /// When a bound is exceeded.
    pub fn check_bounds(&self) -> Result<(), ResponseError> {
        if self.parts.is_empty() || self.parts.len() > MAX_RESPONSE_PARTS {
            return Err(ResponseError::Parts(self.parts.len()));
        }
        let bytes = self.parts.iter().map(Vec::len).sum();
        if bytes > MAX_RESPONSE_BYTES {
            return Err(ResponseError::TooLong(bytes));
        }
        Ok(())
    }
}

/// The root over the parts of a response.
pub fn response_hash(parts: &[Vec<u8>]) -> B256 {
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let leaves: Vec<B256> =
        (0..count).zip(parts).map(|(index, part)| bytes::part_leaf(index, count, part)).collect();
    merkle_root(&leaves)
}

/// Checks that `provider` signed the response hash for this job, seed and ledger.
///
/// # Errors
/// When the signature is another's or not canonical.
pub fn verify_response_signature(
    ledger: B256,
    to: HubAddress,
    job: JobId,
    seed: B256,
    response: B256,
    signature: &[u8; 65],
    provider: Address,
) -> Result<(), ResponseError> {
    let digest = bytes::response_digest(ledger, to, job, seed, response);
    verify_response_digest(&Shipped, job, digest, signature, provider)
}

/// Checks that `provider` signed a response's digest, with these signatures.
///
/// # Errors
/// When the signature is another's or not canonical.
pub fn verify_response_digest(
    signatures: &dyn Signatures,
    job: JobId,
    digest: B256,
    signature: &[u8; 65],
    provider: Address,
) -> Result<(), ResponseError> {
    let signer = signatures
        .signer_of(digest, signature)
        .map_err(|source| ResponseError::Signature { job, source })?;
    if signer != provider {
        return Err(ResponseError::WrongSigner { job, signer, provider });
    }
    Ok(())
}

//! Signing with a share, and verifying.

use crate::{
    Share, Sharing,
    encoding::g1_to_eip2537,
    key::GroupPublicKey,
    signature::{PartialSignature, Signature},
};
use commonware_codec::Encode;
use commonware_cryptography::bls12381::primitives::{
    group::G1,
    ops,
    variant::{MinSig, Variant},
};
use commonware_math::algebra::HashToGroup;

/// Domain separation tag of everything the group signs (RFC 9380, suite
/// `BLS12381G1_XMD:SHA-256_SSWU_RO_`).
pub const DST: &[u8] = b"ASSAY-V1-BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// Why a signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The signature is not one of this message under this key.
    #[error("signature does not verify")]
    Invalid,
    /// The partial signature claims another index than its sender's.
    #[error("partial signature of index {got} came from the member with index {expected}")]
    Index {
        /// The sender's index.
        expected: u16,
        /// The index in the partial signature.
        got: u16,
    },
    /// The sharing has no such member.
    #[error("index {index} is not below the {participants} members")]
    OutOfRange {
        /// The index asked for.
        index: u16,
        /// Members of the sharing.
        participants: u16,
    },
}

/// Signs a 32-byte digest with a share. Deterministic.
///
/// # Panics
/// Never: a share's scalar is not zero, and no known message hashes to infinity.
#[must_use]
pub fn sign_partial(share: &Share, message: &[u8; 32]) -> PartialSignature {
    let point = ops::sign::<MinSig>(&share.inner().private, DST, message);
    let signature = Signature::from_point(point)
        .unwrap_or_else(|| unreachable!("a share's scalar is not zero"));
    PartialSignature { index: share.index(), signature }
}

/// Verifies the partial signature that the member with `index` sent.
///
/// # Errors
/// [`VerifyError`]: another index, an index out of range, or a wrong signature.
pub fn verify_partial(
    sharing: &Sharing,
    index: u16,
    message: &[u8; 32],
    partial: &PartialSignature,
) -> Result<(), VerifyError> {
    if partial.index != index {
        return Err(VerifyError::Index { expected: index, got: partial.index });
    }
    let public = sharing
        .partial_public(index)
        .ok_or(VerifyError::OutOfRange { index, participants: sharing.participants() })?;
    ops::verify::<MinSig>(&public, DST, message, partial.signature.point())
        .map_err(|_| VerifyError::Invalid)
}

/// Verifies the group's signature of a 32-byte digest.
///
/// # Errors
/// [`VerifyError::Invalid`] when it does not verify.
pub fn verify(
    key: &GroupPublicKey,
    message: &[u8; 32],
    signature: &Signature,
) -> Result<(), VerifyError> {
    verify_with_dst(key, DST, message, signature)
}

/// Verifies a min-sig BLS signature under another domain separation tag, for foreign networks.
///
/// # Errors
/// [`VerifyError::Invalid`] when it does not verify.
pub fn verify_with_dst(
    key: &GroupPublicKey,
    dst: &[u8],
    message: &[u8],
    signature: &Signature,
) -> Result<(), VerifyError> {
    let hashed = G1::hash_to_group(dst, message);
    MinSig::verify(key.point(), &hashed, signature.point()).map_err(|_| VerifyError::Invalid)
}

/// RFC 9380 `hash_to_curve` to G1 with SHA-256 and SSWU (the `RO` suite), in EIP-2537 form.
///
/// # Panics
/// Never: no known message hashes to infinity.
#[must_use]
pub fn hash_to_g1(message: &[u8], dst: &[u8]) -> [u8; Signature::EIP2537_BYTES] {
    let hashed = G1::hash_to_group(dst, message);
    let point = blst::min_sig::Signature::uncompress(&hashed.encode())
        .unwrap_or_else(|error| unreachable!("a hashed point is valid: {error:?}"));
    g1_to_eip2537(&point)
}

//! Commit certificates: a quorum's precommits for one block, checkable without an engine.
//!
//! Encoding (borsh): `height u64 LE ‖ round u32 LE ‖ block id (32) ‖ count u32 LE ‖ count × (address (20) ‖
//! signature (64))`, addresses strictly ascending.

use arc_malachitebft_core_types::{CommitCertificate, CommitSignature, NilOrVal, Round, VoteType};
use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

use crate::block::{BlockId, Height};
use crate::context::LedgerContext;
use crate::digest::vote_digest;
use crate::keys::Signature;
use crate::validators::{Address, LedgerValidators, VALIDATORS_MAX};
use crate::wire::ROUND_MAX;

const BYTES_MAX: usize = 8 + 4 + 32 + 4 + VALIDATORS_MAX * (20 + 64);

/// What a valid certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedHeader {
    /// Height decided.
    pub height: u64,
    /// Round it was decided in.
    pub round: u32,
    /// The block decided.
    pub block_id: [u8; 32],
    /// Who signed, ascending.
    pub signers: Vec<Address>,
}

/// Why a certificate is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// Not a certificate's encoding.
    #[error("malformed certificate: {0}")]
    Malformed(String),
    /// Signatures not ascending by address, or one twice.
    #[error("signature of {0} is out of order")]
    Order(Address),
    /// A signer that is no validator.
    #[error("{0} is not a validator")]
    NotValidator(Address),
    /// A signature that isn't its signer's precommit for the block.
    #[error("signature of {0} is invalid")]
    Signature(Address),
    /// Too few signatures.
    #[error("{signers} signatures, a quorum is {quorum}")]
    Quorum {
        /// Signatures given.
        signers: usize,
        /// Signatures needed.
        quorum: usize,
    },
}

#[derive(BorshSerialize, BorshDeserialize)]
struct CertificateBytes {
    height: Height,
    round: u32,
    block: BlockId,
    signatures: Vec<(Address, Signature)>,
}

/// Encodes a certificate, its signatures sorted.
#[must_use]
pub fn encode_certificate(certificate: &CommitCertificate<LedgerContext>) -> Vec<u8> {
    let mut signatures: Vec<_> = certificate
        .commit_signatures
        .iter()
        .map(|entry| (entry.address, entry.signature))
        .collect();
    signatures.sort_unstable();
    signatures.dedup_by_key(|entry| entry.0);
    let bytes = CertificateBytes {
        height: certificate.height,
        round: certificate.round.as_u32().unwrap_or(u32::MAX),
        block: certificate.value_id,
        signatures,
    };
    borsh::to_vec(&bytes).expect("writing to memory does not fail")
}

/// Reads a certificate without judging its signatures.
///
/// # Errors
/// [`CertificateError::Malformed`] or [`CertificateError::Order`].
pub fn decode_certificate(
    bytes: &[u8],
) -> Result<CommitCertificate<LedgerContext>, CertificateError> {
    if bytes.len() > BYTES_MAX {
        return Err(CertificateError::Malformed(format!("{} bytes is too long", bytes.len())));
    }
    let read: CertificateBytes =
        borsh::from_slice(bytes).map_err(|error| CertificateError::Malformed(error.to_string()))?;
    if read.round > ROUND_MAX {
        return Err(CertificateError::Malformed("round is out of range".into()));
    }
    for pair in read.signatures.windows(2) {
        if let [left, right] = pair
            && left.0 >= right.0
        {
            return Err(CertificateError::Order(right.0));
        }
    }
    Ok(CommitCertificate {
        height: read.height,
        round: Round::new(read.round),
        value_id: read.block,
        commit_signatures: read
            .signatures
            .into_iter()
            .map(|(address, signature)| CommitSignature::new(address, signature))
            .collect(),
    })
}

/// Checks that a quorum of `validators` precommitted the certificate's block.
///
/// # Errors
/// See [`CertificateError`]; one bad signature spoils the certificate.
pub fn verify_certificate(
    validators: &LedgerValidators,
    ledger_id: &[u8; 32],
    bytes: &[u8],
) -> Result<CertifiedHeader, CertificateError> {
    let certificate = decode_certificate(bytes)?;
    let digest = vote_digest(
        ledger_id,
        VoteType::Precommit,
        certificate.height.0,
        certificate.round,
        NilOrVal::Val(certificate.value_id),
    );
    let mut signers = Vec::with_capacity(certificate.commit_signatures.len());
    for entry in &certificate.commit_signatures {
        let key =
            validators.key(&entry.address).ok_or(CertificateError::NotValidator(entry.address))?;
        if !key.verify(&digest, &entry.signature) {
            return Err(CertificateError::Signature(entry.address));
        }
        signers.push(entry.address);
    }
    let quorum = validators.quorum();
    if signers.len() < quorum {
        return Err(CertificateError::Quorum { signers: signers.len(), quorum });
    }
    Ok(CertifiedHeader {
        height: certificate.height.0,
        round: certificate.round.as_u32().unwrap_or_default(),
        block_id: certificate.value_id.0,
        signers,
    })
}

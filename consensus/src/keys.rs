//! Consensus keys and signatures: secp256k1 over a 32-byte digest.

use core::fmt;

use alloy_primitives::keccak256;
use arc_malachitebft_core_types::SigningScheme;
use k256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use k256::ecdsa::{RecoveryId, Signature as Ecdsa, SigningKey, VerifyingKey};
use thiserror::Error;

use crate::validators::Address;

/// Why bytes are no key or signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not a compressed point of the curve.
    #[error("not a compressed secp256k1 public key")]
    PublicKey,
    /// Not a scalar below the group order, or zero.
    #[error("not a secp256k1 secret key")]
    SecretKey,
    /// Not 64 bytes `r ‖ s` with both in range and s low.
    #[error("not a canonical 64-byte secp256k1 signature")]
    Signature,
}

/// The signing scheme, as Malachite wants it named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secp256k1;

/// A validator's public consensus key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a compressed (33 bytes) point.
    ///
    /// # Errors
    /// If it isn't one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        // 5 would be a second spelling of a point: x alone, and the smaller y.
        if bytes.len() != 33 || !matches!(bytes.first(), Some(2 | 3)) {
            return Err(KeyError::PublicKey);
        }
        VerifyingKey::from_sec1_bytes(bytes).map(Self).map_err(|_| KeyError::PublicKey)
    }

    /// The compressed point.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        let point = self.0.to_encoded_point(true);
        for (to, from) in bytes.iter_mut().zip(point.as_bytes()) {
            *to = *from;
        }
        bytes
    }

    /// The key's Ethereum address.
    #[must_use]
    pub fn address(&self) -> Address {
        let point = self.0.to_encoded_point(false);
        let hash = keccak256(point.as_bytes().get(1..).unwrap_or_default());
        let mut address = [0; 20];
        for (to, from) in address.iter_mut().zip(hash.iter().skip(12)) {
            *to = *from;
        }
        Address(address)
    }

    /// Whether `signature` is this key's over `digest`.
    #[must_use]
    pub fn verify(&self, digest: &[u8; 32], signature: &Signature) -> bool {
        Ecdsa::from_slice(&signature.0)
            .is_ok_and(|signature| self.0.verify_prehash(digest, &signature).is_ok())
    }
}

/// A canonical signature: `r ‖ s`, s low.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Reads `r ‖ s`.
    ///
    /// # Errors
    /// If the bytes aren't 64, a half is out of range, or s is high.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; 64] = bytes.try_into().map_err(|_| KeyError::Signature)?;
        let signature = Ecdsa::from_slice(&bytes).map_err(|_| KeyError::Signature)?;
        match signature.normalize_s() {
            None => Ok(Self(bytes)),
            Some(_) => Err(KeyError::Signature),
        }
    }

    /// `r ‖ s`.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.0.first_chunk::<4>().copied().unwrap_or_default();
        write!(formatter, "Signature({:08x}…)", u32::from_be_bytes(start))
    }
}

/// A validator's secret consensus key.
#[derive(Clone)]
pub struct ConsensusKey(SigningKey);

impl ConsensusKey {
    /// Reads a 32-byte scalar.
    ///
    /// # Errors
    /// If it is zero or not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        SigningKey::from_slice(bytes).map(Self).map_err(|_| KeyError::SecretKey)
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(*self.0.verifying_key())
    }

    /// Signs a digest; deterministic (RFC 6979), low-s.
    ///
    /// # Errors
    /// Never for a digest that a hash function made; the scheme allows it.
    pub fn sign(&self, digest: &[u8; 32]) -> Result<Signature, KeyError> {
        let signature: Ecdsa = self.0.sign_prehash(digest).map_err(|_| KeyError::Signature)?;
        let signature = signature.normalize_s().unwrap_or(signature);
        Ok(Signature(signature.to_bytes().into()))
    }
}

impl fmt::Debug for ConsensusKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ConsensusKey({})", self.public_key().address())
    }
}

/// The 65 bytes `r ‖ s ‖ v`, v 27 or 28, with which `ecrecover` of `digest` gives the key's address.
///
/// # Errors
/// If the signature isn't this key's over the digest.
pub fn ethereum_signature(
    key: &PublicKey,
    digest: &[u8; 32],
    signature: &Signature,
) -> Result<[u8; 65], KeyError> {
    let ecdsa = Ecdsa::from_slice(&signature.0).map_err(|_| KeyError::Signature)?;
    let recovery = RecoveryId::trial_recovery_from_prehash(&key.0, digest, &ecdsa)
        .map_err(|_| KeyError::Signature)?;
    let mut bytes = [0; 65];
    let v = 27 + u8::from(recovery.is_y_odd());
    for (to, from) in bytes.iter_mut().zip(signature.0.iter().chain([&v])) {
        *to = *from;
    }
    Ok(bytes)
}

impl SigningScheme for Secp256k1 {
    type DecodingError = KeyError;
    type Signature = Signature;
    type PublicKey = PublicKey;
    type PrivateKey = ConsensusKey;

    fn decode_signature(bytes: &[u8]) -> Result<Signature, KeyError> {
        Signature::from_bytes(bytes)
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<PublicKey, KeyError> {
        PublicKey::from_bytes(bytes)
    }

    fn encode_public_key(key: &PublicKey) -> Vec<u8> {
        key.to_bytes().to_vec()
    }
}

//! secp256k1 as a contract's `ecrecover` sees it: 65 bytes r ‖ s ‖ v, s in the lower half.

use alloy_primitives::{Address, B256, keccak256};
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use thiserror::Error;

/// Why a signature names no signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// v is neither 27 nor 28.
    #[error("signature has v = {0}, expected 27 or 28")]
    RecoveryId(u8),
    /// r or s is zero or not below the group's order.
    #[error("signature has an r or s outside the group's order")]
    Scalar,
    /// s is in the upper half: the signature's twin is the canonical one.
    #[error("signature has s in the upper half of the order")]
    HighS,
    /// No key gives this signature.
    #[error("signature recovers to no key")]
    NoKey,
}

/// A secp256k1 secret that signs digests.
#[derive(Clone)]
pub struct Signer(SigningKey);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.address())
    }
}

impl Signer {
    /// The signer of a 32-byte secret; none if it is zero or not below the group's order.
    pub fn from_secret(secret: &[u8; 32]) -> Option<Self> {
        SigningKey::from_slice(secret).ok().map(Self)
    }

    /// The address that signatures recover to.
    pub fn address(&self) -> Address {
        address_of(self.0.verifying_key())
    }

    /// The compressed public key (SEC 1).
    pub fn public_key(&self) -> [u8; 33] {
        let point = self.0.verifying_key().to_encoded_point(true);
        let mut bytes = [0u8; 33];
        bytes.copy_from_slice(point.as_bytes());
        bytes
    }

    /// Signs a digest; deterministic (RFC 6979), low s.
    ///
    /// # Panics
    /// Never for a digest that keccak256 can give: only an r or s of zero could, and that is a
    /// discrete logarithm.
    pub fn sign(&self, digest: B256) -> [u8; 65] {
        let (signature, recovery) = self
            .0
            .sign_prehash_recoverable(digest.as_slice())
            .unwrap_or_else(|_| unreachable!("a digest of 32 bytes can be signed"));
        let mut bytes = [0u8; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = 27 + recovery.to_byte();
        bytes
    }
}

/// Who signed `digest`.
///
/// # Errors
/// When the bytes are not the one canonical encoding of a signature.
pub fn recover(digest: B256, bytes: &[u8; 65]) -> Result<Address, SignatureError> {
    let parity = match bytes[64] {
        27 => 0,
        28 => 1,
        v => return Err(SignatureError::RecoveryId(v)),
    };
    let signature = Signature::from_slice(&bytes[..64]).map_err(|_| SignatureError::Scalar)?;
    if signature.normalize_s().is_some() {
        return Err(SignatureError::HighS);
    }
    let recovery = RecoveryId::from_byte(parity).ok_or(SignatureError::RecoveryId(bytes[64]))?;
    VerifyingKey::recover_from_prehash(digest.as_slice(), &signature, recovery)
        .map(|key| address_of(&key))
        .map_err(|_| SignatureError::NoKey)
}

/// The address of a compressed public key; none if it is no point of the curve.
pub fn address_of_public_key(key: &[u8; 33]) -> Option<Address> {
    // 5 would be a second spelling of a point: x alone, and the smaller y.
    if !matches!(key.first(), Some(2 | 3)) {
        return None;
    }
    VerifyingKey::from_sec1_bytes(key).ok().map(|key| address_of(&key))
}

fn address_of(key: &VerifyingKey) -> Address {
    let point = key.to_encoded_point(false);
    Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recover_own_signature_names_signer() {
        let signer = Signer::from_secret(&[7; 32]).unwrap();
        let digest = keccak256("job");
        assert_eq!(recover(digest, &signer.sign(digest)), Ok(signer.address()));
        assert_eq!(address_of_public_key(&signer.public_key()), Some(signer.address()));
    }

    #[test]
    fn public_key_with_another_tag_than_those_of_compressed_points_is_none() {
        let mut key = Signer::from_secret(&[7; 32]).unwrap().public_key();
        for tag in (0..=u8::MAX).filter(|tag| !matches!(tag, 2 | 3)) {
            key[0] = tag;
            assert_eq!(address_of_public_key(&key), None, "{tag}");
        }
    }

    #[test]
    fn recover_twin_signature_refused() {
        let signer = Signer::from_secret(&[7; 32]).unwrap();
        let digest = keccak256("job");
        let mut bytes = signer.sign(digest);
        let signature = Signature::from_slice(&bytes[..64]).unwrap();
        let (r, s) = signature.split_scalars();
        let twin = Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
        bytes[..64].copy_from_slice(&twin.to_bytes());
        bytes[64] = 27 + 28 - bytes[64];
        assert_eq!(recover(digest, &bytes), Err(SignatureError::HighS));
    }

    #[test]
    fn recover_bad_bytes_refused() {
        assert_eq!(recover(B256::ZERO, &[0; 65]), Err(SignatureError::RecoveryId(0)));
        let mut bytes = [0; 65];
        bytes[64] = 27;
        assert_eq!(recover(B256::ZERO, &bytes), Err(SignatureError::Scalar));
    }
}

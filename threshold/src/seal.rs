//! Sealing of private dealings to a key made for one ceremony.
//!
//! HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, one
//! message a key. Sealed bytes are the 32-byte encapsulated key, the ciphertext, and a 16-byte
//! tag. Base mode authenticates no sender: a dealing's public part is signed by its dealer, and
//! its private part must match that.

use crate::random;
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open, single_shot_seal_with_rng,
};
use std::fmt;
use zeroize::Zeroizing;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

/// HPKE's `info`: the application.
const INFO: &[u8] = b"assay/v1/dkg/sealed-dealing";

/// Bytes of the encapsulated key in front of the ciphertext.
const ENCAPPED_BYTES: usize = 32;

/// Bytes that sealing adds: the encapsulated key and the tag.
pub const SEAL_OVERHEAD_BYTES: usize = ENCAPPED_BYTES + 16;

/// Longest plaintext that is sealed or opened.
pub const SEAL_PLAINTEXT_BYTES_MAX: usize = 4096;

/// Why a message was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The recipient's key is not a usable X25519 key.
    #[error("recipient's X25519 key is unusable")]
    Recipient,
    /// Too short to be sealed, or beyond [`SEAL_PLAINTEXT_BYTES_MAX`].
    #[error("message of {0} bytes is out of bounds")]
    Length(usize),
    /// Sealed to another key, for another context, or changed.
    #[error("message does not open with this key and context")]
    Open,
}

/// An X25519 key pair for one ceremony. Erased from memory when dropped; never printed.
///
/// Keep it on disk, encrypted, until the ceremony ends; then erase it there too.
#[derive(Clone)]
pub struct EphemeralKey {
    secret: PrivateKey,
    public: [u8; 32],
}

impl EphemeralKey {
    /// Derives a key pair from a secret, unpredictable seed (RFC 9180, DeriveKeyPair).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let (secret, public) = X25519HkdfSha256::derive_keypair(seed);
        Self { secret, public: public.to_bytes().into() }
    }

    /// The public key, to which others seal.
    #[must_use]
    pub const fn public(&self) -> [u8; 32] {
        self.public
    }
}

impl fmt::Debug for EphemeralKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EphemeralKey { public: ")?;
        crate::hex::write(formatter, &self.public)?;
        formatter.write_str(", secret: redacted }")
    }
}

/// Seals a message to a recipient, bound to `context`, which the recipient must know.
///
/// `seed` must be secret and unpredictable. The randomness is drawn from all arguments, so that a
/// seed used again gives unrelated messages, or the same one.
///
/// # Errors
/// [`SealError`] when the plaintext is too long or the key unusable.
pub fn seal(
    recipient: &[u8; 32],
    context: &[u8],
    plaintext: &[u8],
    seed: &[u8; 32],
) -> Result<Vec<u8>, SealError> {
    if plaintext.len() > SEAL_PLAINTEXT_BYTES_MAX {
        return Err(SealError::Length(plaintext.len()));
    }
    let key = PublicKey::from_bytes(recipient).map_err(|_| SealError::Recipient)?;
    let mut stream = random::from_parts(&[seed, recipient, context, plaintext], b"seal");
    let (encapped, ciphertext) = single_shot_seal_with_rng::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
    >(&OpModeS::Base, &key, INFO, plaintext, context, &mut stream)
    .map_err(|_| SealError::Recipient)?;
    let mut sealed = encapped.to_bytes().to_vec();
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

/// Opens a message sealed to this key in this context.
///
/// # Errors
/// [`SealError`] when it was not, or was changed since.
pub fn open(
    key: &EphemeralKey,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let bounds = SEAL_OVERHEAD_BYTES..=SEAL_OVERHEAD_BYTES + SEAL_PLAINTEXT_BYTES_MAX;
    if !bounds.contains(&sealed.len()) {
        return Err(SealError::Length(sealed.len()));
    }
    let (encapped, ciphertext) =
        sealed.split_at_checked(ENCAPPED_BYTES).ok_or(SealError::Length(sealed.len()))?;
    let encapped = EncappedKey::from_bytes(encapped).map_err(|_| SealError::Open)?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &key.secret,
        &encapped,
        INFO,
        ciphertext,
        context,
    )
    .map(Zeroizing::new)
    .map_err(|_| SealError::Open)
}

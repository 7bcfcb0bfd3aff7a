//! Participants' identities: ed25519 keys, as the network layer has them.

use commonware_codec::{Copying, DecodeExt};
use commonware_cryptography::{Signer, ed25519};

/// Bytes that are not an ed25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ed25519 public key: 0x{}", .0.iter().map(|b| format!("{b:02x}")).collect::<String>())]
pub struct IdentityError(
    /// The bytes that were given.
    pub [u8; 32],
);

/// The public key of an ed25519 secret key (RFC 8032's 32-byte private key).
#[must_use]
pub fn public_identity(secret: &[u8; 32]) -> [u8; 32] {
    to_bytes(&private(secret).public_key())
}

/// Every 32-byte string is a private key.
pub(crate) fn private(secret: &[u8; 32]) -> ed25519::PrivateKey {
    ed25519::PrivateKey::decode(Copying(secret))
        .unwrap_or_else(|error| unreachable!("any 32 bytes are an ed25519 secret key: {error}"))
}

/// Decodes a public key.
pub(crate) fn public(bytes: &[u8; 32]) -> Result<ed25519::PublicKey, IdentityError> {
    ed25519::PublicKey::decode(Copying(bytes)).map_err(|_| IdentityError(*bytes))
}

/// A public key's bytes.
pub(crate) fn to_bytes(key: &ed25519::PublicKey) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(key.as_ref()) {
        *to = *from;
    }
    out
}

/// Public keys' bytes, in their order.
pub(crate) fn all_to_bytes<'a>(
    keys: impl IntoIterator<Item = &'a ed25519::PublicKey>,
) -> Vec<[u8; 32]> {
    keys.into_iter().map(to_bytes).collect()
}

//! A member's secret share.

use crate::{Sharing, key::GroupPublicKey};
use commonware_codec::{Copying, DecodeExt, Encode};
use commonware_cryptography::bls12381::primitives::{
    group::{self, Private},
    variant::MinSig,
};
use commonware_utils::Participant;
use std::fmt;
use zeroize::Zeroizing;

/// Why bytes are not a share's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share's secret is a non-zero scalar below the group order, 32 bytes big-endian")]
pub struct ShareError;

/// A member's share of the group's secret key. Erased from memory when dropped; never printed.
#[derive(Clone)]
pub struct Share {
    inner: group::Share,
    index: u16,
}

impl Share {
    /// Bytes of the exported secret.
    pub const SECRET_BYTES: usize = 32;

    /// Rebuilds a share from its index and the secret that [`Self::secret_bytes`] gave.
    ///
    /// # Errors
    /// [`ShareError`] for zero, or for a value at or above the group order.
    pub fn from_secret_bytes(index: u16, secret: &[u8; 32]) -> Result<Self, ShareError> {
        let private = Private::decode(Copying(secret)).map_err(|_| ShareError)?;
        let inner = group::Share::new(Participant::new(u32::from(index)), private);
        Ok(Self { inner, index })
    }

    /// The secret scalar, big-endian, for an encrypted keystore.
    #[must_use]
    pub fn secret_bytes(&self) -> Zeroizing<[u8; Self::SECRET_BYTES]> {
        let mut out = Zeroizing::new([0; Self::SECRET_BYTES]);
        let encoded = Zeroizing::new(self.inner.private.encode().to_vec());
        for (to, from) in out.iter_mut().zip(encoded.iter()) {
            *to = *from;
        }
        out
    }

    /// The share's index: the member's place, from 0, among the sharing's players in ascending
    /// order of their keys.
    #[must_use]
    pub const fn index(&self) -> u16 {
        self.index
    }

    /// The public key of this share alone.
    ///
    /// # Panics
    /// Never: a share's scalar is not zero.
    #[must_use]
    pub fn public(&self) -> GroupPublicKey {
        GroupPublicKey::from_point(self.inner.public::<MinSig>())
            .unwrap_or_else(|| unreachable!("a share's scalar is not zero"))
    }

    /// Whether this share belongs to the sharing at its index. A keystore asks this on import.
    #[must_use]
    pub fn belongs_to(&self, sharing: &Sharing) -> bool {
        sharing.partial_public(self.index).is_some_and(|key| key == self.inner.public::<MinSig>())
    }

    /// Wraps a share computed here; `None` when its index is beyond `u16`.
    pub(crate) fn from_inner(inner: group::Share) -> Option<Self> {
        let index = u16::try_from(inner.index.get()).ok()?;
        Some(Self { inner, index })
    }

    pub(crate) const fn inner(&self) -> &group::Share {
        &self.inner
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Share {{ index: {}, secret: redacted }}", self.index)
    }
}

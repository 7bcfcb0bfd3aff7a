//! The public side of a shared key.

use crate::{
    key::GroupPublicKey,
    quorum::{PARTICIPANTS_MAX, PARTICIPANTS_MIN, quorum},
};
use commonware_codec::{Copying, Decode, Encode};
use commonware_cryptography::bls12381::primitives::{
    group::G2,
    sharing::{self, ModeVersion},
    variant::MinSig,
};
use commonware_utils::Participant;
use std::{fmt, num::NonZeroU32};

/// Participants bound in the form the codec asks for.
pub(crate) const PARTICIPANTS_LIMIT: NonZeroU32 =
    NonZeroU32::new(PARTICIPANTS_MAX as u32).expect("the bound is not zero");

/// Why bytes are not a sharing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SharingError {
    /// Truncated, extended, a bad point, or another encoding than the canonical one.
    #[error("sharing encoding is malformed: {0}")]
    Malformed(String),
    /// Fewer than [`PARTICIPANTS_MIN`] or more than [`PARTICIPANTS_MAX`] members.
    #[error("a sharing has {PARTICIPANTS_MIN} to {PARTICIPANTS_MAX} members, not {0}")]
    Participants(usize),
    /// The polynomial's degree is not the one of this size's quorum.
    #[error("{participants} members need {expected} shares to sign, the polynomial says {got}")]
    Threshold {
        /// Members.
        participants: usize,
        /// [`quorum`] of that many.
        expected: usize,
        /// What the polynomial needs.
        got: usize,
    },
}

/// The public polynomial of a shared key: verifies the partial signature of every member, and
/// fixes how many are needed. Holds no secret; cheap to clone.
///
/// Invariants of every value: 4 to 128 members, degree exactly q − 1, the key not infinity.
/// Partial public keys are computed once and kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Sharing {
    inner: sharing::Sharing<MinSig>,
    key: GroupPublicKey,
    participants: u16,
}

impl Sharing {
    /// Upper bound of the encoding: mode, count, length, and 96 bytes a coefficient.
    pub const BYTES_MAX: usize = 8 + 96 * quorum(PARTICIPANTS_MAX);

    /// Members, n.
    #[must_use]
    pub const fn participants(&self) -> u16 {
        self.participants
    }

    /// Distinct valid partial signatures that make the group's, q = [`quorum`]`(n)`.
    #[must_use]
    pub const fn required(&self) -> usize {
        quorum(self.participants as usize)
    }

    /// The group's public key.
    #[must_use]
    pub const fn group_key(&self) -> &GroupPublicKey {
        &self.key
    }

    /// The canonical encoding: mode `00`, n as u32 big-endian, the number of coefficients as a
    /// varint, then each coefficient as a compressed point of G2, the group key first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.inner.encode().to_vec()
    }

    /// Decodes [`Self::to_bytes`], accepting nothing but the canonical encoding.
    ///
    /// # Errors
    /// [`SharingError`] names what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SharingError> {
        if bytes.len() > Self::BYTES_MAX {
            return Err(SharingError::Malformed(format!(
                "{} bytes, at most {}",
                bytes.len(),
                Self::BYTES_MAX
            )));
        }
        let inner = sharing::Sharing::<MinSig>::decode_cfg(
            Copying(bytes),
            &(PARTICIPANTS_LIMIT, ModeVersion::v0()),
        )
        .map_err(|error| SharingError::Malformed(error.to_string()))?;
        if inner.encode().as_ref() != bytes {
            return Err(SharingError::Malformed("not the canonical encoding".into()));
        }
        Self::from_inner(inner)
    }

    /// Wraps a sharing after checking the invariants above.
    pub(crate) fn from_inner(inner: sharing::Sharing<MinSig>) -> Result<Self, SharingError> {
        let n = inner.total().get();
        let participants = u16::try_from(n)
            .ok()
            .filter(|n| (PARTICIPANTS_MIN..=PARTICIPANTS_MAX).contains(&usize::from(*n)))
            .ok_or(SharingError::Participants(n as usize))?;
        let (expected, got) = (quorum(n as usize), inner.required() as usize);
        if expected != got {
            return Err(SharingError::Threshold { participants: n as usize, expected, got });
        }
        let key = GroupPublicKey::from_point(*inner.public())
            .ok_or_else(|| SharingError::Malformed("the group key is infinity".into()))?;
        Ok(Self { inner, key, participants })
    }

    /// The public key of the share at `index`; `None` beyond the last member.
    pub(crate) fn partial_public(&self, index: u16) -> Option<G2> {
        if index >= self.participants {
            return None;
        }
        self.inner.partial_public(Participant::new(u32::from(index))).ok()
    }

    pub(crate) const fn inner(&self) -> &sharing::Sharing<MinSig> {
        &self.inner
    }
}

impl fmt::Debug for Sharing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sharing {{ participants: {}, key: {} }}", self.participants, self.key)
    }
}

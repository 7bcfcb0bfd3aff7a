//! The committee's public key.

use crate::encoding::{self, PointError};
use commonware_codec::{Copying, DecodeExt, Encode};
use commonware_cryptography::bls12381::primitives::group::G2;
use std::fmt;

/// A group public key: a point of G2, never infinity, always in the subgroup.
///
/// Compared, ordered and hashed by its compressed bytes, which are canonical.
#[derive(Clone, Copy)]
pub struct GroupPublicKey {
    point: G2,
    compressed: [u8; Self::BYTES],
}

impl GroupPublicKey {
    /// Bytes of the compressed form.
    pub const BYTES: usize = 96;
    /// Bytes of the EIP-2537 form.
    pub const EIP2537_BYTES: usize = 256;

    /// Decodes the compressed form.
    ///
    /// # Errors
    /// [`PointError`] unless the bytes are the one canonical encoding of a usable point.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PointError> {
        let compressed = encoding::fixed(bytes)?;
        encoding::g2_uncompress(&compressed)?;
        let point = G2::decode(Copying(&compressed)).map_err(|_| PointError::NotCanonical)?;
        Ok(Self { point, compressed })
    }

    /// Decodes the 256-byte EIP-2537 form.
    ///
    /// # Errors
    /// [`PointError`] unless the bytes are the one canonical encoding of a usable point.
    pub fn from_eip2537(bytes: &[u8]) -> Result<Self, PointError> {
        Self::from_bytes(&encoding::g2_from_eip2537(&encoding::fixed(bytes)?)?)
    }

    /// The compressed form.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; Self::BYTES] {
        self.compressed
    }

    /// The EIP-2537 form: `x.c0 ‖ x.c1 ‖ y.c0 ‖ y.c1`, 64 bytes each.
    ///
    /// # Panics
    /// Never: every value was decoded or computed as a valid point.
    #[must_use]
    pub fn to_eip2537(&self) -> [u8; Self::EIP2537_BYTES] {
        let point = blst::min_sig::PublicKey::uncompress(&self.compressed)
            .unwrap_or_else(|error| unreachable!("a held key is a valid point: {error:?}"));
        encoding::g2_to_eip2537(&point)
    }

    /// Wraps a point computed here; `None` for infinity.
    pub(crate) fn from_point(point: G2) -> Option<Self> {
        Self::from_bytes(&point.encode()).ok()
    }

    pub(crate) const fn point(&self) -> &G2 {
        &self.point
    }
}

impl PartialEq for GroupPublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.compressed == other.compressed
    }
}

impl Eq for GroupPublicKey {}

impl PartialOrd for GroupPublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for GroupPublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.compressed.cmp(&other.compressed)
    }
}

impl std::hash::Hash for GroupPublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.compressed.hash(state);
    }
}

impl fmt::Display for GroupPublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::hex::write(formatter, &self.compressed)
    }
}

impl fmt::Debug for GroupPublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GroupPublicKey({self})")
    }
}

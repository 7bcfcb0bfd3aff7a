//! Signatures of the group and of its members.

use crate::encoding::{self, PointError};
use commonware_codec::{Copying, DecodeExt, Encode};
use commonware_cryptography::bls12381::primitives::group::G1;
use std::fmt;

/// A signature: a point of G1, never infinity, always in the subgroup.
///
/// Whether it is a valid signature of anything is for [`verify`](crate::verify) to say.
/// Compared, ordered and hashed by its compressed bytes, which are canonical.
#[derive(Clone, Copy)]
pub struct Signature {
    point: G1,
    compressed: [u8; Self::BYTES],
}

impl Signature {
    /// Bytes of the compressed form.
    pub const BYTES: usize = 48;
    /// Bytes of the EIP-2537 form.
    pub const EIP2537_BYTES: usize = 128;

    /// Decodes the compressed form.
    ///
    /// # Errors
    /// [`PointError`] unless the bytes are the one canonical encoding of a usable point.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PointError> {
        let compressed = encoding::fixed(bytes)?;
        encoding::g1_uncompress(&compressed)?;
        let point = G1::decode(Copying(&compressed)).map_err(|_| PointError::NotCanonical)?;
        Ok(Self { point, compressed })
    }

    /// Decodes the 128-byte EIP-2537 form.
    ///
    /// # Errors
    /// [`PointError`] unless the bytes are the one canonical encoding of a usable point.
    pub fn from_eip2537(bytes: &[u8]) -> Result<Self, PointError> {
        Self::from_bytes(&encoding::g1_from_eip2537(&encoding::fixed(bytes)?)?)
    }

    /// The compressed form.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; Self::BYTES] {
        self.compressed
    }

    /// The EIP-2537 form: `x ‖ y`, 64 bytes each.
    ///
    /// # Panics
    /// Never: every value was decoded or computed as a valid point.
    #[must_use]
    pub fn to_eip2537(&self) -> [u8; Self::EIP2537_BYTES] {
        let point = blst::min_sig::Signature::uncompress(&self.compressed)
            .unwrap_or_else(|error| unreachable!("a held signature is a valid point: {error:?}"));
        encoding::g1_to_eip2537(&point)
    }

    /// Wraps a point computed here; `None` for infinity.
    pub(crate) fn from_point(point: G1) -> Option<Self> {
        Self::from_bytes(&point.encode()).ok()
    }

    pub(crate) const fn point(&self) -> &G1 {
        &self.point
    }
}

impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.compressed == other.compressed
    }
}

impl Eq for Signature {}

impl PartialOrd for Signature {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Signature {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.compressed.cmp(&other.compressed)
    }
}

impl std::hash::Hash for Signature {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.compressed.hash(state);
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::hex::write(formatter, &self.compressed)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signature({self})")
    }
}

/// One member's signature with its share.
///
/// Never evidence against its member: any q partial signatures forge another member's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialSignature {
    /// The member's share index: its place, from 0, among the sharing's players in ascending
    /// order of their keys.
    pub index: u16,
    /// The signature under the member's share.
    pub signature: Signature,
}

impl PartialSignature {
    /// Bytes of the encoding: index, big-endian, then the compressed signature.
    pub const BYTES: usize = 2 + Signature::BYTES;

    /// Encodes the partial signature.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        let (index, signature) = out.split_at_mut(2);
        index.copy_from_slice(&self.index.to_be_bytes());
        signature.copy_from_slice(&self.signature.compressed);
        out
    }

    /// Decodes a partial signature; the index is checked where the sharing is known.
    ///
    /// # Errors
    /// [`PointError`] unless the length is right and the signature is a canonical, usable point.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PointError> {
        let all: [u8; Self::BYTES] = encoding::fixed(bytes)?;
        let (index, signature) = all.split_at(2);
        let [high, low]: [u8; 2] = encoding::fixed(index)?;
        Ok(Self {
            index: u16::from_be_bytes([high, low]),
            signature: Signature::from_bytes(signature)?,
        })
    }
}

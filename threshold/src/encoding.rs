//! Points to bytes and back: compressed (the IETF pairing-curves draft) and EIP-2537.
//!
//! EIP-2537 writes a base-field element as 64 bytes (16 zero bytes, 48 big-endian), a G1 point
//! as `x ‖ y` (128 bytes) and a G2 point as `x.c0 ‖ x.c1 ‖ y.c0 ‖ y.c1` (256 bytes); blst's own
//! uncompressed form has neither the padding nor that order of an extension element's halves.

use blst::{BLST_ERROR, min_sig};

/// Bytes of a base-field element.
const FIELD_BYTES: usize = 48;
/// Bytes of a base-field element in EIP-2537.
const EIP2537_FIELD_BYTES: usize = 64;
/// Zero bytes before a base-field element in EIP-2537.
const EIP2537_PADDING_BYTES: usize = EIP2537_FIELD_BYTES - FIELD_BYTES;
/// The three high bits of a field element's first byte: flags in blst's form, beyond the
/// modulus in EIP-2537.
const FLAG_BITS: u8 = 0b1110_0000;

/// Why bytes are not a point that this crate accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// The byte string has another length than the encoding.
    #[error("a point takes {expected} bytes, got {got}")]
    Length {
        /// Bytes the encoding takes.
        expected: usize,
        /// Bytes that were given.
        got: usize,
    },
    /// Wrong flags, padding that is not zero, or a coordinate at or above the modulus.
    #[error("point encoding is not canonical")]
    NotCanonical,
    /// The coordinates are not on the curve.
    #[error("point is not on the curve")]
    NotOnCurve,
    /// On the curve, outside the subgroup of prime order.
    #[error("point is not in the prime-order subgroup")]
    NotInSubgroup,
    /// The point at infinity, which is neither a key nor a signature.
    #[error("point is at infinity")]
    Infinity,
}

impl From<BLST_ERROR> for PointError {
    fn from(error: BLST_ERROR) -> Self {
        match error {
            BLST_ERROR::BLST_POINT_NOT_ON_CURVE => Self::NotOnCurve,
            BLST_ERROR::BLST_POINT_NOT_IN_GROUP => Self::NotInSubgroup,
            BLST_ERROR::BLST_PK_IS_INFINITY => Self::Infinity,
            BLST_ERROR::BLST_SUCCESS
            | BLST_ERROR::BLST_BAD_ENCODING
            | BLST_ERROR::BLST_AGGR_TYPE_MISMATCH
            | BLST_ERROR::BLST_VERIFY_FAIL
            | BLST_ERROR::BLST_BAD_SCALAR => Self::NotCanonical,
        }
    }
}

/// Checks a slice's length and turns it into an array.
pub(crate) fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], PointError> {
    bytes.try_into().map_err(|_| PointError::Length { expected: N, got: bytes.len() })
}

/// Decodes a compressed G1 point: canonical, on the curve, in the subgroup, not infinity.
pub(crate) fn g1_uncompress(bytes: &[u8; 48]) -> Result<min_sig::Signature, PointError> {
    let point = min_sig::Signature::uncompress(bytes)?;
    point.validate(true)?;
    Ok(point)
}

/// Decodes a compressed G2 point: canonical, on the curve, in the subgroup, not infinity.
pub(crate) fn g2_uncompress(bytes: &[u8; 96]) -> Result<min_sig::PublicKey, PointError> {
    let point = min_sig::PublicKey::uncompress(bytes)?;
    point.validate()?;
    Ok(point)
}

/// Decodes an EIP-2537 G1 point and returns its compressed form.
pub(crate) fn g1_from_eip2537(bytes: &[u8; 128]) -> Result<[u8; 48], PointError> {
    let mut raw = [0; 96];
    unpad(bytes, &mut raw)?;
    if raw == [0; 96] {
        return Err(PointError::Infinity);
    }
    let point = min_sig::Signature::deserialize(&raw)?;
    point.validate(true)?;
    Ok(point.compress())
}

/// Decodes an EIP-2537 G2 point and returns its compressed form.
pub(crate) fn g2_from_eip2537(bytes: &[u8; 256]) -> Result<[u8; 96], PointError> {
    let mut raw = [0; 192];
    unpad(bytes, &mut raw)?;
    if raw == [0; 192] {
        return Err(PointError::Infinity);
    }
    swap_halves(&mut raw);
    let point = min_sig::PublicKey::deserialize(&raw)?;
    point.validate()?;
    Ok(point.compress())
}

/// Writes a G1 point in EIP-2537 form.
pub(crate) fn g1_to_eip2537(point: &min_sig::Signature) -> [u8; 128] {
    let mut out = [0; 128];
    pad(&point.serialize(), &mut out);
    out
}

/// Writes a G2 point in EIP-2537 form.
pub(crate) fn g2_to_eip2537(point: &min_sig::PublicKey) -> [u8; 256] {
    let mut raw = point.serialize();
    swap_halves(&mut raw);
    let mut out = [0; 256];
    pad(&raw, &mut out);
    out
}

/// Exchanges c1 and c0 of both coordinates: blst puts c1 first, EIP-2537 c0.
fn swap_halves(raw: &mut [u8; 192]) {
    for coordinate in raw.chunks_exact_mut(2 * FIELD_BYTES) {
        coordinate.rotate_left(FIELD_BYTES);
    }
}

/// Copies field elements into 64-byte words, big-endian, zero-padded in front.
fn pad(raw: &[u8], out: &mut [u8]) {
    let words = out.chunks_exact_mut(EIP2537_FIELD_BYTES);
    for (element, word) in raw.chunks_exact(FIELD_BYTES).zip(words) {
        for (to, from) in word.iter_mut().skip(EIP2537_PADDING_BYTES).zip(element) {
            *to = *from;
        }
    }
}

/// Copies field elements out of 64-byte words; padding and flag bits must be zero.
fn unpad(bytes: &[u8], raw: &mut [u8]) -> Result<(), PointError> {
    let words = bytes.chunks_exact(EIP2537_FIELD_BYTES);
    for (word, element) in words.zip(raw.chunks_exact_mut(FIELD_BYTES)) {
        let (padding, value) = word.split_at(EIP2537_PADDING_BYTES);
        let flagged = value.first().is_some_and(|first| first & FLAG_BITS != 0);
        if flagged || padding.iter().any(|byte| *byte != 0) {
            return Err(PointError::NotCanonical);
        }
        element.copy_from_slice(value);
    }
    Ok(())
}

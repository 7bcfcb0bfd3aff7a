//! Fields as both formats write them: names of algorithms, hexadecimal without a prefix.

use crate::KeystoreError;

/// The bytes of `text`, at most `max` of them.
pub(crate) fn decode(
    field: &'static str,
    text: &str,
    max: usize,
    expected: &'static str,
) -> Result<Vec<u8>, KeystoreError> {
    if text.len() / 2 > max {
        return Err(KeystoreError::Length { field, found: text.len() / 2, expected });
    }
    hex::decode(text).map_err(|_| KeystoreError::Hex { field })
}

/// Exactly `N` bytes.
pub(crate) fn decode_exact<const N: usize>(
    field: &'static str,
    text: &str,
    expected: &'static str,
) -> Result<[u8; N], KeystoreError> {
    let bytes = decode(field, text, N, expected)?;
    bytes.try_into().map_err(|bytes: Vec<u8>| KeystoreError::Length {
        field,
        found: bytes.len(),
        expected,
    })
}

/// The one name that is read for an algorithm.
pub(crate) fn expect_name(
    field: &'static str,
    found: &str,
    expected: &'static str,
) -> Result<(), KeystoreError> {
    if found == expected {
        return Ok(());
    }
    Err(KeystoreError::Algorithm { field, found: found.to_owned(), expected })
}

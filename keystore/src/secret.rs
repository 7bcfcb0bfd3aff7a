//! Secrets and passwords that are wiped when dropped and never printed.

use std::fmt;

use rand::{RngCore, rngs::OsRng};
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::KeystoreError;

/// Bytes of every secret that is kept here.
pub const SECRET_BYTES: usize = 32;

/// A 32-byte secret, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; SECRET_BYTES]);

impl Secret {
    /// Takes `bytes` over. The caller wipes its own copy.
    pub fn new(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// 32 bytes from the system's entropy source.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn generate() -> Result<Self, KeystoreError> {
        let mut secret = Self([0; SECRET_BYTES]);
        fill_random(&mut secret.0)?;
        Ok(secret)
    }

    /// The secret itself.
    pub fn expose(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// A password, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// Takes `text` as it is.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The content of a password file: without its one line end, if it has one.
    pub fn from_file_content(text: String) -> Self {
        let whole = Self(text);
        let line = whole.0.strip_suffix('\n').unwrap_or(&whole.0);
        Self(line.strip_suffix('\r').unwrap_or(line).to_owned())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The password's UTF-8 bytes, as web3 secret storage takes them.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// EIP-2335's form: NFKD, then C0, C1 and Delete control codes stripped, as UTF-8.
    pub(crate) fn normalized(&self) -> Zeroizing<Vec<u8>> {
        // Reserved whole, so that no shorter copy is left behind by growing: NFKD makes at most 18
        // characters of one, of at most 4 bytes each.
        let most = self.0.chars().count().saturating_mul(18 * 4);
        let mut text = Zeroizing::new(String::with_capacity(most));
        text.extend(self.0.nfkd().filter(|c| !c.is_control()));
        Zeroizing::new(std::mem::take(&mut *text).into_bytes())
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// Fills `bytes` from the system's entropy source.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), KeystoreError> {
    OsRng.try_fill_bytes(bytes).map_err(KeystoreError::Entropy)
}

/// A random (version 4) UUID in text form.
pub(crate) fn random_uuid() -> Result<String, KeystoreError> {
    let mut bytes = [0u8; 16];
    fill_random(&mut bytes)?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex::encode(bytes);
    Ok([&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_with_control_codes_loses_exactly_c0_c1_and_delete() {
        let all: String = (0u8..=0xff).map(char::from).collect();
        let kept = Password::new(all).normalized();
        let kept = std::str::from_utf8(&kept).unwrap();
        assert!(kept.chars().all(|c| !matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}')));
        assert!(kept.starts_with(" !\""), "space and printable characters stay: {kept}");
    }

    #[test]
    fn password_in_mathematical_letters_normalizes_to_plain_ones() {
        let fancy = Password::from("𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑");
        let expected = hex::decode("7465737470617373776f7264f09f9491").unwrap();
        assert_eq!(*fancy.normalized(), expected);
    }

    #[test]
    fn password_file_loses_one_line_end_only() {
        for (content, password) in
            [("a b \n", "a b "), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a"), ("", "")]
        {
            assert_eq!(
                Password::from_file_content(content.into()).as_bytes(),
                password.as_bytes(),
                "{content:?}"
            );
        }
    }

    #[test]
    fn secrets_in_debug_output_are_redacted() {
        assert_eq!(format!("{:?}", Secret::new([7; 32])), "Secret(redacted)");
        assert_eq!(format!("{:?}", Password::from("hunter2")), "Password(redacted)");
    }

    #[test]
    fn uuid_is_version_four() {
        let uuid = random_uuid().unwrap();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&uuid.as_bytes()[19]));
    }
}

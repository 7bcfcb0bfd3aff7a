//! AES-128 in counter mode, 128-bit big-endian counter: the one cipher of both formats.

use aes::Aes128;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher},
};

use crate::kdf::DerivedKey;

/// The cipher's name in files.
pub(crate) const NAME: &str = "aes-128-ctr";

/// Bytes of the initial counter.
pub(crate) const IV_BYTES: usize = 16;

/// Encrypts or decrypts `bytes` in place with the first half of `key`.
pub(crate) fn apply(key: &DerivedKey, iv: &[u8; IV_BYTES], bytes: &mut [u8]) {
    Ctr128BE::<Aes128>::new(key.cipher_half().into(), iv.into()).apply_keystream(bytes);
}

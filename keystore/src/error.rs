//! What can be wrong with a key file.

use std::{io, path::PathBuf};

use thiserror::Error;

/// Why a keystore can't be read, opened or made.
#[derive(Debug, Error)]
pub enum KeystoreError {
    /// Not JSON, or not of the format's shape; the message names field and line.
    #[error("is no keystore of this format: {0}")]
    Json(#[from] serde_json::Error),
    /// A version that this module does not read.
    #[error("field version is {found}, this reads version {supported} only; {hint}")]
    Version {
        /// What the file says.
        found: String,
        /// What is read.
        supported: u32,
        /// What to do.
        hint: &'static str,
    },
    /// A field that the stated algorithm needs.
    #[error("field {field} is missing")]
    Missing {
        /// The field's path.
        field: &'static str,
    },
    /// A named algorithm that the format does not allow, or that is not read here.
    #[error("field {field} is {found:?}, expected {expected}")]
    Algorithm {
        /// The field's path.
        field: &'static str,
        /// What the file says.
        found: String,
        /// What is read.
        expected: &'static str,
    },
    /// A byte string of a wrong length.
    #[error("field {field} has {found} bytes, expected {expected}")]
    Length {
        /// The field's path.
        field: &'static str,
        /// How long it is.
        found: usize,
        /// How long it may be.
        expected: &'static str,
    },
    /// A byte string that is not hexadecimal.
    #[error("field {field} is not hexadecimal")]
    Hex {
        /// The field's path.
        field: &'static str,
    },
    /// A derivation parameter out of its bounds.
    #[error("field {field} is {found}, expected {expected}")]
    KdfParameter {
        /// The field's path.
        field: &'static str,
        /// What the file says.
        found: u64,
        /// What is allowed.
        expected: String,
    },
    /// The checksum does not match: nearly always the password.
    #[error("the password is wrong, or the file is damaged (checksum mismatch)")]
    WrongPassword,
    /// A text that is longer than any that is written.
    #[error("field {field} has {found} bytes, at most {max} are read")]
    TooLong {
        /// The field's path.
        field: &'static str,
        /// How long it is.
        found: usize,
        /// How long it may be.
        max: usize,
    },
    /// The secret is not a secp256k1 private key.
    #[error("the secret is not a secp256k1 private key (0, or not below the group order)")]
    NotASigningKey,
    /// The decrypted key belongs to another address than the file says.
    #[error("field address is {stated}, but the key inside has address {actual}")]
    Address {
        /// What the file says.
        stated: String,
        /// Whose key it is.
        actual: String,
    },
    /// The system's entropy source failed.
    #[error("the system gives no entropy: {0}")]
    Entropy(rand::Error),
}

/// Why a key file can't be read, opened or written.
#[derive(Debug, Error)]
#[error("key file {}: {problem}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: FileProblem,
}

/// What is wrong with a key file.
#[derive(Debug, Error)]
pub enum FileProblem {
    /// Reading or writing failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Larger than any keystore.
    #[error("has more than {max} bytes, which no keystore has")]
    TooLarge {
        /// The limit.
        max: u64,
    },
    /// There is a file of this name already; it is left as it is.
    #[error("exists already; move it away first, a key file is never overwritten")]
    Exists,
    /// The content is refused.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
}

//! File forms of other tools: [`snarkjs`] JSON and [`gnark`] binary, in and out.
//!
//! They live at the edges (command line, HTTP, agents) and never reach the chain. Reading
//! is strict: one spelling of each number, affine points, nothing left over. An error is
//! either [`FormatError::Unreadable`], when the bytes are not such a file, or
//! [`FormatError::Refused`] with a [`Code`], when they are, but what they hold is not
//! taken.

mod decimal;
pub mod gnark;
pub mod snarkjs;

use std::fmt;

use crate::Code;
use crate::groth16_bn254::{Proof, PublicInputs, VerifyingKey};

/// Why a file was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The bytes are not a file of this form.
    #[error("{message}")]
    Unreadable {
        /// Why: one of the `FILE_…` codes.
        code: Code,
        /// What is wrong, and what to do.
        message: String,
    },
    /// The file reads, but what it holds is refused.
    #[error("{} ({place})", code.explanation())]
    Refused {
        /// Why.
        code: Code,
        /// Where in the file.
        place: String,
    },
}

impl FormatError {
    pub(crate) fn unreadable(code: Code, message: impl Into<String>) -> Self {
        Self::Unreadable { code, message: message.into() }
    }

    pub(crate) fn refused(code: Code, place: impl Into<String>) -> Self {
        Self::Refused { code, place: place.into() }
    }
}

/// A form that keys, proofs and public inputs are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON as snarkjs writes it.
    Snarkjs,
    /// Binary as gnark's `WriteTo` and `WriteRawTo` write it.
    Gnark,
}

impl Format {
    /// What the bytes look like: text, and what begins like JSON, is snarkjs JSON, all else
    /// gnark binary. Every gnark file holds a byte that no text holds, because a length
    /// below 2²⁴ begins with zero, and none begins with a brace or a bracket, because these
    /// are the flags of infinity on another number than zero. JSON may hold other control
    /// characters in its strings, and begin with white space, but holds no zero byte.
    pub fn detect(bytes: &[u8]) -> Self {
        let control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
        let is_text = std::str::from_utf8(bytes).is_ok() && !bytes.iter().any(control);
        let begins = |bytes: &[u8]| matches!(bytes.first(), Some(b'{' | b'['));
        let is_json = begins(bytes) || (begins(bytes.trim_ascii_start()) && !bytes.contains(&0));
        if is_text || is_json { Self::Snarkjs } else { Self::Gnark }
    }

    /// Reads a verifying key.
    pub fn read_key(self, bytes: &[u8]) -> Result<VerifyingKey, FormatError> {
        match self {
            Self::Snarkjs => snarkjs::read_key(bytes),
            Self::Gnark => gnark::read_key(bytes),
        }
    }

    /// Reads a proof.
    pub fn read_proof(self, bytes: &[u8]) -> Result<Proof, FormatError> {
        match self {
            Self::Snarkjs => snarkjs::read_proof(bytes),
            Self::Gnark => gnark::read_proof(bytes),
        }
    }

    /// Reads public inputs.
    pub fn read_public(self, bytes: &[u8]) -> Result<PublicInputs, FormatError> {
        match self {
            Self::Snarkjs => snarkjs::read_public(bytes),
            Self::Gnark => gnark::read_public(bytes),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Snarkjs => "snarkjs",
            Self::Gnark => "gnark",
        })
    }
}

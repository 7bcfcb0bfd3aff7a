use std::fmt;

use alloy_primitives::keccak256;
use serde::{Deserialize, Serialize};

/// Selector of a proof kind: the first four bytes of keccak256 of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Kind(pub [u8; 4]);

impl Kind {
    /// The selector of the kind called `name`, such as `groth16-bn254`.
    pub fn of_name(name: &str) -> Self {
        let digest = keccak256(name.as_bytes()).0;
        Self([digest[0], digest[1], digest[2], digest[3]])
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(formatter, "0x{a:02x}{b:02x}{c:02x}{d:02x}")
    }
}

impl From<[u8; 4]> for Kind {
    fn from(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }
}

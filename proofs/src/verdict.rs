use alloy_primitives::{B256, keccak256};

use crate::Code;

/// What one verification concludes. `Missed` is absent: only the ledger concludes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The response shows what the statement asks.
    Valid {
        /// What was shown, in the kind's unit.
        value: u128,
        /// Values that the provider supplied and the proof covers, 32 bytes each, in order.
        reported: Vec<[u8; 32]>,
    },
    /// The provider's response is wrong.
    Invalid {
        /// Why.
        code: Code,
    },
    /// Nothing can be concluded about the provider.
    Inconclusive {
        /// Why.
        code: Code,
    },
}

impl Verdict {
    /// The verdict's number on the ledger and on chain: 0 valid, 1 invalid, 3 inconclusive.
    pub const fn number(&self) -> u8 {
        match self {
            Self::Valid { .. } => 0,
            Self::Invalid { .. } => 1,
            Self::Inconclusive { .. } => 3,
        }
    }

    /// The reason, if there is one.
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::Valid { .. } => None,
            Self::Invalid { code } | Self::Inconclusive { code } => Some(*code),
        }
    }

    /// The reason's number, 0 for none.
    pub fn code_number(&self) -> u16 {
        self.code().map_or(0, Code::number)
    }

    /// What was shown, in the kind's unit; 0 unless valid.
    pub const fn value(&self) -> u128 {
        match self {
            Self::Valid { value, .. } => *value,
            Self::Invalid { .. } | Self::Inconclusive { .. } => 0,
        }
    }

    /// Values the provider reported; none unless valid.
    pub fn reported(&self) -> &[[u8; 32]] {
        match self {
            Self::Valid { reported, .. } => reported,
            Self::Invalid { .. } | Self::Inconclusive { .. } => &[],
        }
    }

    /// [`reported_hash`] of the reported values.
    pub fn reported_hash(&self) -> B256 {
        reported_hash(self.reported())
    }
}

/// keccak256 of the concatenated values, zero if there are none: the `reportedHash` of
/// the evidence.
pub fn reported_hash(values: &[[u8; 32]]) -> B256 {
    if values.is_empty() { B256::ZERO } else { keccak256(values.concat()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reported_hash_of_none_is_zero() {
        assert_eq!(reported_hash(&[]), B256::ZERO);
    }

    #[test]
    fn reported_hash_of_values_is_keccak_of_concatenation() {
        let mut bytes = [0u8; 64];
        bytes[31] = 1;
        bytes[63] = 2;
        let (mut one, mut two) = ([0u8; 32], [0u8; 32]);
        one[31] = 1;
        two[31] = 2;
        assert_eq!(reported_hash(&[one, two]), keccak256(bytes));
    }

    #[test]
    fn numbers_follow_the_ledger() {
        assert_eq!(Verdict::Valid { value: 7, reported: vec![] }.number(), 0);
        assert_eq!(Verdict::Invalid { code: Code::ProofRejected }.number(), 1);
        assert_eq!(Verdict::Inconclusive { code: Code::KeyUnknown }.number(), 3);
        assert_eq!(Verdict::Inconclusive { code: Code::KeyUnknown }.code_number(), 103);
        assert_eq!(Verdict::Valid { value: 7, reported: vec![] }.code_number(), 0);
    }
}

//! What the group signs.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::ids::{Epoch, Height, HubIndex};

/// A message of the group, by name. The ledger knows the 32 bytes behind each.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    /// That the group holds the key of an epoch, said to a hub.
    KeyPossession {
        /// To whom.
        hub: HubIndex,
        /// Whose key.
        epoch: Epoch,
    },
    /// The beacon of a height that opened jobs.
    Beacon {
        /// The height.
        height: Height,
    },
    /// The outcomes up to a height that concluded jobs, said to a hub.
    Attestation {
        /// The height.
        height: Height,
        /// To whom.
        hub: HubIndex,
    },
}

/// A group signature on its way into a block: 48 bytes, compressed G1.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GroupSignature {
    /// What it signs.
    pub subject: Subject,
    /// The signature.
    pub signature: [u8; 48],
}

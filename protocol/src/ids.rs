//! Newtypes for the numbers and names that the ledger is about.

use std::fmt;

use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize,
            BorshDeserialize, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// The number of a block; the first block that is decided has height 1.
    Height(u64)
}
number! {
    /// A span of heights with one committee and one group key; the first is 1.
    Epoch(u64)
}
number! {
    /// Unix time in milliseconds as the ledger knows it: a function of bundle times only.
    LedgerTime(u64)
}
number! {
    /// A member's place in its committee, counted from 0.
    OperatorIndex(u16)
}
number! {
    /// The place of a hub in the genesis' list of hubs, counted from 0.
    HubIndex(u16)
}

impl Height {
    /// The height after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl LedgerTime {
    /// This time plus `ms` milliseconds, saturating.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// What a job is called everywhere: the JOB hash of its descriptor.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct JobId(pub B256);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Committee sizes and what follows from them.
///
/// `f = ⌊(n−1)/3⌋`, quorum and threshold `q = n − f`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorums {
    /// Members.
    pub n: usize,
    /// Members that may be faulty.
    pub f: usize,
    /// Members that make a quorum, and shares that make a signature.
    pub q: usize,
}

impl Quorums {
    /// The numbers of a committee of `n`.
    pub fn of(n: usize) -> Self {
        let f = n.saturating_sub(1) / 3;
        Self { n, f, q: n - f }
    }
}

//! Classes of faults, and how often each was injected.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use crate::scenario::AdversaryKind;

/// A class of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum FaultClass {
    /// A message is lost.
    Loss,
    /// A message arrives twice.
    Duplicate,
    /// A message is held back, so that later ones overtake it.
    Reorder,
    /// Operators are cut off.
    Partition,
    /// A message is lost or late because its link is worse in that direction.
    OneWay,
    /// A process is killed between two effects.
    Crash,
    /// A crash takes what was written and not synced.
    LostWrite,
    /// An endpoint is away.
    Outage,
    /// Chain blocks are replaced.
    Reorg,
    /// Gas becomes dear.
    FeeSpike,
    /// A provider answers wrongly.
    WrongResponse,
    /// A provider does not answer.
    NoResponse,
    /// A provider sends different responses to different operators.
    SplitResponse,
    /// A provider answers too late.
    LateResponse,
    /// An adversary acts.
    Adversary(AdversaryKind),
}

impl FaultClass {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let plain = [
            Self::Loss,
            Self::Duplicate,
            Self::Reorder,
            Self::Partition,
            Self::OneWay,
            Self::Crash,
            Self::LostWrite,
            Self::Outage,
            Self::Reorg,
            Self::FeeSpike,
            Self::WrongResponse,
            Self::NoResponse,
            Self::SplitResponse,
            Self::LateResponse,
        ];
        plain.into_iter().chain(AdversaryKind::ALL.into_iter().map(Self::Adversary))
    }

    /// What it is called in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Partition => "partition",
            Self::OneWay => "one-way",
            Self::Crash => "crash",
            Self::LostWrite => "lost-write",
            Self::Outage => "outage",
            Self::Reorg => "reorg",
            Self::FeeSpike => "fee-spike",
            Self::WrongResponse => "wrong-response",
            Self::NoResponse => "no-response",
            Self::SplitResponse => "split-response",
            Self::LateResponse => "late-response",
            Self::Adversary(kind) => kind.name(),
        }
    }
}

/// How often each class was injected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts(std::collections::BTreeMap<FaultClass, u64>);

impl FaultCounts {
    /// One more.
    pub fn add(&mut self, class: FaultClass) {
        let count = self.0.entry(class).or_default();
        *count = count.saturating_add(1);
    }

    /// How many of a class.
    pub fn of(&self, class: FaultClass) -> u64 {
        self.0.get(&class).copied().unwrap_or(0)
    }

    /// Those that were injected, in the order of [`FaultClass::all`].
    pub fn iter(&self) -> impl Iterator<Item = (FaultClass, u64)> {
        self.0.iter().map(|(class, count)| (*class, *count))
    }

    /// Adds another run's.
    pub fn merge(&mut self, other: &Self) {
        for (class, count) in other.iter() {
            let sum = self.0.entry(class).or_default();
            *sum = sum.saturating_add(count);
        }
    }
}

impl Serialize for FaultCounts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(class, count)| (class.name(), count)))
    }
}

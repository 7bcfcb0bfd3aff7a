//! Crashes, and what they do to disks.

use serde::{Deserialize, Serialize};

/// What a disk does when its machine loses power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disks {
    /// Of crashes, how many lose what was written and not synced; the rest lose the process only.
    pub lose_unsynced_permille: u32,
    /// How long a sync takes at most.
    pub sync_ms: u64,
}

/// Who is killed, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Crashes {
    /// Kills that the seed draws, up to the heal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random: Option<RandomCrashes>,
    /// Kills at set times.
    #[serde(rename = "at", skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<Crash>,
}

/// Kills at any point: between any two effects of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomCrashes {
    /// Mean pause between two.
    pub every_ms: u64,
    /// The longest that one is down; shorter times are as likely.
    pub down_ms: u64,
    /// The most operators that are down at once.
    pub at_once: u16,
}

/// One kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// Who.
    pub operator: u16,
    /// When.
    pub at_ms: u64,
    /// Until it starts again.
    pub down_ms: u64,
}

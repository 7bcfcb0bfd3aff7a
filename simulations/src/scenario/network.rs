//! How messages travel, and how they don't.

use serde::{Deserialize, Serialize};

/// The network between operators, and from providers to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Names of regions; operator i is in region i modulo their number.
    pub regions: Vec<String>,
    /// One-way latency from a row's region to a column's.
    pub latency_ms: Vec<Vec<u64>>,
    /// Each message takes longer by up to this much.
    pub jitter_ms: u64,
    /// Messages lost.
    pub loss_permille: u32,
    /// Messages that arrive twice.
    pub duplicate_permille: u32,
    /// Messages held back so that later ones overtake them.
    pub reorder_permille: u32,
    /// For up to how long.
    pub reorder_ms: u64,
    /// Cuts at set times.
    #[serde(rename = "partition", skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<Partition>,
    /// Cuts at times drawn from the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_partitions: Option<RandomPartitions>,
    /// Links that lose messages in one direction.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_way: Vec<OneWay>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            regions: vec!["one".into()],
            latency_ms: vec![vec![5]],
            jitter_ms: 5,
            loss_permille: 0,
            duplicate_permille: 0,
            reorder_permille: 0,
            reorder_ms: 0,
            partitions: Vec::new(),
            random_partitions: None,
            one_way: Vec::new(),
        }
    }
}

impl Network {
    /// One-way latency between two operators, without jitter.
    pub fn latency_ms(&self, from: u16, to: u16) -> u64 {
        let region = |place: u16| usize::from(place).checked_rem(self.regions.len()).unwrap_or(0);
        let row = self.latency_ms.get(region(from));
        row.and_then(|row| row.get(region(to))).copied().unwrap_or(0)
    }
}

/// These operators hear nobody else, and nobody else hears them; among themselves they talk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Who is cut off.
    pub operators: Vec<u16>,
    /// From when.
    pub from_ms: u64,
    /// Until when.
    pub until_ms: u64,
}

/// Cuts that the seed draws, up to the heal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomPartitions {
    /// Mean pause between the start of two.
    pub every_ms: u64,
    /// The longest that one lasts; shorter ones are as likely.
    pub lasting_ms: u64,
    /// The most operators that are cut off; fewer are as likely.
    pub operators: u16,
}

/// A link that is worse in one direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneWay {
    /// Who is not heard.
    pub from: Vec<u16>,
    /// By whom.
    pub to: Vec<u16>,
    /// From when.
    pub from_ms: u64,
    /// Until when.
    pub until_ms: u64,
    /// Messages lost.
    #[serde(default = "everything")]
    pub loss_permille: u32,
    /// And how much longer the others take.
    #[serde(default)]
    pub delay_ms: u64,
}

fn everything() -> u32 {
    1_000
}

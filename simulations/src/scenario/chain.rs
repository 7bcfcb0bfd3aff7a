//! The modelled chain, and each operator's endpoint to it.

use serde::{Deserialize, Serialize};

/// The chain that requests come from and attestations go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chain {
    /// Pause between two blocks.
    pub block_ms: u64,
    /// Blocks on top after which one is final.
    pub finality_blocks: u64,
    /// Each endpoint is behind by up to this much.
    pub endpoint_lag_ms: u64,
    /// Re-organisations at set times.
    #[serde(rename = "reorg", skip_serializing_if = "Vec::is_empty")]
    pub reorgs: Vec<Reorg>,
    /// Times at which gas is dear.
    #[serde(rename = "fee_spike", skip_serializing_if = "Vec::is_empty")]
    pub fee_spikes: Vec<FeeSpike>,
    /// Times at which an operator's endpoint is away.
    #[serde(rename = "outage", skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Outage>,
    /// Faults that the seed draws, up to the heal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random: Option<ChainFaults>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            block_ms: 1_000,
            finality_blocks: 2,
            endpoint_lag_ms: 200,
            reorgs: Vec::new(),
            fee_spikes: Vec::new(),
            outages: Vec::new(),
            random: None,
        }
    }
}

/// The last blocks are replaced by others; requests in them come again, elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reorg {
    /// When.
    pub at_ms: u64,
    /// How many blocks. Deeper than finality, it halts those whose endpoint shows it.
    pub depth: u64,
    /// Whose endpoints show it; everybody's if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operators: Vec<u16>,
}

/// Gas costs a multiple of what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeSpike {
    /// From when.
    pub from_ms: u64,
    /// Until when.
    pub until_ms: u64,
    /// The fee, 100 being the usual one.
    pub fee_percent: u32,
}

/// Endpoints that do not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Whose endpoints.
    pub operators: Vec<u16>,
    /// From when.
    pub from_ms: u64,
    /// Until when.
    pub until_ms: u64,
}

/// What the seed draws: per chain block, with the chance of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainFaults {
    /// A re-organisation.
    pub reorg_permille: u32,
    /// Its depth at most; below finality unless the scenario is about breaking that.
    pub reorg_depth: u64,
    /// A fee spike begins.
    pub fee_spike_permille: u32,
    /// How long it lasts at most.
    pub fee_spike_ms: u64,
    /// The fee in it, 100 being the usual one.
    pub fee_percent: u32,
    /// One operator's endpoint goes away.
    pub outage_permille: u32,
    /// For how long at most.
    pub outage_ms: u64,
}

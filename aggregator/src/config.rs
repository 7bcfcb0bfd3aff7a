//! What an operator sets for its submitter.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

/// Whose turn it is when several operators can submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Nobody else: submit at once.
    Alone,
    /// Operator `index` of `members`: the operator at (h + i) mod members submits height h after i delays.
    Of {
        /// Position in the committee, from 0.
        index: u16,
        /// The committee's size.
        members: u16,
    },
}

impl Turn {
    /// How many delays this operator lets others go first with ledger height `height`.
    pub fn delays(self, height: u64) -> u64 {
        match self {
            Self::Alone => 0,
            Self::Of { members: 0, .. } => 0,
            Self::Of { index, members } => {
                let members = u64::from(members);
                (u64::from(index) % members + members - height % members) % members
            }
        }
    }
}

/// One hub's submitter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmitterConfig {
    /// EIP-155 id; an endpoint of another chain is refused.
    pub chain_id: u64,
    /// The attestation hub's address.
    pub hub: Address,
    /// http or https URLs in order of preference; never logged.
    pub rpc_urls: Vec<String>,
    /// Whose turn it is.
    pub turn: Turn,
    /// How limits and pauses are set.
    #[serde(default)]
    pub policy: Policy,
}

/// Limits and pauses of a submitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Pause between looks at the chain, in milliseconds.
    pub poll_interval_ms: u64,
    /// How long each operator gets before the next may submit too, in milliseconds.
    pub turn_delay_ms: u64,
    /// Blocks that a transaction may wait before its fees are raised.
    pub bump_after_blocks: u64,
    /// How much fees are raised, in tenths of a percent; nodes ask for at least 100.
    pub bump_permille: u32,
    /// Least tip, in wei a gas.
    pub tip_min_wei: u128,
    /// Highest fee, base fee and tip together, in wei a gas.
    pub fee_max_wei: u128,
    /// Highest gas limit of one transaction.
    pub gas_max: u64,
    /// Blocks from a transaction's own on, itself included, after which it counts as settled.
    pub confirmations: u64,
    /// A balance below this many wei is warned of.
    pub balance_low_wei: u128,
    /// A head that stays the same for longer than this, in milliseconds, makes room for the next endpoint.
    pub stall_after_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            poll_interval_ms: 4_000,
            turn_delay_ms: 24_000,
            bump_after_blocks: 3,
            bump_permille: 125,
            tip_min_wei: 1_000_000,
            fee_max_wei: 300_000_000_000,
            gas_max: 16_000_000,
            confirmations: 12,
            balance_low_wei: 20_000_000_000_000_000,
            stall_after_ms: 300_000,
        }
    }
}

/// A setting that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("submitter config: {key} {problem}")]
pub struct ConfigError {
    /// The key's name.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl SubmitterConfig {
    /// Checks every range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let bad = |key, problem: &str| Err(ConfigError { key, problem: problem.to_owned() });
        if self.chain_id == 0 {
            return bad("chain_id", "must not be 0");
        }
        if self.hub.is_zero() {
            return bad("hub", "must not be the zero address");
        }
        if let Turn::Of { index, members } = self.turn
            && index >= members
        {
            return bad("turn.of.index", "must be below turn.of.members");
        }
        let policy = &self.policy;
        if policy.poll_interval_ms == 0 {
            return bad("policy.poll_interval_ms", "must not be 0");
        }
        if policy.bump_after_blocks == 0 {
            return bad("policy.bump_after_blocks", "must not be 0");
        }
        if !(100..=10_000).contains(&policy.bump_permille) {
            return bad("policy.bump_permille", "must be 100 to 10000");
        }
        if policy.confirmations == 0 {
            return bad("policy.confirmations", "must not be 0");
        }
        if policy.fee_max_wei == 0 || policy.fee_max_wei < policy.tip_min_wei {
            return bad("policy.fee_max_wei", "must be above 0 and at least policy.tip_min_wei");
        }
        if policy.stall_after_ms == 0 {
            return bad("policy.stall_after_ms", "must not be 0");
        }
        if policy.gas_max < 21_000 {
            return bad("policy.gas_max", "must be at least 21000");
        }
        Ok(())
    }
}

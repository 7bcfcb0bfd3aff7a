//! What an operator sets for one chain.

use std::time::Duration;

use alloy_primitives::Address;
use bindings::rpc::ENDPOINTS_MAX;
use serde::{Deserialize, Serialize};

/// Largest [`ChainConfig::max_range`], in blocks.
pub const RANGE_BLOCKS_MAX: u64 = 2_000;
/// How much longer than the head the final block may stay where it is: Ethereum's moves every 6.4 minutes at best.
pub const FINALITY_STALL_FACTOR: u32 = 4;
/// Largest depth, in blocks.
pub const DEPTH_BLOCKS_MAX: u64 = 100_000;

/// When a block counts as final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finality {
    /// When the chain's own consensus says so, by the `finalized` tag.
    Finalized,
    /// When this many blocks are built on it. 0 takes the head itself.
    Depth(u64),
}

/// One chain, its hub, and the endpoints that this operator trusts to report them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainConfig {
    /// EIP-155 id; an endpoint of another chain is refused.
    pub chain_id: u64,
    /// The attestation hub's address.
    pub hub: Address,
    /// http or https URLs in order of preference. They may hold API keys and are never logged.
    pub rpc_urls: Vec<String>,
    /// When a block is final.
    pub finality: Finality,
    /// First block to read, at or before the one that deployed the hub.
    pub start_block: u64,
    /// Pause between looks at the head, in milliseconds.
    #[serde(default = "default_poll_interval_ms")]
    pub poll_interval_ms: u64,
    /// Most blocks read at once.
    #[serde(default = "default_max_range")]
    pub max_range: u64,
    /// Longest time for one answer, in milliseconds.
    #[serde(default = "default_request_timeout_ms")]
    pub request_timeout_ms: u64,
    /// A head that stays the same for longer than this, in milliseconds, or a final block that stays the same for
    /// [`FINALITY_STALL_FACTOR`] times as long, is reported as a stall and makes room for the next endpoint.
    #[serde(default = "default_stall_after_ms")]
    pub stall_after_ms: u64,
}

const fn default_poll_interval_ms() -> u64 {
    4_000
}

const fn default_max_range() -> u64 {
    200
}

const fn default_request_timeout_ms() -> u64 {
    15_000
}

const fn default_stall_after_ms() -> u64 {
    300_000
}

/// A setting that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("chain config: {key} {problem}")]
pub struct ConfigError {
    /// The key's name.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl ChainConfig {
    /// A config with defaults for what is seldom set.
    pub fn new(
        chain_id: u64,
        hub: Address,
        rpc_urls: Vec<String>,
        finality: Finality,
        start_block: u64,
    ) -> Self {
        Self {
            chain_id,
            hub,
            rpc_urls,
            finality,
            start_block,
            poll_interval_ms: default_poll_interval_ms(),
            max_range: default_max_range(),
            request_timeout_ms: default_request_timeout_ms(),
            stall_after_ms: default_stall_after_ms(),
        }
    }

    /// Checks every range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let bad = |key, problem: String| Err(ConfigError { key, problem });
        if self.chain_id == 0 {
            return bad("chain_id", "must not be 0".into());
        }
        if self.hub.is_zero() {
            return bad("hub", "must not be the zero address".into());
        }
        if self.rpc_urls.is_empty() || self.rpc_urls.len() > ENDPOINTS_MAX {
            return bad(
                "rpc_urls",
                format!("needs 1 to {ENDPOINTS_MAX} urls, has {}", self.rpc_urls.len()),
            );
        }
        if let Finality::Depth(depth) = self.finality
            && depth > DEPTH_BLOCKS_MAX
        {
            return bad("finality.depth", format!("is {depth}, above {DEPTH_BLOCKS_MAX}"));
        }
        if self.max_range == 0 || self.max_range > RANGE_BLOCKS_MAX {
            return bad(
                "max_range",
                format!("is {}, must be 1 to {RANGE_BLOCKS_MAX}", self.max_range),
            );
        }
        if self.poll_interval_ms == 0 {
            return bad("poll_interval_ms", "must not be 0".into());
        }
        if self.request_timeout_ms == 0 {
            return bad("request_timeout_ms", "must not be 0".into());
        }
        if self.stall_after_ms == 0 {
            return bad("stall_after_ms", "must not be 0".into());
        }
        Ok(())
    }

    pub(crate) fn stall_after(&self) -> Duration {
        Duration::from_millis(self.stall_after_ms)
    }

    pub(crate) fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms)
    }
}

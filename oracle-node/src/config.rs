//! The node's config file.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use aggregator::Policy;
use alloy_primitives::Address;
use chain::{ChainConfig, Finality};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The largest config file, in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Why a config file cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("config {path}: {reason}; name an existing file, or make one with `assay node init`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why; in the message, and so no source of its own.
        reason: std::io::Error,
    },
    /// The file is no config.
    #[error("config {path}: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A value that cannot be used.
    #[error("config key {key}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
}

/// Everything that an operator sets. Relative paths are relative to the config file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Folder of the store, the write-ahead log and share key files.
    pub data_dir: PathBuf,
    /// The ledger's genesis file (JSON).
    pub genesis: PathBuf,
    /// Key files.
    pub keys: Keys,
    /// The operators' network.
    pub network: Network,
    /// The HTTP API.
    pub api: Api,
    /// One entry for each hub of the genesis.
    pub chains: Vec<Chain>,
    /// Settling on chain.
    #[serde(default)]
    pub submitter: Submitter,
}

/// Key files, and the password that they are all under.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// web3 v3: signs bundles and transactions.
    pub operator: PathBuf,
    /// web3 v3: signs votes.
    pub consensus: PathBuf,
    /// EIP-2335: ed25519 seed of the network identity.
    pub network: PathBuf,
    /// A file that holds the password.
    pub password_file: PathBuf,
    /// Derive keys for new share files cheaply; for development networks, whose passwords are no
    /// secret.
    #[serde(default)]
    pub light_kdf: bool,
}

/// Where the node listens for other operators.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// A multiaddr, for example `/ip4/0.0.0.0/tcp/26656`.
    pub listen: String,
    /// The longest time without a block, in milliseconds.
    #[serde(default = "default_max_idle_ms")]
    pub max_idle_ms: u64,
}

const fn default_max_idle_ms() -> u64 {
    30_000
}

/// The HTTP API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Address and port, for example `127.0.0.1:8600`.
    pub listen: SocketAddr,
}

/// One chain, its hub, and this operator's own endpoints of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// EIP-155 id.
    pub chain_id: u64,
    /// The AttestationHub.
    pub hub: Address,
    /// The VerifierRegistry that verifying keys are read from.
    pub verifier_registry: Address,
    /// http or https URLs, in order of preference.
    pub rpc_urls: Vec<String>,
    /// When a block is final.
    #[serde(default = "default_finality")]
    pub finality: Finality,
    /// Pause between looks at the head, in milliseconds.
    #[serde(default = "default_poll_interval_ms")]
    pub poll_interval_ms: u64,
    /// A head that stays the same for longer than this, in milliseconds, is reported, and the next endpoint is used.
    #[serde(default = "default_stall_after_ms")]
    pub stall_after_ms: u64,
}

/// [`Chain::stall_after_ms`] where it is left out: 25 slots of Ethereum.
pub const STALL_AFTER_MS: u64 = 300_000;

const fn default_stall_after_ms() -> u64 {
    STALL_AFTER_MS
}

const fn default_finality() -> Finality {
    Finality::Finalized
}

const fn default_poll_interval_ms() -> u64 {
    4_000
}

impl Chain {
    /// What the chain watcher takes.
    pub fn watcher(&self, start_block: u64) -> ChainConfig {
        let mut config = ChainConfig::new(
            self.chain_id,
            self.hub,
            self.rpc_urls.clone(),
            self.finality,
            start_block,
        );
        config.poll_interval_ms = self.poll_interval_ms;
        config.stall_after_ms = self.stall_after_ms;
        config
    }
}

/// Settling on chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submitter {
    /// Whether this node submits in its turn.
    #[serde(default = "default_true")]
    pub enabled: bool,
    /// Fees, delays and limits.
    #[serde(default)]
    pub policy: Policy,
}

impl Default for Submitter {
    fn default() -> Self {
        Self { enabled: true, policy: Policy::default() }
    }
}

const fn default_true() -> bool {
    true
}

impl NodeConfig {
    /// Reads, checks and resolves a config file.
    ///
    /// # Errors
    /// Names the file and the key that is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let read = |reason| ConfigError::Read { path: path.to_owned(), reason };
        let bytes = std::fs::metadata(path).map_err(read)?.len();
        let parse = |reason| ConfigError::Parse { path: path.to_owned(), reason };
        if bytes > MAX_CONFIG_BYTES {
            return Err(parse(format!("{bytes} bytes, the most is {MAX_CONFIG_BYTES}")));
        }
        let text = std::fs::read_to_string(path).map_err(read)?;
        let mut config = Self::parse(&text).map_err(|error| match error {
            ConfigError::Parse { reason, .. } => parse(reason),
            other => other,
        })?;
        config.resolve(path.parent().unwrap_or_else(|| Path::new(".")));
        Ok(config)
    }

    /// Reads and checks a config's text.
    ///
    /// # Errors
    /// Names the place or the key that is wrong.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| ConfigError::Parse {
            path: PathBuf::new(),
            reason: error.to_string(),
        })?;
        config.validate()?;
        Ok(config)
    }

    fn resolve(&mut self, folder: &Path) {
        for path in [
            &mut self.data_dir,
            &mut self.genesis,
            &mut self.keys.operator,
            &mut self.keys.consensus,
            &mut self.keys.network,
            &mut self.keys.password_file,
        ] {
            *path = folder.join(&*path);
        }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let value = |key: String, reason: String| Err(ConfigError::Value { key, reason });
        if self.chains.is_empty() {
            return value("chains".into(), "needs an entry for each hub of the genesis".into());
        }
        for (position, chain) in self.chains.iter().enumerate() {
            if let Err(error) = chain.watcher(0).validate() {
                return value(format!("chains[{position}].{}", error.key), error.problem);
            }
            if chain.verifier_registry.is_zero() {
                let key = format!("chains[{position}].verifier_registry");
                return value(key, "must not be the zero address".into());
            }
        }
        if !(1_000..=600_000).contains(&self.network.max_idle_ms) {
            return value("network.max_idle_ms".into(), "must be 1000 to 600000".into());
        }
        Ok(())
    }
}

//! What an agent is told.

use std::path::PathBuf;

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most nodes that an agent talks to.
pub const MAX_NODES: usize = 64;

const MAX_CONCURRENT: usize = 64;
const MAX_ARGUMENTS: usize = 256;
const MAX_KEY_FILES: usize = 256;
const LONGEST_MS: u64 = 24 * 60 * 60 * 1000;

/// A value that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("config key {key}: {reason}")]
pub struct ConfigError {
    /// The key.
    pub key: String,
    /// Why, and what is expected.
    pub reason: String,
}

/// Everything that a provider sets. Relative paths are relative to the working directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// The provider's key, web3 secret storage v3; its address is whose challenges are answered.
    pub key_file: PathBuf,
    /// A file that holds the key's password.
    pub password_file: PathBuf,
    /// The ledger that responses are signed for: the hash of its genesis.
    pub ledger_id: B256,
    /// Nodes' HTTP addresses, `http://host:port`.
    pub nodes: Vec<String>,
    /// How many nodes must say the same of a challenge: f + 1.
    pub min_agreeing: usize,
    /// The file of signed responses. Losing it can cost the stake; two agents must not share a
    /// key without sharing it.
    pub journal: PathBuf,
    /// Where proofs come from.
    pub prover: Prover,
    /// Verifying keys, snarkjs JSON or gnark binary, to check own proofs with.
    #[serde(default)]
    pub verifying_keys: Vec<PathBuf>,
    /// Whether own proofs are verified before they are signed.
    #[serde(default)]
    pub check: Check,
    /// Provers that run at a time.
    #[serde(default = "default_max_concurrent")]
    pub max_concurrent: usize,
    /// How often a node is asked while its stream is down, in milliseconds.
    #[serde(default = "default_poll_interval_ms")]
    pub poll_interval_ms: u64,
    /// How long an answer is tried for at most, in milliseconds, whatever a challenge says.
    #[serde(default = "default_answer_limit_ms")]
    pub answer_limit_ms: u64,
}

/// Where proofs come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prover {
    /// A program and its arguments, started for each challenge: challenge JSON in, proof out.
    Command(Vec<String>),
    /// A folder of `<job id>.json` or `<statement hash>.json`, hashes as `0x…`.
    Directory(PathBuf),
}

/// Whether own proofs are verified before they are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// What does not verify is not signed.
    #[default]
    BeforeSigning,
    /// Whatever the prover gives is signed: for demonstrations of what that costs.
    Never,
}

fn default_max_concurrent() -> usize {
    4
}

fn default_poll_interval_ms() -> u64 {
    2_000
}

fn default_answer_limit_ms() -> u64 {
    60 * 60 * 1000
}

impl AgentConfig {
    /// Checks what can be checked without files or nodes.
    ///
    /// # Errors
    /// Names the first key with a bad value.
    pub fn validate(&self) -> Result<(), ConfigError> {
        require(!self.nodes.is_empty() && self.nodes.len() <= MAX_NODES, "nodes", || {
            format!("names {} nodes, expected 1 to {MAX_NODES}", self.nodes.len())
        })?;
        for (index, node) in self.nodes.iter().enumerate() {
            check_url(&format!("nodes[{index}]"), node)?;
            let again = self.nodes.iter().take(index).any(|other| same_address(other, node));
            require(!again, &format!("nodes[{index}]"), || {
                format!("{node} is named twice: one node must not count as two")
            })?;
        }
        let agreeing = self.min_agreeing;
        require((1..=self.nodes.len()).contains(&agreeing), "min_agreeing", || {
            format!("is {agreeing}, expected f + 1, at most the number of nodes")
        })?;
        require(self.ledger_id != B256::ZERO, "ledger_id", || {
            "is zero; take it from the genesis or a node's status".into()
        })?;
        self.check_prover()?;
        require(self.verifying_keys.len() <= MAX_KEY_FILES, "verifying_keys", || {
            format!("names {} files, at most {MAX_KEY_FILES}", self.verifying_keys.len())
        })?;
        let checkable = self.check == Check::Never || !self.verifying_keys.is_empty();
        require(checkable, "verifying_keys", || {
            "names no file, so own proofs can't be checked; name the circuits' keys, or set check \
             = \"never\""
                .into()
        })?;
        require((1..=MAX_CONCURRENT).contains(&self.max_concurrent), "max_concurrent", || {
            format!("is {}, expected 1 to {MAX_CONCURRENT}", self.max_concurrent)
        })?;
        require((50..=LONGEST_MS).contains(&self.poll_interval_ms), "poll_interval_ms", || {
            format!("is {}, expected 50 to {LONGEST_MS}", self.poll_interval_ms)
        })?;
        require((100..=LONGEST_MS).contains(&self.answer_limit_ms), "answer_limit_ms", || {
            format!("is {}, expected 100 to {LONGEST_MS}", self.answer_limit_ms)
        })
    }

    fn check_prover(&self) -> Result<(), ConfigError> {
        match &self.prover {
            Prover::Command(argv) => {
                let program = argv.first().map_or("", String::as_str);
                require(!program.is_empty(), "prover.command", || {
                    "is empty; name a program and its arguments".into()
                })?;
                require(argv.len() <= MAX_ARGUMENTS, "prover.command", || {
                    format!("has {} words, at most {MAX_ARGUMENTS}", argv.len())
                })
            }
            Prover::Directory(folder) => {
                require(!folder.as_os_str().is_empty(), "prover.directory", || "is empty".into())
            }
        }
    }
}

fn check_url(key: &str, text: &str) -> Result<(), ConfigError> {
    let expected = || format!("is {text:?}, expected http://host:port");
    let url = reqwest::Url::parse(text)
        .map_err(|_| ConfigError { key: key.to_owned(), reason: expected() })?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none();
    require(plain, key, expected)
}

fn same_address(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

fn require(holds: bool, key: &str, reason: impl FnOnce() -> String) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError { key: key.to_owned(), reason: reason() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        key_file = "provider.json"
        password_file = "password"
        ledger_id = "0x1111111111111111111111111111111111111111111111111111111111111111"
        nodes = ["http://127.0.0.1:8001", "http://127.0.0.1:8002/"]
        min_agreeing = 2
        journal = "signed.redb"
        prover = { command = ["node", "prove.js"] }
        verifying_keys = ["verification_key.json"]
    "#;

    #[test]
    fn config_with_defaults_is_taken() {
        let config: AgentConfig = toml::from_str(WHOLE).unwrap();
        config.validate().unwrap();
        assert_eq!(config.check, Check::BeforeSigning);
        assert_eq!(config.max_concurrent, 4);
        let again: AgentConfig = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn config_with_an_unknown_key_is_refused() {
        let refused = toml::from_str::<AgentConfig>(&format!("{WHOLE}\nnode = 1")).unwrap_err();
        assert!(refused.to_string().contains("node"), "{refused}");
    }

    #[test]
    fn config_with_a_bad_value_names_its_key() {
        type Change = fn(&mut AgentConfig);
        let changes: [(&str, Change); 14] = [
            ("nodes", |c| c.nodes.clear()),
            ("nodes", |c| c.nodes = vec!["http://h".into(); MAX_NODES + 1]),
            ("nodes[1]", |c| c.nodes[1] = "http://127.0.0.1:8001/".into()),
            ("nodes[0]", |c| c.nodes[0] = "127.0.0.1:8001".into()),
            ("nodes[0]", |c| c.nodes[0] = "ftp://127.0.0.1".into()),
            ("min_agreeing", |c| c.min_agreeing = 0),
            ("min_agreeing", |c| c.min_agreeing = 3),
            ("ledger_id", |c| c.ledger_id = B256::ZERO),
            ("prover.command", |c| c.prover = Prover::Command(vec![])),
            ("prover.directory", |c| c.prover = Prover::Directory("".into())),
            ("verifying_keys", |c| c.verifying_keys.clear()),
            ("max_concurrent", |c| c.max_concurrent = 0),
            ("poll_interval_ms", |c| c.poll_interval_ms = 1),
            ("answer_limit_ms", |c| c.answer_limit_ms = 1),
        ];
        for (key, change) in changes {
            let mut config: AgentConfig = toml::from_str(WHOLE).unwrap();
            change(&mut config);
            assert_eq!(config.validate().unwrap_err().key, key);
        }
    }

    #[test]
    fn config_without_keys_is_taken_when_nothing_is_checked() {
        let mut config: AgentConfig = toml::from_str(WHOLE).unwrap();
        config.verifying_keys.clear();
        config.check = Check::Never;
        config.validate().unwrap();
    }
}

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, U256};
use bindings::{
    DevToken, ResourceRegistry,
    deploy::Deployment,
    rpc::{PrivateKeySigner, Wallet},
};
use eyre::{Result, bail};
use keystore::{Kdf, Password};
use provider::{AgentConfig, Check, Prover};
use tokio::process::Command;

use super::{
    accounts::{Accounts, funded},
    evm::Evm,
    options::Options,
    process::{Lifeline, Process},
};
use crate::{files, keys};

/// Names the folder of the demo's circuit, before any that is found.
const CIRCUIT_ENV: &str = "ASSAY_DEMO_CIRCUIT";
/// Tokens that a provider stakes.
const STAKE: u128 = 1_000_000_000_000_000_000_000;

/// How a provider answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// With a proof for the challenge, which it checks first.
    Honest,
    /// With a proof for another challenge, unchecked.
    OtherChallenge,
    /// Never.
    Silent,
}

/// A provider of a devnet.
#[derive(Clone, Debug)]
pub struct ProviderFiles {
    /// What it is called.
    pub name: String,
    /// How it answers.
    pub behaviour: Behaviour,
    /// Its account.
    pub wallet: Wallet,
    /// Its web3 v3 key.
    pub key_file: PathBuf,
    /// Its agent's config.
    pub config: PathBuf,
}

/// A provider's agent, while it runs.
#[derive(Debug)]
pub struct RunningProvider {
    /// Whose agent it is.
    pub files: ProviderFiles,
    /// Its process; none for one that never answers.
    pub process: Option<Process>,
}

/// The folder with the demo's circuit, keys and prover.
///
/// # Errors
/// When it is not found, or its packages are not installed.
pub fn prover_folder() -> Result<PathBuf> {
    let folder = match std::env::var_os(CIRCUIT_ENV) {
        Some(folder) => PathBuf::from(folder),
        None => {
            let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
            let above = starts.iter().flatten().flat_map(|path| path.ancestors());
            let mut candidates = above.map(|folder| folder.join("circuits/demo"));
            match candidates.find(|folder| folder.join("prove.mjs").is_file()) {
                Some(folder) => folder,
                None => bail!(
                    "the demo's circuit is not found: run this inside a checkout, or set \
                     {CIRCUIT_ENV} to its circuits/demo"
                ),
            }
        }
    };
    if !folder.join("node_modules/snarkjs").is_dir() {
        bail!("{} lacks snarkjs: run `cargo xtask setup`", folder.display());
    }
    Ok(std::path::absolute(folder)?)
}

/// What an agent has to know of the network.
pub(super) struct Network<'a> {
    pub(super) ledger_id: B256,
    pub(super) nodes: Vec<String>,
    pub(super) min_agreeing: usize,
    pub(super) password_file: &'a Path,
}

impl ProviderFiles {
    /// Makes a provider's key, and registers and stakes it.
    pub(super) async fn create(
        evm: &Evm,
        accounts: &Accounts,
        deployment: &Deployment,
        dir: &Path,
        password: &Password,
        (name, behaviour): (&str, Behaviour),
    ) -> Result<Self> {
        let dir = dir.join(name);
        files::make_folder(&dir)?;
        let key_file = dir.join("key.json");
        let key = keys::create_signer(&key_file, password, Kdf::LIGHT)?;
        let wallet = funded(evm, key).await?;
        accounts.give_tokens(deployment, wallet.address()).await?;
        let registry = deployment.resource_registry;
        let stake = U256::from(STAKE);
        let approve = DevToken::approveCall { spender: registry, value: stake };
        wallet.call(deployment.token, &approve, U256::ZERO).await?;
        let uri = format!("urn:assay:devnet:{name}");
        let register = ResourceRegistry::registerCall { uri, amount: stake };
        wallet.call(registry, &register, U256::ZERO).await?;
        let limit =
            ResourceRegistry::setEscrowLimitCall { escrow: deployment.escrow, limit: stake };
        wallet.call(registry, &limit, U256::ZERO).await?;
        let config = dir.join("provider.toml");
        Ok(Self { name: name.to_owned(), behaviour, wallet, key_file, config })
    }

    /// Writes its agent's config.
    pub(super) fn write_config(&self, network: &Network<'_>) -> Result<()> {
        let circuit = prover_folder()?;
        let script = circuit.join("prove.mjs").to_string_lossy().into_owned();
        let mut command = vec!["node".to_owned(), script];
        let check = match self.behaviour {
            Behaviour::Honest | Behaviour::Silent => Check::BeforeSigning,
            Behaviour::OtherChallenge => {
                command.push("--other-challenge".into());
                Check::Never
            }
        };
        let folder = self.config.parent().unwrap_or_else(|| Path::new("."));
        let config = AgentConfig {
            key_file: self.key_file.clone(),
            password_file: network.password_file.to_owned(),
            ledger_id: network.ledger_id,
            nodes: network.nodes.clone(),
            min_agreeing: network.min_agreeing,
            journal: folder.join("signed.redb"),
            prover: Prover::Command(command),
            verifying_keys: vec![circuit.join("verification_key.json")],
            check,
            max_concurrent: 2,
            poll_interval_ms: 500,
            answer_limit_ms: 60_000,
        };
        files::write_new(&self.config, &toml::to_string_pretty(&config)?, 0o600)
    }

    /// Starts its agent, if it ever answers.
    pub(super) fn start(self, options: &Options, logs: &Path) -> Result<RunningProvider> {
        let process = match self.behaviour {
            Behaviour::Silent => None,
            Behaviour::Honest | Behaviour::OtherChallenge => {
                let mut command = Command::new(&options.program);
                command.args(["provider", "run", "--lifeline", "--log", &options.log]);
                command.arg("--config").arg(&self.config).env_remove("RUST_LOG");
                let log = logs.join(format!("{}.log", self.name));
                Some(Process::spawn(&self.name, command, &log, Lifeline::StandardInput)?)
            }
        };
        Ok(RunningProvider { files: self, process })
    }

    /// Its address.
    pub fn address(&self) -> Address {
        self.wallet.address()
    }

    /// Its key.
    pub fn key(&self) -> &PrivateKeySigner {
        self.wallet.key()
    }
}

use std::path::{Path, PathBuf};

use aggregator::Policy;
use alloy_primitives::Address;
use bindings::deploy::Deployment;
use chain::Finality;
use eyre::{Result, eyre};
use keystore::{Kdf, Password};
use protocol::genesis::Genesis;
use tokio::process::Command;

use super::{
    options::Options,
    ports::Ports,
    process::{Lifeline, Process},
};
use crate::{
    client::NodeClient,
    files,
    keys::{KeyFolder, OperatorSecrets},
    node::{Node, config_of},
};

/// How often an operator looks at the chain.
const POLL_INTERVAL_MS: u64 = 400;

/// One operator of a devnet, and its process while it runs.
#[derive(Debug)]
pub struct Operator {
    name: String,
    dir: PathBuf,
    address: Address,
    client: NodeClient,
    process: Option<Process>,
}

/// An operator's keys and ports, before there is a genesis.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) dir: PathBuf,
    pub(super) keys: KeyFolder,
    pub(super) secrets: OperatorSecrets,
    pub(super) multiaddr: String,
    api_port: u16,
}

impl Draft {
    /// Makes keys for the operator with this number.
    pub(super) fn create(
        dir: &Path,
        number: u16,
        ports: Ports,
        password: &Password,
    ) -> Result<Self> {
        let name = format!("node-{number}");
        let dir = dir.join(&name);
        let keys = KeyFolder::new(dir.join("keys"));
        let secrets = keys.create(password, Kdf::LIGHT)?;
        let multiaddr = format!("/ip4/127.0.0.1/tcp/{}", ports.network(number));
        Ok(Self { name, dir, keys, secrets, multiaddr, api_port: ports.api(number) })
    }

    /// Writes the config.
    pub(super) fn write(
        self,
        options: &Options,
        genesis_file: &Path,
        password_file: &Path,
        deployment: Deployment,
        rpc_url: &str,
    ) -> Result<Operator> {
        let config = config_of(Node {
            data: "data".into(),
            genesis: genesis_file.to_owned(),
            keys: &self.keys,
            password_file: password_file.to_owned(),
            light_kdf: true,
            listen: self.multiaddr,
            api: ([127, 0, 0, 1], self.api_port).into(),
            deployment,
            rpc_urls: vec![rpc_url.to_owned()],
            finality: Finality::Depth(options.finality_depth),
            poll_interval_ms: POLL_INTERVAL_MS,
            policy: Policy {
                poll_interval_ms: POLL_INTERVAL_MS,
                turn_delay_ms: options.block_time_s.saturating_mul(4_000).max(4_000),
                confirmations: options.finality_depth.max(1),
                ..Policy::default()
            },
        });
        files::write_new(&self.dir.join("node.toml"), &toml::to_string_pretty(&config)?, 0o600)?;
        Ok(Operator {
            name: self.name,
            dir: self.dir,
            address: self.secrets.operator_signer()?.address(),
            client: NodeClient::new(&format!("http://127.0.0.1:{}", self.api_port))?,
            process: None,
        })
    }
}

impl Operator {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder of its keys, config and data.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The operator's address.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Its API.
    pub fn client(&self) -> &NodeClient {
        &self.client
    }

    /// Its place in the committee.
    pub fn index(&self, genesis: &Genesis) -> Option<u16> {
        genesis.index_of(self.address).map(|index| index.0)
    }

    /// Whether its process was started and not ended by us.
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Starts its process.
    ///
    /// # Errors
    /// When it runs already, or cannot be run.
    pub fn start(&mut self, options: &Options, logs: &Path) -> Result<()> {
        if self.process.is_some() {
            return Err(eyre!("{} runs already", self.name));
        }
        let mut command = Command::new(&options.program);
        command.args(["node", "run", "--lifeline", "--log", &options.log, "--config"]);
        command.arg(self.dir.join("node.toml")).env_remove("RUST_LOG");
        if options.log_json || options.watcher.is_some() {
            command.arg("--log-json");
        }
        let (log, lifeline) = (logs.join(format!("{}.log", self.name)), Lifeline::StandardInput);
        self.process = Some(match &options.watcher {
            None => Process::spawn(&self.name, command, &log, lifeline)?,
            Some(watcher) => {
                Process::spawn_watched(&self.name, command, &log, lifeline, watcher.clone())?
            }
        });
        Ok(())
    }

    /// # Errors
    /// When its process ended by itself.
    pub fn check_alive(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Process::check_alive)
    }

    /// The id of its process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Process::id)
    }

    /// The process, to be stopped or killed.
    pub(super) fn take_process(&mut self) -> Option<Process> {
        self.process.take()
    }
}

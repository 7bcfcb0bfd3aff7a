use std::{path::Path, time::Duration};

use alloy_primitives::{Address, U256};
use bindings::{
    anvil::find_anvil,
    rpc::{Limits, Rpc},
};
use eyre::{Result, bail, eyre};
use serde::de::IgnoredAny;
use tokio::process::Command;

use super::process::{Lifeline, Process};

/// Longest time until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause between looks whether it answers.
const LOOK: Duration = Duration::from_millis(50);

/// The devnet's chain: one anvil.
#[derive(Debug)]
pub struct Evm {
    process: Process,
    url: String,
    rpc: Rpc,
}

impl Evm {
    /// Starts it, making a block for each transaction, and waits until it answers.
    ///
    /// # Errors
    /// When there is no anvil, or it does not start.
    pub async fn start(program: &Path, port: u16, chain_id: u64, logs: &Path) -> Result<Self> {
        let anvil = find_anvil().ok_or_else(|| {
            eyre!("anvil not found: run `cargo xtask setup`, or set ASSAY_ANVIL to its path")
        })?;
        let mut command = Command::new(program);
        command.args(["guard", "--parent", &std::process::id().to_string()]).arg(anvil);
        command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--silent"]);
        command.args(["--accounts", "1", "--chain-id", &chain_id.to_string()]);
        let mut process =
            Process::spawn("anvil", command, &logs.join("anvil.log"), Lifeline::Kernel)?;
        let url = format!("http://127.0.0.1:{port}");
        let rpc = Rpc::new(&url, 0, Limits::default())?;
        let answers = async {
            loop {
                process.check_alive()?;
                if let Ok(found) = rpc.chain_id().await {
                    return Ok::<_, eyre::Report>(found);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let found = tokio::time::timeout(START_TIMEOUT, answers)
            .await
            .map_err(|_| eyre!("anvil does not answer on port {port}"))??;
        process.check_alive()?;
        if found != chain_id {
            bail!("port {port} answers as chain {found}, not as the {chain_id} that was started");
        }
        Ok(Self { process, url, rpc })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client of it.
    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Gives an account this many wei.
    ///
    /// # Errors
    /// When anvil does not do it.
    pub async fn set_balance(&self, account: Address, wei: U256) -> Result<()> {
        self.rpc.request::<_, IgnoredAny>("anvil_setBalance", (account, wei)).await?;
        Ok(())
    }

    /// Makes a block every so many seconds from now on.
    ///
    /// # Errors
    /// When anvil does not do it.
    pub async fn mine_every(&self, seconds: u64) -> Result<()> {
        self.rpc.request::<_, IgnoredAny>("evm_setAutomine", (false,)).await?;
        self.rpc.request::<_, IgnoredAny>("evm_setIntervalMining", (seconds,)).await?;
        Ok(())
    }
}

//! A local chain: one anvil process, for the devnet and for tests. It ends when its handle is dropped.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::de::IgnoredAny;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, Command};

use crate::rpc::{Limits, Rpc, RpcError};

/// Names the anvil to use, before any that is found.
pub const ANVIL_ENV: &str = "ASSAY_ANVIL";
/// Longest time until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mining {
    /// One for each transaction, at once.
    EachTransaction,
    /// One every so many seconds.
    Seconds(u64),
    /// Only on demand.
    Manual,
}

/// How to start a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnvilOptions {
    /// EIP-155 id.
    pub chain_id: u64,
    /// TCP port, 0 for any that is free.
    pub port: u16,
    /// When blocks are made.
    pub mining: Mining,
}

/// Why there is no local chain.
#[derive(Debug, thiserror::Error)]
pub enum AnvilError {
    /// No program.
    #[error("anvil not found: run `cargo xtask setup`, or set {ANVIL_ENV} to its path")]
    NotFound,
    /// It can't be run.
    #[error("{0} can't be run: {1}")]
    Start(PathBuf, std::io::Error),
    /// It ended, or said nothing in time.
    #[error("anvil did not start to listen: {0}")]
    NotListening(String),
    /// Its port makes no URL.
    #[error(transparent)]
    Url(#[from] crate::rpc::UrlError),
}

/// A running chain.
#[derive(Debug)]
pub struct Anvil {
    process: Child,
    url: String,
    rpc: Rpc,
}

/// The anvil that `ASSAY_ANVIL` names, or the one under `.tools` of this directory or of one above it.
pub fn find_anvil() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(ANVIL_ENV) {
        return Some(path.into());
    }
    let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let inside = format!(".tools/node_modules/@foundry-rs/anvil-{os}-{machine}/bin/anvil");
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join(&inside)).find(|path| path.is_file())
}

impl Anvil {
    /// Starts the anvil of [`find_anvil`], and waits until it listens.
    pub async fn start(options: AnvilOptions) -> Result<Self, AnvilError> {
        Self::start_program(&find_anvil().ok_or(AnvilError::NotFound)?, options).await
    }

    /// Starts a given anvil, and waits until it listens.
    pub async fn start_program(program: &Path, options: AnvilOptions) -> Result<Self, AnvilError> {
        let mut command = Command::new(program);
        command.args(["--host", "127.0.0.1", "--accounts", "1"]);
        command.args(["--port", &options.port.to_string()]);
        command.args(["--chain-id", &options.chain_id.to_string()]);
        match options.mining {
            Mining::EachTransaction => {}
            Mining::Seconds(seconds) => {
                command.args(["--block-time", &seconds.to_string()]);
            }
            Mining::Manual => {
                command.arg("--no-mining");
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.kill_on_drop(true);
        let mut process =
            command.spawn().map_err(|error| AnvilError::Start(program.to_owned(), error))?;
        let output = process.stdout.take();
        let output = output.ok_or_else(|| AnvilError::NotListening("it has no output".into()))?;
        let mut lines = BufReader::new(output).lines();
        let port = tokio::time::timeout(START_TIMEOUT, listening_port(&mut lines))
            .await
            .map_err(|_| AnvilError::NotListening("no word from it in time".into()))??;
        // It would block once its output is full.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let url = format!("http://127.0.0.1:{port}");
        let rpc = Rpc::new(&url, 0, Limits::default())?;
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

    /// The process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Ends it, and waits until it has ended.
    pub async fn stop(mut self) -> std::io::Result<()> {
        self.process.kill().await
    }

    /// Gives an account this many wei.
    pub async fn set_balance(&self, account: Address, wei: U256) -> Result<(), RpcError> {
        self.rpc.request::<_, IgnoredAny>("anvil_setBalance", (account, wei)).await.map(|_| ())
    }

    /// Makes blocks.
    pub async fn mine(&self, blocks: u64) -> Result<(), RpcError> {
        self.rpc.request::<_, IgnoredAny>("anvil_mine", (U64::from(blocks),)).await.map(|_| ())
    }

    /// Changes when blocks are made.
    pub async fn set_mining(&self, mining: Mining) -> Result<(), RpcError> {
        let (automine, interval) = match mining {
            Mining::EachTransaction => (true, 0),
            Mining::Manual => (false, 0),
            Mining::Seconds(seconds) => (false, seconds),
        };
        self.rpc.request::<_, IgnoredAny>("evm_setIntervalMining", (interval,)).await?;
        self.rpc.request::<_, IgnoredAny>("evm_setAutomine", (automine,)).await.map(|_| ())
    }

    /// Replaces the last `depth` blocks by empty ones. Their transactions are gone.
    pub async fn reorg(&self, depth: u64) -> Result<(), RpcError> {
        self.reorg_with(depth, &[]).await
    }

    /// Replaces the last `depth` blocks; each of these raw transactions goes into the new block of its number, from 0.
    pub async fn reorg_with(
        &self,
        depth: u64,
        transactions: &[(Bytes, u64)],
    ) -> Result<(), RpcError> {
        let parameters = (depth, transactions.to_vec());
        self.rpc.request::<_, IgnoredAny>("anvil_reorg", parameters).await.map(|_| ())
    }

    /// Sets the base fee of the next block, in wei a gas.
    pub async fn set_next_base_fee(&self, wei: u128) -> Result<(), RpcError> {
        let method = "anvil_setNextBlockBaseFeePerGas";
        self.rpc.request::<_, IgnoredAny>(method, (U256::from(wei),)).await.map(|_| ())
    }

    /// Sets the gas that fits a block.
    pub async fn set_block_gas_limit(&self, gas: u64) -> Result<(), RpcError> {
        let method = "evm_setBlockGasLimit";
        self.rpc.request::<_, IgnoredAny>(method, (U64::from(gas),)).await.map(|_| ())
    }

    /// Removes a waiting transaction.
    pub async fn drop_transaction(&self, transaction: B256) -> Result<(), RpcError> {
        let method = "anvil_dropTransaction";
        self.rpc.request::<_, IgnoredAny>(method, (transaction,)).await.map(|_| ())
    }
}

async fn listening_port<R: AsyncRead + Unpin>(
    lines: &mut Lines<BufReader<R>>,
) -> Result<u16, AnvilError> {
    let mut last = String::from("it ended at once");
    loop {
        match lines.next_line().await {
            Ok(Some(line)) => {
                if let Some((_, port)) = line.rsplit_once("Listening on 127.0.0.1:") {
                    let port = port.trim().parse();
                    return port.map_err(|_| AnvilError::NotListening(line));
                }
                if !line.trim().is_empty() {
                    last = line;
                }
            }
            Ok(None) => return Err(AnvilError::NotListening(last)),
            Err(error) => return Err(AnvilError::NotListening(error.to_string())),
        }
    }
}

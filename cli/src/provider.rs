//! `assay provider`: an agent that answers challenges, and quotes that consumers take.

use std::{path::PathBuf, process::ExitCode};

use ::provider::AgentConfig;
use alloy_primitives::{Address, Bytes, U256};
use bindings::{
    deploy::Deployment,
    rpc::{BlockId, Limits, Rpc},
};
use clap::{Args, Subcommand};
use eyre::{Context as _, Result, eyre};

use crate::{
    devnet::{JobRequest, SignedQuote},
    files, keys, runtime,
};

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Answer challenges until SIGINT or SIGTERM
    Run(RunArguments),
    /// Sign an offer to answer a job
    Quote(QuoteArguments),
}

const RUN_EXAMPLES: &str = "\
Exit codes:
  0  stopped by SIGINT or SIGTERM
  1  could not start, or its journal failed; the reason is on standard error

Examples:
  assay provider run --config provider.toml

A config file:
  key_file = \"key.json\"
  password_file = \"password\"
  ledger_id = \"0x…\"
  nodes = [\"http://10.0.0.1:8600\", \"http://10.0.0.2:8600\"]
  min_agreeing = 2
  journal = \"signed.redb\"
  prover = { command = [\"node\", \"prove.mjs\"] }
  verifying_keys = [\"verification_key.json\"]";

#[derive(Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArguments {
    /// The config file; its relative paths are relative to the working directory
    #[arg(long, value_name = "FILE", default_value = "provider.toml")]
    config: PathBuf,
    /// Stop once standard input ends
    #[arg(long, hide = true)]
    lifeline: bool,
}

const QUOTE_EXAMPLES: &str = "\
Exit codes:
  0  the quote is on standard output
  1  it was not signed; the reason is on standard error

Examples:
  assay provider quote --deployment deployment.json --rpc http://127.0.0.1:8545 \\
      --key key.json --password-file password --statement 0x… \\
      --price 5000000000000000000 --stake-at-risk 1000000000000000000 > quote.json";

#[derive(Args)]
#[command(after_help = QUOTE_EXAMPLES)]
pub(crate) struct QuoteArguments {
    /// Where the contracts are
    #[arg(long, value_name = "FILE")]
    deployment: PathBuf,
    /// An endpoint of the chain, for its time
    #[arg(long, value_name = "URL")]
    rpc: String,
    /// The provider's key, web3 v3
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A file that holds the key's password
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    /// What the job must show, 0x…
    #[arg(long, value_name = "HEX")]
    statement: Bytes,
    /// What you get, in the token's smallest unit
    #[arg(long, value_name = "AMOUNT")]
    price: U256,
    /// What you lose if you answer wrongly, in the token's smallest unit
    #[arg(long, value_name = "AMOUNT")]
    stake_at_risk: U256,
    /// Who may take it; anyone if this is left out
    #[arg(long, value_name = "ADDRESS", default_value_t = Address::ZERO, hide_default_value = true)]
    consumer: Address,
    /// From now until the consumer may take its money back
    #[arg(long, value_name = "SECONDS", default_value_t = 7_200)]
    duration: u64,
}

pub(crate) fn run(command: Command) -> ExitCode {
    match command {
        Command::Run(arguments) => runtime::finish(run_agent(arguments)),
        Command::Quote(arguments) => runtime::finish(quote(arguments)),
    }
}

async fn run_agent(arguments: RunArguments) -> Result<()> {
    let stop = runtime::stopped(arguments.lifeline);
    let text = files::read(&arguments.config).wrap_err("config")?;
    let config: AgentConfig =
        toml::from_str(&text).wrap_err_with(|| format!("config {}", arguments.config.display()))?;
    ::provider::run(config, stop).await?;
    Ok(())
}

async fn quote(arguments: QuoteArguments) -> Result<()> {
    let deployment: Deployment = files::read_json(&arguments.deployment)?;
    let password = keys::read_password(&arguments.password_file)?;
    let key = keys::read_signer(&arguments.key, &password)?;
    let rpc = Rpc::new(&arguments.rpc, 0, Limits::default())?;
    let head = rpc.header(BlockId::Latest).await?;
    let now = head.ok_or_else(|| eyre!("{} has no head block", arguments.rpc))?.time;
    let request = JobRequest {
        statement: arguments.statement,
        price: arguments.price,
        stake_at_risk: arguments.stake_at_risk,
        duration_s: arguments.duration,
    };
    let quote = SignedQuote::sign(&key, &deployment, &request, arguments.consumer, now)?;
    print!("{}", files::json(&quote)?);
    Ok(())
}

//! `assay aggregator`: settling certificates of any node on chain.

use std::{path::PathBuf, process::ExitCode};

use ::aggregator::{
    HttpSource, Policy, Submitter, SubmitterConfig, SubmitterEvent, TickError, Turn,
};
use bindings::deploy::Deployment;
use clap::{Args, Subcommand};
use eyre::Result;

use crate::{files, keys, runtime};

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Submit until SIGINT or SIGTERM
    Run(Arguments),
}

const EXAMPLES: &str = "\
Anybody may settle: the hub checks the committee's signature, and pays the submitter from the
jobs' fees. Nothing is sent for what is settled already.

Exit codes:
  0  stopped by SIGINT or SIGTERM
  1  could not start; the reason is on standard error

Examples:
  assay aggregator run --node http://127.0.0.1:8600 --deployment deployment.json \\
      --rpc http://127.0.0.1:8545 --key key.json --password-file password";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The API of the node that certificates come from; what it says is checked
    #[arg(long, value_name = "URL", env = "ASSAY_NODE", default_value = "http://127.0.0.1:8600")]
    node: String,
    /// Where the contracts are
    #[arg(long, value_name = "FILE")]
    deployment: PathBuf,
    /// An endpoint of the chain; repeat it for more, in order of preference
    #[arg(long, value_name = "URL", required = true)]
    rpc: Vec<String>,
    /// Key of the account that pays for gas, web3 v3; nothing else may send with it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A file that holds the key's password
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    /// Pause between looks at the chain
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 4_000)]
    poll_interval_ms: u64,
    /// Blocks after which a submission counts as settled
    #[arg(long, value_name = "BLOCKS", default_value_t = 12)]
    confirmations: u64,
}

pub(crate) fn run(command: Command) -> ExitCode {
    match command {
        Command::Run(arguments) => runtime::finish(submit(arguments)),
    }
}

async fn submit(arguments: Arguments) -> Result<()> {
    let deployment: Deployment = files::read_json(&arguments.deployment)?;
    let password = keys::read_password(&arguments.password_file)?;
    let key = keys::read_signer(&arguments.key, &password)?;
    let config = SubmitterConfig {
        chain_id: deployment.chain_id,
        hub: deployment.hub,
        rpc_urls: arguments.rpc,
        turn: Turn::Alone,
        policy: Policy {
            poll_interval_ms: arguments.poll_interval_ms,
            confirmations: arguments.confirmations,
            ..Policy::default()
        },
    };
    let submitter = Submitter::new(config, key, HttpSource::new(&arguments.node)?)?;
    tracing::info!(account = %submitter.account(), hub = %deployment.hub, "submitting");
    submitter.run(runtime::interrupted(), |report| tell(&report)).await;
    Ok(())
}

fn tell(report: &Result<SubmitterEvent, TickError>) {
    match report {
        Ok(
            event @ (SubmitterEvent::Submitting { .. }
            | SubmitterEvent::Cancelling { .. }
            | SubmitterEvent::Mined { .. }
            | SubmitterEvent::Settled { .. }
            | SubmitterEvent::SettledElsewhere { .. }),
        ) => tracing::info!(?event, "submitter"),
        Ok(
            event @ (SubmitterEvent::Reorged { .. }
            | SubmitterEvent::NonceTaken { .. }
            | SubmitterEvent::TakingOver { .. }
            | SubmitterEvent::FeesTooHigh { .. }
            | SubmitterEvent::PoolFull { .. }
            | SubmitterEvent::BalanceLow { .. }
            | SubmitterEvent::Refused { .. }
            | SubmitterEvent::Rejected { .. }),
        ) => tracing::warn!(?event, "submitter"),
        Err(error) => tracing::warn!(%error, "submitter"),
    }
}

use std::path::PathBuf;

use clap::Args;
use eyre::Result;
use oracle_node::{Options, config::NodeConfig};

use crate::runtime;

const EXAMPLES: &str = "\
Exit codes:
  0  stopped by SIGINT or SIGTERM
  1  could not start, or consensus or the disk failed; the reason is on standard error

Examples:
  assay node run --config /var/lib/assay/node.toml
  assay node run --config node.toml --log info,host=debug --log-json";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The config file; `assay node init` writes one
    #[arg(long, value_name = "FILE", env = "ASSAY_NODE_CONFIG", default_value = "node.toml")]
    config: PathBuf,
    /// Start although the write-ahead log is gone: only when the network has certainly moved on
    /// past the height that this node was at, or it may vote twice there and be slashed
    #[arg(long)]
    allow_missing_wal: bool,
    /// Sign again for a chain that was halted, once you know that its endpoints are right: it is read from the hub's first
    /// block again; repeat it for more chains
    #[arg(long, value_name = "CHAIN_ID")]
    resume_chain: Vec<u64>,
    /// Stop once standard input ends
    #[arg(long, hide = true)]
    lifeline: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let stop = runtime::stopped(arguments.lifeline);
    let config = NodeConfig::load(&arguments.config)?;
    let options = Options {
        allow_missing_wal: arguments.allow_missing_wal,
        resume_chains: arguments.resume_chain,
    };
    oracle_node::run(config, options, stop).await
}

//! `assay operator doctor`: everything that a node needs, looked at one by one.
//!
//! It works beside a running node and without one. It writes nothing but a file in the data folder
//! that it deletes again.

mod clock;
mod disk;
mod endpoints;
mod identity;
mod node;
mod peers;
mod report;
mod standing;

use std::{path::PathBuf, process::ExitCode};

use bindings::rpc::{Limits, Rpc};
use clap::Args;
use eyre::Result;
use oracle_node::config::{Chain, NodeConfig};

use self::report::Report;
use crate::files;

const EXAMPLES: &str = "\
Each check says what it found and, unless all is well, what to do next. It works while the node
runs, and while it doesn't. It changes nothing but a file that it writes into the data folder and
deletes, to see how long the disk takes. Peers are dialed under a throwaway key, which they refuse
once they have shown theirs.

What it can't see: whether others reach you when none is connected (your own router may not let you
dial yourself), and whether your disk keeps what it acknowledged through a loss of power.

Exit codes:
  0  all is well
  1  there are warnings, and no failures
  2  a check failed, or the command line is wrong

Examples:
  assay operator doctor --config node.toml
  assay operator doctor --json | jq '.[] | select(.result != \"ok\")'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The node's config file
    #[arg(long, value_name = "FILE", env = "ASSAY_NODE_CONFIG", default_value = "node.toml")]
    config: PathBuf,
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let mut report = Report::default();
    let config = NodeConfig::load(&arguments.config).map_err(eyre::Report::from);
    if let Some(config) =
        report.need("config", config, "correct the file, docs/operator.md has all keys")
    {
        report.ok("config", arguments.config.display());
        examine(&mut report, &config).await;
    }
    if arguments.json {
        print!("{}", files::json(&report.0)?);
    } else {
        print!("{report}");
    }
    Ok(report.exit_code())
}

async fn examine(report: &mut Report, config: &NodeConfig) {
    let identity = identity::check(report, config);
    let running = node::check(report, config, &identity).await;
    disk::check(report, config, running.as_ref());
    for chain in &config.chains {
        let usable = endpoints::check(report, chain).await;
        if let Some(rpc) = usable.first() {
            standing::check(report, config, chain, rpc, &identity).await;
        }
    }
    clock::check(report, config, running.as_ref()).await;
    peers::check(report, &identity, running.as_ref()).await;
}

/// An endpoint of a chain, and what it is called here: its URL may hold a key.
struct Endpoint {
    name: String,
    rpc: Rpc,
}

impl Endpoint {
    fn new(chain: &Chain, index: usize, url: &str) -> Result<Self> {
        let name = format!("chain {} rpc {index}", chain.chain_id);
        Ok(Self { name, rpc: Rpc::new(url, index, Limits::default())? })
    }
}

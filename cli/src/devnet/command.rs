use std::path::PathBuf;

use clap::Args;
use eyre::Result;

use super::{Devnet, Options, Progress};
use crate::{files, runtime};

const EXAMPLES: &str = "\
Anvil, all contracts, operators as processes of their own with a key that they generated among
themselves, and a provider that answers jobs of the demo's circuit. It stays until interrupted,
and then ends every process that it started.

Exit codes:
  0  it ran until it was interrupted
  1  it did not start, or a process of it died; the reason is on standard error

Examples:
  # In a temporary folder, on free ports; another one may run beside it
  assay devnet

  # Where you find its keys, configs and logs again, from port 9000 on
  assay devnet --dir net --base-port 9000

  # A job on it, from another terminal
  assay job create --devnet net";

/// Arguments of `assay devnet`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Operators
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(4..=16))]
    nodes: u16,
    /// Where keys, configs, data and logs go; a temporary folder if this is left out
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Delete the devnet that is in DIR
    #[arg(long, requires = "dir")]
    replace: bool,
    /// The first of 2 N + 1 ports: the chain's, then API and network of each operator; free ones
    /// if this is left out
    #[arg(long, value_name = "PORT")]
    base_port: Option<u16>,
    /// Seconds from a block of the chain to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=60))]
    block_time: u64,
    /// Print endpoints as JSON, once it is ready
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let options = Options {
        nodes: arguments.nodes,
        dir: arguments.dir,
        replace: arguments.replace,
        base_port: arguments.base_port,
        block_time_s: arguments.block_time,
        ..Options::of_this_binary()?
    };
    let progress = Progress::shown();
    let stop = runtime::interrupted();
    tokio::pin!(stop);
    let mut devnet = tokio::select! {
        devnet = Devnet::start(options, &progress) => devnet?,
        () = &mut stop => {
            eprintln!("interrupted; nothing is left running");
            return Ok(());
        }
    };
    progress.step("ready");
    if arguments.json {
        print!("{}", files::json(&devnet.summary())?);
    } else {
        println!("\n{}\n\nCtrl-C stops everything.", devnet.summary());
    }
    let died = async {
        loop {
            if let Err(error) = devnet.check_alive() {
                return error;
            }
            tokio::time::sleep(super::network::LOOK).await;
        }
    };
    let died = tokio::select! {
        error = died => Some(error),
        () = &mut stop => None,
    };
    match died {
        None => {
            progress.step("stopping");
            devnet.stop().await?;
            progress.step("stopped; nothing is left running");
            Ok(())
        }
        Some(error) => {
            let kept = devnet.stop_and_keep().await?;
            Err(error.wrap_err(format!("devnet ended; its folder is {}", kept.display())))
        }
    }
}

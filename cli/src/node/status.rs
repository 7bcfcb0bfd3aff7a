use clap::Args;
use eyre::Result;
use oracle_node::views::Status;
use serde::Serialize;

use crate::{
    client::{NodeClient, Readiness},
    files,
};

const EXAMPLES: &str = "\
Exit codes:
  0  the node answers
  1  it does not, or in another form

Examples:
  assay node status --node http://127.0.0.1:8600
  assay node status --json | jq -r .state_digest";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The node's API
    #[arg(long, value_name = "URL", env = "ASSAY_NODE", default_value = "http://127.0.0.1:8600")]
    node: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    status: Status,
    #[serde(flatten)]
    readiness: Readiness,
}

pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let node = NodeClient::new(&arguments.node)?;
    let report = Report { status: node.status().await?, readiness: node.readiness().await? };
    if arguments.json {
        print!("{}", files::json(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

fn print(report: &Report) {
    let Report { status, readiness } = report;
    let line = |name: &str, value: &dyn std::fmt::Display| println!("{name:<14}{value}");
    line(
        "operator",
        &format!("{} (member {} of {})", status.operator, status.index, status.members),
    );
    line("ledger", &status.ledger_id);
    line("height", &status.height);
    line("block", &status.block_id);
    line("state digest", &status.state_digest);
    line("epoch", &status.epoch);
    line("peers", &status.peers);
    line("group key", &status.group_key.as_deref().unwrap_or("none yet"));
    line("share", &if status.has_share { "held" } else { "none" });
    line("open jobs", &status.open_jobs);
    line("ledger time", &format!("{} ms", status.ledger_time_ms));
    for chain in &status.chains {
        let state = match (chain.halted, chain.healthy) {
            (true, _) => "HALTED after a deep re-organisation",
            (false, true) => "read",
            (false, false) => "not read",
        };
        let why = chain.trouble.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        let state = format!("{state}, final {}, head {}{why}", chain.finalized, chain.head);
        line(&format!("chain {}", chain.chain_id), &state);
    }
    if readiness.ready {
        line("ready", &"yes");
    } else {
        line("ready", &format!("no: {}", readiness.missing.join("; ")));
    }
}

use std::{process::ExitCode, time::Duration};

use alloy_primitives::B256;
use clap::Args;
use eyre::{Result, bail};
use oracle_node::views::JobView;
use protocol::outcome::Verdict;

use super::{
    network::{Connected, Network},
    show,
};
use crate::{client::NodeClient, files};

/// Pause between looks.
const LOOK: Duration = Duration::from_millis(300);

const EXAMPLES: &str = "\
Exit codes:
  0  the hub has recorded Valid
  1  the wait failed or took longer than --timeout; the reason is on standard error
  3  the hub has recorded Invalid
  4  the hub has recorded Missed
  5  the hub has recorded Inconclusive

Examples:
  assay job watch --devnet net 0x4f…
  assay job watch --devnet net 0x4f… --json > outcome.json && echo paid";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    network: Network,
    /// The job's id
    #[arg(value_name = "JOB")]
    job: B256,
    /// How long to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    timeout: u64,
    /// Print the end as JSON; phases go to standard error
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let network = arguments.network.connect()?;
    let limit = Duration::from_secs(arguments.timeout);
    let wait = wait(&network, arguments.job, |line| eprintln!("{line}"));
    let Ok(verdict) = tokio::time::timeout(limit, wait).await else {
        bail!("job {} is not recorded after {} s", arguments.job, arguments.timeout);
    };
    let verdict = verdict?;
    if arguments.json {
        print!("{}", files::json(&show::report(&network, arguments.job).await?)?);
    } else {
        println!("{verdict:?}");
    }
    Ok(ExitCode::from(match verdict {
        Verdict::Valid => 0,
        Verdict::Invalid => 3,
        Verdict::Missed => 4,
        Verdict::Inconclusive => 5,
    }))
}

async fn wait(network: &Connected, id: B256, mut tell: impl FnMut(String)) -> Result<Verdict> {
    let escrow = show::EscrowReport::read(&network.rpc, network.deployment.escrow, id).await?;
    if escrow.state == "none" {
        bail!("escrow {} has no job {id}", network.deployment.escrow);
    }
    let mut phase = Phase::default();
    let node = network.node()?;
    loop {
        if let Some(line) = phase.look(node, id).await {
            tell(line);
        }
        let hub = network.deployment.hub;
        let recorded = show::HubReport::read(&network.rpc, hub, escrow.job_index).await?;
        if let Some(verdict) = recorded.verdict {
            return Ok(verdict);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Notices when a job comes to another phase.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phase {
    seen: Option<(String, u64, u64)>,
}

impl Phase {
    /// Whether the ledger waits for the provider.
    pub(crate) fn is_challenged(&self) -> bool {
        self.seen.as_ref().is_some_and(|(phase, ..)| phase == "answering")
    }

    /// The last phase that was seen.
    pub(crate) fn last(&self) -> &str {
        self.seen.as_ref().map_or("not opened", |(phase, ..)| phase.as_str())
    }

    /// A line for people if something changed since the last look. A node that does not answer
    /// changes nothing.
    pub(crate) async fn look(&mut self, node: &NodeClient, id: B256) -> Option<String> {
        let job = node.job(id).await.ok().flatten()?;
        let now = (job.phase.clone(), job.commitments, job.reveals);
        if self.seen.as_ref() == Some(&now) {
            return None;
        }
        self.seen = Some(now);
        Some(describe(&job))
    }
}

fn describe(job: &JobView) -> String {
    if let Some(outcome) = &job.outcome {
        return format!("concluded: {:?}, code {}", outcome.verdict, outcome.code);
    }
    match job.phase.as_str() {
        "challenged" => format!("opened at height {}; the beacon is being signed", job.opened),
        "answering" => "challenged; waiting for the provider".into(),
        "judging" => format!("answered; {} committed", job.commitments),
        "revealing" => format!("{} committed, {} revealed", job.commitments, job.reveals),
        other => other.to_owned(),
    }
}

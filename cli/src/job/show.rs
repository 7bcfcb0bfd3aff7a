use alloy_primitives::{B256, U256};
use bindings::{AttestationHub, ResourceEscrow, rpc::Rpc};
use clap::Args;
use eyre::Result;
use oracle_node::views::JobView;
use protocol::outcome::Verdict;
use serde::Serialize;

use super::network::{Connected, Network};
use crate::files;

const EXAMPLES: &str = "\
Exit codes:
  0  the job is shown
  1  there is no such job, or nobody answers

Examples:
  assay job show --devnet net 0x4f…
  assay job show --devnet net 0x4f… --json | jq .escrow.state";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    network: Network,
    /// The job's id
    #[arg(value_name = "JOB")]
    job: B256,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A job as ledger, hub and escrow know it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct JobReport {
    pub(crate) job_id: B256,
    /// The ledger's view; none if no node was asked, or it has not opened the job.
    pub(crate) ledger: Option<JobView>,
    pub(crate) hub: HubReport,
    pub(crate) escrow: EscrowReport,
}

/// What the hub has recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct HubReport {
    pub(crate) verdict: Option<Verdict>,
    /// Unix seconds from which the verdict is final.
    pub(crate) final_at: Option<u64>,
}

/// What the escrow holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct EscrowReport {
    pub(crate) state: &'static str,
    pub(crate) job_index: u64,
    pub(crate) provider: alloy_primitives::Address,
    pub(crate) consumer: alloy_primitives::Address,
    pub(crate) price: String,
    pub(crate) stake_at_risk: String,
    pub(crate) deadline: u64,
}

impl HubReport {
    pub(crate) async fn read(
        rpc: &Rpc,
        hub: alloy_primitives::Address,
        job_index: u64,
    ) -> Result<Self> {
        let call = AttestationHub::settlementOfCall { jobIndex: job_index };
        let settlement = rpc.call(hub, &call).await?;
        let verdict = settlement.status.checked_sub(1);
        Ok(Self {
            verdict: verdict.and_then(Verdict::from_u8),
            final_at: verdict.map(|_| settlement.finalAt),
        })
    }
}

impl EscrowReport {
    pub(crate) async fn read(
        rpc: &Rpc,
        escrow: alloy_primitives::Address,
        id: B256,
    ) -> Result<Self> {
        let job = rpc.call(escrow, &ResourceEscrow::jobOfCall { jobId: id }).await?;
        let state = rpc.call(escrow, &ResourceEscrow::stateOfCall { jobId: id }).await?;
        let amount = |value: u128| U256::from(value).to_string();
        Ok(Self {
            state: state_name(state),
            job_index: job.jobIndex,
            provider: job.provider,
            consumer: job.consumer,
            price: amount(job.price),
            stake_at_risk: amount(job.stakeAtRisk),
            deadline: job.deadline,
        })
    }
}

/// An escrow state's name, by its number in `IResourceEscrow.State`.
pub(crate) fn state_name(state: u8) -> &'static str {
    match state {
        0 => "none",
        1 => "requested",
        2 => "verifying",
        3 => "completed",
        4 => "failed",
        5 => "inconclusive",
        6 => "expired",
        7 => "disputed",
        _ => "unknown",
    }
}

/// Asks all of them.
pub(crate) async fn report(network: &Connected, id: B256) -> Result<JobReport> {
    let escrow = EscrowReport::read(&network.rpc, network.deployment.escrow, id).await?;
    if escrow.state == "none" {
        eyre::bail!("escrow {} has no job {id}", network.deployment.escrow);
    }
    let hub = HubReport::read(&network.rpc, network.deployment.hub, escrow.job_index).await?;
    let ledger = match &network.node {
        Some(node) => node.job(id).await?,
        None => None,
    };
    Ok(JobReport { job_id: id, ledger, hub, escrow })
}

pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let network = arguments.network.connect()?;
    let report = report(&network, arguments.job).await?;
    if arguments.json {
        print!("{}", files::json(&report)?);
        return Ok(());
    }
    let JobReport { job_id, ledger, hub, escrow } = report;
    println!("job        {job_id}, index {}", escrow.job_index);
    println!("provider   {}, risks {}", escrow.provider, escrow.stake_at_risk);
    println!("consumer   {}, pays {}", escrow.consumer, escrow.price);
    match ledger {
        Some(job) => {
            println!("ledger     {}, opened at height {}", job.phase, job.opened);
            if let Some(outcome) = job.outcome {
                println!(
                    "outcome    {:?}, code {}, value {}, height {}",
                    outcome.verdict, outcome.code, outcome.value, outcome.height
                );
            }
        }
        None => println!("ledger     not opened, or no node asked"),
    }
    match (hub.verdict, hub.final_at) {
        (Some(verdict), Some(at)) => println!("hub        {verdict:?}, final at {at} unix seconds"),
        _ => println!("hub        nothing recorded yet"),
    }
    println!("escrow     {}, may expire after {}", escrow.state, escrow.deadline);
    Ok(())
}

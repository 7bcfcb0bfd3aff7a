use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent as _;
use bindings::{
    AttestationHub, DevToken, ResourceEscrow, ResourceRegistry,
    rpc::{BlockId, LogBlocks},
};
use eyre::{Context as _, Result, bail, eyre};
use protocol::outcome::Verdict;
use serde::Serialize;

use crate::{
    devnet::{Devnet, JobRequest, PlacedJob, Progress, ProviderFiles},
    job::{
        show::{HubReport, state_name},
        watch::Phase,
    },
};

/// Pause between looks.
const LOOK: Duration = Duration::from_millis(150);
/// How long a chain's logs may lag behind the state that they are of.
const LOGS_PATIENCE: Duration = Duration::from_secs(30);
/// Beside a job's phases: finality, signatures, a submission whose turn is taken over.
const MARGIN: Duration = Duration::from_secs(90);

/// A job, and how it must end.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What it shows.
    pub title: &'static str,
    /// Who must answer.
    pub provider: &'static str,
    /// What the hub must record.
    pub verdict: Verdict,
    /// What happens meanwhile.
    pub disturbance: Disturbance,
}

/// What happens while a job is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// Nothing.
    None,
    /// This operator is killed by SIGKILL once the job is challenged, and started again when the
    /// hub has recorded the outcome.
    KillOperator(usize),
}

/// How a job ended.
#[derive(Clone, Debug, Serialize)]
pub struct JobResult {
    /// What it shows.
    pub title: &'static str,
    /// The job.
    #[serde(flatten)]
    pub job: PlacedJob,
    /// The proof kind.
    pub kind: &'static str,
    /// What the hub recorded.
    pub verdict: Verdict,
    /// From the request's block to the recorded outcome.
    pub attested_after_s: f64,
    /// Gas of the transaction that recorded it.
    pub submit_gas: u64,
    /// Gas of settling the escrow.
    pub settle_gas: u64,
    /// The escrow's state.
    pub escrow: &'static str,
    /// What the provider was paid, in the token's smallest unit.
    pub provider_paid: U256,
    /// What the consumer got back.
    pub consumer_refunded: U256,
    /// What the provider lost of its stake.
    pub provider_slashed: U256,
    /// The provider's tokens afterwards, without its stake.
    pub provider_balance: U256,
    /// The consumer's tokens afterwards.
    pub consumer_balance: U256,
    /// What is not as it must be; empty when all is.
    pub problems: Vec<String>,
}

/// Tokens and stake at one time.
struct Holdings {
    provider: U256,
    consumer: U256,
    stake: U256,
}

/// Places a job, follows it to its end, settles it, and compares.
///
/// # Errors
/// When it does not end in time, or something does not answer. A job that ends otherwise than it
/// must is no error: its result has problems.
pub async fn run_job(devnet: &mut Devnet, case: &Case, progress: &Progress) -> Result<JobResult> {
    let provider = devnet.provider(case.provider)?.clone();
    let before = Holdings::read(devnet, &provider).await?;
    let request = JobRequest::of_demo(devnet.statement().clone());
    let consumer = devnet.accounts().consumer.clone();
    let job = request.place(devnet.deployment(), provider.key(), &consumer).await?;
    let started = Instant::now();
    let tell = |text: &str| progress.step(format_args!("job {}: {text}", job.job_index));
    tell(&format!("{} — requested in block {}", case.title, job.block));

    let verdict = follow(devnet, case, job, &tell).await?;
    let attested_after_s = started.elapsed().as_secs_f64();
    let submit_gas = submission_gas(devnet, job).await?;
    tell(&format!("{verdict:?} recorded by the hub after {attested_after_s:.1} s"));
    if let Disturbance::KillOperator(number) = case.disturbance {
        devnet.start_operator(number)?;
        tell(&format!("operator {number} started again"));
    }
    let settle_gas = settle(devnet, job).await?;
    withdraw(devnet, &provider).await?;
    let escrow = devnet.deployment().escrow;
    let state = ResourceEscrow::stateOfCall { jobId: job.job_id };
    let state = devnet.evm().rpc().call(escrow, &state).await?;
    let after = Holdings::read(devnet, &provider).await?;

    let mut result = JobResult {
        title: case.title,
        job,
        kind: "groth16-bn254",
        verdict,
        attested_after_s,
        submit_gas,
        settle_gas,
        escrow: state_name(state),
        provider_paid: after.provider.saturating_sub(before.provider),
        consumer_refunded: (after.consumer + request.price).saturating_sub(before.consumer),
        provider_slashed: before.stake.saturating_sub(after.stake),
        provider_balance: after.provider,
        consumer_balance: after.consumer,
        problems: Vec::new(),
    };
    result.problems = problems(devnet, case, &request, &result).await?;
    let paid = match result.problems.as_slice() {
        [] => format!("escrow {}, as it must be", result.escrow),
        problems => format!("NOT AS IT MUST BE: {}", problems.join("; ")),
    };
    tell(&paid);
    Ok(result)
}

/// Follows a job until the hub has recorded its outcome.
async fn follow(
    devnet: &mut Devnet,
    case: &Case,
    job: PlacedJob,
    tell: &impl Fn(&str),
) -> Result<Verdict> {
    let windows = devnet.genesis().parameters;
    let windows = [windows.answer_ms, windows.commit_ms, windows.reveal_ms].iter().sum();
    let limit = Duration::from_millis(windows) + MARGIN;
    let hub = devnet.deployment().hub;
    let mut phase = Phase::default();
    let mut to_kill = match case.disturbance {
        Disturbance::None => None,
        Disturbance::KillOperator(number) => Some(number),
    };
    let recorded = async {
        loop {
            devnet.check_alive()?;
            let first = devnet.operators().first().ok_or_else(|| eyre!("no operators"))?;
            if let Some(line) = phase.look(first.client(), job.job_id).await {
                tell(&line);
            }
            if let Some(number) = to_kill
                && phase.is_challenged()
            {
                devnet.kill_operator(number).await?;
                tell(&format!("operator {number} killed (-9)"));
                to_kill = None;
            }
            let report = HubReport::read(devnet.evm().rpc(), hub, job.job_index).await?;
            if let Some(verdict) = report.verdict {
                return Ok::<_, eyre::Report>(verdict);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match tokio::time::timeout(limit, recorded).await {
        Ok(verdict) => verdict,
        Err(_) => bail!(
            "job {} is not recorded after {} s; last seen: {}",
            job.job_id,
            limit.as_secs(),
            phase.last()
        ),
    }
}

/// Gas of the transaction that recorded a job's outcome. A chain's logs may show a block a little
/// later than its state does.
async fn submission_gas(devnet: &Devnet, job: PlacedJob) -> Result<u64> {
    let found = async {
        loop {
            if let Some(gas) = find_submission_gas(devnet, job).await? {
                return Ok::<_, eyre::Report>(gas);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match tokio::time::timeout(LOGS_PATIENCE, found).await {
        Ok(gas) => gas,
        Err(_) => bail!("the hub tells of no submission that recorded job {}", job.job_index),
    }
}

async fn find_submission_gas(devnet: &Devnet, job: PlacedJob) -> Result<Option<u64>> {
    let (rpc, hub) = (devnet.evm().rpc(), devnet.deployment().hub);
    let head = rpc.header(BlockId::Latest).await?.ok_or_else(|| eyre!("the chain has no head"))?;
    let range = LogBlocks::Range { from: job.block, to: head.number };
    let logs = rpc.logs(hub, range, &[AttestationHub::Attested::SIGNATURE_HASH]).await?;
    for log in logs {
        let call = AttestationHub::settlementOfCall { jobIndex: job.job_index };
        let at = BlockId::Number(log.block.number);
        if rpc.call_at(hub, &call, at).await?.status != 0 {
            let receipt = rpc.receipt(log.transaction).await?;
            return Ok(receipt.map(|receipt| receipt.gas_used));
        }
    }
    Ok(None)
}

/// Settles a job once its verdict is final.
async fn settle(devnet: &Devnet, job: PlacedJob) -> Result<u64> {
    let rpc = devnet.evm().rpc();
    let report = HubReport::read(rpc, devnet.deployment().hub, job.job_index).await?;
    let final_at = report.final_at.ok_or_else(|| eyre!("the outcome is gone from the hub"))?;
    let limit = Duration::from_secs(devnet.options().challenge_window_s) + MARGIN;
    let passed = async {
        loop {
            let head = rpc.header(BlockId::Latest).await?;
            if head.is_some_and(|head| head.time >= final_at) {
                return Ok::<_, eyre::Report>(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(limit, passed)
        .await
        .map_err(|_| eyre!("the challenge window does not end: the chain makes no blocks"))??;
    let call = ResourceEscrow::settleCall { jobId: job.job_id };
    let consumer = &devnet.accounts().consumer;
    let settled = consumer.call(devnet.deployment().escrow, &call, U256::ZERO).await;
    Ok(settled.wrap_err("settling")?.gas_used)
}

/// Lets provider and consumer take what the escrow owes them.
async fn withdraw(devnet: &Devnet, provider: &ProviderFiles) -> Result<()> {
    let (escrow, token) = (devnet.deployment().escrow, devnet.deployment().token);
    for wallet in [&provider.wallet, &devnet.accounts().consumer] {
        let account = wallet.address();
        let owed = ResourceEscrow::owedCall { token, account };
        if wallet.rpc().call(escrow, &owed).await?.is_zero() {
            continue;
        }
        let call = ResourceEscrow::withdrawCall { token, to: account };
        wallet.call(escrow, &call, U256::ZERO).await.wrap_err("withdrawing")?;
    }
    Ok(())
}

impl Holdings {
    async fn read(devnet: &Devnet, provider: &ProviderFiles) -> Result<Self> {
        let account = provider.address();
        let registry = devnet.deployment().resource_registry;
        let call = ResourceRegistry::providerOfCall { provider: account };
        let staked = devnet.evm().rpc().call(registry, &call).await?;
        Ok(Self {
            provider: tokens(devnet, account).await?,
            consumer: tokens(devnet, devnet.accounts().consumer.address()).await?,
            stake: U256::from(staked.free) + U256::from(staked.locked),
        })
    }
}

async fn tokens(devnet: &Devnet, account: Address) -> Result<U256> {
    let call = DevToken::balanceOfCall { account };
    Ok(devnet.evm().rpc().call(devnet.deployment().token, &call).await?)
}

/// What differs from how the case must end.
async fn problems(
    devnet: &Devnet,
    case: &Case,
    request: &JobRequest,
    result: &JobResult,
) -> Result<Vec<String>> {
    let (rpc, escrow) = (devnet.evm().rpc(), devnet.deployment().escrow);
    let bps = U256::from(10_000);
    let fee = U256::from(rpc.call(escrow, &ResourceEscrow::feeBpsCall {}).await?);
    let missed = U256::from(rpc.call(escrow, &ResourceEscrow::missedSlashBpsCall {}).await?);
    let price_after_fee = request.price - request.price * fee / bps;
    let zero = U256::ZERO;
    let (state, paid, refunded, slashed) = match case.verdict {
        Verdict::Valid => ("completed", price_after_fee, zero, zero),
        Verdict::Invalid => ("failed", zero, request.price, request.stake_at_risk),
        Verdict::Missed => ("failed", zero, request.price, request.stake_at_risk * missed / bps),
        Verdict::Inconclusive => ("inconclusive", zero, request.price, zero),
    };
    let mut problems = Vec::new();
    let mut compare = |what: &str, is: String, must: String| {
        if is != must {
            problems.push(format!("{what} is {is}, must be {must}"));
        }
    };
    compare("verdict", format!("{:?}", result.verdict), format!("{:?}", case.verdict));
    compare("escrow", result.escrow.to_owned(), state.to_owned());
    compare("payment", result.provider_paid.to_string(), paid.to_string());
    compare("refund", result.consumer_refunded.to_string(), refunded.to_string());
    compare("slash", result.provider_slashed.to_string(), slashed.to_string());
    Ok(problems)
}

/// The beginning of a job's id, for tables.
pub(super) fn short(id: B256) -> String {
    id.to_string().chars().take(10).collect()
}

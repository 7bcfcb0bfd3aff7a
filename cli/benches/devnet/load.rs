//! Jobs a second that four operators sustain on this machine, beside what their verifier alone
//! would, and where the processors' time goes.

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall as _;
use assay_cli::devnet::{Devnet, JobRequest, Progress};
use bindings::{
    AttestationHub, DevToken,
    rpc::{BlockId, Transaction},
};
use eyre::{Result, bail, eyre};
use proofs::{Context, Kind, Registry, Verdict};
use serde::Serialize;
use serde::de::IgnoredAny;
use tokio::time::sleep;

use crate::{
    Arguments,
    machine::{load_average, now_us},
    profile::{self, Share},
    provider::{Agent, NAME, Prepared},
    timeline::Timelines,
};

/// Operators.
const NODES: u16 = 4;
/// How long the network runs under load before jobs are counted.
const WARM_UP: Duration = Duration::from_secs(15);
/// Pause between looks at what is in flight.
const LOOK: Duration = Duration::from_millis(200);
/// How long the verifier alone is timed.
const VERIFYING: Duration = Duration::from_secs(3);
/// Gas of a block of the devnet's chain: it must not be what limits.
const BLOCK_GAS: u64 = 1_000_000_000;
/// Gas that a request may take.
const REQUEST_GAS: u64 = 900_000;

/// What was measured.
#[derive(Serialize)]
pub(crate) struct Throughput {
    nodes: u16,
    seconds: f64,
    in_flight: usize,
    jobs: usize,
    jobs_per_second: f64,
    attested_per_second: f64,
    heights_per_second: f64,
    verifications_per_second_a_core: f64,
    verify_limit_per_second: f64,
    part_of_verify_limit: f64,
    /// Processor seconds a second.
    cpu: BTreeMap<&'static str, f64>,
    load_average: f64,
    profile: Vec<Share>,
}

pub(crate) async fn measure(arguments: &Arguments, progress: &Progress) -> Result<Throughput> {
    let prepared = Prepared::make().await?;
    let rate = verifications_per_second(&prepared)?;
    progress.step(format_args!("a core verifies {rate:.0} proofs a second"));
    let mut devnet = crate::devnet(NODES, progress).await?;
    let measured = sustain(&mut devnet, &prepared, rate, arguments, progress).await;
    crate::end(devnet, arguments, progress).await?;
    measured
}

/// Proofs a second that the operators' verifier judges alone on one core.
fn verifications_per_second(prepared: &Prepared) -> Result<f64> {
    let key = (prepared.key.id(), Bytes::from(prepared.key.to_canonical()));
    let registry = Registry::standard(Arc::new(BTreeMap::from([key])));
    let context = Context {
        chain_id: 1,
        hub: Address::ZERO,
        job_id: B256::ZERO,
        provider: Address::ZERO,
        seed: B256::ZERO,
        ledger_time_ms: 0,
    };
    let parts = prepared.parts()?;
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let kind = Kind::of_name("groth16-bn254");
    let mut verified = 0;
    let started = Instant::now();
    while started.elapsed() < VERIFYING {
        let verdict = registry.verify(kind, &context, &prepared.statement, &parts);
        if !matches!(verdict, Verdict::Valid { .. }) {
            bail!("the prepared proof is {verdict:?}");
        }
        verified += 1;
    }
    Ok(f64::from(verified) / started.elapsed().as_secs_f64())
}

/// Sends requests, ever the next ones.
struct Consumer<'a> {
    devnet: &'a Devnet,
    request: JobRequest,
    fee: U256,
    nonce: u64,
    sent: usize,
}

impl<'a> Consumer<'a> {
    async fn new(devnet: &'a Devnet, prepared: &Prepared) -> Result<Self> {
        let wallet = &devnet.accounts().consumer;
        let (rpc, deployment) = (wallet.rpc(), devnet.deployment());
        let gas = format!("0x{BLOCK_GAS:x}");
        rpc.request::<_, IgnoredAny>("evm_setBlockGasLimit", (gas,)).await?;
        let approve = DevToken::approveCall { spender: deployment.escrow, value: U256::MAX };
        wallet.call(deployment.token, &approve, U256::ZERO).await?;
        let fee = rpc.call(deployment.hub, &AttestationHub::feeCall {}).await?;
        // Enough wei for every request of a run.
        let wei = U256::from(10u64).pow(U256::from(24u64));
        devnet.evm().set_balance(wallet.address(), wei).await?;
        Ok(Self {
            devnet,
            request: JobRequest {
                price: U256::from(1_000u64),
                stake_at_risk: U256::from(2_000u64),
                ..JobRequest::of_demo(prepared.statement.clone())
            },
            fee,
            nonce: rpc.transaction_count(wallet.address(), BlockId::Pending).await?,
            sent: 0,
        })
    }

    async fn send(&mut self, count: usize) -> Result<()> {
        let (wallet, deployment) = (&self.devnet.accounts().consumer, self.devnet.deployment());
        let head = wallet.rpc().header(BlockId::Latest).await?;
        let now = head.ok_or_else(|| eyre!("the chain has no head"))?.time;
        let key = self.devnet.provider(NAME)?.key();
        for _ in 0..count {
            let create = self.request.creation(deployment, key, wallet.address(), now)?;
            let transaction = Transaction {
                chain_id: wallet.chain_id(),
                nonce: self.nonce,
                gas_limit: REQUEST_GAS,
                fee_max: 1_000_000_000_000,
                tip_max: 1,
                to: Some(deployment.escrow),
                value: self.fee,
                input: create.abi_encode().into(),
            };
            wallet.rpc().send_raw(&transaction.sign(wallet.key())?.raw).await?;
            self.nonce += 1;
            self.sent += 1;
        }
        Ok(())
    }
}

/// How far things are.
struct Look {
    us: u64,
    concluded: usize,
    attested: usize,
    height: u64,
    cpu: BTreeMap<&'static str, f64>,
}

fn look(devnet: &Devnet, timelines: &Timelines) -> Result<Look> {
    let us = now_us();
    let concluded = timelines.jobs("concluded");
    let attested = timelines.attested();
    let batched = timelines.jobs("batched");
    let mut cpu = BTreeMap::from([(
        "provider, consumer and this benchmark",
        profile::cpu_seconds(std::process::id())?,
    )]);
    for process in processes(devnet) {
        *cpu.entry("operators").or_default() += profile::cpu_seconds(process)?;
    }
    Ok(Look {
        us,
        concluded: concluded.len(),
        attested: batched.values().filter(|at| attested.contains_key(&at.height)).count(),
        height: timelines.decided_by(us),
        cpu,
    })
}

fn processes(devnet: &Devnet) -> Vec<u32> {
    devnet.operators().iter().filter_map(|operator| operator.process_id()).collect()
}

async fn sustain(
    devnet: &mut Devnet,
    prepared: &Prepared,
    rate: f64,
    arguments: &Arguments,
    progress: &Progress,
) -> Result<Throughput> {
    let agent = Agent::start(devnet, prepared, None)?;
    let mut timelines = Timelines::of(devnet);
    let mut consumer = Consumer::new(devnet, prepared).await?;
    let folder = tempfile::tempdir()?;
    let samples = folder.path().join("samples");
    let started = Instant::now();
    let (mut first, mut recording) = (None, None);
    let last = loop {
        timelines.read()?;
        agent.check()?;
        let concluded = timelines.jobs("concluded").len();
        let room = arguments.in_flight.saturating_sub(consumer.sent - concluded);
        consumer.send(room).await?;
        if first.is_none() && started.elapsed() >= WARM_UP {
            progress.step(format_args!("{concluded} jobs in {} s; counting", WARM_UP.as_secs()));
            recording = profile::start(&processes(devnet), arguments.seconds, &samples);
            first = Some((Instant::now(), look(devnet, &timelines)?));
        }
        if let Some((since, _)) = &first
            && since.elapsed() >= Duration::from_secs(arguments.seconds)
        {
            timelines.read()?;
            break look(devnet, &timelines)?;
        }
        sleep(LOOK).await;
    };
    let load_average = load_average()?;
    let profile = match recording {
        Some(recording) => profile::read(recording, &samples).await?,
        None => Vec::new(),
    };
    let (_, first) = first.ok_or_else(|| eyre!("no time to warm up"))?;
    let seconds = (last.us - first.us) as f64 / 1e6;
    let jobs = last.concluded - first.concluded;
    let cores = std::thread::available_parallelism()?.get() as f64;
    let (a_second, limit) = (jobs as f64 / seconds, rate * cores / f64::from(NODES));
    let spent = |what: &&'static str| {
        let of = |look: &Look| look.cpu.get(*what).copied().unwrap_or_default();
        (of(&last) - of(&first)) / seconds
    };
    Ok(Throughput {
        nodes: NODES,
        seconds,
        in_flight: arguments.in_flight,
        jobs,
        jobs_per_second: a_second,
        attested_per_second: (last.attested - first.attested) as f64 / seconds,
        heights_per_second: (last.height - first.height) as f64 / seconds,
        verifications_per_second_a_core: rate,
        verify_limit_per_second: limit,
        part_of_verify_limit: a_second / limit,
        cpu: last.cpu.keys().map(|what| (*what, spent(what))).collect(),
        load_average,
        profile,
    })
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, seconds, in_flight, jobs, .. } = self;
        writeln!(f, "\n{nodes} operators, {in_flight} jobs in flight: {jobs} in {seconds:.1} s")?;
        writeln!(f, "  concluded a second        {:>8.1}", self.jobs_per_second)?;
        writeln!(f, "  attested a second         {:>8.1}", self.attested_per_second)?;
        writeln!(f, "  heights a second          {:>8.1}", self.heights_per_second)?;
        writeln!(f, "  proofs a second and core  {:>8.0}", self.verifications_per_second_a_core)?;
        writeln!(f, "  verify limit, jobs/s      {:>8.1}", self.verify_limit_per_second)?;
        writeln!(f, "  part of it                {:>8.2}", self.part_of_verify_limit)?;
        writeln!(f, "  load average              {:>8.1}", self.load_average)?;
        for (what, cores) in &self.cpu {
            writeln!(f, "  cores: {what:<38} {cores:.2}")?;
        }
        writeln!(f, "  samples of the operators")?;
        self.profile.iter().try_for_each(|share| writeln!(f, "    {share}"))
    }
}

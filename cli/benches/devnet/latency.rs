//! From the (f+1)-th node reading a request's final event to the certificate of its outcome, one
//! job after the other.

use std::{fmt, time::Duration};

use alloy_primitives::{B256, U256};
use assay_cli::devnet::{Devnet, JobRequest, Progress};
use eyre::{Context as _, Result, bail};
use serde::Serialize;
use serde::de::IgnoredAny;
use tokio::time::{Instant, sleep};

use crate::{
    Arguments, empty,
    numbers::{Spread, ms_between},
    provider::{Agent, Answered, NAME, Prepared},
    timeline::{At, Timelines},
};

/// Jobs before the first that is timed.
const WARM_UP: usize = 5;
/// Pause between looks at the logs.
const LOOK: Duration = Duration::from_millis(20);
/// Longest time until a job has its certificate.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was measured for a committee.
#[derive(Serialize)]
pub(crate) struct Latency {
    nodes: u16,
    empty_height_ms: Spread,
    latency_ms: Spread,
    latency_heights: Spread,
    with_provider_and_verification_ms: Spread,
    steps: Vec<StepSpread>,
}

/// One step of all jobs.
#[derive(Serialize)]
struct StepSpread {
    step: &'static str,
    counts: Counts,
    ms: Spread,
    ledger_heights: Spread,
}

/// Whether a step is part of the latency.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Counts {
    Yes,
    No,
}

/// One job's way.
struct Way {
    steps: Vec<(&'static str, Counts, f64, f64)>,
    whole_ms: f64,
    latency_ms: f64,
}

pub(crate) async fn measure(
    nodes: u16,
    arguments: &Arguments,
    progress: &Progress,
) -> Result<Latency> {
    progress.step(format_args!("{nodes} operators decide {} empty heights", arguments.heights));
    let before = empty::heights_ms(nodes, arguments.heights).await?;
    let prepared = Prepared::make().await?;
    let mut devnet = crate::devnet(nodes, progress).await?;
    let proving =
        Some(Duration::from_millis(arguments.proving_ms)).filter(|proving| !proving.is_zero());
    let ways = time_jobs(&mut devnet, &prepared, proving, arguments.jobs, progress).await;
    crate::end(devnet, arguments, progress).await?;
    progress.step(format_args!("{nodes} operators decide as many empty heights again"));
    let after = empty::heights_ms(nodes, arguments.heights).await?;
    Ok(sum_up(nodes, Spread::of([before, after].concat()), &ways?))
}

async fn time_jobs(
    devnet: &mut Devnet,
    prepared: &Prepared,
    proving: Option<Duration>,
    jobs: usize,
    progress: &Progress,
) -> Result<Vec<Way>> {
    let agent = Agent::start(devnet, prepared, proving)?;
    let mut timelines = Timelines::of(devnet);
    let mut ways = Vec::new();
    for number in 0..WARM_UP + jobs {
        if number >= WARM_UP && (number - WARM_UP).is_multiple_of(25) {
            progress.step(format_args!("job {} of {jobs}", number - WARM_UP));
        }
        let job = place(devnet, prepared).await?;
        let since = Instant::now();
        let way = loop {
            sleep(LOOK).await;
            timelines.read()?;
            if let Some(way) = way(devnet, &timelines, &agent, job) {
                break way;
            }
            if since.elapsed() > PATIENCE {
                bail!("job {job} has no certificate after {} s", PATIENCE.as_secs());
            }
            agent.check()?;
            devnet.check_alive()?;
        };
        if number >= WARM_UP {
            ways.push(way);
        }
    }
    Ok(ways)
}

/// Places a job in a block of its own, and makes the block final.
async fn place(devnet: &Devnet, prepared: &Prepared) -> Result<B256> {
    let rpc = devnet.evm().rpc();
    rpc.request::<_, IgnoredAny>("evm_setAutomine", (true,)).await?;
    let request = JobRequest {
        price: U256::from(1_000_000u64),
        stake_at_risk: U256::from(2_000_000u64),
        ..JobRequest::of_demo(prepared.statement.clone())
    };
    let key = devnet.provider(NAME)?.key();
    let placed = request.place(devnet.deployment(), key, &devnet.accounts().consumer).await;
    let placed = placed.wrap_err("placing a job")?;
    rpc.request::<_, IgnoredAny>("evm_mine", ()).await?;
    Ok(placed.job_id)
}

/// A job's way, once it has its certificate.
fn way(devnet: &Devnet, timelines: &Timelines, agent: &Agent, job: B256) -> Option<Way> {
    let batched = timelines.job("batched", job).first()?.height;
    let certificate = timelines.height("attestation signed", batched)?;
    let first = |step| timelines.job(step, job).first().copied();
    let read = timelines.job("requested", job).get(devnet.genesis().quorums().f)?.us;
    let (opened, challenged) = (first("opened")?, first("challenged")?);
    let (answered, revealing) = (first("answered")?, first("reveals opened")?);
    let concluded = first("concluded")?;
    let beacon = timelines.height("beacon signed", opened.height)?;
    let Answered { seen, accepted } = agent.answered(job)?;
    let verification = slowest_verification(timelines, job);
    let heights = |from: At, to: At| to.height as f64 - from.height as f64;
    let read_height = timelines.decided_by(read);
    let proof = ("verification, the slowest", Counts::No, verification, 0.0);
    let steps = vec![
        (
            "read by f+1 nodes → opened",
            Counts::Yes,
            ms_between(read, opened.us),
            opened.height as f64 - read_height as f64,
        ),
        ("opened → beacon combined", Counts::Yes, ms_between(opened.us, beacon), 0.0),
        ("beacon combined → seen by the provider", Counts::Yes, ms_between(beacon, seen), 0.0),
        ("the provider's own time", Counts::No, ms_between(seen, accepted), 0.0),
        (
            "taken by a node → f+1 `Got` on the ledger",
            Counts::Yes,
            ms_between(accepted, answered.us),
            heights(challenged, answered),
        ),
        proof,
        (
            "`Got` → all committed, without verification",
            Counts::Yes,
            ms_between(answered.us, revealing.us) - verification,
            heights(answered, revealing),
        ),
        (
            "all committed → outcome",
            Counts::Yes,
            ms_between(revealing.us, concluded.us),
            heights(revealing, concluded),
        ),
        ("outcome → certificate", Counts::Yes, ms_between(concluded.us, certificate), 0.0),
    ];
    let counted = steps.iter().filter(|(_, counts, ..)| *counts == Counts::Yes);
    let latency_ms = counted.map(|(_, _, ms, _)| ms).sum();
    Some(Way { steps, whole_ms: ms_between(read, certificate), latency_ms })
}

/// The longest that any node's verifier took over a job.
fn slowest_verification(timelines: &Timelines, job: B256) -> f64 {
    let times = timelines.nodes.iter().filter_map(|node| {
        let (from, to) = (node.job("verifying", job)?, node.job("verified", job)?);
        Some(ms_between(from.us, to.us))
    });
    times.fold(0.0, f64::max)
}

fn sum_up(nodes: u16, empty_height_ms: Spread, ways: &[Way]) -> Latency {
    let of = |pick: &dyn Fn(&Way) -> f64| Spread::of(ways.iter().map(pick).collect());
    let steps = ways.first().map_or(&[][..], |way| &way.steps);
    let steps = steps.iter().enumerate().map(|(place, (step, counts, ..))| StepSpread {
        step,
        counts: *counts,
        ms: of(&|way| way.steps.get(place).map_or(f64::NAN, |step| step.2)),
        ledger_heights: of(&|way| way.steps.get(place).map_or(f64::NAN, |step| step.3)),
    });
    Latency {
        nodes,
        empty_height_ms,
        latency_ms: of(&|way| way.latency_ms),
        latency_heights: of(&|way| way.latency_ms / empty_height_ms.median),
        with_provider_and_verification_ms: of(&|way| way.whole_ms),
        steps: steps.collect(),
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, what: &str, ms: &Spread| {
            writeln!(f, "  {what:<46} {:>8.2} {:>8.2} {:>8.2}", ms.median, ms.p90, ms.p99)
        };
        writeln!(f, "\n{} operators, {} jobs", self.nodes, self.latency_ms.samples)?;
        writeln!(f, "  {:<46} {:>8} {:>8} {:>8}", "ms", "median", "p90", "p99")?;
        row(f, "an empty height", &self.empty_height_ms)?;
        row(f, "request read → certificate", &self.latency_ms)?;
        row(f, "  as a multiple of the median empty height", &self.latency_heights)?;
        row(
            f,
            "  with the provider's and the proof's time",
            &self.with_provider_and_verification_ms,
        )?;
        for StepSpread { step, counts, ms, ledger_heights } in &self.steps {
            let mark = if *counts == Counts::Yes { " " } else { "(" };
            let heights = match (ledger_heights.median, ledger_heights.p99) {
                (0.0, 0.0) => String::new(),
                (median, p99) => format!("   heights {median} (p99 {p99})"),
            };
            let (median, p90, p99) = (ms.median, ms.p90, ms.p99);
            writeln!(f, "   {mark}{step:<45}{median:>8.2} {p90:>8.2} {p99:>8.2}{heights}")?;
        }
        Ok(())
    }
}

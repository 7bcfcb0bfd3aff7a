//! What hubs recorded, beside what the ledger concluded.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolEvent;
use audit::{HubReport, Observer, Report};
use bindings::{
    AttestationHub::{
        Attested, OutcomeSkipped, VerificationRequested, epochCall, groupKeyCall, lastAccCall,
        ledgerIdCall, statusOfCall,
    },
    rpc::{BlockId, Limits, Log, LogBlocks, Rpc},
};
use eyre::{Context as _, Result, bail, eyre};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use protocol::ledger::Batch;
use serde::Serialize;

use super::progress::Progress;

/// Blocks whose logs are asked for at once; halved when an endpoint refuses.
const LOG_BLOCKS: u64 = 5_000;

/// Calls that run at once.
const PARALLEL_CALLS: usize = 8;

/// The most findings of a hub.
const MAX_FINDINGS: usize = 100;

/// A job in a batch.
#[derive(Clone, Copy, Debug)]
struct Job {
    index: u64,
    id: B256,
    /// 1 + verdict, as hubs keep it.
    status: u8,
    batch: usize,
}

/// Batches and jobs of one hub: 56 bytes a job stay in memory.
#[derive(Debug, Default)]
struct Told {
    batches: Vec<(u64, B256)>,
    jobs: Vec<Job>,
}

/// Hears what hubs are to be told, while the file is audited.
#[derive(Default)]
pub(super) struct Collector {
    hubs: BTreeMap<u16, Told>,
}

impl Collector {
    pub(super) fn take(&mut self, batch: &Batch) {
        let told = self.hubs.entry(batch.hub.0).or_default();
        let position = told.batches.len();
        told.batches.push((batch.height.0, batch.acc));
        told.jobs.extend(batch.outcomes.iter().map(|outcome| Job {
            index: outcome.job_index,
            id: outcome.job.0,
            status: outcome.judgement.verdict.to_u8().saturating_add(1),
            batch: position,
        }));
    }
}

impl Observer for Collector {
    fn batch(&mut self, batch: &Batch) {
        self.take(batch);
    }
}

/// How a hub compares.
#[derive(Debug, Default, Serialize)]
pub(super) struct Compared {
    pub(super) chain_id: u64,
    pub(super) hub: Address,
    /// The chain's block at which it was read.
    pub(super) block: u64,
    /// Concluded jobs whose recorded verdict is the ledger's.
    pub(super) settled: u64,
    /// Concluded jobs that the hub has not recorded yet.
    pub(super) pending: u64,
    /// `Attested` logs that are on the ledger's chain of accumulators.
    pub(super) attested_logs: u64,
    /// Requests that the ledger's concluded jobs go back to.
    pub(super) requests: u64,
    /// Outcomes that the hub skipped: they were recorded before.
    pub(super) skipped: u64,
    /// The hub's last accumulator.
    pub(super) last_acc: B256,
    /// What does not hold.
    pub(super) findings: Vec<String>,
}

impl Compared {
    fn find(&mut self, what: String) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(what);
        }
    }
}

/// Compares all hubs of the endpoint's chain, or the one that is wanted.
pub(super) async fn compare(
    url: &str,
    wanted: Option<Address>,
    report: &Report,
    collector: &Collector,
) -> Result<Vec<Compared>> {
    let rpc = Rpc::new(url, 0, Limits::default())?;
    let chain_id = rpc.chain_id().await.wrap_err("rpc endpoint")?;
    let empty = Told::default();
    let mut compared = Vec::new();
    for (position, hub) in report.hubs.iter().enumerate() {
        if hub.chain_id != chain_id || wanted.is_some_and(|wanted| wanted != hub.hub) {
            continue;
        }
        let index = u16::try_from(position).unwrap_or(u16::MAX);
        let told = collector.hubs.get(&index).unwrap_or(&empty);
        let hub = Hub { rpc: &rpc, hub, told, report };
        compared.push(hub.compare().await.wrap_err_with(|| format!("hub {}", hub.hub.hub))?);
    }
    if compared.is_empty() {
        match wanted {
            Some(hub) => bail!("the ledger has no hub {hub} on chain {chain_id}"),
            None => bail!("the ledger has no hub on chain {chain_id}, the rpc endpoint's chain"),
        }
    }
    Ok(compared)
}

struct Hub<'a> {
    rpc: &'a Rpc,
    hub: &'a HubReport,
    told: &'a Told,
    report: &'a Report,
}

impl Hub<'_> {
    async fn compare(&self) -> Result<Compared> {
        let head = self.rpc.header(BlockId::Latest).await?;
        let head = head.ok_or_else(|| eyre!("the rpc endpoint has no head"))?.number;
        let mut compared = Compared {
            chain_id: self.hub.chain_id,
            hub: self.hub.hub,
            block: head,
            ..Compared::default()
        };
        self.keys(&mut compared).await?;
        let settled = self.accumulator(&mut compared).await?;
        self.logs(&mut compared).await?;
        self.statuses(&mut compared, settled).await?;
        Ok(compared)
    }

    async fn call<C: alloy_sol_types::SolCall>(&self, call: &C, at: u64) -> Result<C::Return> {
        Ok(self.rpc.call_at(self.hub.hub, call, BlockId::Number(at)).await?)
    }

    async fn keys(&self, compared: &mut Compared) -> Result<()> {
        let ledger = self.call(&ledgerIdCall {}, compared.block).await?;
        if ledger == B256::ZERO {
            return Ok(());
        }
        if ledger != self.report.ledger_id {
            compared.find(format!("the hub hears ledger {ledger}"));
        }
        let epoch = self.call(&epochCall {}, compared.block).await?;
        let key = self.call(&groupKeyCall {}, compared.block).await?;
        let ours = self.report.group_key_eip2537.as_ref().map(|key| key.as_slice());
        if epoch == self.report.epoch && Some(key.as_ref()) != ours {
            compared.find(format!("the hub's group key of epoch {epoch} is not the ledger's"));
        }
        Ok(())
    }

    /// How many of our batches the hub has recorded.
    async fn accumulator(&self, compared: &mut Compared) -> Result<usize> {
        let acc = self.call(&lastAccCall {}, compared.block).await?;
        compared.last_acc = acc;
        if acc == B256::ZERO {
            return Ok(0);
        }
        match self.told.batches.iter().position(|(_, ours)| *ours == acc) {
            Some(position) => Ok(position.saturating_add(1)),
            None => {
                compared.find(format!(
                    "the hub's last accumulator {acc} is not on the ledger's chain: it is another \
                     chain of outcomes, or newer than the file; export again to tell"
                ));
                Ok(0)
            }
        }
    }

    async fn logs(&self, compared: &mut Compared) -> Result<()> {
        let topics = [
            Attested::SIGNATURE_HASH,
            OutcomeSkipped::SIGNATURE_HASH,
            VerificationRequested::SIGNATURE_HASH,
        ];
        let batches: BTreeSet<(u64, B256)> = self.told.batches.iter().copied().collect();
        let jobs: BTreeMap<u64, B256> =
            self.told.jobs.iter().map(|job| (job.index, job.id)).collect();
        let mut seen = BTreeSet::new();
        let mut progress = Progress::new("hub logs");
        let (mut from, mut step) = (self.hub.start_block, LOG_BLOCKS);
        while from <= compared.block {
            let to = from.saturating_add(step.saturating_sub(1)).min(compared.block);
            let range = LogBlocks::Range { from, to };
            let logs = match self.rpc.logs(self.hub.hub, range, &topics).await {
                Ok(logs) => logs,
                Err(error) if error.is_endpoint_fault() || step == 1 => return Err(error.into()),
                Err(_) => {
                    step = (step / 2).max(1);
                    continue;
                }
            };
            for log in &logs {
                read(log, &batches, &jobs, &mut seen, compared)?;
            }
            progress.tell(to, compared.block, "blocks of the chain");
            from = to.saturating_add(1);
        }
        for (index, job) in jobs.iter().filter(|(index, _)| !seen.contains(*index)) {
            compared.find(format!("the chain has no request of job {job} with index {index}"));
        }
        Ok(())
    }

    async fn statuses(&self, compared: &mut Compared, settled: usize) -> Result<()> {
        let at = compared.block;
        let all = u64::try_from(self.told.jobs.len()).unwrap_or(u64::MAX);
        let mut progress = Progress::new("hub statuses");
        let mut done = 0u64;
        let mut statuses = stream::iter(self.told.jobs.iter().copied())
            .map(|job| async move {
                let call = statusOfCall { jobIndex: job.index };
                self.call(&call, at).await.map(|status| (job, status))
            })
            .buffered(PARALLEL_CALLS);
        while let Some((job, status)) = statuses.try_next().await? {
            done = done.saturating_add(1);
            progress.tell(done, all, "jobs");
            let Job { index, id, status: ours, batch } = job;
            if status == ours {
                compared.settled = compared.settled.saturating_add(1);
            } else if status == 0 && batch >= settled {
                compared.pending = compared.pending.saturating_add(1);
            } else {
                compared.find(format!(
                    "job {id} with index {index}: the hub has status {status}, the ledger {ours} \
                     (0 none, else 1 + verdict)"
                ));
            }
        }
        Ok(())
    }
}

fn read(
    log: &Log,
    batches: &BTreeSet<(u64, B256)>,
    jobs: &BTreeMap<u64, B256>,
    seen: &mut BTreeSet<u64>,
    compared: &mut Compared,
) -> Result<()> {
    let place = format!("transaction {}", log.transaction);
    match log.topics.first().copied() {
        Some(Attested::SIGNATURE_HASH) => {
            let Attested { height, acc } = decoded(log)?;
            if batches.contains(&(height, acc)) {
                compared.attested_logs = compared.attested_logs.saturating_add(1);
            } else {
                compared.find(format!(
                    "{place} settled height {height} with accumulator {acc}, which is not the \
                     ledger's; a file that is older than the transaction does not have it yet"
                ));
            }
        }
        Some(OutcomeSkipped::SIGNATURE_HASH) => {
            compared.skipped = compared.skipped.saturating_add(1);
        }
        Some(VerificationRequested::SIGNATURE_HASH) => {
            let request: VerificationRequested = decoded(log)?;
            let (id, index) = (request.jobId, request.jobIndex);
            match jobs.get(&index) {
                Some(ours) if *ours == id => {
                    seen.insert(index);
                    compared.requests = compared.requests.saturating_add(1);
                }
                Some(ours) => {
                    seen.insert(index);
                    compared.find(format!(
                        "{place} requested job {id} as {index}, the ledger has {ours}"
                    ));
                }
                None => {}
            }
        }
        _ => {}
    }
    Ok(())
}

fn decoded<E: SolEvent>(log: &Log) -> Result<E> {
    E::decode_raw_log_validate(log.topics.iter().copied(), &log.data)
        .wrap_err_with(|| format!("log {} of {}", log.log_index, log.transaction))
}

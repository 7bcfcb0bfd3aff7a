//! The campaign's jobs: placed as kills go on, followed on the hub, and settled.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall as _;
use assay_cli::devnet::{Behaviour, Devnet, JobRequest, PlacedJob};
use bindings::{
    AttestationHub, ResourceEscrow,
    deploy::Deployment,
    rpc::{BlockId, PrivateKeySigner, Wallet},
};
use eyre::{Result, bail, eyre};
use protocol::outcome::Verdict;
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use tokio::sync::watch;

/// Pause between looks at the hub.
const LOOK: Duration = Duration::from_millis(500);
/// Jobs that may be open at a time: with a proof to come, and without.
const OPEN_MAX: [usize; 2] = [5, 5];
/// Jobs below which another one is placed, however far the kills are.
const OPEN_MIN: usize = 2;
/// How long one job may take to be recorded: its phases, and operators that are down meanwhile.
const RECORDED_LIMIT: Duration = Duration::from_secs(420);

/// Providers by name, and how many jobs of ten each gets.
pub(crate) const PROVIDERS: [(&str, Behaviour, usize); 4] = [
    ("first", Behaviour::Honest, 3),
    ("second", Behaviour::Honest, 3),
    ("cheating", Behaviour::OtherChallenge, 2),
    ("absent", Behaviour::Silent, 2),
];

/// How a job for a provider must end: the verdict, and `IResourceEscrow.State` after settling.
fn due(behaviour: Behaviour) -> (Verdict, u8) {
    const COMPLETED: u8 = 3;
    const FAILED: u8 = 4;
    match behaviour {
        Behaviour::Honest => (Verdict::Valid, COMPLETED),
        Behaviour::OtherChallenge => (Verdict::Invalid, FAILED),
        Behaviour::Silent => (Verdict::Missed, FAILED),
    }
}

/// A job, and what the chain says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// Where it is.
    pub(crate) placed: PlacedJob,
    /// Whose.
    pub(crate) behaviour: Behaviour,
    at: Instant,
    /// What the hub recorded, after which time, and from when on it is final, unix seconds.
    pub(crate) recorded: Option<(Verdict, Duration, u64)>,
}

/// All jobs so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jobs(Arc<Mutex<Vec<Job>>>);

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, Vec<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of them.
    pub(crate) fn all(&self) -> Vec<Job> {
        self.lock().clone()
    }

    /// The index of a job.
    pub(crate) fn index_of(&self, id: &str) -> Option<u64> {
        let id: B256 = id.parse().ok()?;
        self.lock().iter().find(|job| job.placed.job_id == id).map(|job| job.placed.job_index)
    }

    fn open(&self) -> Vec<(usize, Job)> {
        let jobs = self.all().into_iter().enumerate();
        jobs.filter(|(_, job)| job.recorded.is_none()).collect()
    }

    /// Recorded ones by verdict, then those that are not recorded yet.
    pub(crate) fn told(&self) -> String {
        let all = self.all();
        let mut by_verdict: BTreeMap<String, usize> = BTreeMap::new();
        for (verdict, _, _) in all.iter().filter_map(|job| job.recorded) {
            *by_verdict.entry(format!("{verdict:?}")).or_default() += 1;
        }
        let recorded: Vec<String> =
            by_verdict.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        format!("{} placed: {}, {} open", all.len(), recorded.join(", "), self.open().len())
    }
}

/// Places jobs and follows them.
pub(crate) struct Placer {
    jobs: Jobs,
    deployment: Deployment,
    consumer: Wallet,
    request: JobRequest,
    /// Providers of the jobs still to come, the next one last.
    to_come: Vec<(Behaviour, PrivateKeySigner)>,
    total: usize,
}

impl Placer {
    /// Of `total` jobs, in an order that follows from the seed.
    pub(crate) fn new(devnet: &Devnet, seed: u64, total: usize, jobs: Jobs) -> Result<Self> {
        let mut tens = Vec::new();
        for (name, behaviour, count) in PROVIDERS {
            let key = devnet.provider(name)?.key().clone();
            tens.extend(vec![(behaviour, key); count]);
        }
        let mut to_come: Vec<_> =
            tens.into_iter().cycle().take(total.next_multiple_of(10)).collect();
        to_come.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        to_come.truncate(total);
        Ok(Self {
            jobs,
            deployment: *devnet.deployment(),
            consumer: devnet.accounts().consumer.clone(),
            request: JobRequest::of_demo(devnet.statement().clone()),
            to_come,
            total,
        })
    }

    /// Places jobs at the pace of the kills, which `allowed` tells, until all are placed and recorded.
    pub(crate) async fn run(mut self, allowed: watch::Receiver<usize>) -> Result<()> {
        loop {
            self.look().await?;
            let open = self.jobs.open();
            let all_placed = self.to_come.is_empty();
            if all_placed && open.is_empty() {
                return Ok(());
            }
            let silent = open.iter().filter(|(_, job)| job.behaviour == Behaviour::Silent).count();
            let room = [open.len() - silent < OPEN_MAX[0], silent < OPEN_MAX[1]];
            // What the next kill waits for may need another job.
            let may = self.total - self.to_come.len() < *allowed.borrow() || open.len() < OPEN_MIN;
            // The last of the kind that there is room for.
            let next = self.to_come.iter().rposition(|(behaviour, _)| {
                if *behaviour == Behaviour::Silent { room[1] } else { room[0] }
            });
            match next.filter(|_| may) {
                Some(next) => {
                    let (behaviour, key) = self.to_come.remove(next);
                    let placed = self.request.place(&self.deployment, &key, &self.consumer).await?;
                    let job = Job { placed, behaviour, at: Instant::now(), recorded: None };
                    self.jobs.lock().push(job);
                }
                None => tokio::time::sleep(LOOK).await,
            }
        }
    }

    async fn look(&self) -> Result<()> {
        for (place, job) in self.jobs.open() {
            let waited = job.at.elapsed();
            let index = job.placed.job_index;
            let call = AttestationHub::settlementOfCall { jobIndex: index };
            let settlement = self.consumer.rpc().call(self.deployment.hub, &call).await?;
            if let Some(verdict) = settlement.status.checked_sub(1).and_then(Verdict::from_u8) {
                self.jobs.lock()[place].recorded = Some((verdict, waited, settlement.finalAt));
            } else if waited > RECORDED_LIMIT {
                bail!("job {index} is not recorded after {} s", waited.as_secs());
            }
        }
        Ok(())
    }
}

/// Settles every job in the escrow, and tells those that did not end as they must.
pub(crate) async fn settle(devnet: &Devnet, jobs: &Jobs) -> Result<Vec<String>> {
    let (escrow, rpc) = (devnet.deployment().escrow, devnet.evm().rpc());
    let final_at = jobs.all().iter().filter_map(|job| job.recorded).map(|it| it.2).max();
    let is_final = async {
        loop {
            let head = rpc.header(BlockId::Latest).await?.ok_or_else(|| eyre!("no head"))?;
            if head.time >= final_at.unwrap_or(0) {
                return Ok::<_, eyre::Report>(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(RECORDED_LIMIT, is_final).await??;
    let (mut problems, mut sent) = (Vec::new(), Vec::new());
    let consumer = &devnet.accounts().consumer;
    for job in jobs.all() {
        let input = ResourceEscrow::settleCall { jobId: job.placed.job_id }.abi_encode();
        sent.push((job, consumer.send(Some(escrow), U256::ZERO, input.into()).await));
    }
    for (job, sent) in sent {
        let PlacedJob { job_id, job_index, .. } = job.placed;
        let settled = match sent {
            Ok(hash) => consumer.wait(hash).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = settled {
            problems.push(format!("job {job_index} cannot be settled: {error}"));
            continue;
        }
        let (verdict, state) = due(job.behaviour);
        let found = rpc.call(escrow, &ResourceEscrow::stateOfCall { jobId: job_id }).await?;
        let recorded = job.recorded.map(|it| it.0);
        if recorded != Some(verdict) || found != state {
            problems.push(format!(
                "job {job_index} must be {verdict:?} and in state {state}, it is {recorded:?} and \
                 in state {found}"
            ));
        }
    }
    Ok(problems)
}

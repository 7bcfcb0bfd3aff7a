//! The campaign itself: waits for a phase at a victim, kills it, starts it again, and keeps count.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use assay_cli::devnet::{Devnet, Told};
use eyre::{Result, bail};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{
    jobs::{Jobs, Placer},
    log::Log,
    plan::{Company, Moment, Phase, Plan, Size, Strike},
    record::{Hit, Record},
};

/// How long a killed process may take until all that it logged is read.
const ENDED_LIMIT: Duration = Duration::from_secs(20);
/// How long operators may take from their start until they vote again.
const BACK_LIMIT: Duration = Duration::from_secs(180);
/// Jobs that may be placed ahead of the kills.
const JOBS_AHEAD: usize = 8;

/// One kill, as it went.
#[derive(Clone, Debug)]
pub(crate) struct Kill {
    /// What was planned.
    pub(crate) strike: Strike,
    /// Who was at that phase.
    pub(crate) victim: usize,
    /// The jobs at hand.
    pub(crate) jobs: String,
    /// The last height that the victim voted at.
    pub(crate) height: u64,
    /// From the line about the statement until the signal was sent.
    pub(crate) after: Duration,
    /// Whether the victim came to send the statement.
    pub(crate) sent: bool,
    /// Whether the phase was over at the victim before it died: the kill does not count.
    pub(crate) late: bool,
    /// From the signal until every victim was started again, its store read.
    pub(crate) up: Duration,
    /// From the signal until every victim has voted again.
    pub(crate) back: Duration,
}

/// What the operators' processes logged, shared between the task that reads it and the campaign.
#[derive(Clone)]
pub(crate) struct Watched {
    record: Arc<Mutex<Record>>,
    changes: watch::Receiver<u64>,
}

impl Watched {
    /// Takes in what is told from now on.
    pub(crate) fn listen(names: Vec<String>, mut told: mpsc::Receiver<Told>) -> Self {
        let record = Arc::new(Mutex::new(Record::new(names)));
        let (sender, changes) = watch::channel(0);
        let shared = record.clone();
        tokio::spawn(async move {
            while let Some(told) = told.recv().await {
                shared.lock().unwrap_or_else(PoisonError::into_inner).hear(told);
                sender.send_modify(|changes| *changes += 1);
            }
        });
        Self { record, changes }
    }

    /// The record as it is now.
    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something holds, or something failed.
    async fn until(
        &self,
        what: &str,
        limit: Duration,
        holds: impl Fn(&Record) -> bool,
    ) -> Result<()> {
        let mut changes = self.changes.clone();
        let waited = tokio::time::timeout(limit, async {
            loop {
                {
                    let record = self.record();
                    if let Some(failure) = record.failures.first() {
                        bail!("{failure}");
                    }
                    if holds(&record) {
                        return Ok(());
                    }
                }
                changes.changed().await?;
            }
        });
        match waited.await {
            Ok(result) => result,
            Err(_) => bail!("{what} took longer than {} s", limit.as_secs()),
        }
    }
}

/// A campaign under way.
pub(crate) struct Campaign<'a> {
    /// The network.
    pub(crate) devnet: &'a mut Devnet,
    /// What its operators log.
    pub(crate) watched: Watched,
    /// Its jobs.
    pub(crate) jobs: Jobs,
    /// Where it is told.
    pub(crate) log: &'a mut Log,
}

impl Campaign<'_> {
    /// Places all jobs, and kills while they run.
    pub(crate) async fn run(&mut self, seed: u64, size: Size) -> Result<Vec<Kill>> {
        let placer = Placer::new(self.devnet, seed, size.jobs, self.jobs.clone())?;
        let (allow, allowed) = watch::channel(JOBS_AHEAD);
        let mut placing = tokio::spawn(placer.run(allowed));
        let mut plan = Plan::new(seed, size, self.devnet.operators().len());
        let planned = plan.left();
        let mut kills: Vec<Kill> = Vec::new();
        let mut killing = true;
        while killing && let Some(strike) = plan.draw() {
            match self.strike(kills.len() + 1, strike, &mut placing).await? {
                Some(kill) => {
                    if kill.late {
                        plan.again(&strike);
                    }
                    let done = planned.saturating_sub(plan.left());
                    // The last jobs are for kills that came too late.
                    let paced = done * size.jobs.saturating_sub(2 * JOBS_AHEAD) / planned;
                    allow.send_replace(JOBS_AHEAD + paced);
                    kills.push(kill);
                }
                None => killing = false,
            }
        }
        self.watched.record().disarm();
        allow.send_replace(size.jobs);
        if killing {
            self.log.step(format_args!("all kills are done; jobs: {}", self.jobs.told()));
            placing.await??;
        }
        self.log.step(format_args!("every job is recorded: {}", self.jobs.told()));
        Ok(kills)
    }

    /// One kill; none when there are no jobs any more.
    async fn strike(
        &mut self,
        number: usize,
        strike: Strike,
        placing: &mut JoinHandle<Result<()>>,
    ) -> Result<Option<Kill>> {
        let Strike { phase, victim, moment, jitter, pause, .. } = strike;
        let hit = self.watched.record().arm(victim, phase, moment);
        let hit = tokio::select! {
            hit = hit => hit?,
            placed = &mut *placing => {
                placed??;
                return Ok(None);
            }
        };
        let victim = hit.victim;
        let victims = strike.killed(victim, self.devnet.operators().len());
        let ended = {
            let mut record = self.watched.record();
            victims.iter().for_each(|victim| record.nodes[*victim].to_end += 1);
            victims.iter().map(|victim| record.nodes[*victim].ended + 1).collect::<Vec<_>>()
        };
        // Shorter than what the runtime's timer can tell apart.
        let left = jitter.saturating_sub(hit.at.elapsed());
        tokio::task::block_in_place(|| std::thread::sleep(left));
        let (after, killed) = (hit.at.elapsed(), Instant::now());
        self.devnet.kill_operators(&victims).await?;
        let all_read = |record: &Record| {
            victims.iter().zip(&ended).all(|(victim, ended)| record.nodes[*victim].ended >= *ended)
        };
        self.watched.until("reading a killed process' log", ENDED_LIMIT, all_read).await?;
        let (sent, late, height, started) = {
            let record = self.watched.record();
            let started: Vec<usize> =
                victims.iter().map(|victim| record.nodes[*victim].started + 1).collect();
            (
                record.has_sent(victim, phase, &hit.place),
                record.is_over(victim, phase, &hit.place),
                record.nodes[victim].height,
                started,
            )
        };
        tokio::time::sleep(pause).await;
        for victim in &victims {
            self.devnet.start_operator(*victim)?;
        }
        let are_up = |record: &Record| {
            let mut nodes = victims.iter().zip(&started);
            nodes.all(|(victim, started)| record.nodes[*victim].started >= *started)
        };
        self.watched.until("starting again", BACK_LIMIT, are_up).await?;
        let up = killed.elapsed();
        let vote = |record: &Record| victims.iter().all(|victim| record.nodes[*victim].votes > 0);
        self.watched.until("voting again", BACK_LIMIT, vote).await?;
        let back = killed.elapsed();
        let jobs = self.jobs_of(victim, phase, &hit);
        let kill = Kill { strike, victim, jobs, height, after, sent, late, up, back };
        self.tell(number, &kill);
        Ok(Some(kill))
    }

    /// The jobs that a statement is about.
    fn jobs_of(&self, victim: usize, phase: Phase, hit: &Hit) -> String {
        let height = match phase {
            Phase::Saw | Phase::Commit | Phase::Reveal => {
                let index = self.jobs.index_of(&hit.place);
                // A request may be seen before its transaction's sender has its receipt.
                return index.map_or("the newest".into(), |index| index.to_string());
            }
            Phase::Partial => hit.place.rsplit('/').next().and_then(|text| text.parse().ok()),
            Phase::Submit => Some(hit.settles),
        };
        let record = self.watched.record();
        let concluded = &record.nodes[victim].concluded;
        let jobs = height.and_then(|height| concluded.get(&height));
        let jobs = jobs.into_iter().flatten().map(u64::to_string).collect::<Vec<_>>();
        if jobs.is_empty() { "earlier ones".into() } else { jobs.join(", ") }
    }

    fn tell(&mut self, number: usize, kill: &Kill) {
        let Strike { phase, company, moment, .. } = kill.strike;
        let operators = self.devnet.operators();
        let killed = kill.strike.killed(kill.victim, operators.len());
        let names: Vec<&str> = killed.iter().map(|number| operators[*number].name()).collect();
        let whom = match company {
            Company::Alone | Company::With(_) => names.join(" and "),
            Company::All => format!("all, {} at that phase", names[0]),
        };
        let fate = match (kill.late, kill.sent) {
            (true, _) => "too late, not counted",
            (false, true) => "sent",
            (false, false) => "signed, never sent",
        };
        let moment = match moment {
            Moment::Signed => "signing",
            Moment::Sent => "sending",
        };
        let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
        self.log.step(format_args!(
            "kill {number:>2}: {phase:<7} of job {}, {whom}, height {}, {:.2} ms after {moment} \
             ({fate}); up after {:.0} ms, votes after {:.0} ms; jobs: {}",
            kill.jobs,
            kill.height,
            ms(kill.after),
            ms(kill.up),
            ms(kill.back),
            self.jobs.told()
        ));
    }
}

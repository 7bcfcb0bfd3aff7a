//! INV-PHASE: a phase ends by time at the first height at which its deadline has passed and f + 2
//! blocks have been decided since it opened: not before, not after.
//!
//! Ledger time, the members' present and each clock are counted again here, from bundle times alone.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    block::Block,
    fact::Fact,
    ids::{Height, JobId, OperatorIndex},
    outcome::{Outcome, Verdict, code},
};

use super::{Checker, Context};
use crate::trace::{Event, Record};

/// The most that one block moves ledger time.
const STEP_MAX_MS: u64 = 30_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Answering,
    Judging,
    Revealing,
}

struct Clock {
    phase: Phase,
    opened: Height,
    window_ms: u64,
    deadline_ms: Option<u64>,
    committed: BTreeSet<OperatorIndex>,
}

#[derive(Clone, Copy, Default)]
struct Member {
    time_ms: u64,
    spoke_at: Height,
}

pub(super) struct Phases {
    context: Context,
    members: Vec<Member>,
    present_ms: u64,
    time_ms: u64,
    jobs: BTreeMap<JobId, Clock>,
    /// Phases that the block in hand must end.
    due: BTreeSet<JobId>,
    height: Height,
    block: Option<Block>,
}

impl Phases {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            context: context.clone(),
            members: vec![Member::default(); context.quorums.n],
            present_ms: 0,
            time_ms: 0,
            jobs: BTreeMap::new(),
            due: BTreeSet::new(),
            height: Height(0),
            block: None,
        }
    }

    /// The block before is done with: what it should have ended has ended, and time goes on.
    fn finish_block(&mut self) -> Result<(), String> {
        let Some(block) = self.block.take() else { return Ok(()) };
        let late = self.due.pop_first();
        self.due.clear();
        self.advance(&block);
        let Some(job) = late else { return Ok(()) };
        let phase = self.jobs.get(&job).map(|clock| clock.phase);
        Err(format!("height {}: {phase:?} of job {job} was due, and did not end", self.height))
    }

    fn advance(&mut self, block: &Block) {
        for signed in &block.bundles {
            let place = usize::from(signed.bundle.operator.0);
            if let Some(member) = self.members.get_mut(place) {
                member.spoke_at = self.height;
                member.time_ms = member.time_ms.max(signed.bundle.time.0);
            }
        }
        let mut times: Vec<u64> = self.members.iter().map(|member| member.time_ms).collect();
        times.sort_unstable();
        let middle = times.len().saturating_sub(1) / 2;
        let present_ms = times.get(middle).copied().unwrap_or(0).max(self.present_ms);
        let jump_ms = present_ms - self.present_ms;
        let outage_ms = if jump_ms > STEP_MAX_MS { jump_ms } else { 0 };
        self.present_ms = present_ms;
        self.time_ms = present_ms.min(self.time_ms.saturating_add(STEP_MAX_MS));
        for clock in self.jobs.values_mut() {
            if let Some(deadline_ms) = &mut clock.deadline_ms {
                *deadline_ms = deadline_ms.saturating_add(outage_ms);
                continue;
            }
            let spoken = self.members.iter().filter(|it| it.spoke_at > clock.opened).count();
            if spoken >= self.context.quorums.q {
                clock.deadline_ms = Some(present_ms.saturating_add(clock.window_ms));
            }
        }
    }

    fn is_due(&self, clock: &Clock) -> bool {
        let blocks = self.height.0.saturating_sub(clock.opened.0);
        clock.deadline_ms.is_some_and(|deadline_ms| self.time_ms >= deadline_ms)
            && blocks >= self.context.quorums.f as u64 + 2
    }

    fn begin_block(&mut self, height: Height, block: &Block) {
        self.height = height;
        self.due =
            self.jobs.iter().filter(|(_, clock)| self.is_due(clock)).map(|(job, _)| *job).collect();
        for signed in &block.bundles {
            for fact in &signed.bundle.facts {
                if let Fact::Commit { job, .. } = fact
                    && let Some(clock) = self.jobs.get_mut(job)
                {
                    clock.committed.insert(signed.bundle.operator);
                }
            }
        }
        self.block = Some(block.clone());
    }

    fn enter(&mut self, job: JobId, phase: Phase, window_ms: u64) {
        let committed = BTreeSet::new();
        let opened = self.height;
        self.jobs.insert(job, Clock { phase, opened, window_ms, deadline_ms: None, committed });
    }

    /// A phase ends by time.
    fn ends(&mut self, job: JobId, expected: Phase) -> Result<(), String> {
        let was_due = self.due.remove(&job);
        let phase = self.jobs.get(&job).map(|clock| clock.phase);
        if was_due && phase == Some(expected) {
            return Ok(());
        }
        let deadline = self.jobs.get(&job).and_then(|clock| clock.deadline_ms);
        let opened = self.jobs.get(&job).map(|clock| clock.opened.0);
        Err(format!(
            "height {}: {expected:?} of job {job} ended by time at {}, its deadline is {deadline:?}, it \
             opened at height {opened:?}",
            self.height, self.time_ms
        ))
    }

    fn reveals_opened(&mut self, job: JobId) -> Result<(), String> {
        let committed = self.jobs.get(&job).map_or(0, |clock| clock.committed.len());
        let result = if self.due.contains(&job) || committed < self.context.quorums.n {
            self.ends(job, Phase::Judging)
        } else {
            Ok(())
        };
        self.enter(job, Phase::Revealing, self.context.windows.reveal_ms);
        result
    }

    fn concluded(&mut self, outcome: &Outcome) -> Result<(), String> {
        let job = outcome.job;
        let result = match (outcome.judgement.verdict, outcome.judgement.code) {
            (Verdict::Missed, _) => self.ends(job, Phase::Answering),
            (Verdict::Inconclusive, code::NO_QUORUM) => self.ends(job, Phase::Revealing),
            (Verdict::Valid | Verdict::Invalid | Verdict::Inconclusive, _) => Ok(()),
        };
        self.jobs.remove(&job);
        // What is due ends before what the block says is counted.
        if self.due.remove(&job) {
            return Err(format!("height {}: job {job} was due, and went on", self.height));
        }
        result
    }
}

impl Checker for Phases {
    fn id(&self) -> &'static str {
        "INV-PHASE"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        let windows = self.context.windows;
        match &record.event {
            Event::Began { genesis_ms, .. } => {
                self.time_ms = *genesis_ms;
                self.present_ms = *genesis_ms;
                self.members.fill(Member { time_ms: *genesis_ms, spoke_at: Height(0) });
            }
            Event::Decided { height, block, .. } => {
                let result = self.finish_block();
                self.begin_block(*height, block);
                return result;
            }
            Event::Challenged { job, .. } => self.enter(*job, Phase::Answering, windows.answer_ms),
            Event::Answered { job, .. } => {
                let was_due = self.due.remove(job);
                self.enter(*job, Phase::Judging, windows.commit_ms);
                if was_due {
                    return Err(format!(
                        "height {}: job {job} was due, and was answered",
                        self.height
                    ));
                }
            }
            Event::RevealsOpened { job, .. } => return self.reveals_opened(*job),
            Event::Concluded { outcome, .. } => return self.concluded(outcome),
            Event::Ended => return self.finish_block(),
            _ => {}
        }
        Ok(())
    }
}

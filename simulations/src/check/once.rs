//! INV-JOB-ONCE: a job never has two outcomes, on the ledger, under the group's signature or on the
//! hub.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use protocol::{
    ids::{Height, HubIndex, JobId},
    outcome::{Outcome, Verdict},
    subject::Subject,
};

use super::Checker;
use crate::trace::{Event, Record};

#[derive(Default)]
pub(super) struct Once {
    concluded: BTreeMap<JobId, Outcome>,
    batched: BTreeSet<JobId>,
    by_index: BTreeMap<(HubIndex, u64), (Verdict, u16)>,
    accumulators: BTreeMap<HubIndex, B256>,
    messages: BTreeMap<Subject, B256>,
    recorded: BTreeMap<HubIndex, Height>,
    reorganised: bool,
}

impl Once {
    fn batched(
        &mut self,
        hub: HubIndex,
        outcomes: &[Outcome],
        previous: B256,
        acc: B256,
    ) -> Result<(), String> {
        let before = self.accumulators.insert(hub, acc).unwrap_or_default();
        if before != previous {
            return Err(format!(
                "a batch of hub {hub} continues from {previous}, the last one ended at {before}"
            ));
        }
        for outcome in outcomes {
            let job = outcome.job;
            if !self.batched.insert(job) {
                return Err(format!("job {job} is in two batches"));
            }
            if self.concluded.get(&job) != Some(outcome) {
                return Err(format!(
                    "job {job} is in a batch with an outcome that was not concluded"
                ));
            }
        }
        Ok(())
    }

    fn recorded(
        &mut self,
        hub: HubIndex,
        height: Height,
        outcomes: &[(u64, Verdict, u16)],
    ) -> Result<(), String> {
        let earlier = self.recorded.insert(hub, height);
        // A re-organisation may take a settlement away; another then brings the same outcomes.
        if earlier.is_some_and(|earlier| earlier >= height) && !self.reorganised {
            return Err(format!("hub {hub} recorded height {height} after {earlier:?}"));
        }
        for (index, verdict, code) in outcomes {
            match self.by_index.get(&(hub, *index)) {
                Some(said) if *said == (*verdict, *code) => {}
                Some((said, _)) => {
                    return Err(format!(
                        "hub {hub} recorded job number {index} as {verdict:?}, the ledger concluded {said:?}"
                    ));
                }
                None => {
                    return Err(format!(
                        "hub {hub} recorded job number {index}, which was not concluded"
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Checker for Once {
    fn id(&self) -> &'static str {
        "INV-JOB-ONCE"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Concluded { outcome, .. } => {
                let said = (outcome.judgement.verdict, outcome.judgement.code);
                self.by_index.insert((outcome.hub, outcome.job_index), said);
                if self.concluded.insert(outcome.job, outcome.clone()).is_some() {
                    return Err(format!("job {} is concluded twice", outcome.job));
                }
            }
            Event::Batched { hub, outcomes, previous, acc, .. } => {
                return self.batched(*hub, outcomes, *previous, *acc);
            }
            Event::Partial { by, subject, message, holds: true } => {
                let first = self.messages.entry(*subject).or_insert(*message);
                if first != message {
                    return Err(format!(
                        "{subject:?} is signed as {first}, and by operator {by} as {message}"
                    ));
                }
            }
            Event::Reorganised { .. } => self.reorganised = true,
            Event::Recorded { hub, height, outcomes, .. } => {
                return self.recorded(*hub, *height, outcomes);
            }
            _ => {}
        }
        Ok(())
    }
}

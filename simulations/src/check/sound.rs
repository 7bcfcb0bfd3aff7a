//! INV-SOUND: no outcome says what is not so.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use protocol::{
    block::Block,
    fact::Fact,
    ids::{Height, JobId},
    outcome::{Outcome, Verdict, code},
};

use super::{Checker, Context, tally::Tally};
use crate::trace::{Event, Record};

pub(super) struct Sound {
    context: Context,
    tally: Tally,
    /// What each provider sent, and whether it is right.
    responses: BTreeMap<JobId, BTreeMap<B256, bool>>,
    answered: BTreeMap<JobId, B256>,
    /// How many held a response before the last block: a phase that is due ends before its facts count.
    held_before: BTreeMap<JobId, usize>,
}

impl Sound {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            context: context.clone(),
            tally: Tally::default(),
            responses: BTreeMap::new(),
            answered: BTreeMap::new(),
            held_before: BTreeMap::new(),
        }
    }

    /// How many say that they hold one and the same response.
    fn held(&self, job: JobId) -> usize {
        let said = self.tally.of(job).map(|said| &said.gots);
        said.and_then(|gots| gots.values().map(BTreeSet::len).max()).unwrap_or(0)
    }

    fn read(&mut self, height: Height, block: &Block) {
        self.held_before.clear();
        for fact in block.bundles.iter().flat_map(|signed| &signed.bundle.facts) {
            if let Fact::Got { job, .. } = fact {
                let held = self.held(*job);
                self.held_before.insert(*job, held);
            }
        }
        self.tally.read(height, block);
    }

    fn concluded(&self, outcome: &Outcome) -> Result<(), String> {
        let job = outcome.job;
        let sent = self.responses.get(&job);
        let answered = self.answered.get(&job);
        let holds = answered.and_then(|response| sent?.get(response)).copied();
        let (verdict, reason) = (outcome.judgement.verdict, outcome.judgement.code);
        match verdict {
            Verdict::Valid if holds != Some(true) => {
                Err(format!("job {job} is valid, and its response is not right"))
            }
            Verdict::Invalid if reason == code::EQUIVOCATED => {
                let bodies = sent.map_or(0, BTreeMap::len);
                if bodies < 2 {
                    return Err(format!(
                        "job {job} is equivocated, its provider sent {bodies} responses"
                    ));
                }
                Ok(())
            }
            Verdict::Invalid if holds != Some(false) => {
                Err(format!("job {job} is invalid, and its response is right"))
            }
            Verdict::Missed => {
                let held = self.held_before.get(&job).copied();
                let held = held.unwrap_or_else(|| self.held(job));
                if held > self.context.quorums.f || answered.is_some() {
                    return Err(format!(
                        "job {job} is missed, and {held} operators hold its response"
                    ));
                }
                Ok(())
            }
            Verdict::Valid | Verdict::Invalid | Verdict::Inconclusive => Ok(()),
        }
    }
}

impl Checker for Sound {
    fn id(&self) -> &'static str {
        "INV-SOUND"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Responded { job, response, holds } => {
                self.responses.entry(*job).or_default().insert(*response, *holds);
            }
            Event::Decided { height, block, .. } => self.read(*height, block),
            Event::Answered { job, response, .. } => {
                self.answered.insert(*job, *response);
            }
            Event::Concluded { outcome, .. } => {
                let result = self.concluded(outcome);
                self.tally.forget(outcome.job);
                return result;
            }
            _ => {}
        }
        Ok(())
    }
}

//! INV-SLASH: nothing on the ledger is evidence against somebody honest, and nobody honest blames it.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use protocol::{
    fact::{Fact, Reveal},
    ids::{JobId, OperatorIndex},
    outcome::Verdict,
};

use super::{Checker, Context};
use crate::trace::{Event, Record};

pub(super) struct Slash {
    context: Context,
    seeds: BTreeMap<JobId, B256>,
    holds: BTreeMap<B256, bool>,
    commits: BTreeMap<(OperatorIndex, JobId), B256>,
    reveals: BTreeMap<(OperatorIndex, JobId), Reveal>,
}

impl Slash {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            context: context.clone(),
            seeds: BTreeMap::new(),
            holds: BTreeMap::new(),
            commits: BTreeMap::new(),
            reveals: BTreeMap::new(),
        }
    }

    fn fact(&mut self, by: OperatorIndex, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Commit { job, commitment } => {
                let first = *self.commits.entry((by, *job)).or_insert(*commitment);
                if first != *commitment {
                    return Err(format!("operator {by} committed twice on job {job}"));
                }
            }
            Fact::Reveal { job, reveal } => return self.reveal(by, *job, reveal),
            Fact::Saw(_)
            | Fact::Got { .. }
            | Fact::CeremonyKey { .. }
            | Fact::CeremonyLog { .. } => {}
        }
        Ok(())
    }

    fn reveal(&mut self, by: OperatorIndex, job: JobId, reveal: &Reveal) -> Result<(), String> {
        let first = *self.reveals.entry((by, job)).or_insert(*reveal);
        if first != *reveal {
            return Err(format!("operator {by} revealed twice on job {job}"));
        }
        if self.seeds.get(&job).is_some_and(|seed| *seed != reveal.seed) {
            return Err(format!("operator {by} revealed under another seed on job {job}"));
        }
        let refuted = match self.holds.get(&reveal.response) {
            Some(true) => Verdict::Invalid,
            Some(false) => Verdict::Valid,
            None => return Ok(()),
        };
        if reveal.verdict == refuted {
            return Err(format!(
                "operator {by} said {refuted:?} of job {job}, which its response refutes"
            ));
        }
        Ok(())
    }
}

impl Checker for Slash {
    fn id(&self) -> &'static str {
        "INV-SLASH"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Challenged { job, seed, .. } => {
                self.seeds.insert(*job, *seed);
            }
            Event::Responded { response, holds, .. } => {
                self.holds.insert(*response, *holds);
            }
            Event::Blamed { by, member, why }
                if self.context.is_honest(*by) && self.context.is_honest(*member) =>
            {
                return Err(format!("operator {by} blames operator {member}: {why}"));
            }
            Event::Decided { block, .. } => {
                for signed in &block.bundles {
                    let by = signed.bundle.operator;
                    if self.context.is_honest(by) {
                        for fact in &signed.bundle.facts {
                            self.fact(by, fact)?;
                        }
                    }
                }
            }
            Event::Concluded { outcome, .. } => {
                let job = outcome.job;
                self.seeds.remove(&job);
            }
            _ => {}
        }
        Ok(())
    }
}

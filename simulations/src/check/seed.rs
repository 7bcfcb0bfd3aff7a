//! INV-SEED: nobody knows a seed before the height that needs it is decided, and a job has one.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use protocol::{
    ids::{Height, JobId, OperatorIndex},
    outcome::Verdict,
    subject::Subject,
};

use super::{Checker, Context, quorum::supporters, tally::Tally};
use crate::trace::{Event, Record};

pub(super) struct Seed {
    context: Context,
    applied: BTreeMap<OperatorIndex, Height>,
    opened: BTreeMap<JobId, Height>,
    beacons: BTreeSet<Height>,
    seeds: BTreeMap<JobId, B256>,
    answered: BTreeMap<JobId, B256>,
    tally: Tally,
}

impl Seed {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            context: context.clone(),
            applied: BTreeMap::new(),
            opened: BTreeMap::new(),
            beacons: BTreeSet::new(),
            seeds: BTreeMap::new(),
            answered: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    /// Partial signatures on a height leave a member only once it has decided it.
    fn partial(&self, by: OperatorIndex, subject: &Subject) -> Result<(), String> {
        let height = match subject {
            Subject::Beacon { height } | Subject::Attestation { height, .. } => *height,
            Subject::KeyPossession { .. } => return Ok(()),
        };
        let applied = self.applied.get(&by).copied().unwrap_or_default();
        if self.context.is_honest(by) && applied < height {
            return Err(format!("operator {by} signs {subject:?} at height {applied}"));
        }
        Ok(())
    }
}

impl Checker for Seed {
    fn id(&self) -> &'static str {
        "INV-SEED"
    }

    fn check(&mut self, record: &Record) -> Result<(), String> {
        match &record.event {
            Event::Applied { by, height, .. } | Event::Started { at: by, height } => {
                self.applied.insert(*by, *height);
            }
            Event::Partial { by, subject, holds: true, .. } => return self.partial(*by, subject),
            Event::Combined { subject: Subject::Beacon { height }, holds: true, .. }
            | Event::Signed { subject: Subject::Beacon { height }, .. } => {
                self.beacons.insert(*height);
            }
            Event::Opened { height, job } => {
                self.opened.insert(*job, *height);
            }
            Event::Challenged { job, seed, .. } => {
                if let Some(first) = self.seeds.insert(*job, *seed) {
                    return Err(format!("job {job} has two seeds: {first} and {seed}"));
                }
            }
            Event::Responded { job, .. } => {
                let known =
                    self.opened.get(job).is_some_and(|height| self.beacons.contains(height));
                if !known {
                    return Err(format!("job {job} is answered before its beacon is known"));
                }
            }
            Event::Answered { job, response, .. } => {
                self.answered.insert(*job, *response);
            }
            Event::Decided { height, block, .. } => self.tally.read(*height, block),
            Event::Concluded { outcome, .. } => {
                let (job, verdict) = (outcome.job, outcome.judgement.verdict);
                let good = self.tally.of(job).map_or(0, |said| {
                    let subject = (self.seeds.get(&job), self.answered.get(&job));
                    supporters(said, outcome)
                        .filter(|(_, reveal)| {
                            subject == (Some(&reveal.seed), Some(&reveal.response))
                        })
                        .count()
                });
                self.tally.forget(job);
                let needed = self.context.quorums.q;
                if verdict == Verdict::Valid && good < needed {
                    return Err(format!(
                        "job {job} is valid, {good} reveals are about its seed and response, {needed} are needed"
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

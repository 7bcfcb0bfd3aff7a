//! A recount of what operators said of each job, from decided blocks alone.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use protocol::{
    block::Block,
    fact::{Fact, Reveal},
    ids::{Height, JobId, OperatorIndex},
    job::Sighting,
};

/// What was said of one job.
#[derive(Default)]
pub(super) struct Said {
    /// Who saw it, as what.
    pub(super) saws: BTreeMap<Sighting, BTreeSet<OperatorIndex>>,
    /// Who holds which response.
    pub(super) gots: BTreeMap<B256, BTreeSet<OperatorIndex>>,
    /// The first commitment of each, and the height at which it came.
    pub(super) commits: BTreeMap<OperatorIndex, (B256, Height)>,
    /// Reveals of each, in order, with the height at which they came.
    pub(super) reveals: BTreeMap<OperatorIndex, Vec<(Reveal, Height)>>,
}

/// Reads blocks.
#[derive(Default)]
pub(super) struct Tally {
    jobs: BTreeMap<JobId, Said>,
}

impl Tally {
    pub(super) fn read(&mut self, height: Height, block: &Block) {
        for signed in &block.bundles {
            let by = signed.bundle.operator;
            for fact in &signed.bundle.facts {
                self.fact(height, by, fact);
            }
        }
    }

    fn fact(&mut self, height: Height, by: OperatorIndex, fact: &Fact) {
        match fact {
            Fact::Saw(sighting) => {
                let said = self.jobs.entry(sighting.job.id()).or_default();
                said.saws.entry(sighting.clone()).or_default().insert(by);
            }
            Fact::Got { job, response, .. } => {
                let said = self.jobs.entry(*job).or_default();
                said.gots.entry(*response).or_default().insert(by);
            }
            Fact::Commit { job, commitment } => {
                let said = self.jobs.entry(*job).or_default();
                said.commits.entry(by).or_insert((*commitment, height));
            }
            Fact::Reveal { job, reveal } => {
                let said = self.jobs.entry(*job).or_default();
                said.reveals.entry(by).or_default().push((*reveal, height));
            }
            Fact::CeremonyKey { .. } | Fact::CeremonyLog { .. } => {}
        }
    }

    pub(super) fn of(&self, job: JobId) -> Option<&Said> {
        self.jobs.get(&job)
    }

    /// A job that is over is counted no more.
    pub(super) fn forget(&mut self, job: JobId) {
        self.jobs.remove(&job);
    }
}

//! As proposer, leaves out every bundle that says something about the jobs it censors: every third
//! of the hub's.

use protocol::{block::Block, bundle::SignedBundle, fact::Fact};

use super::{Act, Adversary};
use crate::scenario;

/// One job in so many is censored.
const EVERY: u64 = 3;

pub(super) struct CensorJob(pub(super) scenario::Adversary);

impl Adversary for CensorJob {
    fn build(&mut self, act: &mut Act<'_>, mut block: Block) -> Block {
        let jobs = &act.operator.ledger().state().jobs;
        let is_censored = |fact: &Fact| match fact {
            Fact::Saw(sighting) => sighting.job.index % EVERY == 0,
            Fact::Got { job, .. } | Fact::Commit { job, .. } | Fact::Reveal { job, .. } => {
                jobs.get(job).is_some_and(|job| job.sighting.job.index % EVERY == 0)
            }
            Fact::CeremonyKey { .. } | Fact::CeremonyLog { .. } => false,
        };
        let says = |signed: &SignedBundle| signed.bundle.facts.iter().any(is_censored);
        if block.bundles.iter().any(says) && act.takes(&self.0) {
            block.bundles.retain(|signed| !says(signed));
        }
        block
    }
}

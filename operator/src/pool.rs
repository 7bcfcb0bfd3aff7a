//! Bundles of all members that are not in a block yet.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    block::Block,
    bundle::{Bundle, SignedBundle},
    fact::Fact,
    ids::OperatorIndex,
    job::Sighting,
    ledger::{Ledger, Phase},
};

use crate::{
    bundler::tells_time,
    effect::{Acceptance, Fault, Warning},
};

/// How far ahead of the ledger a member's bundle may be.
const MAX_AHEAD: u64 = 4;

/// Bundles by member and number, at most [`MAX_AHEAD`] a member.
#[derive(Debug, Default)]
pub(crate) struct BundlePool {
    bundles: BTreeMap<(OperatorIndex, u64), SignedBundle>,
    /// Numbers that a member has signed twice, told once.
    doubled: BTreeSet<(OperatorIndex, u64)>,
}

impl BundlePool {
    /// Takes a bundle that may go into one of the next blocks.
    pub(crate) fn add(
        &mut self,
        ledger: &Ledger,
        signed: SignedBundle,
    ) -> (Acceptance, Option<Warning>) {
        let (operator, number) = (signed.bundle.operator, signed.bundle.number);
        let (Some(member), Some(state)) =
            (ledger.genesis().member(operator), ledger.state().member(operator))
        else {
            return (Acceptance::Reject(Fault::NotMember), None);
        };
        if number <= state.bundles || number > state.bundles.saturating_add(MAX_AHEAD) {
            return (Acceptance::Ignore, None);
        }
        let held = self.bundles.get(&(operator, number));
        if held.is_some_and(|held| *held == signed) {
            return (Acceptance::Ignore, None);
        }
        let ledger_id = ledger.state().ledger_id;
        if signed.verify_by(ledger.signatures(), ledger_id, member.operator).is_err() {
            return (Acceptance::Reject(Fault::BadSignature), None);
        }
        if held.is_some() {
            let news = self.doubled.insert((operator, number));
            let warning = news.then_some(Warning::DoubleBundle { operator, number });
            return (Acceptance::Ignore, warning);
        }
        self.bundles.insert((operator, number), signed);
        (Acceptance::Accept, None)
    }

    /// Forgets what is in blocks.
    pub(crate) fn prune(&mut self, ledger: &Ledger) {
        let is_ahead = |operator: &OperatorIndex, number: &u64| {
            ledger.state().member(*operator).is_some_and(|member| *number > member.bundles)
        };
        self.bundles.retain(|(operator, number), _| is_ahead(operator, number));
        self.doubled.retain(|(operator, number)| is_ahead(operator, number));
    }

    /// Each member's next bundle, if it is here.
    pub(crate) fn next<'a>(
        &'a self,
        ledger: &'a Ledger,
    ) -> impl Iterator<Item = &'a SignedBundle> + 'a {
        ledger.genesis().indices().filter_map(|operator| self.next_of(ledger, operator))
    }

    /// Whether this very bundle is here, its signature checked.
    pub(crate) fn holds(&self, signed: &SignedBundle) -> bool {
        let place = (signed.bundle.operator, signed.bundle.number);
        self.bundles.get(&place).is_some_and(|held| held == signed)
    }

    /// Whether a member's next bundle is here.
    pub(crate) fn has_next(&self, ledger: &Ledger, operator: OperatorIndex) -> bool {
        self.next_of(ledger, operator).is_some()
    }

    fn next_of(&self, ledger: &Ledger, operator: OperatorIndex) -> Option<&SignedBundle> {
        let number = ledger.state().member(operator)?.bundles.checked_add(1)?;
        self.bundles.get(&(operator, number))
    }

    /// Whether a bundle should be in a block soon. One that only tells of requests which fewer than
    /// f+1 members have seen waits for another's, or for its member to have more to say; one that
    /// changes nothing waits for a block that others ask for.
    pub(crate) fn is_urgent(&self, ledger: &Ledger) -> bool {
        self.next(ledger).any(|signed| {
            let Bundle { operator, time, facts, .. } = &signed.bundle;
            ledger.state().wants_bundle(*operator)
                || tells_time(ledger.state(), *operator, *time)
                || facts.iter().any(|fact| self.brings_about(ledger, *operator, fact))
        })
    }

    fn brings_about(&self, ledger: &Ledger, by: OperatorIndex, fact: &Fact) -> bool {
        let state = ledger.state();
        match fact {
            Fact::Saw(sighting) => self.opens(ledger, sighting, fact),
            Fact::Got { job, response, .. } => state.jobs.get(job).is_some_and(|job| {
                job.phase != Phase::Challenged
                    && !job.gots.get(response).is_some_and(|got| got.contains(&by))
            }),
            Fact::Commit { job, .. } => {
                state.jobs.get(job).is_some_and(|job| !job.commitments.contains_key(&by))
            }
            Fact::Reveal { job, .. } => {
                state.jobs.get(job).is_some_and(|job| !job.reveals.contains_key(&by))
            }
            Fact::CeremonyKey { round, .. } | Fact::CeremonyLog { round, .. } => {
                state.ceremony.as_ref().is_some_and(|ceremony| ceremony.round == *round)
            }
        }
    }

    /// Whether enough members say what `fact` says, here and on the ledger, to open a job.
    fn opens(&self, ledger: &Ledger, sighting: &Sighting, fact: &Fact) -> bool {
        let state = ledger.state();
        // Too late to open anything.
        if state.jobs.contains_key(&sighting.job.id())
            || state.is_concluded(sighting.hub, sighting.job.index)
        {
            return false;
        }
        let on_ledger = state.sightings.get(sighting);
        let here = self.next(ledger).filter(|signed| {
            let by = signed.bundle.operator;
            !on_ledger.is_some_and(|seen| seen.contains(&by)) && signed.bundle.facts.contains(fact)
        });
        let seen_by = on_ledger.map_or(0, BTreeSet::len) + here.count();
        seen_by > ledger.genesis().quorums().f
    }

    /// The bundles of the next block, without those that would make it too large.
    pub(crate) fn fill(&self, ledger: &Ledger, block: &mut Block) {
        let mut room = protocol::block::MAX_BLOCK_BYTES.saturating_sub(block.encode().len());
        for bundle in self.next(ledger) {
            let bytes = bundle.encode().len();
            if bytes <= room {
                room -= bytes;
                block.bundles.push(bundle.clone());
            }
        }
    }
}

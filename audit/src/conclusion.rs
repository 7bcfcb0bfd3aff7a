//! Conclusions, with what they rest on, taken from the ledger around the block that brought them.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use protocol::{
    bytes::{self, HubAddress, Preimage, Tag},
    fact::Fact,
    ids::{Height, JobId, LedgerTime},
    job::JobDescriptor,
    ledger::{Event, Job, Ledger},
    outcome::{Judgement, Outcome, Verdict, code},
};

use crate::replay::Decided;

/// Who concluded a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The ledger itself: a deadline passed, or the provider signed two responses.
    Ledger,
    /// This many members, at least a quorum, who revealed the same judgement.
    Members(usize),
}

/// A job's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// What was concluded.
    pub outcome: Outcome,
    /// The height that concluded it.
    pub height: Height,
    /// What was asked for.
    pub descriptor: JobDescriptor,
    /// By whom.
    pub hub: HubAddress,
    /// The challenge's seed.
    pub seed: B256,
    /// The response that was judged, zero if there was none.
    pub response: B256,
    /// The ledger time at which the response was fixed.
    pub answered_at: LedgerTime,
    /// Who concluded it.
    pub origin: Origin,
    /// Every response that a member says it holds with the provider's signature.
    pub(crate) held: BTreeSet<B256>,
}

/// What the ledger knew of the jobs that a block could conclude, before the block.
pub(crate) struct Before {
    jobs: BTreeMap<JobId, Job>,
    time: LedgerTime,
}

impl Before {
    /// What it knows now.
    pub(crate) fn of(ledger: &Ledger) -> Self {
        Self { jobs: ledger.state().jobs.clone(), time: ledger.state().time }
    }

    /// The conclusions of the block, in order.
    pub(crate) fn conclusions(&self, ledger: &Ledger, decided: &Decided) -> Vec<Conclusion> {
        let concluded = decided.events.iter().filter_map(|event| match event {
            Event::Concluded(outcome) => Some(outcome),
            _ => None,
        });
        concluded.filter_map(|outcome| self.conclusion(ledger, decided, outcome)).collect()
    }

    fn conclusion(
        &self,
        ledger: &Ledger,
        decided: &Decided,
        outcome: &Outcome,
    ) -> Option<Conclusion> {
        let before = self.jobs.get(&outcome.job)?;
        let descriptor = before.sighting.job.clone();
        let (mut seed, mut response) = (before.seed, before.response);
        let mut answered_at = before.answered_at;
        for event in &decided.events {
            match event {
                Event::Challenged { job, seed: known } if *job == outcome.job => seed = *known,
                Event::Answered { job, response: known } if *job == outcome.job => {
                    response = *known;
                    answered_at = self.time;
                }
                _ => {}
            }
        }
        let mut held: BTreeSet<B256> = before.gots.keys().copied().collect();
        let mut agreeing: BTreeSet<_> = before
            .reveals
            .iter()
            .filter(|(_, judgement)| **judgement == outcome.judgement)
            .map(|(operator, _)| *operator)
            .collect();
        for signed in &decided.block.bundles {
            for fact in &signed.bundle.facts {
                match fact {
                    Fact::Got { job, response, .. } if *job == outcome.job => {
                        held.insert(*response);
                    }
                    Fact::Reveal { job, reveal }
                        if *job == outcome.job
                            && reveal.judgement(descriptor.statement_hash) == outcome.judgement =>
                    {
                        agreeing.insert(signed.bundle.operator);
                    }
                    _ => {}
                }
            }
        }
        let origin = if agreeing.len() >= ledger.genesis().quorums().q {
            Origin::Members(agreeing.len())
        } else {
            Origin::Ledger
        };
        Some(Conclusion {
            outcome: outcome.clone(),
            height: decided.height,
            hub: ledger.genesis().hub(outcome.hub)?.address(),
            descriptor,
            seed,
            response,
            answered_at,
            origin,
            held,
        })
    }
}

impl Conclusion {
    /// The response's hash, if one was fixed.
    pub fn response_hash(&self) -> Option<B256> {
        (self.response != B256::ZERO).then_some(self.response)
    }

    /// Whether the ledger itself could conclude this, from its own state alone.
    pub(crate) fn follows_from_the_ledger(&self) -> bool {
        let judgement = |verdict, code, response| Judgement {
            verdict,
            code,
            value: 0,
            evidence: bytes::evidence(
                self.seed,
                self.descriptor.statement_hash,
                response,
                B256::ZERO,
            ),
        };
        let concluded = self.outcome.judgement;
        concluded == judgement(Verdict::Missed, code::NO_ANSWER, B256::ZERO)
            || concluded == judgement(Verdict::Inconclusive, code::NO_QUORUM, self.response)
            || self.held.iter().enumerate().any(|(position, first)| {
                self.held.iter().skip(position + 1).any(|second| {
                    let both = Preimage::new(Tag::Node).word(*first).word(*second).hash();
                    concluded == judgement(Verdict::Invalid, code::EQUIVOCATED, both)
                })
            })
    }
}

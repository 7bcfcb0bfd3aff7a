//! One open job.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};

use super::Clock;
use crate::{
    bytes::{self, Preimage, Tag},
    ids::{Height, LedgerTime, OperatorIndex, Quorums},
    job::Sighting,
    outcome::{Judgement, Outcome, Verdict, code},
};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Phase {
    /// Waiting for the beacon.
    Challenged,
    /// Waiting for the provider.
    Answering,
    /// Waiting for commitments.
    Judging,
    /// Waiting for reveals.
    Revealing,
}

/// An operator's commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Commitment {
    /// The COMMIT hash.
    pub hash: B256,
    /// Whether it came after reveals were opened: it counts, and earns nothing.
    pub late: bool,
}

/// A job between its opening and its conclusion.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Job {
    /// What was asked for, and where.
    pub sighting: Sighting,
    /// The height that opened it.
    pub opened: Height,
    /// That height's block.
    pub opened_in: B256,
    /// Where it stands.
    pub phase: Phase,
    /// The phase's clock; unused while challenged.
    clock: Clock,
    /// The challenge's seed, zero while challenged.
    pub seed: B256,
    /// Who holds which response.
    pub gots: BTreeMap<B256, BTreeSet<OperatorIndex>>,
    /// The response, zero until it is fixed.
    pub response: B256,
    /// The ledger time at which it was fixed: the time that verifiers judge it at.
    pub answered_at: LedgerTime,
    /// Commitments.
    pub commitments: BTreeMap<OperatorIndex, Commitment>,
    /// Opened commitments.
    pub reveals: BTreeMap<OperatorIndex, Judgement>,
}

impl Job {
    pub(super) fn new(sighting: Sighting, opened: Height, opened_in: B256) -> Self {
        Self {
            sighting,
            opened,
            opened_in,
            phase: Phase::Challenged,
            clock: Clock::new(opened, 0),
            seed: B256::ZERO,
            gots: BTreeMap::new(),
            response: B256::ZERO,
            answered_at: LedgerTime(0),
            commitments: BTreeMap::new(),
            reveals: BTreeMap::new(),
        }
    }

    /// The phase's clock; a challenge has none, it waits for the group.
    pub fn clock(&self) -> Option<&Clock> {
        (self.phase != Phase::Challenged).then_some(&self.clock)
    }

    pub(super) fn clock_mut(&mut self) -> Option<&mut Clock> {
        (self.phase != Phase::Challenged).then_some(&mut self.clock)
    }

    pub(super) fn enter(&mut self, phase: Phase, at: Height, window_ms: u64) {
        self.phase = phase;
        self.clock = Clock::new(at, window_ms);
    }

    /// The judgement that q members have revealed, if there is one.
    pub(super) fn agreed(&self, quorums: Quorums) -> Option<Judgement> {
        let mut counts: BTreeMap<&Judgement, usize> = BTreeMap::new();
        for judgement in self.reveals.values() {
            let count = counts.entry(judgement).or_default();
            *count += 1;
            if *count >= quorums.q {
                return Some(*judgement);
            }
        }
        None
    }

    /// What the ledger concludes when the phase's time is up; none for phases that go on.
    pub(super) fn timed_out(&self) -> Option<Judgement> {
        match self.phase {
            Phase::Challenged | Phase::Judging => None,
            Phase::Answering => Some(self.conclude(Verdict::Missed, code::NO_ANSWER, B256::ZERO)),
            Phase::Revealing => {
                Some(self.conclude(Verdict::Inconclusive, code::NO_QUORUM, self.response))
            }
        }
    }

    /// `Invalid(EQUIVOCATED)` once two signed responses are on the ledger; its evidence names
    /// NODE(lower hash, higher hash) as the response.
    pub(super) fn equivocated(&self) -> Option<Judgement> {
        let mut hashes = self.gots.keys();
        let (first, second) = (hashes.next()?, hashes.next()?);
        let both = Preimage::new(Tag::Node).word(*first).word(*second).hash();
        Some(self.conclude(Verdict::Invalid, code::EQUIVOCATED, both))
    }

    fn conclude(&self, verdict: Verdict, code: u16, response: B256) -> Judgement {
        let statement = self.sighting.job.statement_hash;
        let evidence = bytes::evidence(self.seed, statement, response, B256::ZERO);
        Judgement { verdict, code, value: 0, evidence }
    }

    pub(super) fn outcome(&self, judgement: Judgement) -> Outcome {
        Outcome {
            job: self.sighting.job.id(),
            hub: self.sighting.hub,
            job_index: self.sighting.job.index,
            judgement,
        }
    }
}

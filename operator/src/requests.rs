//! Requests that this operator's own endpoint shows as final.

use std::collections::BTreeMap;

use alloy_primitives::keccak256;
use borsh::{BorshDeserialize, BorshSerialize};
use protocol::{
    fact::Fact,
    ids::{JobId, OperatorIndex},
    job::Sighting,
    ledger::Ledger,
};

use crate::effect::{Effect, JournalKey};

/// A request with its statement.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Request {
    /// What was asked for, and where.
    pub sighting: Sighting,
    /// The kind's statement; its keccak256 is in the sighting.
    pub statement: Vec<u8>,
}

/// Requests by job, until the job is concluded.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    seen: BTreeMap<JobId, Request>,
}

impl Requests {
    pub(crate) fn get(&self, job: JobId) -> Option<&Request> {
        self.seen.get(&job)
    }

    pub(crate) fn restore(&mut self, request: Request) {
        self.seen.insert(request.sighting.job.id(), request);
    }

    /// Takes a final request; one with another statement than it names is not one.
    pub(crate) fn add(&mut self, ledger: &Ledger, request: Request) -> Option<Effect> {
        let job = request.sighting.job.id();
        let concluded =
            ledger.state().is_concluded(request.sighting.hub, request.sighting.job.index);
        let honest = keccak256(&request.statement) == request.sighting.job.statement_hash;
        if concluded || !honest || self.seen.contains_key(&job) {
            return None;
        }
        let value = borsh::to_vec(&request).ok();
        self.seen.insert(job, request);
        Some(Effect::Persist { key: JournalKey::Request(job), value })
    }

    /// Forgets what is concluded, or past its own deadline without having been opened.
    pub(crate) fn prune(&mut self, ledger: &Ledger) -> Vec<Effect> {
        let state = ledger.state();
        let over = |request: &Request| {
            let job = &request.sighting.job;
            state.is_concluded(request.sighting.hub, job.index)
                || (job.deadline_seconds <= state.time.0 / 1000
                    && !state.jobs.contains_key(&job.id()))
        };
        let gone: Vec<JobId> =
            self.seen.iter().filter(|(_, request)| over(request)).map(|(job, _)| *job).collect();
        gone.into_iter()
            .map(|job| {
                self.seen.remove(&job);
                Effect::Persist { key: JournalKey::Request(job), value: None }
            })
            .collect()
    }

    /// Who has seen the requests that are not open yet, as far as the ledger knows.
    pub(crate) fn unopened<'a>(
        &'a self,
        ledger: &'a Ledger,
    ) -> impl Iterator<Item = impl Fn(&OperatorIndex) -> bool + 'a> + 'a {
        let state = ledger.state();
        self.seen.iter().filter(|(job, _)| !state.jobs.contains_key(job)).map(|(_, request)| {
            let by = state.sightings.get(&request.sighting);
            move |index: &OperatorIndex| by.is_some_and(|by| by.contains(index))
        })
    }

    /// What this member has seen and the ledger does not know of yet.
    pub(crate) fn facts<'a>(
        &'a self,
        ledger: &'a Ledger,
        me: OperatorIndex,
    ) -> impl Iterator<Item = (JobId, Fact)> + 'a {
        let state = ledger.state();
        self.seen
            .iter()
            .filter(move |(job, request)| {
                ledger.group().is_some()
                    && !state.jobs.contains_key(job)
                    && !state.sightings.get(&request.sighting).is_some_and(|by| by.contains(&me))
            })
            .map(|(job, request)| (*job, Fact::Saw(request.sighting.clone())))
    }
}

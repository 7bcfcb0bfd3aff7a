//! This operator's own judgements: made once, committed to, then opened.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};
use protocol::{
    bytes::{self, Preimage, Tag},
    fact::{Fact, Reveal},
    ids::{JobId, OperatorIndex},
    ledger::{Job, Ledger, Phase},
};
use zeroize::Zeroizing;

use crate::{
    effect::{Effect, JournalKey, Judged, VerifyTask},
    requests::Requests,
    responses::Responses,
};

/// The most verifications that are asked for at once.
const MAX_VERIFYING: usize = 64;

/// Judgements by job.
pub(crate) struct Judging {
    /// Derives salts; never leaves this operator.
    secret: Zeroizing<[u8; 32]>,
    reveals: BTreeMap<JobId, Reveal>,
    verifying: BTreeSet<JobId>,
}

impl Judging {
    pub(crate) fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        Self { secret, reveals: BTreeMap::new(), verifying: BTreeSet::new() }
    }

    pub(crate) fn restore(&mut self, job: JobId, reveal: Reveal) {
        self.reveals.insert(job, reveal);
    }

    /// The salt of a job's commitment: keccak256 keyed by a local secret.
    fn salt(&self, ledger: B256, job: JobId) -> B256 {
        Preimage::new(Tag::Salt).word(B256::from(*self.secret)).word(ledger).word(job.0).hash()
    }

    /// What is to be verified now: fixed responses that are here, of requests confirmed here.
    pub(crate) fn tasks(
        &mut self,
        ledger: &Ledger,
        requests: &Requests,
        responses: &Responses,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (id, job) in &ledger.state().jobs {
            if self.verifying.len() >= MAX_VERIFYING {
                break;
            }
            if !matches!(job.phase, Phase::Judging | Phase::Revealing)
                || self.reveals.contains_key(id)
                || self.verifying.contains(id)
            {
                continue;
            }
            if let Some(task) = task(ledger, *id, job, requests, responses) {
                self.verifying.insert(*id);
                effects.push(Effect::Verify(Box::new(task)));
            }
        }
        effects
    }

    /// Keeps a verdict; the first one of a job stands.
    pub(crate) fn judged(
        &mut self,
        ledger: &Ledger,
        id: JobId,
        response: B256,
        judged: &Judged,
    ) -> Option<Effect> {
        self.verifying.remove(&id);
        let job = ledger.state().jobs.get(&id)?;
        if job.response != response || self.reveals.contains_key(&id) {
            return None;
        }
        let reveal = Reveal {
            verdict: judged.verdict,
            code: judged.code,
            value: judged.value,
            seed: job.seed,
            response,
            reported: judged.reported,
            salt: self.salt(ledger.state().ledger_id, id),
        };
        self.reveals.insert(id, reveal);
        let value = borsh::to_vec(&reveal).ok();
        Some(Effect::Persist { key: JournalKey::Judgement(id), value })
    }

    /// Commitments and reveals that the ledger does not have yet. A reveal is stated only after
    /// the block that opened reveals was decided, which is when the phase changes.
    pub(crate) fn facts<'a>(
        &'a self,
        ledger: &'a Ledger,
        me: OperatorIndex,
        address: Address,
    ) -> impl Iterator<Item = (JobId, Fact)> + 'a {
        self.reveals.iter().filter_map(move |(id, reveal)| {
            let job = ledger.state().jobs.get(id)?;
            if !matches!(job.phase, Phase::Judging | Phase::Revealing) {
                return None;
            }
            if !job.commitments.contains_key(&me) {
                let judgement = reveal.judgement(job.sighting.job.statement_hash);
                let ledger_id = ledger.state().ledger_id;
                let commitment =
                    bytes::commitment(ledger_id, *id, address, &judgement, reveal.salt);
                return Some((*id, Fact::Commit { job: *id, commitment }));
            }
            let open = job.phase == Phase::Revealing && !job.reveals.contains_key(&me);
            open.then_some((*id, Fact::Reveal { job: *id, reveal: *reveal }))
        })
    }

    /// Forgets concluded jobs.
    pub(crate) fn prune(&mut self, ledger: &Ledger) -> Vec<Effect> {
        let open = &ledger.state().jobs;
        self.verifying.retain(|id| open.contains_key(id));
        let over: Vec<JobId> =
            self.reveals.keys().filter(|id| !open.contains_key(id)).copied().collect();
        over.into_iter()
            .map(|id| {
                self.reveals.remove(&id);
                Effect::Persist { key: JournalKey::Judgement(id), value: None }
            })
            .collect()
    }
}

fn task(
    ledger: &Ledger,
    id: JobId,
    job: &Job,
    requests: &Requests,
    responses: &Responses,
) -> Option<VerifyTask> {
    let request = requests.get(id)?;
    let response = responses.get(id, job.response)?;
    Some(VerifyTask {
        job: id,
        descriptor: job.sighting.job.clone(),
        position: job.sighting.position,
        hub: ledger.genesis().hub(job.sighting.hub)?.address(),
        seed: job.seed,
        statement: request.statement.clone(),
        response: job.response,
        parts: response.parts.clone(),
        answered_at: job.answered_at,
    })
}

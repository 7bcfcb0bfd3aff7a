//! Responses that this operator holds for open jobs.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use protocol::{
    fact::Fact,
    ids::{JobId, OperatorIndex},
    ledger::{Job, Ledger, Phase},
    response::{ResponseError, SignedResponse, verify_response_signature},
};

use crate::{
    effect::{Effect, JournalKey, ResponseRefused},
    frame::Backoff,
};

/// The most different responses that are kept of one job: two prove the provider's fault.
const MAX_RESPONSES_PER_JOB: usize = 2;

/// Bodies up to this many bytes are gossiped whole; larger ones are announced and pulled.
const MAX_GOSSIPED_BYTES: usize = 16 * 1024;

/// Pauses between attempts to pull a body.
const FETCH_MS: (u64, u64) = (500, 8_000);

/// What is gossiped about a response.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Announcement {
    /// The response itself.
    Body(SignedResponse),
    /// That its sender holds it.
    Held {
        /// The job.
        job: JobId,
        /// The response's root.
        response: B256,
        /// The provider's signature.
        signature: [u8; 65],
    },
}

impl Announcement {
    pub(crate) fn of(response: &SignedResponse) -> Self {
        if response.parts.iter().map(Vec::len).sum::<usize>() <= MAX_GOSSIPED_BYTES {
            Self::Body(response.clone())
        } else {
            let (job, signature) = (response.job, response.signature);
            Self::Held { job, response: response.hash(), signature }
        }
    }
}

/// Responses by job and root.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    held: BTreeMap<JobId, BTreeMap<B256, SignedResponse>>,
    wanted: BTreeMap<JobId, Backoff>,
}

impl Responses {
    pub(crate) fn get(&self, job: JobId, response: B256) -> Option<&SignedResponse> {
        self.held.get(&job)?.get(&response)
    }

    pub(crate) fn restore(&mut self, response: SignedResponse) {
        self.held.entry(response.job).or_default().insert(response.hash(), response);
    }

    /// Keeps a response if its provider signed it for this challenge; none if it was here.
    pub(crate) fn add(
        &mut self,
        ledger: &Ledger,
        response: SignedResponse,
    ) -> Result<Option<Effect>, ResponseRefused> {
        response.check_bounds()?;
        let id = response.job;
        let hash = response.hash();
        check_signature(ledger, id, hash, &response.signature)?;
        let of_job = self.held.entry(id).or_default();
        if of_job.contains_key(&hash) {
            return Ok(None);
        }
        if of_job.len() >= MAX_RESPONSES_PER_JOB {
            return Err(ResponseRefused::TooMany(id));
        }
        let value = Some(response.encode());
        of_job.insert(hash, response);
        Ok(Some(Effect::Persist { key: JournalKey::Response(id, hash), value }))
    }

    /// The facts that state what is held and the ledger does not know of yet.
    pub(crate) fn facts<'a>(
        &'a self,
        ledger: &'a Ledger,
        me: OperatorIndex,
    ) -> impl Iterator<Item = (JobId, Fact)> + 'a {
        self.held.iter().flat_map(move |(id, of_job)| {
            let job = ledger.state().jobs.get(id).filter(|job| job.phase != Phase::Challenged);
            of_job.iter().filter_map(move |(hash, response)| {
                let stated = job?.gots.get(hash).is_some_and(|by| by.contains(&me));
                // Once the response is fixed, only another one is news.
                let news = job?.phase == Phase::Answering || !job?.gots.contains_key(hash);
                let fact = Fact::Got { job: *id, response: *hash, signature: response.signature };
                (!stated && news).then_some((*id, fact))
            })
        })
    }

    /// Asks for the responses that are fixed and not here.
    pub(crate) fn fetches(&mut self, ledger: &Ledger, now_ms: u64) -> Vec<Effect> {
        let missing: Vec<(JobId, &Job)> = ledger
            .state()
            .jobs
            .iter()
            .filter(|(id, job)| {
                matches!(job.phase, Phase::Judging | Phase::Revealing)
                    && self.get(**id, job.response).is_none()
            })
            .map(|(id, job)| (*id, job))
            .collect();
        let mut effects = Vec::new();
        for (id, job) in missing {
            let backoff =
                self.wanted.entry(id).or_insert_with(|| Backoff::new(FETCH_MS.0, FETCH_MS.1));
            if backoff.take(now_ms).is_some() {
                let from = job.gots.get(&job.response).into_iter().flatten().copied().collect();
                effects.push(Effect::Fetch { job: id, response: job.response, from });
            }
        }
        effects
    }

    /// Forgets concluded jobs; the response that one was judged by goes to the archive first.
    pub(crate) fn prune(&mut self, ledger: &Ledger) -> Vec<Effect> {
        let open = &ledger.state().jobs;
        self.wanted.retain(|id, _| open.contains_key(id));
        let over: Vec<JobId> =
            self.held.keys().filter(|id| !open.contains_key(id)).copied().collect();
        let mut effects = Vec::new();
        for id in over {
            for (hash, response) in self.held.remove(&id).unwrap_or_default() {
                let body = response.encode();
                effects.push(Effect::StoreResponse { response: hash, body });
                effects.push(Effect::Persist { key: JournalKey::Response(id, hash), value: None });
            }
        }
        effects
    }
}

/// Checks that the job waits for a response and its provider signed this one.
pub(crate) fn check_signature(
    ledger: &Ledger,
    id: JobId,
    response: B256,
    signature: &[u8; 65],
) -> Result<(), ResponseRefused> {
    let refused = ResponseRefused::NotWaiting(id);
    let job = ledger.state().jobs.get(&id).ok_or(refused.clone())?;
    if job.phase == Phase::Challenged {
        return Err(refused);
    }
    let hub = ledger.genesis().hub(job.sighting.hub).ok_or(refused)?.address();
    verify_response_signature(
        ledger.state().ledger_id,
        hub,
        id,
        job.seed,
        response,
        signature,
        job.sighting.job.provider,
    )
    .map_err(|error: ResponseError| error.into())
}

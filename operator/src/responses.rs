//! Responses that this operator holds for open jobs.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use protocol::{
    bytes,
    fact::Fact,
    ids::{JobId, OperatorIndex},
    ledger::{Ledger, Phase},
    response::{ResponseError, SignedResponse, verify_response_digest},
};

use crate::{
    effect::{Effect, JournalKey, ResponseRefused, Topic},
    frame::{self, Backoff},
};

/// The most different responses that are kept of one job: two prove the provider's fault.
const MAX_RESPONSES_PER_JOB: usize = 2;

/// Bodies up to this many bytes are gossiped whole; larger ones are announced and pulled.
const MAX_GOSSIPED_BYTES: usize = 16 * 1024;

/// Pauses between attempts to pull a body.
const FETCH_MS: (u64, u64) = (500, 8_000);

/// Pauses between attempts to reach members that were away.
const ANNOUNCE_MS: (u64, u64) = (1_000, 16_000);

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

/// A response that is held, and when to tell of it again.
#[derive(Debug)]
struct Held {
    response: SignedResponse,
    announce: Backoff,
}

impl Held {
    fn new(response: SignedResponse) -> Self {
        Self { response, announce: Backoff::new(ANNOUNCE_MS.0, ANNOUNCE_MS.1) }
    }
}

/// A response that others hold.
#[derive(Debug)]
struct Wanted {
    fetch: Backoff,
}

/// Responses by job and root, at most [`MAX_RESPONSES_PER_JOB`] of a job.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    held: BTreeMap<JobId, BTreeMap<B256, Held>>,
    wanted: BTreeMap<JobId, BTreeMap<B256, Wanted>>,
}

impl Responses {
    pub(crate) fn get(&self, job: JobId, response: B256) -> Option<&SignedResponse> {
        self.held.get(&job)?.get(&response).map(|held| &held.response)
    }

    pub(crate) fn restore(&mut self, response: SignedResponse) {
        let of_job = self.held.entry(response.job).or_default();
        of_job.insert(response.hash(), Held::new(response));
    }

    /// Whether a response to this job is held.
    pub(crate) fn holds(&self, job: JobId) -> bool {
        self.held.contains_key(&job)
    }

    /// Keeps a response if its provider signed it for the challenge with this seed; none if it
    /// was here.
    pub(crate) fn add(
        &mut self,
        ledger: &Ledger,
        seed: Option<B256>,
        response: SignedResponse,
    ) -> Result<Option<Effect>, ResponseRefused> {
        let id = response.job;
        let seed = seed.ok_or(ResponseRefused::NotWaiting(id))?;
        response.check_bounds()?;
        let hash = response.hash();
        if self.get(id, hash).is_some() {
            return Ok(None);
        }
        check_signature(ledger, id, seed, hash, &response.signature)?;
        let of_job = self.held.entry(id).or_default();
        if of_job.len() >= MAX_RESPONSES_PER_JOB {
            return Err(ResponseRefused::TooMany(id));
        }
        let value = Some(response.encode());
        of_job.insert(hash, Held::new(response));
        Ok(Some(Effect::Persist { key: JournalKey::Response(id, hash), value }))
    }

    /// Somebody says that it holds a response; true if that is news.
    pub(crate) fn hint(
        &mut self,
        ledger: &Ledger,
        seed: Option<B256>,
        id: JobId,
        response: B256,
        signature: &[u8; 65],
    ) -> Result<bool, ResponseRefused> {
        let seed = seed.ok_or(ResponseRefused::NotWaiting(id))?;
        let known = self.get(id, response).is_some();
        if known || self.wanted.get(&id).is_some_and(|of_job| of_job.contains_key(&response)) {
            return Ok(false);
        }
        check_signature(ledger, id, seed, response, signature)?;
        Ok(self.want(id, response))
    }

    fn want(&mut self, id: JobId, response: B256) -> bool {
        let of_job = self.wanted.entry(id).or_default();
        if of_job.contains_key(&response) || of_job.len() >= MAX_RESPONSES_PER_JOB {
            return false;
        }
        of_job.insert(response, Wanted { fetch: Backoff::new(FETCH_MS.0, FETCH_MS.1) });
        true
    }

    /// Tells the others of what is held while answers are awaited, again where it is time.
    pub(crate) fn announcements(&mut self, ledger: &Ledger, now_ms: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (id, of_job) in &mut self.held {
            let awaited =
                ledger.state().jobs.get(id).is_some_and(|job| job.phase == Phase::Answering);
            for held in of_job.values_mut().filter(|_| awaited) {
                if let Some(attempt) = held.announce.take(now_ms)
                    && let Ok(bytes) = borsh::to_vec(&Announcement::of(&held.response))
                {
                    let bytes = frame::wrap(attempt, &bytes);
                    effects.push(Effect::Publish { topic: Topic::Responses, bytes });
                }
            }
        }
        effects
    }

    /// The facts that state what is held and the ledger does not know of yet.
    pub(crate) fn facts<'a>(
        &'a self,
        ledger: &'a Ledger,
        me: OperatorIndex,
    ) -> impl Iterator<Item = (JobId, Fact)> + 'a {
        self.held.iter().flat_map(move |(id, of_job)| {
            let job = ledger.state().jobs.get(id).filter(|job| job.phase != Phase::Challenged);
            of_job.iter().filter_map(move |(hash, held)| {
                let stated = job?.gots.get(hash).is_some_and(|by| by.contains(&me));
                // Once the response is fixed, only another one is news.
                let news = job?.phase == Phase::Answering || !job?.gots.contains_key(hash);
                let fact =
                    Fact::Got { job: *id, response: *hash, signature: held.response.signature };
                (!stated && news).then_some((*id, fact))
            })
        })
    }

    /// Asks for the responses that others hold and this operator does not.
    pub(crate) fn fetches(
        &mut self,
        ledger: &Ledger,
        me: OperatorIndex,
        now_ms: u64,
    ) -> Vec<Effect> {
        for (id, job) in &ledger.state().jobs {
            for hash in job.gots.keys().filter(|_| job.phase != Phase::Challenged) {
                if self.get(*id, *hash).is_none() {
                    self.want(*id, *hash);
                }
            }
        }
        let others: Vec<OperatorIndex> =
            ledger.genesis().indices().filter(|index| *index != me).collect();
        let held = &self.held;
        let mut effects = Vec::new();
        for (id, of_job) in &mut self.wanted {
            of_job.retain(|hash, _| !held.get(id).is_some_and(|held| held.contains_key(hash)));
            let gots = ledger.state().jobs.get(id).map(|job| &job.gots);
            for (hash, wanted) in of_job {
                if wanted.fetch.take(now_ms).is_none() {
                    continue;
                }
                let holders = gots.and_then(|gots| gots.get(hash));
                let mut from: Vec<OperatorIndex> = holders
                    .map_or_else(|| others.clone(), |holders| holders.iter().copied().collect());
                // Not everybody asks the first one first.
                let first = usize::from(hash.0[0]) + usize::from(me.0);
                let first = first.checked_rem(from.len()).unwrap_or_default();
                from.rotate_left(first);
                effects.push(Effect::Fetch { job: *id, response: *hash, from });
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
            for (hash, held) in self.held.remove(&id).unwrap_or_default() {
                let response = held.response;
                effects.push(Effect::StoreResponse { response: hash, body: response });
                effects.push(Effect::Persist { key: JournalKey::Response(id, hash), value: None });
            }
        }
        effects
    }
}

/// Checks that the job's provider signed this response for its challenge.
fn check_signature(
    ledger: &Ledger,
    id: JobId,
    seed: B256,
    response: B256,
    signature: &[u8; 65],
) -> Result<(), ResponseRefused> {
    let job = ledger.state().jobs.get(&id).ok_or(ResponseRefused::NotWaiting(id))?;
    let hub = ledger.genesis().hub(job.sighting.hub).ok_or(ResponseRefused::NotWaiting(id))?;
    let to = hub.address();
    let digest = bytes::response_digest(ledger.state().ledger_id, to, id, seed, response);
    let provider = job.sighting.job.provider;
    verify_response_digest(ledger.signatures(), id, digest, signature, provider)
        .map_err(|error: ResponseError| error.into())
}

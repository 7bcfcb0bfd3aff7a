//! Requests, endpoints, and providers that answer.

use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use operator::Request;
use protocol::{
    ids::{HubIndex, JobId},
    job::{JobDescriptor, Position, Sighting},
};
use rand::Rng;

use super::{Happening, Own, Payload, START_UNIX_MS, World, index};
use crate::{
    provider,
    scenario::Behaviour,
    trace::{Event, FaultClass},
};

/// A provider sends its answer so many times, the pause doubling from this.
const ANSWERS: (u32, u64) = (4, 1_000);

/// Long after any run: jobs are not given back to their escrow.
const DEADLINE_SECONDS: u64 = START_UNIX_MS / 1000 + 100_000_000;

/// What a world knows of a request.
#[derive(Clone, Debug)]
pub struct JobInfo {
    /// The hub's number.
    pub index: u64,
    /// What its provider does.
    pub behaviour: Behaviour,
    /// The statement.
    pub statement: Vec<u8>,
    /// When it was asked for.
    pub requested_ms: u64,
    /// The seed of its challenge, once somebody knows it.
    pub seed: Option<B256>,
}

impl World<'_> {
    /// A request that waits for the chain's next block.
    pub fn request(&mut self, behaviour: Behaviour) -> JobId {
        let number = self.jobs.len() as u64 + 1;
        let statement = number.to_be_bytes().to_vec();
        let job = JobDescriptor {
            chain_id: 31_337,
            escrow: [0xEE; 20].into(),
            index: number,
            provider: provider::signer().address(),
            kind: [1, 2, 3, 4],
            statement_hash: keccak256(&statement),
            deadline_seconds: DEADLINE_SECONDS,
        };
        let id = job.id();
        let requested_ms = self.now_ms;
        let info = JobInfo {
            index: number,
            behaviour,
            statement: statement.clone(),
            requested_ms,
            seed: None,
        };
        self.jobs.insert(id, info);
        let position = Position { block_number: 0, log_index: 0 };
        let sighting = Sighting { hub: HubIndex(0), job, position };
        self.chain.request(Request { sighting, statement });
        id
    }

    /// The scenario's next requests.
    pub(super) fn next_requests(&mut self) {
        let jobs = self.scenario.jobs;
        let burst = jobs.burst.max(1).min(jobs.count.saturating_sub(self.requested));
        for _ in 0..burst {
            let behaviour = self.scenario.providers.pick(self.dice.jobs.r#gen());
            self.request(behaviour);
            self.requested += 1;
        }
        if self.requested < jobs.count {
            let jitter_ms = self.dice.jobs.gen_range(0..=jobs.jitter_ms);
            let at_ms = self.now_ms + jobs.every_ms + jitter_ms;
            self.queue.add(at_ms, Happening::Requests);
        }
    }

    /// The chain's next block.
    pub(super) fn chain_block(&mut self) {
        let block_ms = self.scenario.chain.block_ms.max(1);
        self.queue.add(self.now_ms + block_ms, Happening::ChainBlock);
        self.chain_faults();
        self.front_running();
        let (news, head) = self.mine();
        for request in news.requests {
            let id = request.sighting.job.id();
            if let Some(info) = self.jobs.get(&id) {
                let provider = info.behaviour;
                let event = Event::Requested { sighting: request.sighting, provider };
                self.tracer.tell(event);
            }
        }
        for settled in news.settled {
            self.tell_settled(settled);
        }
        if head > self.scenario.chain.finality_blocks {
            for place in 0..self.members.len() {
                let lag_ms = self.dice.chain.gen_range(0..=self.scenario.chain.endpoint_lag_ms);
                let back_ms = self.away_until_ms.get(place).copied().unwrap_or(0);
                self.own_later(place, (self.now_ms + lag_ms).max(back_ms), Own::Poll);
            }
        }
    }

    /// A member looks at its endpoint: whatever is final and was not seen by this process.
    pub(super) fn poll(&mut self, place: usize) {
        let away = self.away_until_ms.get(place).is_some_and(|until_ms| *until_ms > self.now_ms);
        let until = self.chain.head().saturating_sub(self.scenario.chain.finality_blocks);
        let Some(process) = self.process(place) else { return };
        let from = process.chain_cursor + 1;
        if away || until < from {
            return;
        }
        process.chain_cursor = until;
        let requests: Vec<Request> = self.chain.requests(from, until).cloned().collect();
        for request in requests {
            self.show(place, request);
        }
    }

    /// An endpoint shows a request.
    pub(super) fn show(&mut self, place: usize, request: Request) {
        let unix = self.unix_ms();
        let by = index(place);
        let Some(process) = self.process(place) else { return };
        let job = request.sighting.job.id();
        let effects = process.operator.requested(unix, request);
        self.tracer.tell(Event::Shown { by, job });
        self.carry_out(place, effects);
    }

    /// The seed of a challenge is known: the provider goes to work.
    pub(super) fn challenged(&mut self, job: JobId, seed: B256) {
        let providers = self.scenario.providers;
        let Some(info) = self.jobs.get_mut(&job) else { return };
        if info.seed.is_some() {
            return;
        }
        info.seed = Some(seed);
        let fault = match info.behaviour {
            Behaviour::Honest => None,
            Behaviour::Wrong => Some(FaultClass::WrongResponse),
            Behaviour::Silent => Some(FaultClass::NoResponse),
            Behaviour::Split => Some(FaultClass::SplitResponse),
            Behaviour::Late => Some(FaultClass::LateResponse),
        };
        let late_ms = match info.behaviour {
            Behaviour::Late => self.scenario.jobs.windows.answer_ms.saturating_mul(2),
            Behaviour::Honest | Behaviour::Wrong | Behaviour::Silent | Behaviour::Split => 0,
        };
        let jitter_ms = self.dice.jobs.gen_range(0..=providers.jitter_ms);
        let at_ms = self.now_ms + providers.delay_ms + jitter_ms + late_ms;
        if let Some(class) = fault {
            self.tracer.tell(Event::Fault { class, at: None, other: None });
        }
        self.queue.add(at_ms, Happening::Answer(job, 0));
    }

    /// A provider sends its answers, and once more later: messages get lost.
    pub(super) fn answer(&mut self, job: JobId, attempt: u32) {
        let Some(info) = self.jobs.get(&job) else { return };
        let Some(seed) = info.seed else { return };
        let answers = provider::answers(&self.setup.ledger, info.behaviour, job, seed);
        if answers.is_empty() || self.told.outcomes.contains_key(&job) {
            return;
        }
        if attempt == 0 {
            for answer in &answers {
                let (response, holds) = (answer.hash(), provider::holds(&answer.parts, seed));
                self.tracer.tell(Event::Responded { job, response, holds });
            }
        }
        let answers: Vec<_> = answers.into_iter().map(Arc::new).collect();
        for (which, answer) in answers.iter().enumerate() {
            let to: Vec<usize> =
                (0..self.members.len()).filter(|to| to % answers.len() == which).collect();
            self.transmit(None, &to, Payload::Answer(Arc::clone(answer)), 0);
        }
        if attempt + 1 < ANSWERS.0 {
            let at_ms = self.now_ms + (ANSWERS.1 << attempt);
            self.queue.add(at_ms, Happening::Answer(job, attempt + 1));
        }
    }
}

//! The seeded world: one queue of things that happen, in virtual time.
//!
//! Members run the shipped `operator`, `protocol`, `threshold` and `consensus` code over Malachite's
//! own core ([`crate::engine`]). Modelled, and named so: the network ([`Links`]), the chain with its
//! hub ([`Chain`]), the submitters, the providers and their proofs (a response is right if it
//! repeats the seed), and disks. Whatever happens is told to a [`Tracer`], whose sinks check it as
//! it happens.

mod act;
mod carry;
mod chain;
mod faults;
mod happen;
mod jobs;
mod member;
mod network;
mod prepared;
mod queue;
mod send;
mod setup;
mod submit;
mod tell;

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;
use operator::Operator;
use protocol::{
    genesis::Genesis,
    ids::{Height, JobId},
    ledger::Batch,
    outcome::Outcome,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use self::{
    chain::{Chain, Hub, Refusal, Settled, Submission},
    jobs::JobInfo,
    member::{Archive, Disk, Member, Process, Proposal},
    network::{Links, Route, chance},
    prepared::Prepared,
    queue::{Happening, Own, Payload, Queue},
    setup::{START_UNIX_MS, Secrets, Setup, index, message_of},
};
use crate::{
    adversary::{self, Adversary},
    engine::DecidedBlock,
    scenario::{Ceremony, Scenario},
    trace::{Event, Sink, Tracer},
};

/// How often an operator is told the time.
const TICK_MS: u64 = 250;

/// Draws, each kind from its own stream, so that a fault more in one changes nothing in another.
struct Dice {
    network: ChaCha8Rng,
    faults: ChaCha8Rng,
    jobs: ChaCha8Rng,
    chain: ChaCha8Rng,
    adversaries: ChaCha8Rng,
}

impl Dice {
    fn new(seed: u64) -> Self {
        let stream = |number: u64| {
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            dice.set_stream(number);
            dice
        };
        Self {
            network: stream(1),
            faults: stream(2),
            jobs: stream(3),
            chain: stream(4),
            adversaries: stream(5),
        }
    }
}

/// What the first member to apply a block learnt from it, and what the world remembers of all.
#[derive(Default)]
struct Told {
    /// Decided blocks, by the first that decided them.
    blocks: Vec<DecidedBlock>,
    /// The last height whose events were told.
    height: u64,
    outcomes: BTreeMap<JobId, Outcome>,
    batches: BTreeMap<Height, Batch>,
    attestations: BTreeMap<Height, [u8; 128]>,
    warnings: Vec<String>,
}

/// The world.
pub struct World<'a> {
    scenario: Scenario,
    setup: Arc<Setup>,
    dice: Dice,
    now_ms: u64,
    /// Unix milliseconds at time 0.
    unix_start_ms: u64,
    queue: Queue,
    members: Vec<Member>,
    adversaries: Vec<Vec<Box<dyn Adversary>>>,
    links: Links,
    chain: Chain,
    jobs: BTreeMap<JobId, JobInfo>,
    requested: u32,
    /// Until when each endpoint is away.
    away_until_ms: Vec<u64>,
    fee: submit::Fee,
    told: Told,
    tracer: Tracer<'a>,
    healed: bool,
    ended: bool,
}

impl<'a> World<'a> {
    /// A world before anything has happened; its operators run.
    ///
    /// # Panics
    /// When the scenario is not valid.
    pub fn new(scenario: &Scenario, seed: u64, sinks: Vec<&'a mut dyn Sink>) -> Self {
        match scenario.ceremony {
            Ceremony::Run => {
                let prepared = Prepared::before(Setup::new(scenario, seed));
                Self::from(&prepared, scenario, seed, sinks)
            }
            Ceremony::Done => Self::from(&Prepared::after(scenario), scenario, seed, sinks),
        }
    }

    /// A world of a committee that is prepared already: what [`World::new`] gives for scenarios
    /// whose ceremony is done, without running the ceremony again.
    pub fn from(
        prepared: &Prepared,
        scenario: &Scenario,
        seed: u64,
        sinks: Vec<&'a mut dyn Sink>,
    ) -> Self {
        let setup = prepared.setup();
        let n = setup.members();
        let mut world = Self {
            unix_start_ms: prepared.unix_ms(),
            dice: Dice::new(seed),
            now_ms: 0,
            queue: Queue::default(),
            members: prepared.disks().iter().cloned().map(Member::new).collect(),
            adversaries: (0..n).map(|place| adversary::of(scenario, place)).collect(),
            links: Links::new(scenario.network.clone(), scenario.clock.heal_ms),
            chain: Chain::default(),
            jobs: BTreeMap::new(),
            requested: 0,
            away_until_ms: vec![0; n],
            fee: submit::Fee::default(),
            told: Told::default(),
            tracer: Tracer::new(sinks),
            healed: false,
            ended: false,
            scenario: scenario.clone(),
            setup,
        };
        let members = &world.setup.genesis.members;
        let began = Event::Began {
            genesis_ms: START_UNIX_MS,
            unix_ms: world.unix_start_ms,
            ledger_id: world.setup.ledger.state().ledger_id,
            operators: members.iter().map(|member| member.operator.into()).collect(),
        };
        world.tracer.tell(began);
        world.tell_earlier_blocks();
        for place in 0..n {
            world.start(place);
        }
        world.schedule_scenario();
        world
    }

    /// Lets the next thing happen; false once the run is over.
    pub fn step(&mut self) -> bool {
        if self.ended {
            return false;
        }
        if self.is_over() {
            self.tracer.tell(Event::Ended);
            self.ended = true;
            return false;
        }
        let Some((at_ms, happening)) = self.queue.pop() else { return false };
        self.now_ms = self.now_ms.max(at_ms);
        self.tracer.step(self.now_ms);
        self.happen(happening);
        true
    }

    /// Lets things happen until the run is over.
    pub fn run(&mut self) {
        while self.step() {}
    }

    /// Lets things happen until `done`, or for `limit_ms` of virtual time; whether it was done.
    pub fn run_until(&mut self, limit_ms: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end_ms = self.now_ms.saturating_add(limit_ms);
        while !done(self) {
            if self.queue.next_ms().is_none_or(|next_ms| next_ms > end_ms) {
                self.now_ms = end_ms;
                return false;
            }
            if !self.step() {
                return done(self);
            }
        }
        true
    }

    fn is_over(&self) -> bool {
        self.tracer.is_done()
            || self.now_ms > self.scenario.clock.end_ms()
            || (self.healed && self.is_settled())
    }

    /// Whether every request is concluded, on the hub for good, and everybody is where the others
    /// are.
    fn is_settled(&self) -> bool {
        if self.requested < self.scenario.jobs.count
            || self.told.outcomes.len() < self.jobs.len()
            || self.chain.hub().outcomes.len() < self.jobs.len()
        {
            return false;
        }
        // Whatever was concluded is attested on every ledger.
        let is_signed = |operator: &Operator| {
            let state = operator.ledger().state();
            state.ready.is_empty() && state.due.is_empty()
        };
        if !self.operators().all(is_signed) {
            return false;
        }
        let mut heights = self.members.iter().map(|member| member.operator().map(height_of));
        let Some(first) = heights.next() else { return true };
        first.is_some() && heights.all(|height| height == first)
    }

    /// Unix milliseconds of now.
    fn unix_ms(&self) -> u64 {
        self.unix_start_ms.saturating_add(self.now_ms)
    }

    /// Virtual milliseconds since the start.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// What everything is told to.
    pub fn tracer(&self) -> &Tracer<'a> {
        &self.tracer
    }

    /// The digest over everything that happened.
    pub fn digest(&self) -> B256 {
        self.tracer.digest()
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// What the members share.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What the ledger stands on.
    pub fn genesis(&self) -> &Genesis {
        &self.setup.genesis
    }

    /// The members.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The running operators.
    pub fn operators(&self) -> impl Iterator<Item = &Operator> {
        self.members.iter().filter_map(Member::operator)
    }

    /// The chain.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Requests that are on the chain.
    pub fn jobs(&self) -> &BTreeMap<JobId, JobInfo> {
        &self.jobs
    }

    /// Decided blocks, as the first member to decide each saw them.
    pub fn blocks(&self) -> &[DecidedBlock] {
        &self.told.blocks
    }

    /// Outcomes, as the first member to apply their block saw them.
    pub fn outcomes(&self) -> &BTreeMap<JobId, Outcome> {
        &self.told.outcomes
    }

    /// Batches by height.
    pub fn batches(&self) -> &BTreeMap<Height, Batch> {
        &self.told.batches
    }

    /// Attestations that some member combined, by height: EIP-2537 bytes.
    pub fn attestations(&self) -> &BTreeMap<Height, [u8; 128]> {
        &self.told.attestations
    }

    /// What was said to people.
    pub fn warnings(&self) -> &[String] {
        &self.told.warnings
    }
}

fn height_of(operator: &Operator) -> u64 {
    operator.ledger().state().height.0
}

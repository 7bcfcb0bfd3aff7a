//! The seeded scheduler: one queue of things that happen, in virtual time.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{B256, keccak256};
use operator::{Effect, Operator, Request, Topic};
use protocol::{
    block::Block,
    bytes::block_id,
    ecdsa::Signer,
    genesis::{Genesis, Hub, Member as GenesisMember, Parameters},
    ids::{Height, HubIndex, JobId, LedgerTime, OperatorIndex},
    job::{JobDescriptor, Position, Sighting},
    ledger::{Batch, Event},
    outcome::Outcome,
    response::SignedResponse,
    subject::Subject,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    member::{Disk, Keys, Member},
    provider::{self, Behaviour},
};

/// Unix milliseconds at which every world begins.
const START_MS: u64 = 1_700_000_000_000;

/// How often an operator is told the time.
const TICK_MS: u64 = 250;

/// The longest that a proposer waits for what others are about to state.
const PROPOSAL_PATIENCE_MS: u64 = 50;

/// What a world is made of.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Everything that is random follows from it.
    pub seed: u64,
    /// Operators.
    pub operators: u8,
    /// Messages lost, in percent.
    pub loss_percent: u32,
    /// The longest delay of a message, in milliseconds; shorter ones are as likely.
    pub delay_ms_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: 1, operators: 4, loss_percent: 0, delay_ms_max: 20 }
    }
}

/// Something that happens at a member.
#[derive(Clone, Debug)]
enum Happening {
    Tick,
    Gossip(OperatorIndex, Topic, Vec<u8>),
    Direct(OperatorIndex, Vec<u8>),
    Answer(SignedResponse),
    Request(Request),
    Restart,
}

/// The world.
pub struct World {
    options: Options,
    rng: ChaCha8Rng,
    now_ms: u64,
    queue: BTreeMap<(u64, u64), (usize, Happening)>,
    sequence: u64,
    genesis: Genesis,
    members: Vec<Member>,
    provider: Signer,
    behaviours: BTreeMap<JobId, Behaviour>,
    challenged: BTreeSet<JobId>,
    wants_block: bool,
    next_decision_ms: u64,
    /// Since when a proposer has waited.
    waits_since_ms: Option<u64>,
    /// Every decided block.
    pub blocks: Vec<(B256, Block)>,
    /// Outcomes, as the first member to apply their block saw them.
    pub outcomes: BTreeMap<JobId, Outcome>,
    /// Batches by height.
    pub batches: BTreeMap<Height, Batch>,
    /// Attestations that some member combined, by height: EIP-2537 bytes.
    pub attestations: BTreeMap<Height, [u8; 128]>,
    /// What was said to people.
    pub warnings: Vec<String>,
    trace: B256,
}

impl World {
    /// A world before anything has happened; its operators run.
    ///
    /// # Panics
    /// Never: keys derived from a seed are valid.
    pub fn new(options: Options) -> Self {
        let mut keys: Vec<Keys> = (0..options.operators)
            .map(|place| {
                let derive = |what: &[u8]| {
                    keccak256([&options.seed.to_be_bytes(), what, &[place]].concat()).0
                };
                Keys { operator: derive(b"operator"), network: derive(b"network") }
            })
            .collect();
        keys.sort_by_key(|keys| threshold::dkg::public_identity(&keys.network));
        let genesis = genesis(&options, &keys);
        let members = keys
            .into_iter()
            .map(|keys| Member { keys, disk: Disk::default(), process: None, starts: 0 })
            .collect();
        let mut world = Self {
            options,
            rng: ChaCha8Rng::seed_from_u64(options.seed),
            now_ms: START_MS,
            queue: BTreeMap::new(),
            sequence: 0,
            genesis,
            members,
            provider: Signer::from_secret(&[0x77; 32]).expect("a fixed key is valid"),
            behaviours: BTreeMap::new(),
            challenged: BTreeSet::new(),
            wants_block: false,
            next_decision_ms: START_MS,
            waits_since_ms: None,
            blocks: Vec::new(),
            outcomes: BTreeMap::new(),
            batches: BTreeMap::new(),
            attestations: BTreeMap::new(),
            warnings: Vec::new(),
            trace: B256::ZERO,
        };
        for place in 0..world.members.len() {
            world.restart(place);
        }
        world
    }

    /// A hash over everything that happened, in order.
    pub fn trace(&self) -> B256 {
        self.trace
    }

    /// What the world's ledger stands on.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The running operators.
    pub fn operators(&self) -> impl Iterator<Item = &Operator> {
        self.members.iter().filter_map(|member| member.process.as_ref())
    }

    /// A request appears on the modelled chain; each operator sees it at its own time.
    pub fn request(&mut self, index: u64, behaviour: Behaviour) -> JobId {
        let statement = index.to_be_bytes().to_vec();
        let job = JobDescriptor {
            chain_id: 31337,
            escrow: [0xEE; 20].into(),
            index,
            provider: self.provider.address(),
            kind: [1, 2, 3, 4],
            statement_hash: keccak256(&statement),
            deadline_seconds: START_MS / 1000 + 1_000_000,
        };
        let id = job.id();
        self.behaviours.insert(id, behaviour);
        let position = Position { block_number: index, log_index: 0 };
        let sighting = Sighting { hub: HubIndex(0), job, position };
        for place in 0..self.members.len() {
            let request = Request { sighting: sighting.clone(), statement: statement.clone() };
            let delay = self.rng.gen_range(0..500);
            self.schedule(delay, place, Happening::Request(request));
        }
        id
    }

    /// Stops a process, as kill -9 does, and starts it again after `down_ms`.
    pub fn crash(&mut self, place: usize, down_ms: u64) {
        if let Some(member) = self.members.get_mut(place) {
            member.process = None;
        }
        self.schedule(down_ms, place, Happening::Restart);
    }

    /// A member's endpoint shows a re-organisation beyond finality.
    pub fn halt(&mut self, place: usize) {
        let process = self.members.get_mut(place).and_then(|member| member.process.as_mut());
        if let Some(operator) = process {
            operator.halt(HubIndex(0));
        }
    }

    /// Runs until `done`, or for `limit_ms` of virtual time; whether it was done.
    pub fn run_until(&mut self, limit_ms: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now_ms.saturating_add(limit_ms);
        while self.now_ms < end {
            if done(self) {
                return true;
            }
            self.step();
        }
        done(self)
    }

    fn step(&mut self) {
        let next = self.queue.keys().next().map_or(u64::MAX, |(at, _)| *at);
        if self.wants_block && self.next_decision_ms <= next {
            self.now_ms = self.now_ms.max(self.next_decision_ms);
            let since = *self.waits_since_ms.get_or_insert(self.now_ms);
            let waits = self.proposer().is_some_and(Operator::awaits_more);
            if waits && self.now_ms < since.saturating_add(PROPOSAL_PATIENCE_MS) {
                self.next_decision_ms = self.now_ms + 1;
            } else {
                self.decide();
            }
            return;
        }
        let Some(((at, _), (place, happening))) = self.queue.pop_first() else { return };
        self.now_ms = self.now_ms.max(at);
        self.note(format!("{at} {place} {happening:?}").as_bytes());
        self.happen(place, happening);
    }

    fn note(&mut self, what: &[u8]) {
        self.trace = keccak256([self.trace.as_slice(), what].concat());
    }

    fn schedule(&mut self, delay_ms: u64, place: usize, happening: Happening) {
        self.sequence += 1;
        let at = self.now_ms.saturating_add(delay_ms);
        self.queue.insert((at, self.sequence), (place, happening));
    }

    fn happen(&mut self, place: usize, happening: Happening) {
        let now = self.now_ms;
        if let Happening::Restart = happening {
            self.restart(place);
            return;
        }
        if let Happening::Tick = happening {
            self.schedule(TICK_MS, place, Happening::Tick);
        }
        let Some(member) = self.members.get_mut(place) else { return };
        let Some(process) = &mut member.process else {
            // The chain's request is still there when the process is back.
            if let Happening::Request(_) = happening {
                self.schedule(TICK_MS, place, happening);
            }
            return;
        };
        let effects = match happening {
            Happening::Tick => process.tick(now),
            Happening::Gossip(from, topic, bytes) => process.gossiped(now, from, topic, &bytes).1,
            Happening::Direct(from, bytes) => process.sent(now, from, &bytes),
            Happening::Answer(response) => process.responded(now, response).unwrap_or_default(),
            Happening::Request(request) => process.requested(now, request),
            Happening::Restart => Vec::new(),
        };
        self.carry_out(place, effects);
    }

    fn restart(&mut self, place: usize) {
        let (now, genesis) = (self.now_ms, self.genesis.clone());
        let Some(member) = self.members.get_mut(place) else { return };
        let first = member.starts == 0;
        member.start(&genesis).expect("a disk that the world wrote starts");
        let effects = member.process.as_mut().map(|process| process.start(now)).unwrap_or_default();
        self.carry_out(place, effects);
        self.catch_up(place);
        if first {
            self.schedule(TICK_MS, place, Happening::Tick);
        }
    }

    /// The modelled orderer: the proposer in turn that runs builds the next block.
    fn decide(&mut self) {
        self.wants_block = false;
        self.waits_since_ms = None;
        let height = self.next_height();
        let n = self.members.len();
        let Some(proposer) = self.proposer() else { return };
        let block = proposer.propose();
        for process in self.operators() {
            process.validate(&block).expect("an honest proposal is valid everywhere");
        }
        let id = block_id(self.genesis.ledger_id(), height, &block.encode());
        self.note(id.as_slice());
        self.blocks.push((id, block));
        self.next_decision_ms = self.now_ms + 10 + self.rng.gen_range(0..10);
        for place in 0..n {
            self.catch_up(place);
        }
    }

    fn next_height(&self) -> Height {
        Height(self.blocks.len() as u64 + 1)
    }

    fn proposer(&self) -> Option<&Operator> {
        let n = self.members.len();
        let first = usize::try_from(self.next_height().0).unwrap_or(0) % n;
        (0..n)
            .map(|step| (first + step) % n)
            .find_map(|place| self.members.get(place).and_then(|member| member.process.as_ref()))
    }

    fn catch_up(&mut self, place: usize) {
        loop {
            let now = self.now_ms;
            let Some(member) = self.members.get_mut(place) else { return };
            let Some(process) = &mut member.process else { return };
            let applied = member.disk.blocks.len();
            let Some((id, block)) = self.blocks.get(applied).cloned() else { return };
            member.disk.blocks.push((id, block.clone()));
            let effects = process.decided(now, id, &block);
            self.carry_out(place, effects);
        }
    }

    fn carry_out(&mut self, place: usize, effects: Vec<Effect>) {
        let from = OperatorIndex(u16::try_from(place).unwrap_or(u16::MAX));
        for effect in effects {
            match effect {
                Effect::Persist { key, value } => {
                    let Some(member) = self.members.get_mut(place) else { return };
                    match value {
                        Some(value) => member.disk.journal.insert(key, value),
                        None => member.disk.journal.remove(&key),
                    };
                }
                Effect::Publish { topic, bytes } => {
                    for to in (0..self.members.len()).filter(|to| *to != place) {
                        self.send(to, Happening::Gossip(from, topic, bytes.clone()));
                    }
                }
                Effect::Send { to, bytes } => {
                    self.send(usize::from(to.0), Happening::Direct(from, bytes));
                }
                Effect::Fetch { job, response, from: holders } => {
                    let body = holders.iter().find_map(|holder| {
                        let member = self.members.get(usize::from(holder.0))?;
                        member.process.as_ref()?.response(job, response).cloned()
                    });
                    if let Some(body) = body {
                        self.send(place, Happening::Answer(body));
                    }
                }
                Effect::Verify(task) => {
                    let now = self.now_ms;
                    let judged = provider::verify(&task);
                    let process = self.members.get_mut(place).and_then(|m| m.process.as_mut());
                    let effects = process
                        .map(|process| process.verified(now, task.job, task.response, &judged))
                        .unwrap_or_default();
                    self.carry_out(place, effects);
                }
                Effect::WantBlock => self.wants_block = true,
                Effect::StoreShare { share, .. } => {
                    if let Some(member) = self.members.get_mut(place) {
                        member.disk.share = Some(*share);
                    }
                }
                Effect::StoreResponse { .. } => {}
                Effect::Signed { subject, signature } => {
                    if let Subject::Attestation { height, .. } = subject {
                        self.attestations.insert(height, *signature);
                    }
                }
                Effect::Ledger(event) => self.ledger_event(place, event),
                Effect::Blame { member, fault } => {
                    self.warnings.push(format!("{place}: {fault:?} of {member}"));
                }
                Effect::Warn(warning) => self.warnings.push(format!("{place}: {warning}")),
            }
        }
    }

    fn send(&mut self, to: usize, happening: Happening) {
        if self.rng.gen_range(0..100) < self.options.loss_percent {
            return;
        }
        let delay = self.rng.gen_range(1..=self.options.delay_ms_max.max(1));
        self.schedule(delay, to, happening);
    }

    fn ledger_event(&mut self, place: usize, event: Event) {
        match event {
            Event::Challenged { job, seed } if self.challenged.insert(job) => {
                let behaviour = self.behaviours.get(&job).copied().unwrap_or(Behaviour::Silent);
                let process = self.members.get(place).and_then(|member| member.process.as_ref());
                let Some(process) = process else { return };
                let answers =
                    provider::answers(&self.provider, behaviour, process.ledger(), job, seed);
                for to in 0..self.members.len() {
                    if let Some(answer) = answers.get(to % answers.len().max(1)).cloned() {
                        self.schedule(50, to, Happening::Answer(answer));
                    }
                }
            }
            Event::Concluded(outcome) => {
                let earlier = self.outcomes.insert(outcome.job, outcome.clone());
                assert!(
                    earlier.is_none_or(|earlier| earlier == outcome),
                    "INV-JOB-ONCE: two outcomes of job {}",
                    outcome.job
                );
            }
            Event::BatchClosed(batch) => {
                self.batches.insert(batch.height, batch);
            }
            _ => {}
        }
    }
}

fn genesis(options: &Options, keys: &[Keys]) -> Genesis {
    let signer = |secret: &[u8; 32]| Signer::from_secret(secret).expect("a hash is a valid key");
    Genesis {
        salt: keccak256(options.seed.to_be_bytes()),
        time_ms: LedgerTime(START_MS),
        committee_id: 0,
        hubs: vec![Hub { chain_id: 31337, hub: [0xAB; 20].into(), start_block: 0 }],
        members: keys
            .iter()
            .map(|keys| GenesisMember {
                operator: signer(&keys.operator).address(),
                consensus_key: signer(&keccak256(keys.operator).0).public_key(),
                network_key: threshold::dkg::public_identity(&keys.network),
                addresses: Vec::new(),
            })
            .collect(),
        parameters: Parameters {
            answer_ms: 5_000,
            commit_ms: 3_000,
            reveal_ms: 3_000,
            ceremony_ms: 20_000,
        },
    }
}

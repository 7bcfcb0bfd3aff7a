//! One thing happens.

use operator::{Effect, Operator, Restored};

use super::{
    Archive, Happening, Member, Own, Payload, Process, Proposal, Setup, TICK_MS, World, index,
};
use crate::{
    engine::{Action, Engine, Setup as EngineSetup},
    trace::Event,
};

/// The longest that a proposer waits for what others are about to state: what the node has.
const PROPOSAL_PATIENCE_MS: u64 = 100;

impl World<'_> {
    pub(super) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Own(place, starts, own) => {
                let runs = self
                    .members
                    .get(place)
                    .is_some_and(|member| member.process.is_some() && member.starts == starts);
                if runs {
                    self.own(place, own);
                    self.propose_if_ready(place);
                }
            }
            Happening::Arrive { from, to, payload, bytes } => {
                if self.is_up(to) {
                    let channel = payload.channel();
                    let sender = from.map(index);
                    self.tracer.tell(Event::Arrived {
                        from: sender,
                        at: index(to),
                        channel,
                        bytes,
                    });
                    self.arrive(from, to, payload);
                    self.propose_if_ready(to);
                }
            }
            Happening::Start(place) => self.start(place),
            Happening::Requests => self.next_requests(),
            Happening::ChainBlock => self.chain_block(),
            Happening::Answer(job, attempt) => self.answer(job, attempt),
            Happening::RandomCrash => self.random_crash(),
            Happening::SetCrash(which) => self.set_crash(which),
            Happening::RandomPartition => self.random_partition(),
            Happening::SetPartition(which) => self.set_partition(which),
            Happening::Heal => self.heal(),
        }
    }

    /// Whether a member's process runs.
    pub(super) fn is_up(&self, place: usize) -> bool {
        self.members.get(place).is_some_and(|member| member.process.is_some())
    }

    pub(super) fn process(&mut self, place: usize) -> Option<&mut Process> {
        self.members.get_mut(place)?.process.as_mut()
    }

    /// Schedules something for the process that runs now.
    pub(super) fn own_later(&mut self, place: usize, at_ms: u64, own: Own) {
        let Some(starts) = self.members.get(place).map(|member| member.starts) else { return };
        self.queue.add(at_ms, Happening::Own(place, starts, own));
    }

    fn own(&mut self, place: usize, own: Own) {
        let (now, unix) = (self.now_ms, self.unix_ms());
        match own {
            Own::Tick => {
                self.own_later(place, now + TICK_MS, Own::Tick);
                let effects = self
                    .process(place)
                    .map(|process| process.operator.tick(unix))
                    .unwrap_or_default();
                self.carry_out(place, effects);
                self.adversaries_tick(place);
            }
            Own::Timer(timer, generation) => {
                let actions = self.consensus(place, |engine, operator| {
                    engine.timer(now, timer, generation, operator)
                });
                self.act(place, actions);
            }
            // The proposal is looked at after every step.
            Own::Proposal => {}
            Own::Verified(job, response, judged) => {
                self.verified(place, job, response, judged);
            }
            Own::Poll => self.poll(place),
            Own::Submit => self.turn_to_submit(place),
            Own::Die(down_ms) if !self.healed => self.crash_now(place, u64::from(down_ms)),
            Own::Die(_) => {}
        }
    }

    /// Calls a member's consensus.
    pub(super) fn consensus(
        &mut self,
        place: usize,
        call: impl FnOnce(&mut Engine, &Operator) -> Vec<Action>,
    ) -> Vec<Action> {
        match self.process(place) {
            Some(Process { operator, engine, .. }) => call(engine, operator),
            None => Vec::new(),
        }
    }

    fn arrive(&mut self, from: Option<usize>, to: usize, payload: Payload) {
        let (now, unix) = (self.now_ms, self.unix_ms());
        let sender = from.unwrap_or(usize::MAX);
        match payload {
            Payload::Consensus(message) => {
                let actions = self.consensus(to, |engine, operator| {
                    engine.received(now, sender, &message, operator)
                });
                self.act(to, actions);
            }
            Payload::Gossip(topic, bytes) => {
                let Some(process) = self.process(to) else { return };
                let operator = &mut process.operator;
                let (acceptance, effects) = operator.gossiped(unix, index(sender), topic, &bytes);
                if let operator::Acceptance::Reject(fault) = acceptance {
                    let (by, member) = (index(to), index(sender));
                    self.tracer.tell(Event::Blamed { by, member, why: format!("{fault:?}") });
                }
                self.carry_out(to, effects);
            }
            Payload::Direct(bytes) => {
                let Some(process) = self.process(to) else { return };
                let effects = process.operator.sent(unix, index(sender), &bytes);
                self.carry_out(to, effects);
            }
            Payload::Fetch(job, response) => {
                let held = self.process(to).and_then(|it| it.operator.response(job, response));
                if let Some(body) = held.cloned() {
                    self.say(to, vec![sender], Payload::Body(body.into()));
                }
            }
            Payload::Body(response) | Payload::Answer(response) => {
                let Some(process) = self.process(to) else { return };
                let response = std::sync::Arc::unwrap_or_clone(response);
                let effects = process.operator.responded(unix, response).unwrap_or_default();
                self.carry_out(to, effects);
            }
        }
    }

    pub(super) fn verified(
        &mut self,
        place: usize,
        job: protocol::ids::JobId,
        response: alloy_primitives::B256,
        judged: operator::Judged,
    ) {
        let unix = self.unix_ms();
        let (by, verdict, code) = (index(place), judged.verdict, judged.code);
        self.tracer.tell(Event::Verified { by, job, response, verdict, code });
        let Some(process) = self.process(place) else { return };
        let effects = process.operator.verified(unix, job, response, &judged);
        self.carry_out(place, effects);
    }

    /// A process starts from what is on disk.
    pub(super) fn start(&mut self, place: usize) {
        let (now, unix) = (self.now_ms, self.unix_ms());
        let setup = self.setup.clone();
        let Some(member) = self.members.get_mut(place) else { return };
        if member.process.is_some() {
            return;
        }
        member.starts += 1;
        member.fuse = None;
        let (operator, archive) = restore(&setup, place, member);
        let decided = member.disk.blocks.len() as u64;
        let engine_setup = EngineSetup {
            me: place,
            ledger_id: setup.ledger.state().ledger_id.0,
            validators: setup.validators.clone(),
            keys: setup.consensus_keys(place),
            timeouts: setup.timeouts,
        };
        let (wal, bodies) = (&member.disk.wal, &member.disk.bodies);
        let (engine, actions) = Engine::start(engine_setup, now, decided, wal, bodies, &operator);
        member.process = Some(Process {
            operator,
            engine,
            archive,
            proposal: None,
            later: Vec::new(),
            chain_cursor: 0,
            submitting: false,
        });
        let height = protocol::ids::Height(decided);
        self.tracer.tell(Event::Started { at: index(place), height });
        let effects: Vec<Effect> =
            self.process(place).map(|process| process.operator.start(unix)).unwrap_or_default();
        self.carry_out(place, effects);
        self.act(place, actions);
        self.own_later(place, now + TICK_MS, Own::Tick);
        self.own_later(place, now, Own::Poll);
        self.plan_turn(place);
        self.propose_if_ready(place);
    }

    /// Gives consensus the body that it waits for, if nothing more is to be waited for.
    fn propose_if_ready(&mut self, place: usize) {
        let now = self.now_ms;
        let Some(process) = self.process(place) else { return };
        let Some(Proposal { height, round, until_ms }) = process.proposal else { return };
        let applied = process.operator.ledger().state().height.0;
        if height <= applied {
            process.proposal = None;
            return;
        }
        if now < until_ms && process.operator.awaits_more() {
            return;
        }
        process.proposal = None;
        let block = self.build(place);
        let Some(block) = block else { return };
        let body = bytes::Bytes::from(block.encode());
        let actions = self.consensus(place, |engine, operator| {
            engine.propose(now, height, round, body, operator)
        });
        self.act(place, actions);
    }

    /// Consensus wants a body.
    pub(super) fn want_proposal(
        &mut self,
        place: usize,
        height: u64,
        round: u32,
        patience_ms: u64,
    ) {
        let until_ms = self.now_ms + PROPOSAL_PATIENCE_MS.min(patience_ms);
        if let Some(process) = self.process(place) {
            process.proposal = Some(Proposal { height, round, until_ms });
            self.own_later(place, until_ms, Own::Proposal);
        }
    }
}

fn restore(setup: &Setup, place: usize, member: &Member) -> (Operator, Archive) {
    let disk = &member.disk;
    let (applied, mut ledger) = match &disk.checkpoint {
        Some((blocks, ledger)) => (*blocks, ledger.clone()),
        None => (0, setup.ledger.clone()),
    };
    let mut archive = Archive::default();
    for block in disk.blocks.iter().skip(applied) {
        let id = block.certificate.value_id.0.into();
        if let Ok(block) = protocol::block::Block::decode(&block.body) {
            for event in ledger.apply(id, &block) {
                archive.note(&ledger, id, &event);
            }
        }
    }
    let restored = Restored { journal: disk.journal.clone(), share: disk.share.clone() };
    let config = setup.config(place, member.starts);
    let mut operator =
        Operator::new(config, ledger, restored).expect("a disk that the world wrote starts");
    if disk.halted {
        operator.halt(protocol::ids::HubIndex(0));
    }
    (operator, archive)
}

//! Heights, rounds, bodies and timers around the core.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use arc_malachitebft_core_consensus::{
    Input, LocallyProposedValue, Params, ProposedValue, State, ValuePayload,
};
use arc_malachitebft_core_types::{
    CommitCertificate, LinearTimeouts, Round, Timeout, TimeoutKind, Validator as _,
    ValidatorSet as _, Validity, ValueOrigin,
};
use bytes::Bytes;
use consensus::{Address, BlockId, Height, LedgerContext, ProposalPart, block_id};

use super::{
    Action, Application, Bodies, Body, DecidedBlock, Entry, Message, Setup, Timer, Verdict, Wal,
    core::{Output, Process, is_kept},
    resend::Resend,
    sync::Sync,
};

/// Bodies kept for heights not begun.
const FUTURE_PARTS_MAX: usize = 8;
/// The core's buffer of inputs for heights to come: heights, and inputs of one.
const QUEUE: (usize, usize) = (10, 1_000);

/// A height is over, the next not begun.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    next: u64,
    since_ms: u64,
}

/// One member's consensus.
pub struct Engine {
    pub(super) setup: Setup,
    address: Address,
    linear: LinearTimeouts,
    pub(super) state: State<LedgerContext>,
    process: Process,
    bodies: Bodies,
    /// Last height that is stored.
    pub(super) decided: u64,
    started: u64,
    round: u32,
    pub(super) seen: u64,
    asked: u64,
    /// Last height whose block came from another's store.
    pub(super) synced: u64,
    waiting: Option<Waiting>,
    future_parts: Vec<ProposalPart>,
    resend: Resend,
    pub(super) sync: Sync,
    timers: BTreeMap<Timer, u64>,
    generation: u64,
    replaying: bool,
    /// Round 0 began: bodies from before it are to be judged.
    recall: bool,
    halted: bool,
    pub(super) inputs: VecDeque<Input<LedgerContext>>,
    pub(super) actions: Vec<Action>,
}

impl Engine {
    /// Starts the height after the last stored one, from what is on disk.
    pub fn start(
        setup: Setup,
        now_ms: u64,
        decided: u64,
        wal: &Wal,
        bodies: &Bodies,
        application: &dyn Application,
    ) -> (Self, Vec<Action>) {
        let height = decided + 1;
        let address = *setup.validators.get_by_index(setup.me).expect("a member").address();
        let params = Params {
            address,
            threshold_params: Default::default(),
            value_payload: ValuePayload::ProposalAndParts,
            enabled: true,
        };
        let state = State::new(
            LedgerContext,
            Height(height),
            setup.validators.clone(),
            params,
            QUEUE.0,
            QUEUE.1,
        );
        let mut engine = Self {
            address,
            linear: setup.timeouts.linear(),
            state,
            process: Process::new(),
            bodies: bodies.clone().recalled(height),
            decided,
            started: height,
            round: 0,
            seen: decided,
            asked: 0,
            synced: 0,
            waiting: None,
            future_parts: Vec::new(),
            resend: Resend::new(setup.timeouts.resend_ms),
            sync: Sync::default(),
            timers: BTreeMap::new(),
            generation: 0,
            replaying: false,
            recall: false,
            halted: false,
            inputs: VecDeque::new(),
            actions: Vec::new(),
            setup,
        };
        engine.set_timer(Timer::Status, now_ms);
        let entries = if wal.height() == height { wal.entries() } else { &[] };
        engine.begin(now_ms, height, entries, application);
        let actions = engine.take_actions();
        (engine, actions)
    }

    /// The height under way, or the one before the first.
    pub fn height(&self) -> u64 {
        self.started
    }

    /// The round under way.
    pub fn round(&self) -> u32 {
        self.round
    }

    /// The last height that is stored.
    pub fn decided(&self) -> u64 {
        self.decided
    }

    /// Whether a height is over and the next not begun.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether it stopped for good.
    pub fn is_halted(&self) -> bool {
        self.halted
    }

    fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// The application wants the block of this height.
    pub fn wake(&mut self, now_ms: u64, height: u64, application: &dyn Application) -> Vec<Action> {
        if height > self.asked {
            self.asked = height;
            self.start_next(now_ms, application);
        }
        self.take_actions()
    }

    /// The decided block of a height is applied and stored.
    pub fn stored(
        &mut self,
        now_ms: u64,
        height: u64,
        application: &dyn Application,
    ) -> Vec<Action> {
        self.decided = self.decided.max(height);
        self.start_next(now_ms, application);
        self.ask_for_blocks(now_ms);
        self.take_actions()
    }

    /// A timer is due.
    pub fn timer(
        &mut self,
        now_ms: u64,
        timer: Timer,
        generation: u64,
        application: &dyn Application,
    ) -> Vec<Action> {
        if self.halted || self.timers.get(&timer) != Some(&generation) {
            return Vec::new();
        }
        self.timers.remove(&timer);
        match timer {
            Timer::Step(kind, round) => {
                if let Some(kind) = kind_of(kind) {
                    let timeout = Timeout::new(Round::new(round), kind);
                    self.feed(now_ms, Input::TimeoutElapsed(timeout), application);
                }
            }
            Timer::Height => self.start_next(now_ms, application),
            Timer::Resend => self.send_again(now_ms),
            Timer::Status => {
                let status = Arc::new(Message::Status(self.decided));
                self.actions.push(Action::Broadcast(status));
                self.set_timer(Timer::Status, now_ms + self.setup.timeouts.status_ms);
            }
            Timer::Ask => {
                self.sync.give_up();
                self.ask_for_blocks(now_ms);
            }
        }
        self.take_actions()
    }

    /// The body of this node's proposal.
    pub fn propose(
        &mut self,
        now_ms: u64,
        height: u64,
        round: u32,
        body: Bytes,
        application: &dyn Application,
    ) -> Vec<Action> {
        if height != self.started || self.waiting.is_some() || !application.is_valid(&body) {
            return Vec::new();
        }
        let id = block_id(&self.setup.ledger_id, height, &body);
        let kept = Body { round, bytes: body.clone(), verdict: Verdict::Valid, own: true };
        self.keep(height, id, kept);
        self.say(now_ms, Height(height), round, id, body, application);
        self.take_actions()
    }

    /// Sends the body of this node's proposal, and tells the core.
    fn say(
        &mut self,
        now_ms: u64,
        height: Height,
        round: u32,
        id: BlockId,
        body: Bytes,
        application: &dyn Application,
    ) {
        let round = Round::new(round);
        self.stream(now_ms, height, round, Round::Nil, id, body);
        let value = LocallyProposedValue::new(height, round, id);
        self.feed(now_ms, Input::Propose(value), application);
    }

    fn stream(
        &mut self,
        now_ms: u64,
        height: Height,
        round: Round,
        valid_round: Round,
        id: BlockId,
        body: Bytes,
    ) {
        let ledger_id = &self.setup.ledger_id;
        let digest = consensus::body_digest(ledger_id, height.0, round, valid_round, id);
        let signature = self.setup.keys.sign_digest(&digest);
        let proposer = self.address;
        let part = ProposalPart { height, round, valid_round, proposer, body, signature };
        self.publish(now_ms, height.0, Message::Body(part));
    }

    pub(super) fn keep(&mut self, height: u64, id: BlockId, body: Body) -> bool {
        let kept = self.bodies.keep(height, id, body.clone());
        if kept {
            self.actions.push(Action::KeepBody(height, id, body));
        }
        kept
    }

    pub(super) fn body(&self, id: &BlockId) -> Option<&Body> {
        self.bodies.get(id)
    }

    /// A body that passed the checks of its proposer.
    pub(super) fn on_part(
        &mut self,
        now_ms: u64,
        part: ProposalPart,
        application: &dyn Application,
    ) {
        let ahead = self.waiting.is_some() && part.height.0 == self.started + 1;
        if part.height.0 > self.started || ahead {
            if self.future_parts.len() < FUTURE_PARTS_MAX {
                self.future_parts.push(part);
            }
        } else if part.height.0 == self.started && self.waiting.is_none() {
            let id = part.block_id(&self.setup.ledger_id);
            let round = part.round.as_u32().unwrap_or_default();
            let validity = self.judge(part.height.0, round, id, &part.body, application);
            if let Some(validity) = validity {
                let value = ProposedValue {
                    height: part.height,
                    round: part.round,
                    valid_round: part.valid_round,
                    proposer: part.proposer,
                    value: id,
                    validity,
                };
                let input = Input::ProposedValue(value, ValueOrigin::Consensus);
                self.feed(now_ms, input, application);
            }
        }
    }

    /// Judges and stores a body; `None` if it can't be kept.
    fn judge(
        &mut self,
        height: u64,
        round: u32,
        id: BlockId,
        body: &Bytes,
        application: &dyn Application,
    ) -> Option<Validity> {
        match self.bodies.get(&id).map(|known| known.verdict) {
            Some(Verdict::Valid) => return Some(Validity::Valid),
            Some(Verdict::Invalid) => return Some(Validity::Invalid),
            Some(Verdict::Unknown) | None => {}
        }
        let valid = application.is_valid(body);
        let verdict = if valid { Verdict::Valid } else { Verdict::Invalid };
        let kept = Body { round, bytes: body.clone(), verdict, own: false };
        self.keep(height, id, kept).then_some(Validity::from_bool(valid))
    }

    /// Begins the next height if there is work for it, or it is time.
    pub(super) fn start_next(&mut self, now_ms: u64, application: &dyn Application) {
        let Some(Waiting { next, since_ms }) = self.waiting else { return };
        if self.decided + 1 < next || self.halted {
            return;
        }
        let timeouts = self.setup.timeouts;
        let idle_ms = since_ms.saturating_add(timeouts.max_idle_ms);
        let paced_ms = since_ms.saturating_add(timeouts.peer_wake_ms);
        let asked = self.asked >= next;
        let catching_up = self.synced + 1 == next;
        let seen = self.seen >= next;
        let others = seen && (catching_up || now_ms >= paced_ms);
        if !asked && !others && now_ms < idle_ms {
            self.set_timer(Timer::Height, if seen { paced_ms } else { idle_ms });
            return;
        }
        self.waiting = None;
        self.bodies.start(next);
        self.actions.push(Action::StartBodies(next));
        self.started = next;
        self.round = 0;
        if !others {
            self.publish(now_ms, next, Message::Wake(next));
        }
        self.begin(now_ms, next, &[], application);
        self.pump(now_ms, application);
    }

    fn begin(
        &mut self,
        now_ms: u64,
        height: u64,
        entries: &[Entry],
        application: &dyn Application,
    ) {
        let validators = self.setup.validators.clone();
        if entries.is_empty() {
            self.actions.push(Action::ResetWal(height));
        }
        let input = Input::StartHeight(Height(height), validators, false, None, Default::default());
        self.run(now_ms, input);
        if !entries.is_empty() {
            self.state.index_wal_entries(entries);
            self.replaying = true;
            for entry in entries {
                self.run(now_ms, entry.clone());
            }
            self.replaying = false;
            self.state.reset_entries_index();
        }
        self.drain(now_ms, application);
    }

    /// Gives the core an input, and everything that follows from it.
    pub(super) fn feed(
        &mut self,
        now_ms: u64,
        input: Input<LedgerContext>,
        application: &dyn Application,
    ) {
        self.inputs.push_back(input);
        self.drain(now_ms, application);
    }

    fn drain(&mut self, now_ms: u64, application: &dyn Application) {
        loop {
            if let Some(input) = self.inputs.pop_front() {
                self.run(now_ms, input);
            } else if std::mem::take(&mut self.recall) {
                self.recall(application);
                for part in std::mem::take(&mut self.future_parts) {
                    if part.height.0 >= self.started {
                        self.on_part(now_ms, part, application);
                    }
                }
            } else {
                self.resolve_decision(application);
                return;
            }
        }
    }

    /// Bodies from before a restart.
    fn recall(&mut self, application: &dyn Application) {
        let height = self.started;
        for (id, body) in self.bodies.unjudged() {
            let round = Round::new(body.round);
            let Some(validity) = self.judge(height, body.round, id, &body.bytes, application)
            else {
                continue;
            };
            let proposer = *self.setup.validators.proposer(Height(height), round).address();
            let value = ProposedValue {
                height: Height(height),
                round,
                valid_round: Round::Nil,
                proposer,
                value: id,
                validity,
            };
            self.inputs.push_back(Input::ProposedValue(value, ValueOrigin::Consensus));
        }
    }

    fn run(&mut self, now_ms: u64, input: Input<LedgerContext>) {
        if self.halted {
            return;
        }
        let mut outputs = Vec::new();
        let keys = &self.setup.keys;
        let result = self.process.run(&mut self.state, keys, self.replaying, input, &mut outputs);
        for output in outputs {
            self.absorb(now_ms, output);
        }
        if let Err(error) = result {
            self.halt(error.to_string());
        }
    }

    fn halt(&mut self, reason: String) {
        self.halted = true;
        self.actions.push(Action::Halted(reason));
    }

    fn absorb(&mut self, now_ms: u64, output: Output) {
        match output {
            Output::Append(height, entry) => self.actions.push(Action::Append(height, entry)),
            Output::Sync => {
                if !matches!(self.actions.last(), Some(Action::SyncWal)) {
                    self.actions.push(Action::SyncWal);
                }
            }
            Output::Publish { height, message } => self.publish(now_ms, height, message),
            Output::Schedule(timeout) => {
                let wait_ms = self.linear.duration_for(timeout).as_millis();
                let at_ms = now_ms.saturating_add(u64::try_from(wait_ms).unwrap_or(u64::MAX));
                if let Some(timer) = timer_of(timeout) {
                    self.set_timer(timer, at_ms);
                }
            }
            Output::Cancel(timeout) => {
                if let Some(timer) = timer_of(timeout) {
                    self.timers.remove(&timer);
                }
            }
            Output::CancelAll => self.timers.retain(|timer, _| !matches!(timer, Timer::Step(..))),
            Output::StartedRound(round) => {
                self.round = round.as_u32().unwrap_or_default();
                self.recall |= round == Round::ZERO;
            }
            Output::GetValue { height, round, timeout } => {
                self.get_value(now_ms, height, round, timeout);
            }
            Output::Restream { height, round, valid_round, id } => {
                if let Some(body) = self.bodies.get(&id).map(|body| body.bytes.clone()) {
                    self.stream(now_ms, height, round, valid_round, id, body);
                }
            }
            Output::Decide(certificate) => self.decide(certificate),
            Output::Finalize { height, equivocators } => {
                if !equivocators.is_empty() {
                    self.actions.push(Action::Equivocated(height, equivocators));
                }
                self.waiting = Some(Waiting { next: height + 1, since_ms: now_ms });
            }
            Output::Synced { value, proposer } => self.take_synced(&value, proposer),
            Output::SyncRejected => self.sync.refused(),
        }
    }

    fn get_value(&mut self, now_ms: u64, height: Height, round: Round, timeout: Timeout) {
        let number = round.as_u32().unwrap_or_default();
        // A node that proposed before a restart must propose the same again.
        if let Some((id, body)) = self.bodies.own(number) {
            let body = body.bytes.clone();
            self.stream(now_ms, height, round, Round::Nil, id, body);
            self.inputs.push_back(Input::Propose(LocallyProposedValue::new(height, round, id)));
            return;
        }
        let patience_ms = self.linear.duration_for(timeout).as_millis();
        self.actions.push(Action::Propose {
            height: height.0,
            round: number,
            patience_ms: u64::try_from(patience_ms).unwrap_or(u64::MAX),
        });
    }

    fn decide(&mut self, certificate: CommitCertificate<LedgerContext>) {
        match self.bodies.get(&certificate.value_id) {
            Some(body) => {
                let body = body.bytes.clone();
                self.actions.push(Action::Decided(DecidedBlock { certificate, body }));
            }
            None => {
                let reason = format!(
                    "height {}: the body of decided block {} is not on disk",
                    certificate.height, certificate.value_id
                );
                self.halt(reason);
            }
        }
    }

    /// A decided block that was not judged yet must be valid here, too.
    fn resolve_decision(&mut self, application: &dyn Application) {
        let refused = self.actions.iter().position(|action| match action {
            Action::Decided(block) => {
                let known = self.bodies.get(&block.certificate.value_id);
                known.is_none_or(|body| body.verdict != Verdict::Valid)
                    && !application.is_valid(&block.body)
            }
            _ => false,
        });
        if let Some(place) = refused {
            self.actions.truncate(place);
            self.halt(format!("height {}: a decided block is invalid here", self.started));
        }
    }

    /// Broadcasts a message, and keeps it for sending again.
    fn publish(&mut self, now_ms: u64, height: u64, message: Message) {
        let kept = is_kept(&message);
        let message = Arc::new(message);
        self.actions.push(Action::Broadcast(Arc::clone(&message)));
        if kept && self.resend.keep(now_ms, height, message) {
            let at_ms = now_ms.saturating_add(self.setup.timeouts.resend_ms);
            if !self.timers.contains_key(&Timer::Resend) {
                self.set_timer(Timer::Resend, at_ms);
            }
        }
    }

    fn send_again(&mut self, now_ms: u64) {
        for message in self.resend.due(now_ms, self.decided) {
            self.actions.push(Action::Broadcast(message));
        }
        if let Some(due_ms) = self.resend.due_ms() {
            self.set_timer(Timer::Resend, due_ms.max(now_ms + 1));
        }
    }

    pub(super) fn set_timer(&mut self, timer: Timer, at_ms: u64) {
        self.generation += 1;
        let generation = self.generation;
        self.timers.insert(timer, generation);
        self.actions.push(Action::SetTimer { timer, generation, at_ms });
    }

    pub(super) fn clear_timer(&mut self, timer: Timer) {
        self.timers.remove(&timer);
    }
}

fn timer_of(timeout: Timeout) -> Option<Timer> {
    let kind = match timeout.kind {
        TimeoutKind::Propose => 0,
        TimeoutKind::Prevote => 1,
        TimeoutKind::Precommit => 2,
        TimeoutKind::Rebroadcast => 3,
        // Only with a target time, which would read the clock.
        TimeoutKind::FinalizeHeight(_) => return None,
    };
    Some(Timer::Step(kind, timeout.round.as_u32().unwrap_or_default()))
}

fn kind_of(kind: u8) -> Option<TimeoutKind> {
    match kind {
        0 => Some(TimeoutKind::Propose),
        1 => Some(TimeoutKind::Prevote),
        2 => Some(TimeoutKind::Precommit),
        3 => Some(TimeoutKind::Rebroadcast),
        _ => None,
    }
}

//! The engine's host: turns its questions into events for the application, and paces heights.
//!
//! Nothing here waits for the application while the engine waits: each question is a task of its own. Bodies
//! are durable before the engine hears of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_malachitebft_core_consensus::VoteExtensionError;
use arc_malachitebft_core_types::{LinearTimeouts, Round};
use arc_malachitebft_engine::consensus::ConsensusRef;
use arc_malachitebft_engine::host::{HeightParams, HostMsg, Next};
use arc_malachitebft_engine::network::NetworkRef;
use arc_malachitebft_engine::util::streaming::StreamContent;
use consensus::{
    Address, BlockId, ConsensusKey, Height, LedgerContext, LedgerValidators, ProposalPart,
};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, async_trait};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, warn};

use crate::bodies::Bodies;
use crate::event::Event;
use crate::network::{Command, Message, SharedProgress};
use crate::questions;
use crate::rate::{Bucket, Rate};
use crate::supervisor::Alarm;

/// Messages of the engine waiting for the driver.
pub(crate) const QUESTIONS_MAX: usize = 1024;
/// A wait that something else ends.
const UNTIL_NOTIFIED: Duration = Duration::from_secs(24 * 3600);
/// Bodies kept for heights not begun.
const FUTURE_PARTS_MAX: usize = 8;

pub(crate) type SharedBodies = Arc<Mutex<Bodies>>;
type PartReply = RpcReplyPort<arc_malachitebft_core_consensus::ProposedValue<LedgerContext>>;

/// Up to which height the application has asked for blocks.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    asked: AtomicU64,
    notify: Notify,
}

impl Wake {
    pub(crate) fn ask(&self, height: u64) {
        if self.asked.fetch_max(height, Ordering::SeqCst) < height {
            self.notify.notify_one();
        }
    }
}

/// What the driver's tasks need.
pub(crate) struct Shared {
    pub(crate) ledger_id: [u8; 32],
    pub(crate) address: Address,
    pub(crate) key: ConsensusKey,
    pub(crate) validators: LedgerValidators,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) alarm: Alarm,
    pub(crate) progress: SharedProgress,
    pub(crate) bodies: SharedBodies,
    pub(crate) network: NetworkRef<LedgerContext>,
    /// Last height whose block came by sync.
    pub(crate) synced: AtomicU64,
    /// Told when the application has stored a block.
    pub(crate) stored: Notify,
}

impl Shared {
    pub(crate) fn bodies(&self) -> MutexGuard<'_, Bodies> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine's side of the driver.
pub(crate) struct Entrance(pub(crate) mpsc::Sender<HostMsg<LedgerContext>>);

#[async_trait]
impl Actor for Entrance {
    type Msg = HostMsg<LedgerContext>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        self.0.send(message).await.map_err(|_| "driver has stopped".into())
    }
}

/// Heights that were begun because others wanted them, and that nobody here wanted even until they ended. A few come about
/// when facts arrive late; a member that asks for more of them is kept waiting.
const NEEDLESS: Rate = Rate { per_second: 1, burst: 64 };
/// How long others' wishes wait when too many of them led to nothing.
const NEEDLESS_WAIT: Duration = Duration::from_secs(1);

/// A height is over, the next not begun.
struct Waiting {
    next: u64,
    reply: RpcReplyPort<Next<LedgerContext>>,
    since: Instant,
}

pub(crate) struct Driver {
    pub(crate) shared: Arc<Shared>,
    pub(crate) start_height: u64,
    pub(crate) max_idle: Duration,
    pub(crate) peer_wake_interval: Duration,
    pub(crate) timeouts: LinearTimeouts,
    pub(crate) wake: Arc<Wake>,
    pub(crate) consensus: ConsensusRef<LedgerContext>,
    pub(crate) commands: mpsc::Sender<Command>,
    future_parts: Vec<(ProposalPart, PartReply)>,
    waiting: Option<Waiting>,
    /// The height that was begun because others wanted it.
    for_others: Option<u64>,
    needless: Bucket,
    /// Too many heights were begun for nothing.
    wary: bool,
}

impl Driver {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        shared: Arc<Shared>,
        start_height: u64,
        max_idle: Duration,
        peer_wake_interval: Duration,
        timeouts: LinearTimeouts,
        wake: Arc<Wake>,
        consensus: ConsensusRef<LedgerContext>,
        commands: mpsc::Sender<Command>,
    ) -> Self {
        Self {
            shared,
            start_height,
            max_idle,
            peer_wake_interval,
            timeouts,
            wake,
            consensus,
            commands,
            future_parts: Vec::new(),
            waiting: None,
            for_others: None,
            needless: Bucket::new(NEEDLESS, Instant::now()),
            wary: false,
        }
    }

    pub(crate) async fn run(mut self, mut questions: mpsc::Receiver<HostMsg<LedgerContext>>) {
        let shared = Arc::clone(&self.shared);
        let wake = Arc::clone(&self.wake);
        loop {
            let deadline = self.deadline();
            tokio::select! {
                question = questions.recv() => match question {
                    Some(question) => self.answer(question),
                    None => return,
                },
                () = wake.notify.notified() => {}
                () = shared.progress.seen_changed.notified() => {}
                () = shared.stored.notified() => {}
                () = sleep_until(deadline) => {}
            }
            self.start_next().await;
        }
    }

    /// When to look again whether the next height should begin.
    fn deadline(&self) -> Instant {
        let now = Instant::now();
        let Some(waiting) = &self.waiting else { return now + UNTIL_NOTIFIED };
        let idle = waiting.since + self.max_idle;
        if self.shared.progress.seen() >= waiting.next {
            let paced = waiting.since + self.pace();
            if paced > now {
                return idle.min(paced);
            }
        }
        // Past it, only the application's reply is missing, which is notified.
        if idle > now { idle } else { now + UNTIL_NOTIFIED }
    }

    /// How long others' wish for a height waits.
    fn pace(&self) -> Duration {
        if self.wary { NEEDLESS_WAIT.max(self.peer_wake_interval) } else { self.peer_wake_interval }
    }

    /// Notes at a height's end whether it was needed here.
    fn note_need(&mut self) {
        let asked = self.wake.asked.load(Ordering::SeqCst);
        let needless = self.for_others.take().is_some_and(|height| asked < height);
        self.wary = needless && !self.needless.take(1, Instant::now());
    }

    async fn start_next(&mut self) {
        let Some(waiting) = self.waiting.take() else { return };
        let progress = &self.shared.progress;
        let next = waiting.next;
        if progress.decided() + 1 < next {
            self.waiting = Some(waiting);
            return;
        }
        let now = Instant::now();
        let asked = self.wake.asked.load(Ordering::SeqCst) >= next;
        let idled = now >= waiting.since + self.max_idle;
        let catching_up = self.shared.synced.load(Ordering::Acquire) + 1 == next;
        let paced = catching_up || now >= waiting.since + self.pace();
        let others = progress.seen() >= next && paced;
        if !asked && !idled && !others {
            self.waiting = Some(waiting);
            return;
        }
        if let Err(cause) = self.shared.bodies().start(next) {
            self.shared.alarm.raise(cause);
            return;
        }
        progress.set_started(next);
        progress.round.set(0);
        self.for_others = (!asked && !idled && !catching_up).then_some(next);
        if !others {
            let wake = Command::Consensus { height: next, message: Message::Wake(next) };
            if self.commands.send(wake).await.is_err() {
                return;
            }
        }
        let params = self.params();
        if waiting.reply.send(Next::Start(Height(next), params)).is_err() {
            debug!(next, "engine has stopped");
        }
    }

    fn params(&self) -> HeightParams<LedgerContext> {
        HeightParams::new(self.shared.validators.clone(), self.timeouts, None)
    }

    fn answer(&mut self, question: HostMsg<LedgerContext>) {
        match question {
            HostMsg::ConsensusReady { reply_to } => {
                self.shared.progress.set_started(self.start_height);
                send(reply_to, (Height(self.start_height), self.params()));
            }
            HostMsg::StartedRound { height, round, reply_to, .. } => {
                send(reply_to, Vec::new());
                self.on_round(height.0, round);
            }
            HostMsg::GetValue { height, round, timeout, reply_to } => {
                let round = number(round);
                let shared = Arc::clone(&self.shared);
                tokio::spawn(questions::propose(shared, height, round, timeout, reply_to));
            }
            HostMsg::ExtendVote { reply_to, .. } => send(reply_to, None),
            HostMsg::VerifyVoteExtensions { extensions, reply_to, .. } => {
                let refused = extensions
                    .into_iter()
                    .map(|(address, ())| (address, Err(VoteExtensionError::InvalidVoteExtension)))
                    .collect();
                send(reply_to, refused);
            }
            // From the tenth round on the engine has everybody send a body that they are locked on again. Only its proposer
            // can: a body is signed for its round by who proposes in it, and others' would be refused with their sender.
            HostMsg::RestreamValue { height, round, valid_round, address, value_id } => {
                if address == self.shared.address {
                    self.restream(height, round, valid_round, &value_id);
                }
            }
            HostMsg::GetHistoryMinHeight { reply_to } => {
                tokio::spawn(questions::earliest(Arc::clone(&self.shared), reply_to));
            }
            HostMsg::ReceivedProposalPart { part, reply_to, .. } => {
                if let StreamContent::Data(part) = part.content {
                    self.on_part(part, reply_to);
                }
            }
            HostMsg::Decided { certificate, reply_to, .. } => {
                tokio::spawn(questions::settle(Arc::clone(&self.shared), certificate, reply_to));
            }
            HostMsg::Finalized { certificate, evidence, reply_to, .. } => {
                if !evidence.is_empty() {
                    self.shared.progress.equivocations.add();
                    warn!(height = certificate.height.0, "conflicting votes or proposals seen");
                }
                let next = certificate.height.0.saturating_add(1);
                self.note_need();
                self.waiting = Some(Waiting { next, reply: reply_to, since: Instant::now() });
            }
            HostMsg::GetDecidedValues { range, reply_to } => {
                let (from, to) = range.into_inner();
                tokio::spawn(questions::blocks(Arc::clone(&self.shared), from.0, to.0, reply_to));
            }
            HostMsg::ProcessSyncedValue { height, round, proposer, value_bytes, reply_to } => {
                let shared = Arc::clone(&self.shared);
                let round = number(round);
                tokio::spawn(questions::take_synced(
                    shared,
                    height,
                    round,
                    proposer,
                    value_bytes,
                    reply_to,
                ));
            }
        }
    }

    fn on_round(&mut self, height: u64, round: Round) {
        self.shared.progress.set_started(height);
        self.shared.progress.round.set(u64::from(number(round)));
        if round != Round::ZERO {
            self.shared.progress.rounds_failed.add();
            return;
        }
        // Bodies from before a restart, and those that came before their height.
        for (round, id, body) in self.shared.bodies().unjudged() {
            let shared = Arc::clone(&self.shared);
            let consensus = self.consensus.clone();
            tokio::spawn(questions::recall(shared, consensus, Height(height), round, id, body));
        }
        for (part, reply) in std::mem::take(&mut self.future_parts) {
            if part.height.0 >= height {
                self.on_part(part, reply);
            }
        }
    }

    fn on_part(&mut self, part: ProposalPart, reply: PartReply) {
        let started = self.shared.progress.started();
        if part.height.0 > started || self.waiting.is_some() && part.height.0 == started + 1 {
            if self.future_parts.len() < FUTURE_PARTS_MAX {
                self.future_parts.push((part, reply));
            } else {
                debug!(height = part.height.0, "too many bodies for heights to come");
            }
        } else if part.height.0 == started {
            tokio::spawn(questions::judge_part(Arc::clone(&self.shared), part, reply));
        }
    }

    fn restream(&self, height: Height, round: Round, valid_round: Round, id: &BlockId) {
        match self.shared.bodies().get(id) {
            Some((body, _)) => {
                questions::stream_body(&self.shared, height, round, valid_round, *id, body);
            }
            None => error!(height = height.0, %id, "no body to propose again"),
        }
    }
}

/// Answers the engine, which may have stopped asking.
pub(crate) fn send<T>(reply: RpcReplyPort<T>, answer: T) {
    if reply.send(answer).is_err() {
        debug!("engine no longer waits for an answer");
    }
}

/// A round as a number; proposals have one.
fn number(round: Round) -> u32 {
    round.as_u32().unwrap_or_default()
}

//! What an engine needs, and what it asks for.

use std::{sync::Arc, time::Duration};

use arc_malachitebft_core_types::LinearTimeouts;
use consensus::{Address, BlockId, LedgerValidators};

use super::{Body, DecidedBlock, Entry, Keys, Message};

/// Longest wait of any round.
const ROUND_WAIT_MAX: Duration = Duration::from_secs(60);

/// Waiting times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the proposal.
    pub propose_ms: u64,
    /// For disagreeing prevotes to settle.
    pub prevote_ms: u64,
    /// For disagreeing precommits to settle.
    pub precommit_ms: u64,
    /// Added to each with every round.
    pub delta_ms: u64,
    /// Before one's messages of a height are sent again.
    pub resend_ms: u64,
    /// Longest time without a block.
    pub max_idle_ms: u64,
    /// Shortest time between a decision and the next height if only another asks for it.
    pub peer_wake_ms: u64,
    /// How often the others hear which heights this node has.
    pub status_ms: u64,
    /// How long a question for blocks waits for its answer.
    pub ask_ms: u64,
}

impl Default for Timeouts {
    /// What the node's host has.
    fn default() -> Self {
        Self {
            propose_ms: 2_000,
            prevote_ms: 1_000,
            precommit_ms: 1_000,
            delta_ms: 500,
            resend_ms: 1_000,
            max_idle_ms: 60_000,
            peer_wake_ms: 20,
            status_ms: 2_000,
            ask_ms: 10_000,
        }
    }
}

impl Timeouts {
    pub(super) fn linear(&self) -> LinearTimeouts {
        let ms = Duration::from_millis;
        LinearTimeouts {
            propose: ms(self.propose_ms),
            propose_delta: ms(self.delta_ms),
            prevote: ms(self.prevote_ms),
            prevote_delta: ms(self.delta_ms),
            precommit: ms(self.precommit_ms),
            precommit_delta: ms(self.delta_ms),
            rebroadcast: ms(self.propose_ms + self.prevote_ms + self.precommit_ms),
            max_timeout: ROUND_WAIT_MAX,
        }
    }
}

/// What the engine asks of the application.
pub trait Application {
    /// Whether a body may be decided as the block of the height after the last one applied.
    fn is_valid(&self, body: &[u8]) -> bool;
}

/// What an engine needs to start.
#[derive(Clone)]
pub struct Setup {
    /// Its place among the validators.
    pub me: usize,
    /// The ledger.
    pub ledger_id: [u8; 32],
    /// The committee.
    pub validators: LedgerValidators,
    /// Its keys.
    pub keys: Keys,
    /// Waiting times.
    pub timeouts: Timeouts,
}

/// Something that is due at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A step of a round: which, and the round.
    Step(u8, u32),
    /// Whether the next height should begin.
    Height,
    /// Own messages, once more.
    Resend,
    /// What this node has, for the others.
    Status,
    /// A question that was not answered.
    Ask,
}

/// What to do, in order; a crash may come between any two.
#[derive(Clone, Debug)]
pub enum Action {
    /// Begin the log of a height.
    ResetWal(u64),
    /// Write to the log; durable only after the next [`Action::SyncWal`].
    Append(u64, Box<Entry>),
    /// Make the log durable.
    SyncWal,
    /// Forget the bodies of other heights.
    StartBodies(u64),
    /// Keep a body, durably.
    KeepBody(u64, BlockId, Body),
    /// Send to every other member.
    Broadcast(Arc<Message>),
    /// Send to one member.
    Send(usize, Arc<Message>),
    /// Call [`super::Engine::timer`] at `at_ms`, with this generation.
    SetTimer {
        /// What for.
        timer: Timer,
        /// Which setting of it.
        generation: u64,
        /// When.
        at_ms: u64,
    },
    /// Build a body and call [`super::Engine::propose`], before the patience is over.
    Propose {
        /// For this height.
        height: u64,
        /// And round.
        round: u32,
        /// How long the round waits for it, in milliseconds.
        patience_ms: u64,
    },
    /// Send a member the decided blocks from a height on.
    Answer {
        /// To whom.
        to: usize,
        /// Which question.
        question: u64,
        /// The first height.
        from: u64,
    },
    /// A block is final: apply and store it, then call [`super::Engine::stored`].
    Decided(DecidedBlock),
    /// Members signed two different votes or proposals for one step.
    Equivocated(u64, Vec<Address>),
    /// The node can't go on; a person must look at it.
    Halted(String),
}

//! What is going to happen, by time and then by the order in which it was scheduled.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::B256;
use operator::{Judged, Topic};
use protocol::{ids::JobId, response::SignedResponse};

use crate::{
    engine::{Message, Timer},
    trace::Channel,
};

/// What travels between members, or from a provider to one.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Consensus.
    Consensus(Arc<Message>),
    /// Gossip.
    Gossip(Topic, Arc<[u8]>),
    /// A ceremony message from one to one.
    Direct(Arc<[u8]>),
    /// Who holds this response?
    Fetch(JobId, B256),
    /// The body of a response that was asked for.
    Body(Arc<SignedResponse>),
    /// A provider's answer.
    Answer(Arc<SignedResponse>),
}

impl Payload {
    /// What it is about.
    pub fn channel(&self) -> Channel {
        match self {
            Self::Consensus(message) => match **message {
                Message::Body(_) => Channel::Proposals,
                Message::Ask { .. } | Message::Blocks { .. } => Channel::Sync,
                Message::Consensus(_)
                | Message::Liveness(_)
                | Message::Wake(_)
                | Message::Status(_) => Channel::Consensus,
            },
            Self::Gossip(Topic::Bundles, _) => Channel::Bundles,
            Self::Gossip(Topic::Responses, _) => Channel::Responses,
            Self::Gossip(Topic::Partials, _) => Channel::Partials,
            Self::Direct(_) => Channel::Ceremony,
            Self::Fetch(..) | Self::Body(_) => Channel::Bodies,
            Self::Answer(_) => Channel::Answers,
        }
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> u32 {
        let bytes = match self {
            Self::Consensus(message) => message.wire_bytes(),
            Self::Gossip(_, bytes) | Self::Direct(bytes) => bytes.len(),
            Self::Fetch(..) => 64,
            Self::Body(response) | Self::Answer(response) => {
                32 + 65 + response.parts.iter().map(|part| part.len() + 4).sum::<usize>()
            }
        };
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// Something that happens to one process, and to no later one of its member.
#[derive(Clone, Debug)]
pub enum Own {
    /// The operator is told the time.
    Tick,
    /// Consensus waited for this.
    Timer(Timer, u64),
    /// A proposal waits no longer.
    Proposal,
    /// A verifier is done.
    Verified(JobId, B256, Judged),
    /// The endpoint is looked at.
    Poll,
    /// It is this member's turn to submit.
    Submit,
    /// It dies, wherever it is.
    Die(u32),
}

/// Something that happens to the world.
#[derive(Clone, Debug)]
pub enum Happening {
    /// To a process.
    Own(usize, u32, Own),
    /// A message arrives.
    Arrive {
        /// From whom; a provider if nobody.
        from: Option<usize>,
        /// At whom.
        to: usize,
        /// What.
        payload: Payload,
        /// Its length in bytes.
        bytes: u32,
    },
    /// A process starts.
    Start(usize),
    /// The next requests come to the chain.
    Requests,
    /// The next block of the chain.
    ChainBlock,
    /// A provider answers: for the n-th time.
    Answer(JobId, u32),
    /// The seed's next kill.
    RandomCrash,
    /// A kill that the scenario names: its place among those.
    SetCrash(usize),
    /// The seed's next cut.
    RandomPartition,
    /// A cut that the scenario names: its place among those.
    SetPartition(usize),
    /// Faults end.
    Heal,
}

/// The one queue.
#[derive(Debug, Default)]
pub struct Queue {
    sequence: u64,
    happenings: BTreeMap<(u64, u64), Happening>,
}

impl Queue {
    /// Schedules something.
    pub fn add(&mut self, at_ms: u64, happening: Happening) {
        self.sequence += 1;
        self.happenings.insert((at_ms, self.sequence), happening);
    }

    /// What is next, and when.
    pub fn pop(&mut self) -> Option<(u64, Happening)> {
        self.happenings.pop_first().map(|((at_ms, _), happening)| (at_ms, happening))
    }

    /// When the next thing happens.
    pub fn next_ms(&self) -> Option<u64> {
        self.happenings.first_key_value().map(|((at_ms, _), _)| *at_ms)
    }
}

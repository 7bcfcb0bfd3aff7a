//! This node's own messages of the height under way, sent again until it is decided.
//!
//! A gossip topic without peers swallows what is published, and a peer that connects later gets nothing of
//! what was said before. Each sending carries another nonce, or gossip would take it for a duplicate.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::behaviour::Channel;

/// Most messages kept: about the last four rounds.
const MESSAGES_MAX: usize = 16;
/// The wait doubles up to this many times the first.
const BACKOFF_MAX: u32 = 8;
/// Wait after a peer has come, or a first sending has failed.
const SOON: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Resend {
    height: u64,
    messages: VecDeque<(Channel, Vec<u8>)>,
    first: Duration,
    delay: Duration,
    due: Instant,
}

impl Resend {
    pub(crate) fn new(first: Duration) -> Self {
        Self { height: 0, messages: VecDeque::new(), first, delay: first, due: Instant::now() }
    }

    /// Keeps a message of `height` that was just sent.
    pub(crate) fn keep(&mut self, height: u64, channel: Channel, bytes: Vec<u8>) {
        if height < self.height {
            return;
        }
        if height > self.height {
            self.messages.clear();
            self.height = height;
            self.delay = self.first;
        }
        if channel == Channel::Bodies {
            self.messages.retain(|(kept, _)| *kept != Channel::Bodies);
        }
        if self.messages.len() == MESSAGES_MAX {
            self.messages.pop_front();
        }
        self.messages.push_back((channel, bytes));
        self.due = Instant::now() + self.delay;
    }

    /// Somebody may have missed them.
    pub(crate) fn hasten(&mut self) {
        self.due = self.due.min(Instant::now() + SOON);
    }

    /// Messages to send again now.
    pub(crate) fn due(&mut self, now: Instant, decided: u64) -> Vec<(Channel, Vec<u8>)> {
        if self.height <= decided {
            self.messages.clear();
        }
        if self.messages.is_empty() || now < self.due {
            return Vec::new();
        }
        self.delay = (self.delay * 2).min(self.first * BACKOFF_MAX);
        self.due = now + self.delay;
        self.messages.iter().cloned().collect()
    }
}

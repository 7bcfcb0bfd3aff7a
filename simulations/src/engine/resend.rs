//! A node's own messages of the height under way, sent again until it is decided.

use std::{collections::VecDeque, sync::Arc};

use super::Message;

/// Most messages kept: about the last four rounds.
const MESSAGES_MAX: usize = 16;

/// The wait doubles up to this many times the first.
const BACKOFF_MAX: u64 = 8;

/// Messages, and when to send them again.
#[derive(Clone, Debug)]
pub(super) struct Resend {
    height: u64,
    messages: VecDeque<Arc<Message>>,
    first_ms: u64,
    delay_ms: u64,
    due_ms: u64,
}

impl Resend {
    pub(super) fn new(first_ms: u64) -> Self {
        Self { height: 0, messages: VecDeque::new(), first_ms, delay_ms: first_ms, due_ms: 0 }
    }

    /// Keeps a message of `height` that was just sent. True if it is the first that waits.
    pub(super) fn keep(&mut self, now_ms: u64, height: u64, message: Arc<Message>) -> bool {
        if height < self.height {
            return false;
        }
        if height > self.height {
            self.messages.clear();
            self.height = height;
            self.delay_ms = self.first_ms;
        }
        if matches!(*message, Message::Body(_)) {
            self.messages.retain(|kept| !matches!(**kept, Message::Body(_)));
        }
        if self.messages.len() == MESSAGES_MAX {
            self.messages.pop_front();
        }
        let idle = self.messages.is_empty();
        self.messages.push_back(message);
        self.due_ms = now_ms.saturating_add(self.delay_ms);
        idle
    }

    /// When to look again; none if nothing waits.
    pub(super) fn due_ms(&self) -> Option<u64> {
        (!self.messages.is_empty()).then_some(self.due_ms)
    }

    /// Messages to send again now.
    pub(super) fn due(&mut self, now_ms: u64, decided: u64) -> Vec<Arc<Message>> {
        if self.height <= decided {
            self.messages.clear();
        }
        if self.messages.is_empty() || now_ms < self.due_ms {
            return Vec::new();
        }
        self.delay_ms = (self.delay_ms * 2).min(self.first_ms * BACKOFF_MAX);
        self.due_ms = now_ms.saturating_add(self.delay_ms);
        self.messages.iter().cloned().collect()
    }
}

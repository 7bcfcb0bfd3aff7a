//! Gossip frames: `attempt u32 LE ‖ message`.
//!
//! Gossip drops what it has seen, by content. The attempt makes a message that is sent again, to
//! members that were not there the first time, a new one.

/// Bytes before the message.
const ATTEMPT_BYTES: usize = 4;

pub(crate) fn wrap(attempt: u32, message: &[u8]) -> Vec<u8> {
    [attempt.to_le_bytes().as_slice(), message].concat()
}

pub(crate) fn unwrap(frame: &[u8]) -> Option<&[u8]> {
    frame.get(ATTEMPT_BYTES..)
}

/// When to send something again: doubling pauses between two bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    attempt: u32,
    due_ms: u64,
    pause_ms: u64,
    longest_ms: u64,
}

impl Backoff {
    /// Due at once, then after `shortest_ms`, twice that, and so on up to `longest_ms`.
    pub(crate) fn new(shortest_ms: u64, longest_ms: u64) -> Self {
        Self { attempt: 0, due_ms: 0, pause_ms: shortest_ms, longest_ms }
    }

    /// The attempt's number if it is due now; moves on to the next.
    pub(crate) fn take(&mut self, now_ms: u64) -> Option<u32> {
        if now_ms < self.due_ms {
            return None;
        }
        let attempt = self.attempt;
        self.attempt = self.attempt.wrapping_add(1);
        self.due_ms = now_ms.saturating_add(self.pause_ms);
        self.pause_ms = self.pause_ms.saturating_mul(2).min(self.longest_ms);
        Some(attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_to_its_bound() {
        let mut backoff = Backoff::new(10, 30);
        let due: Vec<u64> = (0..100).filter(|now| backoff.take(*now).is_some()).collect();
        assert_eq!(due, [0, 10, 30, 60, 90]);
    }

    #[test]
    fn unwrap_short_frame_refused() {
        assert_eq!(unwrap(&wrap(7, b"x")), Some(b"x".as_slice()));
        assert_eq!(unwrap(&[0; 3]), None);
    }
}

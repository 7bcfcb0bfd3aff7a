//! Warnings that repeat, but not at every chance.

use std::time::{Duration, Instant};

/// Tells when a state that lasts is to be said again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reminder {
    every: Duration,
    said: Option<Instant>,
}

impl Reminder {
    /// Says a state at once, then every so often.
    pub(crate) const fn new(every: Duration) -> Self {
        Self { every, said: None }
    }

    /// Whether to say it now; a state that ended and comes again is a new one.
    pub(crate) fn due(&mut self, lasts: bool, now: Instant) -> bool {
        if !lasts {
            self.said = None;
            return false;
        }
        let due = self.said.is_none_or(|said| now.duration_since(said) >= self.every);
        if due {
            self.said = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_that_lasts_is_said_at_once_and_again_after_the_pause() {
        let (start, every) = (Instant::now(), Duration::from_secs(10));
        let mut reminder = Reminder::new(every);
        assert!(reminder.due(true, start));
        assert!(!reminder.due(true, start + every / 2));
        assert!(reminder.due(true, start + every));
    }

    #[test]
    fn state_that_ended_is_said_anew() {
        let start = Instant::now();
        let mut reminder = Reminder::new(Duration::from_secs(10));
        assert!(reminder.due(true, start));
        assert!(!reminder.due(false, start));
        assert!(reminder.due(true, start));
    }
}

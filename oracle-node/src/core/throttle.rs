//! How much is logged of what others can cause.

use std::time::{Duration, Instant};

/// Lines in a period.
const LINES_MAX: u32 = 20;
/// The period.
const PERIOD: Duration = Duration::from_secs(10);

/// Lets a number of lines through in each period, and counts the others.
#[derive(Debug)]
pub(crate) struct Throttle {
    since: Instant,
    lines: u32,
}

/// What to do with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Write it; this many were left out before it.
    Write {
        /// Lines left out.
        left_out: u32,
    },
    /// Leave it out.
    LeaveOut,
}

impl Throttle {
    /// Nothing was logged.
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, lines: 0 }
    }

    /// One more line.
    pub(crate) fn line(&mut self, now: Instant) -> Line {
        let mut left_out = 0;
        if now.saturating_duration_since(self.since) >= PERIOD {
            left_out = self.lines.saturating_sub(LINES_MAX);
            *self = Self::new(now);
        }
        self.lines = self.lines.saturating_add(1);
        if self.lines <= LINES_MAX { Line::Write { left_out } } else { Line::LeaveOut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_flood_are_left_out_and_counted() {
        let start = Instant::now();
        let mut throttle = Throttle::new(start);
        let written = (0..1000).filter(|_| throttle.line(start) != Line::LeaveOut).count();
        assert_eq!(written, 20);
        assert_eq!(throttle.line(start + PERIOD), Line::Write { left_out: 980 });
        assert_eq!(throttle.line(start + PERIOD), Line::Write { left_out: 0 });
    }
}

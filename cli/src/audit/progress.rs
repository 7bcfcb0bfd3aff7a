//! How far long work has come, on standard error.

use std::time::{Duration, Instant};

/// Pause between two lines.
const PAUSE: Duration = Duration::from_secs(2);

/// Tells how far work has come, now and then; nothing of work that is done sooner.
pub(crate) struct Progress {
    what: &'static str,
    began: Instant,
    told: Instant,
}

impl Progress {
    pub(crate) fn new(what: &'static str) -> Self {
        let now = Instant::now();
        Self { what, began: now, told: now }
    }

    /// `done` of `all`, in `unit`.
    pub(crate) fn tell(&mut self, done: u64, all: u64, unit: &str) {
        if self.told.elapsed() < PAUSE {
            return;
        }
        self.told = Instant::now();
        let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100).min(100);
        let seconds = self.began.elapsed().as_secs();
        eprintln!("{}: {percent:>3}% ({done} of {all} {unit}), {seconds} s", self.what);
    }
}

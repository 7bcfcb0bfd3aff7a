//! What must hold, checked as it happens.
//!
//! A [`Checker`] reads records in order, as a world tells them or as a trace has them, and knows
//! nothing of the world: it recounts from what members signed. Each cites its id in
//! `docs/invariants.md`. Work per record is small and bounded, so that all of them run after every
//! step.
//!
//! Not here, since a world does not show them: INV-CANON, INV-BYTES and INV-KEY are about bytes that
//! Rust and Solidity share; INV-MONEY, INV-EXPIRE and INV-VALUE are about contracts, and the modelled
//! chain has a hub but no escrow.

mod agree;
mod bound;
mod combine;
mod commit;
mod context;
mod live;
mod once;
mod phase;
mod quorum;
mod reorg;
mod restart;
mod seed;
mod slash;
mod sound;
mod tally;
mod time;

use serde::Serialize;

pub use context::Context;

use crate::{
    scenario::Scenario,
    trace::{Record, Sink},
};

/// The most violations that are kept of one run.
const VIOLATIONS_MAX: usize = 16;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Its id.
    pub id: &'static str,
    /// The step at which it showed.
    pub step: u64,
    /// And the virtual time.
    pub at_ms: u64,
    /// What was found.
    pub what: String,
}

/// Says whether one invariant holds.
pub trait Checker {
    /// Which.
    fn id(&self) -> &'static str;

    /// One more record.
    ///
    /// # Errors
    /// When the invariant does not hold: what was found.
    fn check(&mut self, record: &Record) -> Result<(), String>;
}

/// All checkers of a world.
pub struct Checkers {
    checkers: Vec<Box<dyn Checker>>,
    violations: Vec<Violation>,
    stop: Stop,
}

/// When checking ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// At the first violation.
    AtFirst,
    /// Never.
    Never,
}

/// The ids of all checkers.
pub const IDS: [&str; 15] = [
    "INV-AGREE",
    "INV-BOUND",
    "INV-COMBINE",
    "INV-COMMIT",
    "INV-DIGEST",
    "INV-JOB-ONCE",
    "INV-JOB-QUORUM",
    "INV-LIVE",
    "INV-PHASE",
    "INV-REORG",
    "INV-RESTART",
    "INV-SEED",
    "INV-SLASH",
    "INV-SOUND",
    "INV-TIME",
];

impl Checkers {
    /// The checkers of a scenario's world.
    pub fn new(scenario: &Scenario, stop: Stop) -> Self {
        let context = Context::new(scenario);
        let checkers: Vec<Box<dyn Checker>> = vec![
            Box::new(agree::Agree::default()),
            Box::new(bound::Bound::new(&context)),
            Box::new(combine::Combine::new(&context)),
            Box::new(commit::Commit::new(&context)),
            Box::new(agree::Digest::default()),
            Box::new(once::Once::default()),
            Box::new(quorum::Quorum::new(&context)),
            Box::new(live::Live::new(&context)),
            Box::new(phase::Phases::new(&context)),
            Box::new(reorg::Reorg::new(&context)),
            Box::new(restart::Restart::new(&context)),
            Box::new(seed::Seed::new(&context)),
            Box::new(slash::Slash::new(&context)),
            Box::new(sound::Sound::new(&context)),
            Box::new(time::Time::default()),
        ];
        Self { checkers, violations: Vec::new(), stop }
    }

    /// What was found, at most the first few.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What was found, for good.
    pub fn into_violations(self) -> Vec<Violation> {
        self.violations
    }

    /// One more record.
    pub fn check(&mut self, record: &Record) {
        for checker in &mut self.checkers {
            let Err(what) = checker.check(record) else { continue };
            if self.violations.len() < VIOLATIONS_MAX {
                let (step, at_ms) = (record.step, record.at_ms);
                self.violations.push(Violation { id: checker.id(), step, at_ms, what });
            }
        }
    }
}

impl Sink for Checkers {
    fn take(&mut self, record: &Record, _bytes: &[u8]) {
        self.check(record);
    }

    fn is_done(&self) -> bool {
        self.stop == Stop::AtFirst && !self.violations.is_empty()
    }
}

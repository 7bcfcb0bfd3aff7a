//! What decided blocks say of the committee and of this node's clock, counted and warned of.

use std::time::{Duration, Instant};

use eyre::Result;
use protocol::{
    block::Block,
    genesis::Genesis,
    ids::{JobId, OperatorIndex},
};

use super::{Core, now_ms};
use crate::{clock::ClockOffset, participation::Participation, reminder::Reminder};

/// Pause between warnings of one kind.
const REMIND: Duration = Duration::from_secs(600);
/// Certificates in a row without the own vote that are warned of.
const OWN_MISSED_MAX: u64 = 16;
/// A clock further away from the others' than this is warned of, in milliseconds.
const CLOCK_OFFSET_MAX_MS: u64 = 2_000;

/// What follows the blocks.
pub(crate) struct Watch {
    me: OperatorIndex,
    participation: Participation,
    clock: ClockOffset,
    /// Bundle times of the last block; they count once it is clear that it was not an old one.
    heard: Vec<(OperatorIndex, u64, u64)>,
    synced: u64,
    thin: Reminder,
    missing: Reminder,
    off: Reminder,
}

impl Watch {
    pub(crate) fn new(genesis: &Genesis, me: OperatorIndex) -> Result<Self> {
        Ok(Self {
            me,
            participation: Participation::new(genesis, me)?,
            clock: ClockOffset::default(),
            heard: Vec::new(),
            synced: 0,
            thin: Reminder::new(REMIND),
            missing: Reminder::new(REMIND),
            off: Reminder::new(REMIND),
        })
    }
}

impl Core {
    /// Follows a decided block.
    pub(super) fn watch_block(&mut self, height: u64, certificate: &[u8], block: &Block) {
        self.watch_clock(block);
        let seen = match self.watch.participation.certificate(height, certificate) {
            Ok(seen) => seen,
            Err(error) => {
                tracing::error!(height, %error, "a decided block's certificate cannot be read");
                return;
            }
        };
        self.metrics.members.certificate(&seen);
        let now = Instant::now();
        if self.watch.thin.due(seen.margin <= 0, now) {
            tracing::warn!(
                live = seen.live,
                margin = seen.margin,
                "no member may fail any more: fewer than a quorum would be left"
            );
        }
        if self.watch.missing.due(seen.own_missed >= OWN_MISSED_MAX, now) {
            tracing::warn!(
                blocks = seen.own_missed,
                "this node's vote is in none of the last blocks: it catches up, or votes too late"
            );
        }
    }

    fn watch_clock(&mut self, block: &Block) {
        let now = now_ms();
        let watch = &mut self.watch;
        let synced = self.host.metrics().synced;
        let heard = std::mem::take(&mut watch.heard);
        if std::mem::replace(&mut watch.synced, synced) == synced {
            for (from, time, at) in heard {
                watch.clock.saw(from, time, at);
            }
        }
        for signed in &block.bundles {
            if signed.bundle.operator != watch.me {
                watch.heard.push((signed.bundle.operator, signed.bundle.time.0, now));
            }
        }
        let Some(ahead_ms) = watch.clock.ahead_ms() else { return };
        self.metrics.members.clock_offset_ms.set(ahead_ms as f64);
        self.clock_offset_ms = Some(ahead_ms);
        let off = ahead_ms.unsigned_abs() > CLOCK_OFFSET_MAX_MS;
        if watch.off.due(off, Instant::now()) {
            tracing::warn!(
                ahead_ms,
                "this clock is not the other members'; set it, or your bundles do not count"
            );
        }
    }

    /// Counts who had committed to a job when its reveals opened.
    pub(super) fn watch_commits(&self, job: JobId) {
        if let Some(job) = self.operator.ledger().state().jobs.get(&job) {
            self.metrics.members.committed(|index| job.commitments.contains_key(&index));
        }
    }
}

//! When a phase may end by time.

use borsh::{BorshDeserialize, BorshSerialize};

use super::state::MemberState;
use crate::ids::{Height, LedgerTime, Quorums};

/// A phase's clock.
///
/// It opens with the phase, and starts at the first height by which q members have each had a
/// bundle in a block since: only then is ledger time known to be the present, even after an outage
/// or a long idle time. It runs out at its deadline, but not before f+2 blocks since the opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Clock {
    /// The height that opened the phase.
    pub opened: Height,
    /// How long the phase lasts once the clock runs.
    pub window_ms: u64,
    /// When the phase may end; none while the clock has not started.
    pub deadline: Option<LedgerTime>,
}

impl Clock {
    /// The clock of a phase that opens at `opened`.
    pub fn new(opened: Height, window_ms: u64) -> Self {
        Self { opened, window_ms, deadline: None }
    }

    /// Starts the clock if q members have spoken since it opened.
    pub(super) fn observe(
        &mut self,
        members: &[MemberState],
        quorums: Quorums,
        present: LedgerTime,
    ) {
        if self.deadline.is_some() {
            return;
        }
        let spoken = members.iter().filter(|member| member.spoke_after(self.opened)).count();
        if spoken >= quorums.q {
            self.deadline = Some(present.plus_ms(self.window_ms));
        }
    }

    /// Moves a running clock's deadline by an outage.
    pub(super) fn stand_still(&mut self, outage_ms: u64) {
        if let Some(deadline) = &mut self.deadline {
            *deadline = deadline.plus_ms(outage_ms);
        }
    }

    /// Whether the phase ends at the start of `height`, `time` being that of the height before.
    pub(super) fn has_run_out(&self, time: LedgerTime, height: Height, quorums: Quorums) -> bool {
        let blocks = height.0.saturating_sub(self.opened.0);
        self.is_due(time) && blocks >= u64::try_from(quorums.f + 2).unwrap_or(u64::MAX)
    }

    /// Whether the deadline has passed, whatever the number of blocks.
    pub fn is_due(&self, time: LedgerTime) -> bool {
        self.deadline.is_some_and(|deadline| time >= deadline)
    }
}

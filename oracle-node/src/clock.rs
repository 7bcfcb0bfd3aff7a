//! How far this machine's clock is from the other members', as far as their bundles show.
//!
//! A bundle says its sender's time. When its block is decided here, this clock minus that time is the
//! distance of the clocks plus the way the bundle took, which is never negative. The smallest
//! difference of some minutes is closest to the distance; the median over members is what f wrong
//! clocks cannot move past an honest one. A member counts once some of its bundles were seen: one that
//! waited while too few members ran says little.

use std::collections::BTreeMap;

use protocol::ids::OperatorIndex;

/// How long a smallest difference is kept, in milliseconds: one to two times this.
const KEPT_MS: u64 = 300_000;
/// Bundles of a member before it counts.
const BUNDLES_MIN: u32 = 5;

/// The smallest difference to one member.
#[derive(Clone, Copy, Debug)]
struct Least {
    ahead_ms: i64,
    bundles: u32,
}

impl Least {
    fn and(self, other: Self) -> Self {
        Self {
            ahead_ms: self.ahead_ms.min(other.ahead_ms),
            bundles: self.bundles.saturating_add(other.bundles),
        }
    }
}

/// The smallest differences of late.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClockOffset {
    now: BTreeMap<OperatorIndex, Least>,
    before: BTreeMap<OperatorIndex, Least>,
    since_ms: u64,
}

impl ClockOffset {
    /// Notes that a bundle of `from`, made at `time_ms` of its clock, is seen at `now_ms` of ours.
    pub(crate) fn saw(&mut self, from: OperatorIndex, time_ms: u64, now_ms: u64) {
        let apart = i64::try_from(now_ms.abs_diff(time_ms)).unwrap_or(i64::MAX);
        let ahead = if now_ms >= time_ms { apart } else { -apart };
        if now_ms.saturating_sub(self.since_ms) >= KEPT_MS {
            self.before = std::mem::take(&mut self.now);
            self.since_ms = now_ms;
        }
        let seen = Least { ahead_ms: ahead, bundles: 1 };
        self.now.entry(from).and_modify(|least| *least = least.and(seen)).or_insert(seen);
    }

    /// How far this clock is ahead, in milliseconds, the way of a bundle included; the lower of two
    /// in the middle. None while nobody was heard often enough.
    pub(crate) fn ahead_ms(&self) -> Option<i64> {
        let mut least = self.before.clone();
        for (from, seen) in &self.now {
            least.entry(*from).and_modify(|known| *known = known.and(*seen)).or_insert(*seen);
        }
        let counted = least.into_values().filter(|least| least.bundles >= BUNDLES_MIN);
        let mut offsets: Vec<i64> = counted.map(|least| least.ahead_ms).collect();
        offsets.sort_unstable();
        let middle = offsets.len().checked_sub(1)? / 2;
        offsets.get(middle).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;

    #[test]
    fn nobody_heard_gives_no_offset() {
        assert_eq!(ClockOffset::default().ahead_ms(), None);
    }

    #[test]
    fn clock_ahead_is_measured_by_the_fastest_bundle() {
        let mut clock = ClockOffset::default();
        for way in [900, 40, 300, 500, 60] {
            clock.saw(OperatorIndex(1), START, START + 5_000 + way);
        }
        assert_eq!(clock.ahead_ms(), Some(5_040));
    }

    #[test]
    fn bundles_that_waited_for_an_outage_to_end_do_not_count_alone() {
        let mut clock = ClockOffset::default();
        for member in 1..4 {
            clock.saw(OperatorIndex(member), START, START + 9_000);
        }
        assert_eq!(clock.ahead_ms(), None);
        for member in 1..4 {
            (1..5).for_each(|_| clock.saw(OperatorIndex(member), START + 9_000, START + 9_040));
        }
        assert_eq!(clock.ahead_ms(), Some(40));
    }

    #[test]
    fn one_wrong_clock_of_three_does_not_move_the_median() {
        let mut clock = ClockOffset::default();
        for _ in 0..5 {
            clock.saw(OperatorIndex(1), START, START + 30);
            clock.saw(OperatorIndex(2), START + 3_600_000, START + 30);
            clock.saw(OperatorIndex(3), START, START + 50);
        }
        assert_eq!(clock.ahead_ms(), Some(30));
    }

    #[test]
    fn clock_set_right_is_noticed_once_old_differences_are_gone() {
        let mut clock = ClockOffset::default();
        (0..5).for_each(|_| clock.saw(OperatorIndex(1), START + 9_000, START));
        assert_eq!(clock.ahead_ms(), Some(-9_000));
        for minutes in [6, 12] {
            let now = START + minutes * 60_000;
            (0..5).for_each(|_| clock.saw(OperatorIndex(1), now, now + 20));
        }
        assert_eq!(clock.ahead_ms(), Some(20));
    }
}

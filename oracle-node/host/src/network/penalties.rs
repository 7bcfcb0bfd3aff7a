//! Who is refused, and for how long.
//!
//! Offences cost points, points decay. A peer with too many is disconnected and refused for a time that
//! doubles with each repetition, then taken back: it is an operator of the committee, and consensus may need
//! it. No more than f are refused at a time, since no more are faulty: were there more, the judgement would
//! be at fault, this node must not cut itself off.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::PeerId;
use tokio::time::Instant;

use crate::offence::Offence;

/// Points at which a peer is refused.
pub(crate) const POINTS_MAX: u64 = 1000;
/// One point is forgotten in this time.
const POINT_DECAY: Duration = Duration::from_millis(100);
/// How long a peer is refused the first time.
const REFUSAL_MIN: Duration = Duration::from_secs(5);
/// How long it is refused at most.
const REFUSAL_MAX: Duration = Duration::from_secs(600);
/// A repetition is forgotten in this time.
const STRIKE_DECAY: Duration = Duration::from_secs(600);
/// Offences that are counted in seconds are counted once in this time.
const SECOND: Duration = Duration::from_secs(1);

/// What follows from an offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sentence {
    /// It is within a second that was counted already.
    Counted,
    /// It costs points.
    Points(u64),
    /// Disconnect, and refuse for this long.
    Refuse(Duration),
    /// It should be refused, but f others are.
    Spared,
}

#[derive(Debug)]
struct Standing {
    points: u64,
    decayed_at: Instant,
    seconds: BTreeMap<Offence, Instant>,
    strikes: u32,
    strikes_at: Instant,
    refused_until: Option<Instant>,
}

impl Standing {
    fn new(now: Instant) -> Self {
        Self {
            points: 0,
            decayed_at: now,
            seconds: BTreeMap::new(),
            strikes: 0,
            strikes_at: now,
            refused_until: None,
        }
    }

    fn decay(&mut self, now: Instant) {
        let steps = steps(now.saturating_duration_since(self.decayed_at), POINT_DECAY);
        self.points = self.points.saturating_sub(u64::from(steps));
        self.decayed_at += POINT_DECAY * steps;
    }

    /// Whether an offence of this kind was counted less than a second ago; it is now, if not.
    fn is_counted(&mut self, offence: Offence, now: Instant) -> bool {
        let counted = self.seconds.get(&offence).is_some_and(|at| now < *at + SECOND);
        if !counted {
            self.seconds.insert(offence, now);
        }
        counted
    }

    fn refuse(&mut self, now: Instant) -> Duration {
        let forgotten = steps(now.saturating_duration_since(self.strikes_at), STRIKE_DECAY);
        self.strikes = self.strikes.saturating_sub(forgotten);
        let factor = 1_u32.checked_shl(self.strikes).unwrap_or(u32::MAX);
        let refusal = REFUSAL_MIN.saturating_mul(factor).min(REFUSAL_MAX);
        self.points = 0;
        self.strikes = self.strikes.saturating_add(1).min(16);
        self.strikes_at = now + refusal;
        self.refused_until = Some(now + refusal);
        refusal
    }
}

fn steps(elapsed: Duration, step: Duration) -> u32 {
    u32::try_from(elapsed.as_nanos() / step.as_nanos()).unwrap_or(u32::MAX)
}

/// The standing of all operators.
#[derive(Debug)]
pub(crate) struct Penalties {
    refused_max: usize,
    standings: BTreeMap<PeerId, Standing>,
}

impl Penalties {
    /// All clean; at most `refused_max` are refused at a time.
    pub(crate) fn new(refused_max: usize) -> Self {
        Self { refused_max, standings: BTreeMap::new() }
    }

    /// Notes an offence of an operator.
    pub(crate) fn charge(&mut self, peer: &PeerId, offence: Offence, now: Instant) -> Sentence {
        let others = self.refused();
        let standing = self.standings.entry(*peer).or_insert_with(|| Standing::new(now));
        let by_seconds = matches!(offence, Offence::Flood | Offence::SlowReader);
        if standing.refused_until.is_some() || by_seconds && standing.is_counted(offence, now) {
            return Sentence::Counted;
        }
        standing.decay(now);
        standing.points = standing.points.saturating_add(offence.points());
        if standing.points < POINTS_MAX {
            return Sentence::Points(standing.points);
        }
        if others >= self.refused_max {
            standing.points = POINTS_MAX;
            return Sentence::Spared;
        }
        Sentence::Refuse(standing.refuse(now))
    }

    /// Takes back those whose time is over.
    pub(crate) fn release(&mut self, now: Instant) -> Vec<PeerId> {
        let mut released = Vec::new();
        for (peer, standing) in &mut self.standings {
            if standing.refused_until.is_some_and(|until| until <= now) {
                standing.refused_until = None;
                standing.decayed_at = now;
                released.push(*peer);
            }
        }
        released
    }

    /// How many are refused.
    pub(crate) fn refused(&self) -> usize {
        self.standings.values().filter(|standing| standing.refused_until.is_some()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn four_forgeries_are_refused_and_forgotten() {
        let (peer, start) = (PeerId::random(), Instant::now());
        let mut penalties = Penalties::new(1);
        for points in [250, 500, 750] {
            let sentence = penalties.charge(&peer, Offence::BadSignature, start);
            assert_eq!(sentence, Sentence::Points(points));
        }
        let refused = penalties.charge(&peer, Offence::Oversized, start);
        assert_eq!(refused, Sentence::Refuse(REFUSAL_MIN));
        assert_eq!(penalties.charge(&peer, Offence::Oversized, start), Sentence::Counted);
        assert_eq!(penalties.release(after(start, 4_999)), []);
        assert_eq!(penalties.release(after(start, 5_000)), [peer]);
        let clean = penalties.charge(&peer, Offence::Malformed, after(start, 5_000));
        assert_eq!(clean, Sentence::Points(250));
    }

    #[test]
    fn points_decay() {
        let (peer, start) = (PeerId::random(), Instant::now());
        let mut penalties = Penalties::new(1);
        for (at, points) in [(0, 250), (10_000, 400), (10_050, 650), (10_101, 899), (110_000, 250)]
        {
            let sentence = penalties.charge(&peer, Offence::Malformed, after(start, at));
            assert_eq!(sentence, Sentence::Points(points), "at {at} ms");
        }
    }

    #[test]
    fn a_rare_fault_is_never_refused() {
        let (peer, start) = (PeerId::random(), Instant::now());
        let mut penalties = Penalties::new(1);
        for number in 0..10_000 {
            let sentence =
                penalties.charge(&peer, Offence::Malformed, after(start, number * 25_000));
            assert_eq!(sentence, Sentence::Points(250));
        }
    }

    #[test]
    fn refusals_grow_to_a_bound_and_are_forgotten() {
        let (peer, mut now) = (PeerId::random(), Instant::now());
        let mut penalties = Penalties::new(1);
        let offend = |penalties: &mut Penalties, now: Instant| loop {
            if let Sentence::Refuse(time) = penalties.charge(&peer, Offence::TwoBodies, now) {
                return time;
            }
        };
        let mut times = Vec::new();
        for _ in 0..10 {
            let time = offend(&mut penalties, now);
            now += time;
            assert_eq!(penalties.release(now), [peer]);
            times.push(time.as_secs());
        }
        assert_eq!(times, [5, 10, 20, 40, 80, 160, 320, 600, 600, 600]);
        now += STRIKE_DECAY * 20;
        assert_eq!(offend(&mut penalties, now), REFUSAL_MIN);
    }

    #[test]
    fn a_burst_over_the_limit_is_one_second_of_flood() {
        let (peer, start) = (PeerId::random(), Instant::now());
        let mut penalties = Penalties::new(1);
        let mut flood = |at: u64| penalties.charge(&peer, Offence::Flood, after(start, at));
        assert_eq!(flood(0), Sentence::Points(200));
        for at in 1..1_000 {
            assert_eq!(flood(at), Sentence::Counted);
        }
        for (at, points) in [(1_000, 390), (2_000, 580), (3_000, 770), (4_000, 960)] {
            assert_eq!(flood(at), Sentence::Points(points));
        }
        assert_eq!(flood(5_000), Sentence::Refuse(REFUSAL_MIN));
    }

    #[test]
    fn no_more_than_f_are_refused() {
        let start = Instant::now();
        let mut penalties = Penalties::new(1);
        let (first, second) = (PeerId::random(), PeerId::random());
        for _ in 0..4 {
            penalties.charge(&first, Offence::Malformed, start);
            penalties.charge(&second, Offence::Malformed, start);
        }
        assert_eq!(penalties.refused(), 1);
        assert_eq!(penalties.charge(&second, Offence::Malformed, start), Sentence::Spared);
        let later = after(start, 5_000);
        assert_eq!(penalties.release(later), [first]);
        let refused = penalties.charge(&second, Offence::Malformed, later);
        assert_eq!(refused, Sentence::Refuse(REFUSAL_MIN));
    }
}

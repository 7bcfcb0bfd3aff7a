//! Which operators are killed, in which phases and when: all from one seed.

use std::{collections::VecDeque, fmt, time::Duration};

use rand::{Rng as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;

/// What an operator is at when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    /// It says that it saw a request; the job is not open to it.
    Saw,
    /// It commits to a judgement; reveals are not open to it.
    Commit,
    /// It reveals; to it the job is not concluded.
    Reveal,
    /// It sends its partial signature on outcomes; the group's signature is not on its ledger.
    Partial,
    /// It sends the transaction that settles outcomes; it has not seen it in a block.
    Submit,
}

impl Phase {
    /// All of them, in the order of a job's life.
    pub(crate) const ALL: [Self; 5] =
        [Self::Saw, Self::Commit, Self::Reveal, Self::Partial, Self::Submit];

    /// What the statements are called in the logs.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Saw => "saw",
            Self::Commit => "commit",
            Self::Reveal => "reveal",
            Self::Partial => "partial",
            Self::Submit => "submission",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Submit => "submit",
            other => other.kind(),
        })
    }
}

/// The moment from which the jitter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The statement is signed, and not durable.
    Signed,
    /// The statement is durable, and being sent.
    Sent,
}

impl Moment {
    /// What it is called in the logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Sent => "sent",
        }
    }
}

/// Who else is killed in the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// Nobody.
    Alone,
    /// The operator that comes so many places after the victim.
    With(usize),
    /// Everybody.
    All,
}

/// One kill -9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strike {
    /// The phase of a job at the victim.
    pub(crate) phase: Phase,
    /// The operator's number in the devnet; none for a submission, which is for the operator whose
    /// turn the ledger's height makes it.
    pub(crate) victim: Option<usize>,
    /// From when on the jitter counts.
    pub(crate) moment: Moment,
    /// From then until the kill.
    pub(crate) jitter: Duration,
    /// Who else is killed.
    pub(crate) company: Company,
    /// From the kill until the restart.
    pub(crate) pause: Duration,
}

impl Strike {
    /// Everybody who is killed, the victim first.
    pub(crate) fn killed(&self, victim: usize, operators: usize) -> Vec<usize> {
        let others = match self.company {
            Company::Alone => 0..0,
            Company::With(place) => place..place + 1,
            Company::All => 1..operators,
        };
        let others = others.map(|place| (victim + place) % operators);
        std::iter::once(victim).chain(others).collect()
    }
}

/// How large a campaign is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Jobs.
    pub(crate) jobs: usize,
    /// Kills in each phase that count: the phase was not over at the victim.
    pub(crate) kills_per_phase: usize,
    /// Kills of all operators together, beside those.
    pub(crate) kills_of_all: usize,
}

/// The strikes still to come.
pub(crate) struct Plan {
    random: ChaCha8Rng,
    operators: usize,
    phases: VecDeque<(Phase, bool)>,
    drawn: usize,
}

impl Plan {
    /// Shuffles the phases.
    pub(crate) fn new(seed: u64, size: Size, operators: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let each = Phase::ALL.iter().flat_map(|phase| vec![(*phase, false); size.kills_per_phase]);
        let mut phases: Vec<(Phase, bool)> = each.collect();
        phases.shuffle(&mut random);
        for number in 1..=size.kills_of_all {
            let phase = *Phase::ALL.choose(&mut random).unwrap_or(&Phase::Saw);
            phases.insert(number * phases.len() / (size.kills_of_all + 1), (phase, true));
        }
        Self { random, operators, phases: phases.into(), drawn: 0 }
    }

    /// The next strike; none when all are done.
    pub(crate) fn draw(&mut self) -> Option<Strike> {
        let (phase, all) = self.phases.pop_front()?;
        self.drawn += 1;
        let victim = self.random.gen_range(0..self.operators);
        let victim = (phase != Phase::Submit).then_some(victim);
        let company = if all {
            Company::All
        } else if self.drawn % 6 == 3 {
            Company::With(self.random.gen_range(1..self.operators))
        } else {
            Company::Alone
        };
        let moment = if self.random.gen_bool(0.5) { Moment::Signed } else { Moment::Sent };
        let jitter_us = match self.random.gen_range(0..6) {
            0 => 0,
            1..=3 => self.random.gen_range(20..2_000),
            _ if phase == Phase::Submit => self.random.gen_range(2_000..600_000),
            _ => self.random.gen_range(2_000..30_000),
        };
        let pause_ms = match (company, self.random.gen_bool(0.5)) {
            (_, true) => 0,
            (Company::Alone, false) => self.random.gen_range(100..4_000),
            (Company::With(_) | Company::All, false) => self.random.gen_range(100..2_000),
        };
        let (jitter, pause) = (Duration::from_micros(jitter_us), Duration::from_millis(pause_ms));
        Some(Strike { phase, victim, moment, jitter, company, pause })
    }

    /// The kill came too late for its phase: another one is needed.
    pub(crate) fn again(&mut self, strike: &Strike) {
        self.phases.push_back((strike.phase, strike.company == Company::All));
    }

    /// Strikes to come.
    pub(crate) fn left(&self) -> usize {
        self.phases.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { jobs: 100, kills_per_phase: 10, kills_of_all: 2 };

    fn strikes(seed: u64) -> Vec<Strike> {
        let mut plan = Plan::new(seed, SIZE, 4);
        std::iter::from_fn(|| plan.draw()).collect()
    }

    #[test]
    fn plan_of_one_seed_is_one_plan() {
        assert_eq!(strikes(7), strikes(7));
        assert_ne!(strikes(7), strikes(8));
    }

    #[test]
    fn plan_holds_each_phase_as_often_as_asked() {
        for seed in 0..50 {
            let strikes = strikes(seed);
            let (all, rest): (Vec<_>, Vec<_>) =
                strikes.into_iter().partition(|strike| strike.company == Company::All);
            assert_eq!(all.len(), SIZE.kills_of_all);
            for phase in Phase::ALL {
                let of_phase = rest.iter().filter(|strike| strike.phase == phase).count();
                assert_eq!(of_phase, SIZE.kills_per_phase);
            }
            assert!(rest.iter().any(|strike| matches!(strike.company, Company::With(_))));
        }
    }

    #[test]
    fn victims_are_different_operators() {
        for strike in (0..50).flat_map(strikes) {
            let mut victims = strike.killed(strike.victim.unwrap_or(3), 4);
            victims.sort_unstable();
            victims.dedup();
            let many = match strike.company {
                Company::Alone => 1,
                Company::With(_) => 2,
                Company::All => 4,
            };
            assert_eq!(victims.len(), many);
            assert!(victims.iter().all(|number| *number < 4));
        }
    }
}

//! Jobs and the providers that answer them.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// What is asked for, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jobs {
    /// Requests in all.
    pub count: u32,
    /// When the first one is on the chain.
    pub first_ms: u64,
    /// Pause between two.
    pub every_ms: u64,
    /// Each comes later by up to this much.
    pub jitter_ms: u64,
    /// Requests in one chain block each time.
    pub burst: u32,
    /// The ledger's windows.
    pub windows: Windows,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            count: 20,
            first_ms: 5_000,
            every_ms: 2_000,
            jitter_ms: 1_000,
            burst: 1,
            windows: Windows::default(),
        }
    }
}

/// How long each phase lasts: the genesis' parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Windows {
    /// From a challenge to the end of answers.
    pub answer_ms: u64,
    /// From a response to the end of commitments.
    pub commit_ms: u64,
    /// From the opening of reveals to their end.
    pub reveal_ms: u64,
    /// From a ceremony stage's opening to its end.
    pub ceremony_ms: u64,
}

impl Default for Windows {
    fn default() -> Self {
        Self { answer_ms: 5_000, commit_ms: 3_000, reveal_ms: 3_000, ceremony_ms: 20_000 }
    }
}

/// What one provider does with a challenge.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    BorshSerialize,
    BorshDeserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Answers rightly.
    Honest,
    /// Answers with something else.
    Wrong,
    /// Never answers.
    Silent,
    /// Sends one signed answer to some operators and another to the rest.
    Split,
    /// Answers rightly, after the window for answers.
    Late,
}

impl Behaviour {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Honest, Self::Wrong, Self::Silent, Self::Split, Self::Late];

    /// What it is called in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::Wrong => "wrong",
            Self::Silent => "silent",
            Self::Split => "split",
            Self::Late => "late",
        }
    }
}

/// How providers behave: each job draws a behaviour with these weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Providers {
    /// Weight of [`Behaviour::Honest`].
    pub honest: u32,
    /// Weight of [`Behaviour::Wrong`].
    pub wrong: u32,
    /// Weight of [`Behaviour::Silent`].
    pub silent: u32,
    /// Weight of [`Behaviour::Split`].
    pub split: u32,
    /// Weight of [`Behaviour::Late`].
    pub late: u32,
    /// From a challenge to the answer.
    pub delay_ms: u64,
    /// Each answer comes later by up to this much.
    pub jitter_ms: u64,
}

impl Default for Providers {
    fn default() -> Self {
        Self { honest: 1, wrong: 0, silent: 0, split: 0, late: 0, delay_ms: 50, jitter_ms: 50 }
    }
}

impl Providers {
    /// Weight of a behaviour.
    pub fn weight(&self, behaviour: Behaviour) -> u32 {
        match behaviour {
            Behaviour::Honest => self.honest,
            Behaviour::Wrong => self.wrong,
            Behaviour::Silent => self.silent,
            Behaviour::Split => self.split,
            Behaviour::Late => self.late,
        }
    }

    /// The behaviour at a place among all weights: `draw` is taken modulo their sum.
    pub fn pick(&self, draw: u64) -> Behaviour {
        let all = Behaviour::ALL.map(|behaviour| (behaviour, u64::from(self.weight(behaviour))));
        let sum: u64 = all.iter().map(|(_, weight)| weight).sum();
        let mut rest = draw.checked_rem(sum).unwrap_or(0);
        for (behaviour, weight) in all {
            match rest.checked_sub(weight) {
                Some(left) => rest = left,
                None => return behaviour,
            }
        }
        Behaviour::Honest
    }
}

//! Operators that are not honest.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// What an adversary does.
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
pub enum AdversaryKind {
    /// Proposes two blocks at a height and votes for both.
    EquivocateConsensus,
    /// Signs two bundles of one number, with different reveals.
    EquivocateReveals,
    /// Releases no partial signature.
    WithholdPartials,
    /// Releases partial signatures that do not hold.
    BadPartials,
    /// Judges the opposite of what is true.
    LieVerdicts,
    /// Waits for others' reveals, and states the same.
    Copy,
    /// As proposer, tries many block contents for the seed it likes.
    GrindSeeds,
    /// Says everything at the last moment.
    DelayToDeadline,
    /// Sends malformed, old and meaningless messages.
    Spam,
    /// Sends no dealing, and acknowledges none.
    StallDkg,
    /// Deals shares that do not fit its commitment.
    BadShares,
    /// As proposer, leaves out what others say about a job.
    CensorJob,
    /// Sends everything to everybody but its targets, and passes nothing on to them.
    Eclipse,
    /// Puts other operators' submissions on chain as its own, first.
    FrontRun,
    /// Never submits what is its turn to submit.
    NeverSubmit,
}

impl AdversaryKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::EquivocateConsensus,
        Self::EquivocateReveals,
        Self::WithholdPartials,
        Self::BadPartials,
        Self::LieVerdicts,
        Self::Copy,
        Self::GrindSeeds,
        Self::DelayToDeadline,
        Self::Spam,
        Self::StallDkg,
        Self::BadShares,
        Self::CensorJob,
        Self::Eclipse,
        Self::FrontRun,
        Self::NeverSubmit,
    ];

    /// What it is called in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::EquivocateConsensus => "equivocate-consensus",
            Self::EquivocateReveals => "equivocate-reveals",
            Self::WithholdPartials => "withhold-partials",
            Self::BadPartials => "bad-partials",
            Self::LieVerdicts => "lie-verdicts",
            Self::Copy => "copy",
            Self::GrindSeeds => "grind-seeds",
            Self::DelayToDeadline => "delay-to-deadline",
            Self::Spam => "spam",
            Self::StallDkg => "stall-dkg",
            Self::BadShares => "bad-shares",
            Self::CensorJob => "censor-job",
            Self::Eclipse => "eclipse",
            Self::FrontRun => "front-run",
            Self::NeverSubmit => "never-submit",
        }
    }

    /// Whether it makes its operator one of the f: submitting is nobody's duty.
    pub fn is_dishonest(self) -> bool {
        match self {
            Self::FrontRun | Self::NeverSubmit => false,
            Self::EquivocateConsensus
            | Self::EquivocateReveals
            | Self::WithholdPartials
            | Self::BadPartials
            | Self::LieVerdicts
            | Self::Copy
            | Self::GrindSeeds
            | Self::DelayToDeadline
            | Self::Spam
            | Self::StallDkg
            | Self::BadShares
            | Self::CensorJob
            | Self::Eclipse => true,
        }
    }

    /// Whether it acts against chosen operators.
    pub fn takes_targets(self) -> bool {
        self == Self::Eclipse
    }
}

/// One adversary; an operator may be several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adversary {
    /// What it does.
    pub kind: AdversaryKind,
    /// At which operators.
    pub operators: Vec<u16>,
    /// Of the chances that it has, how many it takes.
    #[serde(default = "always")]
    pub percent: u32,
    /// Whom it acts against, for kinds that choose; everybody if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<u16>,
    /// Attempts a time, for kinds that try or flood: blocks ground, messages sent.
    #[serde(default = "some")]
    pub attempts: u32,
}

fn always() -> u32 {
    100
}

fn some() -> u32 {
    8
}

//! The file as a whole.

use protocol::ids::Quorums;
use serde::{Deserialize, Serialize};

use super::{Adversary, Chain, Crashes, Disks, Jobs, Network, Providers, ScenarioError};

/// Which signatures a world makes. A trace says which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signatures {
    /// Those that ship.
    #[default]
    Real,
    /// Hashes that only their signer's key gives, as far as a world's adversaries go: cheap.
    Standin,
}

/// What becomes of the key ceremony that a committee begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ceremony {
    /// It is run, whatever befalls it.
    #[default]
    Run,
    /// It went well, before the world begins.
    Done,
}

/// When faults end, and when everything has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clock {
    /// From here on no fault of network, chain, disks or crashes is injected; adversaries go on.
    pub heal_ms: u64,
    /// So long after the heal every job that was requested must be concluded and attested, and the
    /// run ends. It ends earlier once all is done.
    pub settle_ms: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { heal_ms: 0, settle_ms: 600_000 }
    }
}

impl Clock {
    /// When the run ends at the latest.
    pub fn end_ms(&self) -> u64 {
        self.heal_ms.saturating_add(self.settle_ms)
    }
}

/// A scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called: lower-case letters, digits and hyphens.
    pub name: String,
    /// What it shows, in a sentence.
    #[serde(default)]
    pub about: String,
    /// Operators in the committee.
    pub operators: u16,
    /// The seed to use when none is given.
    #[serde(default = "first_seed")]
    pub seed: u64,
    /// Which signatures are made.
    #[serde(default)]
    pub signatures: Signatures,
    /// Whether the key ceremony is run.
    #[serde(default)]
    pub ceremony: Ceremony,
    /// The ids of the invariants that must break: for runs with more faults than a committee bears.
    /// A run passes if one of them breaks and no other does; with none named, if none breaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must_break: Vec<String>,
    /// When faults end and all must be done.
    #[serde(default)]
    pub clock: Clock,
    /// What is asked for.
    #[serde(default)]
    pub jobs: Jobs,
    /// What providers do.
    #[serde(default)]
    pub providers: Providers,
    /// How messages travel.
    #[serde(default)]
    pub network: Network,
    /// The chain and the endpoints to it.
    #[serde(default)]
    pub chain: Chain,
    /// What disks do in a crash.
    #[serde(default)]
    pub disks: Disks,
    /// Who is killed, and when.
    #[serde(default)]
    pub crashes: Crashes,
    /// Operators that are not honest.
    #[serde(default, rename = "adversary", skip_serializing_if = "Vec::is_empty")]
    pub adversaries: Vec<Adversary>,
}

fn first_seed() -> u64 {
    1
}

impl Scenario {
    /// Reads a file's text.
    ///
    /// # Errors
    /// When it is no TOML, has a key that nobody reads, or a value that makes no sense; the error
    /// names the key and says what to do.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self =
            toml::from_str(text).map_err(|error| ScenarioError::Toml(error.to_string()))?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// The file's text: what [`Scenario::parse`] reads back.
    ///
    /// # Errors
    /// Never for a scenario that was parsed or validated.
    pub fn to_toml(&self) -> Result<String, ScenarioError> {
        toml::to_string(self).map_err(|error| ScenarioError::Toml(error.to_string()))
    }

    /// Faults and quorums of its committee.
    pub fn quorums(&self) -> Quorums {
        Quorums::of(usize::from(self.operators))
    }

    /// Whether an operator is honest throughout.
    pub fn is_honest(&self, place: u16) -> bool {
        !self
            .adversaries
            .iter()
            .any(|adversary| adversary.kind.is_dishonest() && adversary.operators.contains(&place))
    }

    /// How many operators are not honest.
    pub fn dishonest(&self) -> usize {
        (0..self.operators).filter(|place| !self.is_honest(*place)).count()
    }
}

//! What checkers know of a scenario.

use protocol::ids::{OperatorIndex, Quorums};

use crate::scenario::{AdversaryKind, Scenario, Windows};

/// What checkers know before the first record.
#[derive(Clone, Debug)]
pub struct Context {
    /// Sizes of the committee.
    pub quorums: Quorums,
    /// Who is honest, by place.
    honest: Vec<bool>,
    /// The ledger's windows.
    pub windows: Windows,
    /// Whether anybody submits.
    pub has_submitter: bool,
}

impl Context {
    /// Of a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let submits = |place: u16| {
            !scenario.adversaries.iter().any(|adversary| {
                adversary.kind == AdversaryKind::NeverSubmit && adversary.operators.contains(&place)
            })
        };
        Self {
            quorums: scenario.quorums(),
            honest: (0..scenario.operators).map(|place| scenario.is_honest(place)).collect(),
            windows: scenario.jobs.windows,
            has_submitter: (0..scenario.operators).any(submits),
        }
    }

    /// Whether an operator is honest throughout.
    pub fn is_honest(&self, operator: OperatorIndex) -> bool {
        self.honest.get(usize::from(operator.0)).copied().unwrap_or(false)
    }
}

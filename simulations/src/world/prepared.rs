//! A committee before its world begins: with nothing on disk, or with its key ceremony behind it.

use std::sync::Arc;

use operator::Operator;

use super::{Disk, START_UNIX_MS, Setup, World};
use crate::scenario::{Chain, Crashes, Disks, Jobs, Network, Scenario};

/// Virtual time that a calm ceremony ends in.
const CEREMONY_MS: u64 = 600_000;

/// What a world begins with.
pub struct Prepared {
    setup: Arc<Setup>,
    disks: Vec<Disk>,
    unix_ms: u64,
}

impl Prepared {
    /// Members with empty disks.
    pub fn before(setup: Setup) -> Self {
        let disks = vec![Disk::default(); setup.members()];
        Self { setup: Arc::new(setup), disks, unix_ms: START_UNIX_MS }
    }

    /// Members that have formed their group in a calm network, and stopped. The same for every seed
    /// of a scenario, and for every scenario with as many operators, these windows and signatures.
    ///
    /// # Panics
    /// When the ceremony does not end: an honest one in a calm network does.
    pub fn after(scenario: &Scenario) -> Self {
        let calm = Scenario {
            jobs: Jobs { count: 0, windows: scenario.jobs.windows, ..Jobs::default() },
            network: Network::default(),
            chain: Chain::default(),
            disks: Disks::default(),
            crashes: Crashes::default(),
            adversaries: Vec::new(),
            clock: crate::scenario::Clock { heal_ms: CEREMONY_MS, settle_ms: 0 },
            ..scenario.clone()
        };
        let before = Self::before(Setup::new(&calm, 0));
        let mut world = World::from(&before, &calm, 0, Vec::new());
        let formed = world.run_until(CEREMONY_MS, |world| {
            world.operators().all(|operator| operator.has_share() && is_idle(operator))
                && world
                    .members()
                    .iter()
                    .all(|member| member.engine().is_some_and(|it| it.is_waiting()))
        });
        assert!(formed, "no group after a calm ceremony: {:?}", world.warnings());
        let unix_ms = world.unix_ms();
        let disks =
            world.members.iter_mut().map(|member| std::mem::take(&mut member.disk)).collect();
        Self { setup: before.setup, disks, unix_ms }
    }

    pub(super) fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.setup)
    }

    pub(super) fn disks(&self) -> &[Disk] {
        &self.disks
    }

    pub(super) fn unix_ms(&self) -> u64 {
        self.unix_ms
    }
}

/// Whether nothing is left to be signed.
fn is_idle(operator: &Operator) -> bool {
    let state = operator.ledger().state();
    state.due.is_empty() && state.ceremony.is_none()
}

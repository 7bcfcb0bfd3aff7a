//! Values that make no sense, told with what to do.

use std::fmt::Display;

use protocol::genesis::{MAX_MEMBERS, MIN_MEMBERS};
use thiserror::Error;

use super::{Providers, Scenario};

/// The most requests of a scenario.
const MAX_JOBS: u32 = 100_000;

/// The longest run, a week.
const MAX_RUN_MS: u64 = 7 * 24 * 3_600_000;

/// The longest name, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Why a text is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScenarioError {
    /// No TOML, an unknown key, or a value of another type.
    #[error("{0}")]
    Toml(String),
    /// A value that makes no sense.
    #[error("{key}: {problem}")]
    Value {
        /// Which key.
        key: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

fn refuse(key: impl Display, problem: impl Display) -> Result<(), ScenarioError> {
    Err(ScenarioError::Value { key: key.to_string(), problem: problem.to_string() })
}

fn at_most(key: impl Display, value: u64, most: u64) -> Result<(), ScenarioError> {
    if value > most {
        return refuse(key, format_args!("is {value}, the most is {most}"));
    }
    Ok(())
}

fn at_least(key: impl Display, value: u64, least: u64) -> Result<(), ScenarioError> {
    if value < least {
        return refuse(key, format_args!("is {value}, the least is {least}"));
    }
    Ok(())
}

fn permille(key: impl Display, value: u32) -> Result<(), ScenarioError> {
    at_most(key, u64::from(value), 1_000)
}

fn span(key: impl Display, from_ms: u64, until_ms: u64) -> Result<(), ScenarioError> {
    if from_ms >= until_ms {
        return refuse(
            key,
            format_args!("from_ms {from_ms} is not before until_ms {until_ms}: nothing happens"),
        );
    }
    Ok(())
}

impl Scenario {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first key whose value makes no sense.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        self.check_head()?;
        self.check_jobs()?;
        self.check_network()?;
        self.check_chain()?;
        self.check_faults()?;
        self.check_adversaries()
    }

    fn check_head(&self) -> Result<(), ScenarioError> {
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let is_name = |name: &str| {
            !name.is_empty()
                && name.len() <= MAX_NAME_BYTES
                && name.chars().all(|letter| plain(letter) || letter == '-')
        };
        if !is_name(&self.name) {
            return refuse(
                "name",
                format_args!(
                    "is {:?}: use up to {MAX_NAME_BYTES} lower-case letters, digits and hyphens",
                    self.name
                ),
            );
        }
        let operators = u64::from(self.operators);
        at_least("operators", operators, MIN_MEMBERS as u64)?;
        at_most("operators", operators, MAX_MEMBERS as u64)?;
        if let Some(id) = self.must_break.iter().find(|id| !id.starts_with("INV-")) {
            return refuse(
                "must_break",
                format_args!("{id:?} is no id; take one of docs/invariants.md"),
            );
        }
        at_least("clock.settle_ms", self.clock.settle_ms, 1)?;
        at_most("clock.heal_ms + clock.settle_ms", self.clock.end_ms(), MAX_RUN_MS)
    }

    fn check_jobs(&self) -> Result<(), ScenarioError> {
        let jobs = &self.jobs;
        at_most("jobs.count", u64::from(jobs.count), u64::from(MAX_JOBS))?;
        at_least("jobs.burst", u64::from(jobs.burst), 1)?;
        let windows = [
            ("answer_ms", jobs.windows.answer_ms),
            ("commit_ms", jobs.windows.commit_ms),
            ("reveal_ms", jobs.windows.reveal_ms),
            ("ceremony_ms", jobs.windows.ceremony_ms),
        ];
        for (name, value) in windows {
            at_least(format_args!("jobs.windows.{name}"), value, 1)?;
        }
        let turns = u64::from(jobs.count.div_ceil(jobs.burst.max(1)));
        let last =
            jobs.first_ms.saturating_add(turns.saturating_mul(jobs.every_ms)) + jobs.jitter_ms;
        if last >= self.clock.end_ms() {
            return refuse(
                "jobs",
                format_args!(
                    "the last request comes at {last} ms, the run ends at {} ms: fewer jobs, a shorter \
                     every_ms, or a longer clock",
                    self.clock.end_ms()
                ),
            );
        }
        let Providers { honest, wrong, silent, split, late, .. } = self.providers;
        if [honest, wrong, silent, split, late].iter().all(|weight| *weight == 0) {
            return refuse("providers", "all weights are 0: give one behaviour a weight");
        }
        Ok(())
    }

    fn check_network(&self) -> Result<(), ScenarioError> {
        let network = &self.network;
        let regions = network.regions.len();
        at_least("network.regions", regions as u64, 1)?;
        let square = network.latency_ms.len() == regions
            && network.latency_ms.iter().all(|row| row.len() == regions);
        if !square {
            return refuse(
                "network.latency_ms",
                format_args!("must have {regions} rows of {regions} numbers: one for each region"),
            );
        }
        permille("network.loss_permille", network.loss_permille)?;
        permille("network.duplicate_permille", network.duplicate_permille)?;
        permille("network.reorder_permille", network.reorder_permille)?;
        if network.reorder_permille > 0 {
            at_least("network.reorder_ms", network.reorder_ms, 1)?;
        }
        for partition in &network.partitions {
            self.members("network.partition.operators", &partition.operators)?;
            span("network.partition", partition.from_ms, partition.until_ms)?;
        }
        if let Some(random) = &network.random_partitions {
            at_least("network.random_partitions.every_ms", random.every_ms, 1)?;
            at_least("network.random_partitions.lasting_ms", random.lasting_ms, 1)?;
            at_least("network.random_partitions.operators", u64::from(random.operators), 1)?;
        }
        for link in &network.one_way {
            self.members("network.one_way.from", &link.from)?;
            self.members("network.one_way.to", &link.to)?;
            permille("network.one_way.loss_permille", link.loss_permille)?;
            span("network.one_way", link.from_ms, link.until_ms)?;
        }
        Ok(())
    }

    fn check_chain(&self) -> Result<(), ScenarioError> {
        let chain = &self.chain;
        at_least("chain.block_ms", chain.block_ms, 1)?;
        for reorg in &chain.reorgs {
            at_least("chain.reorg.depth", reorg.depth, 1)?;
            self.known("chain.reorg.operators", &reorg.operators)?;
        }
        for spike in &chain.fee_spikes {
            span("chain.fee_spike", spike.from_ms, spike.until_ms)?;
            at_least("chain.fee_spike.fee_percent", u64::from(spike.fee_percent), 1)?;
        }
        for outage in &chain.outages {
            self.members("chain.outage.operators", &outage.operators)?;
            span("chain.outage", outage.from_ms, outage.until_ms)?;
        }
        let Some(random) = &chain.random else { return Ok(()) };
        permille("chain.random.reorg_permille", random.reorg_permille)?;
        permille("chain.random.fee_spike_permille", random.fee_spike_permille)?;
        permille("chain.random.outage_permille", random.outage_permille)?;
        if random.reorg_permille > 0 {
            at_least("chain.random.reorg_depth", random.reorg_depth, 1)?;
        }
        if random.fee_spike_permille > 0 {
            at_least("chain.random.fee_spike_ms", random.fee_spike_ms, 1)?;
            at_least("chain.random.fee_percent", u64::from(random.fee_percent), 1)?;
        }
        if random.outage_permille > 0 {
            at_least("chain.random.outage_ms", random.outage_ms, 1)?;
        }
        Ok(())
    }

    fn check_faults(&self) -> Result<(), ScenarioError> {
        permille("disks.lose_unsynced_permille", self.disks.lose_unsynced_permille)?;
        for crash in &self.crashes.at {
            self.known("crashes.at.operator", &[crash.operator])?;
        }
        if let Some(random) = &self.crashes.random {
            at_least("crashes.random.every_ms", random.every_ms, 1)?;
            at_least("crashes.random.down_ms", random.down_ms, 1)?;
            at_least("crashes.random.at_once", u64::from(random.at_once), 1)?;
        }
        Ok(())
    }

    fn check_adversaries(&self) -> Result<(), ScenarioError> {
        for adversary in &self.adversaries {
            let key = |name: &str| format!("adversary.{name} ({})", adversary.kind.name());
            self.members(key("operators"), &adversary.operators)?;
            self.known(key("targets"), &adversary.targets)?;
            at_most(key("percent"), u64::from(adversary.percent), 100)?;
            at_least(key("attempts"), u64::from(adversary.attempts), 1)?;
            if !adversary.targets.is_empty() && !adversary.kind.takes_targets() {
                return refuse(key("targets"), "this kind acts against everybody: remove them");
            }
        }
        let (dishonest, f) = (self.dishonest(), self.quorums().f);
        if dishonest > f && self.must_break.is_empty() {
            return refuse(
                "must_break",
                format_args!(
                    "{dishonest} of {} operators are dishonest, a committee of that size bears {f}: name \
                     the invariants that break, or make fewer dishonest",
                    self.operators
                ),
            );
        }
        Ok(())
    }

    /// Some members, each once.
    fn members(&self, key: impl Display, places: &[u16]) -> Result<(), ScenarioError> {
        if places.is_empty() {
            return refuse(key, "names nobody");
        }
        self.known(key, places)
    }

    fn known(&self, key: impl Display, places: &[u16]) -> Result<(), ScenarioError> {
        for (position, place) in places.iter().enumerate() {
            if *place >= self.operators {
                let last = self.operators.saturating_sub(1);
                return refuse(
                    key,
                    format_args!("there is no operator {place}: they are 0 to {last}"),
                );
            }
            if places.iter().take(position).any(|earlier| earlier == place) {
                return refuse(key, format_args!("names operator {place} twice"));
            }
        }
        Ok(())
    }
}

//! Scenarios: what a world is made of and what befalls it, as a TOML file.
//!
//! Whole numbers only, with the unit last in each name: `_ms` milliseconds of virtual time,
//! `_permille` a share in thousandths, `_percent` in hundredths. Times count from the start of the
//! world; spans are `from_ms` (inclusive) to `until_ms` (exclusive). Operators are named by their
//! place in the committee, from 0. What a file leaves out is calm: a section that is not there
//! injects nothing.
//!
//! A scenario and a seed give one run, to the last byte of its trace.

mod adversary;
mod chain;
mod faults;
mod file;
mod jobs;
mod network;
mod validate;

pub use adversary::{Adversary, AdversaryKind};
pub use chain::{Chain, ChainFaults, FeeSpike, Outage, Reorg};
pub use faults::{Crash, Crashes, Disks, RandomCrashes};
pub use file::{Ceremony, Clock, Scenario, Signatures};
pub use jobs::{Behaviour, Jobs, Providers, Windows};
pub use network::{Network, OneWay, Partition, RandomPartitions};
pub use validate::ScenarioError;

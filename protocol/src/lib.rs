//! # The ledger of Assay
//!
//! Operators sign numbered **bundles** of facts; consensus orders them in **blocks**; this crate
//! turns the ordered blocks into jobs, judgements and outcomes. It is a pure function: no clock,
//! entropy, file or socket. A node, a simulator and an auditor run the same code and reach the
//! same state digest.
//!
//! ## A job's life
//! 1. *Seen*: f+1 equal [`fact::Fact::Saw`]s open it at a height.
//! 2. *Challenged*: it waits for the beacon of that height, a group signature nobody can predict.
//! 3. *Answering*: from the block that holds the beacon. The first response hash with f+1
//!    [`fact::Fact::Got`]s is the response. None in time: `Missed`. Two hashes signed by the
//!    provider: `Invalid(EQUIVOCATED)`.
//! 4. *Judging*: each operator commits to its judgement.
//! 5. *Revealing*: when all have committed, or at the deadline, commitments are opened; q equal
//!    ones make the outcome, otherwise the deadline makes it `Inconclusive`.
//!
//! A phase ends by time only after its deadline and f+2 blocks, and its clock starts only when q
//! members have had a bundle in a block since the phase opened (see [`ledger::Clock`]).
//!
//! ## Layout
//! [`bytes`] every hash and signed byte string; [`fact`], [`bundle`], [`block`] what is ordered;
//! [`ledger`] what follows from it; [`response`], [`outcome`] what comes in and what leaves.

pub mod block;
pub mod bundle;
pub mod bytes;
pub mod ecdsa;
pub mod envelope;
pub mod fact;
pub mod genesis;
pub mod ids;
pub mod job;
pub mod ledger;
pub mod outcome;
pub mod response;
pub mod signatures;
pub mod subject;

pub use alloy_primitives::{Address, B256};

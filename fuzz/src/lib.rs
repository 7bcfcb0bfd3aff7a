//! Fuzz targets for every decoder that takes bytes from outside.
//!
//! A [`Target`] is a function from bytes to nothing that must not panic, must not hold more memory
//! than it says, and asserts what the decoder promises: mostly that what it takes has one spelling,
//! so that writing it again gives the same bytes. Most inputs begin with a byte that chooses a form;
//! targets behind a signature sign what the fuzzer made, so that mutations get past the check.
//!
//! `cargo xtask fuzz` builds and runs them under libFuzzer, with the crates of this workspace
//! instrumented. An ordinary test replays the seeds in `corpus/`, what once failed in
//! `regressions/`, and mutations of both, through every target.

extern crate protocol as assay_protocol;

// The committee of the ledger's own tests.
#[path = "../../protocol/tests/support/mod.rs"]
mod committee;
mod input;
mod memory;
mod seed;
mod targets;

pub use seed::Seed;
pub use targets::{TARGETS, Target, find};

//! A seeded world in one process: real operators over real consensus, in a modelled surrounding.
//!
//! Operators run the shipped `operator`, `protocol`, `threshold` and `consensus` code over
//! Malachite's sans-IO core, with real signatures or cheap stand-ins. Modelled, and named so: the
//! network, the chain with its hub, submitters, providers and their proofs (a response is right if
//! it repeats the seed), and disks that lose what was not synced. [`adversary`] holds one file a
//! kind of dishonest operator.
//!
//! [`scenario`] says what befalls a world, [`trace`] what happened in it. No clock, no entropy, no
//! unordered map: one scenario and seed give one trace digest.

pub mod adversary;
pub mod check;
pub mod engine;
pub mod provider;
pub mod scenario;
pub mod signatures;
pub mod trace;
pub mod world;

pub use world::World;

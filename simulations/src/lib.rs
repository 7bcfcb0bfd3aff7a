//! A seeded world in one process: real operators, a modelled network, chain, orderer and provider.
//!
//! Operators run the shipped `operator`, `protocol` and `threshold` code with real keys and
//! signatures. Modelled, and named so: the network ([`world::World`] delays, drops and reorders
//! messages by the seed), consensus (an orderer that lets the proposer in turn build a block once
//! somebody wants one; Malachite's own core is not run here), the chain (requests appear at each
//! operator at its own time) and proofs (a response is valid if it repeats the seed).
//!
//! No clock, no entropy, no unordered map: one seed gives one trace digest.

pub mod check;
pub mod member;
pub mod provider;
pub mod scenario;
pub mod trace;
pub mod world;

pub use world::{Options, World};

//! Circuits, their keys, and what a statement about them looks like.
//!
//! The one circuit so far is [`demo`]'s, in circom; `demo/README.md` says how it is built.
//! Its proofs are made by the prover command `demo/prove.mjs`, which a provider's agent
//! runs; nothing here proves.

pub mod demo;

//! The `assay` command: one module a group of commands, each with its arguments and a
//! `run` that returns the exit code.
//!
//! It is a library so that its integration tests drive the same [`devnet`] that the commands do.

mod aggregator;
mod arguments;
mod audit;
pub mod client;
pub mod demo;
pub mod devnet;
mod files;
mod guard;
mod job;
pub mod keys;
mod logging;
mod node;
mod operator;
mod provider;
mod runtime;
mod table;
mod verify;

pub use arguments::run;

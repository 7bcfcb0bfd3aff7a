//! Four hosts on loopback, each with an application that keeps its blocks in memory.

mod application;
mod consensus_runs;
mod messages;
mod restarts;

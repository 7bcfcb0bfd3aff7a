//! Four hosts on loopback, each with an application that keeps its blocks in memory.

mod application;
mod consensus_runs;
mod hostile_consensus;
mod hostile_floods;
mod hostile_gossip;
mod messages;
mod restarts;
mod stage;

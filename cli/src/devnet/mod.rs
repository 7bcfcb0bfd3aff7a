//! A whole network on one machine: a chain, operators each in its own process, providers.
//!
//! [`Devnet::start`] brings it up step by step; [`Devnet::stop`] ends every process, first by
//! SIGTERM, then by SIGKILL. A dropped [`Devnet`] kills them, also on panic; and if this process
//! is killed, each of them notices by itself (its standard input ends; anvil is killed by the
//! kernel, see [`crate::guard`]).

mod accounts;
mod command;
mod evm;
mod folder;
mod jobs;
mod network;
mod operators;
mod options;
mod parts;
mod ports;
mod process;
mod progress;
mod providers;
mod summary;
mod watch;

pub(crate) use command::{Arguments, run};

pub use accounts::Accounts;
pub use evm::Evm;
pub use folder::Folder;
pub use jobs::{JobRequest, PlacedJob, demo_statement};
pub(crate) use jobs::{SignedQuote, place};
pub use network::Devnet;
pub use operators::Operator;
pub use options::Options;
pub use ports::Ports;
pub use process::{Lifeline, Process};
pub use progress::Progress;
pub use providers::{Behaviour, ProviderFiles, RunningProvider, prover_folder};
pub use summary::{OperatorSummary, ProviderSummary, Summary};
pub use watch::Told;

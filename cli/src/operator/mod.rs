//! `assay operator`: keys and stake.

mod doctor;
mod keygen;
mod stake;

use std::process::ExitCode;

use clap::Subcommand;

use crate::runtime;

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an operator's keys
    Keygen(keygen::Arguments),
    /// Stake a seat and put the keys into the registry
    Register(stake::RegisterArguments),
    /// Ask to leave the committee
    Leave(stake::LeaveArguments),
    /// Show stake and standing
    Status(stake::StatusArguments),
    /// Check everything that a node needs
    Doctor(doctor::Arguments),
}

pub(crate) fn run(command: Command) -> ExitCode {
    match command {
        Command::Keygen(arguments) => runtime::report(keygen::run(&arguments)),
        Command::Register(arguments) => runtime::finish(stake::register(arguments)),
        Command::Leave(arguments) => runtime::finish(stake::leave(arguments)),
        Command::Status(arguments) => runtime::finish(stake::status(arguments)),
        Command::Doctor(arguments) => runtime::finish(doctor::run(arguments)),
    }
}

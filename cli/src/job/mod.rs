//! `assay job`: jobs of the escrow.

mod create;
mod network;
pub(crate) mod show;
pub(crate) mod watch;

use std::process::ExitCode;

use clap::Subcommand;

use crate::runtime;

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Take a provider's quote, pay, and ask for verification
    Create(create::Arguments),
    /// Follow a job until the hub has recorded how it ended
    Watch(watch::Arguments),
    /// Show what ledger, hub and escrow know of a job
    Show(show::Arguments),
}

pub(crate) fn run(command: Command) -> ExitCode {
    match command {
        Command::Create(arguments) => runtime::finish(create::run(arguments)),
        Command::Watch(arguments) => runtime::finish(watch::run(arguments)),
        Command::Show(arguments) => runtime::finish(show::run(arguments)),
    }
}

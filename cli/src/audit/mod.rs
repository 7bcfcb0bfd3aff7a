//! `assay audit`: the ledger in a file, and everything it concluded derived again.

mod chain;
mod export;
mod nodes;
mod print;
mod progress;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use crate::runtime;

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write a node's ledger to a file
    Export(export::Arguments),
    /// Derive everything again from such a file
    Verify(verify::Arguments),
}

pub(crate) fn run(command: Command) -> ExitCode {
    match command {
        Command::Export(arguments) => runtime::finish(export::run(arguments)),
        Command::Verify(arguments) => runtime::finish(verify::run(arguments)),
    }
}

//! `assay node`: an operator's daemon.

mod init;
mod run;
mod status;

use std::process::ExitCode;

use clap::Subcommand;

use crate::runtime;

pub(crate) use init::{Node, config_of};

/// Commands of the group.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write a node's config file
    Init(Box<init::Arguments>),
    /// Run a node until SIGINT or SIGTERM
    Run(run::Arguments),
    /// Show what a running node knows
    Status(status::Arguments),
}

pub(crate) fn run(command: Command) -> ExitCode {
    match command {
        Command::Init(arguments) => runtime::report(init::run(&arguments)),
        Command::Run(arguments) => runtime::finish(run::run(arguments)),
        Command::Status(arguments) => runtime::finish(status::run(arguments)),
    }
}

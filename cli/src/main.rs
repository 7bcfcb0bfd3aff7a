//! The `assay` command: one module a group of commands, each with its arguments and a
//! `run` that returns the exit code.

mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Assay: a decentralized verifier network for physical infrastructure.
#[derive(Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Verify a proof from files
    Verify(verify::Arguments),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Verify(arguments) => verify::run(&arguments),
    }
}

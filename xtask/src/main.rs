//! What developers and CI run: `cargo xtask COMMAND`.
//!
//! Each command says what it runs before it runs it, streams the output, and on failure names the
//! command that repeats it. `cargo xtask ci` is the whole of CI.

use std::process::ExitCode;

use clap::Parser;

mod args;
mod contracts;
mod docs;
mod fuzz;
mod layers;
mod licences;
mod repository;
mod sections;
mod setup;
mod shell;
mod tasks;
mod tidy;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match tasks::run(args.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

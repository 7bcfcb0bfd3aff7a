//! The command line as a whole.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    aggregator, audit, demo, devnet, guard, job, logging, node, operator, provider, runtime, verify,
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  not done; the reason is on standard error
  2  the command line is wrong
`assay COMMAND --help` lists what else a command returns.";

/// Assay: a decentralized verifier network for physical infrastructure.
#[derive(Parser)]
#[command(name = "assay", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    logging: logging::Arguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a whole network on this machine until interrupted
    Devnet(devnet::Arguments),
    /// Show a devnet settling good and bad jobs, and check how each ended
    Demo(demo::Arguments),
    /// Verify a proof from files
    Verify(verify::Arguments),
    /// An operator's daemon
    #[command(subcommand)]
    Node(node::Command),
    /// An operator's keys and stake
    #[command(subcommand)]
    Operator(operator::Command),
    /// A provider's agent and quotes
    #[command(subcommand)]
    Provider(provider::Command),
    /// Jobs of the escrow
    #[command(subcommand)]
    Job(job::Command),
    /// Settle certificates of any node on chain
    #[command(subcommand)]
    Aggregator(aggregator::Command),
    /// A ledger in a file, and all it concluded derived again
    #[command(subcommand)]
    Audit(audit::Command),
    /// Run a program that ends with its parent
    #[command(hide = true)]
    Guard(guard::Arguments),
}

/// Does what the command line says, and gives the process's exit code.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = logging::start(&cli.logging, cli.command.default_filter()) {
        return runtime::report::<()>(Err(error));
    }
    match cli.command {
        Command::Devnet(arguments) => runtime::finish(devnet::run(arguments)),
        Command::Demo(arguments) => runtime::finish(demo::run(arguments)),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Node(command) => node::run(command),
        Command::Operator(command) => operator::run(command),
        Command::Provider(command) => provider::run(command),
        Command::Job(command) => job::run(command),
        Command::Aggregator(command) => aggregator::run(command),
        Command::Audit(command) => audit::run(command),
        Command::Guard(arguments) => guard::run(&arguments),
    }
}

impl Command {
    /// What is logged when nobody says: daemons tell what they do, commands what went wrong.
    fn default_filter(&self) -> &'static str {
        match self {
            Self::Node(node::Command::Run(_))
            | Self::Provider(provider::Command::Run(_))
            | Self::Aggregator(_) => logging::DAEMON_FILTER,
            Self::Devnet(_)
            | Self::Demo(_)
            | Self::Verify(_)
            | Self::Node(_)
            | Self::Operator(_)
            | Self::Provider(_)
            | Self::Job(_)
            | Self::Audit(_)
            | Self::Guard(_) => "warn",
        }
    }
}

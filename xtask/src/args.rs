//! The command line.

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  cargo xtask setup              install and check the pinned tools
  cargo xtask test               all tests, Rust and Solidity
  cargo xtask test -p assay-proofs -- groth16
                                 one crate's tests whose names contain groth16
  cargo xtask demo               four operators, a chain and real proofs on this machine
  cargo xtask demo -- --json demo.json
                                 the same, its result also as JSON
  cargo xtask fuzz block --seconds 60
                                 one fuzz target for a minute
  cargo xtask layers             what each crate may and may not import
  cargo xtask ci                 everything that CI runs
  cargo xtask ci --only fmt,layers,docs
                                 a few of its sections";

/// Developer tasks of Assay.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One task.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Install the pinned tools (chain, Solidity compiler, circuit tools) and check their versions
    Setup,
    /// Format Rust and Solidity
    Fmt {
        /// Change nothing; fail when something is not formatted
        #[arg(long)]
        check: bool,
    },
    /// Run clippy over all targets; warnings are errors
    Lint,
    /// Check what each crate imports against xtask/layers.toml
    Layers,
    /// Check the licences of all dependencies against xtask/licences.toml
    Licences,
    /// Check the links in the documentation, and that no tracked file names a machine
    Docs {
        /// Add records missing from the list of decisions to the table of contents, and check nothing
        #[arg(long)]
        fix: bool,
    },
    /// Check the house rules a program can check (file length, leftover markers)
    Tidy,
    /// Run the tests
    Test {
        /// More fuzz and property runs, a million calls for each suite of invariants, a campaign of kills; an hour
        #[arg(long)]
        long: bool,
        /// Only this package (may be repeated); without it, all packages and the contracts
        #[arg(short, long)]
        package: Vec<String>,
        /// Passed on to the test runner, for example a part of a test's name
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Build and test the contracts, check gas snapshots and the committed ABIs
    Contracts {
        /// Write the gas snapshots and ABIs instead of checking them
        #[arg(long)]
        update: bool,
    },
    /// Run Slither over the contracts and compare with the committed answers; needs python 3.11 or later
    Analyse {
        /// Also the symbolic checks of `contracts/symbolic` by halmos; many minutes
        #[arg(long)]
        long: bool,
    },
    /// Build `assay` and run `assay demo`
    Demo {
        /// Passed on to `assay demo`
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Fuzz the decoders of outside bytes under libFuzzer (a C++ compiler builds it)
    Fuzz {
        /// Only these targets; all when none is named
        targets: Vec<String>,
        /// How long each runs
        #[arg(long, default_value_t = crate::fuzz::SECONDS)]
        seconds: u64,
        /// Five minutes each
        #[arg(long, conflicts_with = "seconds")]
        long: bool,
        /// Write the seeds that the targets make to fuzz/corpus, and fuzz nothing
        #[arg(long, conflicts_with_all = ["seconds", "long", "targets"])]
        seeds: bool,
    },
    /// Everything that CI runs, section by section
    Ci {
        /// Only these sections, separated by commas
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// Stop at the first section that fails
        #[arg(long)]
        fail_fast: bool,
    },
}

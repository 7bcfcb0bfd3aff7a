//! `assay verify`: judge proofs from files, without a network.

mod groth16;

use std::process::ExitCode;

use clap::{Args, Subcommand};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand)]
enum Kind {
    /// Verify a Groth16 proof over BN254, from snarkjs or gnark files
    Groth16(groth16::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match &arguments.kind {
        Kind::Groth16(arguments) => groth16::run(arguments),
    }
}

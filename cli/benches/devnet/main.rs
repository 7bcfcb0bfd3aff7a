//! How fast a network of operators is: from a request to its certificate, and jobs a second.
//!
//! Everything is real and runs on this machine: processes, sockets, disks, a chain, proofs. The
//! yardstick is the same host deciding empty blocks, in the same run.
//!
//! `cargo bench -p assay --bench devnet -- --help` tells what can be chosen.

mod empty;
mod latency;
mod load;
mod machine;
mod numbers;
mod profile;
mod provider;
mod timeline;

use std::{path::PathBuf, process::ExitCode};

use assay_cli::devnet::{Behaviour, Devnet, Options, Progress};
use clap::{Parser, Subcommand, ValueEnum};
use eyre::{Context as _, Result};
use serde::Serialize;

/// Measures devnets on this machine
#[derive(Parser)]
#[command(name = "devnet", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    child: Option<Child>,
    /// What to measure; all of it if this is left out
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Committees whose latency is measured
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "4,7")]
    nodes: Vec<u16>,
    /// Empty heights that are timed
    #[arg(long, value_name = "COUNT", default_value_t = 400)]
    heights: usize,
    /// Jobs that are timed, one after the other
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    jobs: usize,
    /// How long the provider's prover takes while latency is timed, in milliseconds; 0 answers at once
    #[arg(long, value_name = "MS", default_value_t = 250)]
    proving_ms: u64,
    /// How long jobs a second are counted
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u64,
    /// Jobs between request and conclusion while they are counted
    #[arg(long, value_name = "COUNT", default_value_t = 512)]
    in_flight: usize,
    /// Write the numbers to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep the folders of the networks, with the nodes' logs
    #[arg(long)]
    keep: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Child {
    /// One operator of a committee that decides empty blocks
    #[command(hide = true)]
    EmptyNode(empty::ChildArguments),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Latency,
    Throughput,
}

#[derive(Serialize)]
struct Report {
    machine: machine::Machine,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    latency: Vec<latency::Latency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throughput: Option<load::Throughput>,
    load_average_after: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.wrap_err("async runtime").and_then(|runtime| {
        let result = runtime.block_on(run(arguments));
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    if let Some(Child::EmptyNode(child)) = arguments.child {
        return empty::run_child(child).await;
    }
    let progress = Progress::shown();
    let mut report = Report {
        machine: machine::Machine::look()?,
        latency: Vec::new(),
        throughput: None,
        load_average_after: 0.0,
    };
    println!("{}", report.machine);
    if arguments.only != Some(Part::Throughput) {
        for nodes in &arguments.nodes {
            let measured = latency::measure(*nodes, &arguments, &progress).await?;
            println!("{measured}");
            report.latency.push(measured);
        }
    }
    if arguments.only != Some(Part::Latency) {
        let measured = load::measure(&arguments, &progress).await?;
        println!("{measured}");
        report.throughput = Some(measured);
    }
    report.load_average_after = machine::load_average()?;
    println!("load average at the end: {:.1}", report.load_average_after);
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(path, text).wrap_err_with(|| format!("{}", path.display()))?;
    }
    Ok(())
}

/// A devnet whose nodes tell their timelines, and whose provider is this process.
async fn devnet(nodes: u16, progress: &Progress) -> Result<Devnet> {
    let options = Options {
        nodes,
        log: format!("warn,{}=debug", oracle_node::timeline::TARGET),
        log_json: true,
        providers: vec![(provider::NAME.into(), Behaviour::Silent)],
        ..Options::new(env!("CARGO_BIN_EXE_assay").into())
    };
    Devnet::start(options, progress).await
}

/// Ends a devnet.
async fn end(devnet: Devnet, arguments: &Arguments, progress: &Progress) -> Result<()> {
    if arguments.keep {
        let kept = devnet.stop_and_keep().await?;
        progress.step(format_args!("kept {}", kept.display()));
        return Ok(());
    }
    devnet.stop().await
}

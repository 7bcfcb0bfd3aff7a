//! What is logged, and how: always to standard error.

use std::io::IsTerminal as _;

use clap::Args;
use eyre::{Result, eyre};
use tracing_subscriber::EnvFilter;

/// What daemons log when nobody says: what they do themselves, and what goes wrong below. The
/// engine tells every vote at `info`, and the network's libraries every bad message at `warn`, as
/// often as a peer likes; the node counts those, and tells of them itself.
pub(crate) const DAEMON_FILTER: &str = concat!(
    "info,arc_malachitebft_core_consensus=warn,arc_malachitebft_engine=warn,",
    "libp2p_gossipsub=error,libp2p_request_response=error,libp2p_yamux=error,libp2p_swarm=error,",
    "yamux=error",
);

/// Options that every command takes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What to log: a level, or a filter such as `info,libp2p=debug`
    #[arg(long, global = true, env = "RUST_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// Log one JSON object a line
    #[arg(long, global = true)]
    log_json: bool,
}

/// Begins to log.
pub(crate) fn start(arguments: &Arguments, default: &str) -> Result<()> {
    let filter = match arguments.log.as_deref() {
        Some(text) if !text.is_empty() => EnvFilter::try_new(text).map_err(|error| {
            eyre!("--log {text}: {error}; give a level such as `info`, or target=level pairs")
        })?,
        _ => EnvFilter::new(default),
    };
    let colour = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour);
    let started = if arguments.log_json { builder.json().try_init() } else { builder.try_init() };
    started.map_err(|error| eyre!("logging cannot start: {error}"))
}

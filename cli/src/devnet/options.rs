use std::path::PathBuf;

use eyre::{Context as _, Result};
use protocol::genesis::Parameters;
use tokio::sync::mpsc;

use super::{providers::Behaviour, watch::Told};

/// How a devnet is.
#[derive(Clone, Debug)]
pub struct Options {
    /// The `assay` binary that the processes run.
    pub program: PathBuf,
    /// Operators, at least 4.
    pub nodes: u16,
    /// Where keys, configs, data and logs go; a temporary folder if this is `None`.
    pub dir: Option<PathBuf>,
    /// Whether an earlier devnet in `dir` is deleted.
    pub replace: bool,
    /// The first of the ports to use; free ones if this is `None`.
    pub base_port: Option<u16>,
    /// Phase lengths.
    pub parameters: Parameters,
    /// The chain's id.
    pub chain_id: u64,
    /// Seconds from a block of the chain to the next.
    pub block_time_s: u64,
    /// Blocks on a block that make it final.
    pub finality_depth: u64,
    /// Seconds from a recorded outcome until it is final.
    pub challenge_window_s: u64,
    /// What the operators' processes log.
    pub log: String,
    /// Whether they log one JSON object a line, for programs to read.
    pub log_json: bool,
    /// Who is told each line that the operators' processes log, as JSON; they log to files alone if
    /// this is `None`.
    pub watcher: Option<mpsc::Sender<Told>>,
    /// The providers, each with its own key and stake.
    pub providers: Vec<(String, Behaviour)>,
}

impl Options {
    /// Four operators and an honest provider, with short phases, run by `program`.
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            nodes: 4,
            dir: None,
            replace: false,
            base_port: None,
            parameters: Parameters {
                answer_ms: 30_000,
                commit_ms: 8_000,
                reveal_ms: 8_000,
                ceremony_ms: 20_000,
            },
            chain_id: 31_337,
            block_time_s: 1,
            finality_depth: 1,
            challenge_window_s: 3,
            log: crate::logging::DAEMON_FILTER.into(),
            log_json: false,
            watcher: None,
            providers: vec![("provider".into(), Behaviour::Honest)],
        }
    }

    /// [`Options::new`] with the binary that runs now.
    ///
    /// # Errors
    /// When the system does not say which that is.
    pub fn of_this_binary() -> Result<Self> {
        Ok(Self::new(std::env::current_exe().wrap_err("path of this program")?))
    }
}

use std::{fs::File, io::Write as _};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    sync::mpsc,
    task::JoinHandle,
};

/// What a watched process does, for whoever acts on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It logged a line.
    Line {
        /// What the process is called.
        process: String,
        /// The line, a JSON object.
        text: String,
    },
    /// It has ended, and everything that it logged was told before.
    Ended {
        /// What the process is called.
        process: String,
    },
}

/// Hands every line on, first to `watcher`, then to the log, until the process has ended. A watcher
/// that takes no lines holds the process up.
pub(super) fn watch(
    process: String,
    output: impl AsyncRead + Unpin + Send + 'static,
    mut log: File,
    watcher: mpsc::Sender<Told>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(text)) = lines.next_line().await {
            let line = format!("{text}\n");
            let _ = watcher.send(Told::Line { process: process.clone(), text }).await;
            if let Err(error) = log.write_all(line.as_bytes()) {
                tracing::warn!(process, %error, "log not written");
            }
        }
        let _ = watcher.send(Told::Ended { process }).await;
    })
}

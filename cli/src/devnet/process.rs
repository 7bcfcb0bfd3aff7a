use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use eyre::{Context as _, Result, eyre};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, ChildStdin, Command},
    sync::mpsc,
};

use super::watch::{Told, watch};

/// How long a process may take to stop before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(10);
/// How much of the end of a log is shown when a process died.
const LOG_TAIL_BYTES: u64 = 2_000;

/// How a process learns that this one is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifeline {
    /// It watches its standard input.
    StandardInput,
    /// The kernel tells it.
    Kernel,
}

/// A process that belongs to a devnet. It is killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// Its end is how the process learns that this one is gone.
    _lifeline: Option<ChildStdin>,
}

impl Process {
    /// Starts it, with its output appended to `log`.
    ///
    /// # Errors
    /// When the log cannot be opened or the program not be run.
    pub fn spawn(name: &str, command: Command, log: &Path, lifeline: Lifeline) -> Result<Self> {
        let output = open_log(log)?;
        let errors = Stdio::from(output.try_clone()?);
        Self::spawn_to(name, command, log, lifeline, (output, errors))
    }

    /// As [`Process::spawn`], and `watcher` is told each line of its standard error, which is where
    /// an `assay` logs.
    ///
    /// # Errors
    /// As above.
    pub fn spawn_watched(
        name: &str,
        command: Command,
        log: &Path,
        lifeline: Lifeline,
        watcher: mpsc::Sender<Told>,
    ) -> Result<Self> {
        let output = (open_log(log)?, Stdio::piped());
        let mut process = Self::spawn_to(name, command, log, lifeline, output)?;
        if let Some(errors) = process.child.stderr.take() {
            watch(name.to_owned(), errors, open_log(log)?, watcher);
        }
        Ok(process)
    }

    fn spawn_to(
        name: &str,
        mut command: Command,
        log: &Path,
        lifeline: Lifeline,
        (output, errors): (File, Stdio),
    ) -> Result<Self> {
        command.stdout(output).stderr(errors);
        command.stdin(match lifeline {
            Lifeline::StandardInput => Stdio::piped(),
            Lifeline::Kernel => Stdio::null(),
        });
        // An interrupt from the terminal reaches this process alone, which then stops the others
        // in order.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().wrap_err_with(|| {
            format!("{name}: {} cannot be run", command.as_std().get_program().to_string_lossy())
        })?;
        let stdin = child.stdin.take();
        Ok(Self { name: name.to_owned(), child, log: log.to_owned(), _lifeline: stdin })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Where it logs.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// # Errors
    /// When it has ended; the message holds the end of its log.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.exited()? {
            None => Ok(()),
            Some(status) => Err(eyre!(
                "{} ended by itself ({status}); the end of {}:\n{}",
                self.name,
                self.log.display(),
                self.log_tail()
            )),
        }
    }

    /// Sends SIGKILL, and does not wait.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn start_kill(&mut self) -> Result<()> {
        self.child.start_kill().wrap_err_with(|| format!("killing {}", self.name))
    }

    /// Sends SIGKILL, and waits until it has ended.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.wrap_err_with(|| format!("killing {}", self.name))
    }

    /// Sends SIGTERM, waits, and kills it if that was not enough.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn stop(&mut self) -> Result<()> {
        self.ask_to_stop();
        match tokio::time::timeout(STOP_GRACE, self.child.wait()).await {
            Ok(ended) => {
                let status = ended?;
                tracing::debug!(process = self.name, %status, "stopped");
                Ok(())
            }
            Err(_) => {
                tracing::warn!(process = self.name, "did not stop in time; killing it");
                self.kill().await
            }
        }
    }

    /// Sends SIGTERM.
    pub fn ask_to_stop(&self) {
        let pid = self.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid
            && let Err(error) = kill_process(pid, Signal::TERM)
        {
            tracing::debug!(process = self.name, %error, "SIGTERM not sent");
        }
    }

    fn log_tail(&self) -> String {
        let read = || -> std::io::Result<String> {
            let mut file = File::open(&self.log)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))?;
            let mut bytes = Vec::new();
            file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        read().unwrap_or_else(|error| format!("(not readable: {error})"))
    }
}

fn open_log(log: &Path) -> Result<File> {
    let output = OpenOptions::new().create(true).append(true).open(log);
    output.wrap_err_with(|| format!("log {}", log.display()))
}

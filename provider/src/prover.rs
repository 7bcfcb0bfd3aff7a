//! Getting a proof: from a command, or from a folder.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::Stdio,
};

use proofs::groth16_bn254::bound_input;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
    time::{Instant, timeout_at},
};

use crate::{Challenge, Prover};

/// The most that is taken of a prover's output, or of a proof file.
pub const MAX_PROVER_OUTPUT_BYTES: usize = 1024 * 1024;

/// The most that is logged of what a prover says on standard error.
const MAX_PROVER_LOG_BYTES: usize = 16 * 1024;

/// Why there is no proof.
#[derive(Debug, Error)]
pub enum ProverError {
    /// The program can't be started.
    #[error("the prover command {program:?} can't be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// Reading from or writing to it failed.
    #[error("the prover command failed: {0}")]
    Pipe(#[from] io::Error),
    /// It ended with another status than success.
    #[error("the prover command ended with {status}; the last it said: {said:?}")]
    Status {
        /// How it ended.
        status: String,
        /// The end of its standard error.
        said: String,
    },
    /// It was still running at the deadline, and was killed.
    #[error("the prover command was still running at the answer's deadline, and was killed")]
    Timeout,
    /// It printed too much, and was killed.
    #[error("the prover printed more than {MAX_PROVER_OUTPUT_BYTES} bytes")]
    TooMuch,
    /// The folder has no proof for the challenge, yet.
    #[error("there is neither {by_job} nor {by_statement} in {}", folder.display())]
    NoFile {
        /// The folder.
        folder: PathBuf,
        /// The name by the job.
        by_job: String,
        /// The name by the statement.
        by_statement: String,
    },
    /// A proof file can't be read.
    #[error("proof file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// What a prover command reads: the challenge, and what follows from it.
///
/// ```json
/// {"job_id": "0x…", "job_index": 7, "chain_id": 1, "hub": "0x…", "kind": "0x…",
///  "statement": "0x…", "statement_hash": "0x…", "seed": "0x…",
///  "bound_input": "decimal", "answer_by_ms": 1700000000000}
/// ```
pub fn prover_input(challenge: &Challenge) -> String {
    let Challenge { chain_id, hub, job_id, seed, .. } = challenge;
    json!({
        "job_id": job_id,
        "job_index": challenge.job_index,
        "chain_id": chain_id,
        "hub": hub,
        "provider": challenge.provider,
        "kind": challenge.kind,
        "statement": challenge.statement,
        "statement_hash": challenge.statement_hash(),
        "seed": seed,
        "bound_input": bound_input(*chain_id, hub, job_id, seed).to_string(),
        "answer_by_ms": challenge.answer_by_ms,
    })
    .to_string()
}

/// A prover's output for `challenge`, by `deadline`.
///
/// # Errors
/// When there is none. [`ProverError::NoFile`] may change by waiting.
pub async fn prove(
    prover: &Prover,
    challenge: &Challenge,
    deadline: Instant,
) -> Result<Vec<u8>, ProverError> {
    match prover {
        Prover::Command(argv) => run_command(argv, prover_input(challenge), deadline).await,
        Prover::Directory(folder) => read_file(folder, challenge),
    }
}

fn read_file(folder: &Path, challenge: &Challenge) -> Result<Vec<u8>, ProverError> {
    let by_job = format!("{}.json", challenge.job_id);
    let by_statement = format!("{}.json", challenge.statement_hash());
    for name in [&by_job, &by_statement] {
        let path = folder.join(name);
        let mut bytes = Vec::new();
        let limit = MAX_PROVER_OUTPUT_BYTES as u64 + 1;
        let read =
            std::fs::File::open(&path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
        match read {
            Ok(_) if bytes.len() > MAX_PROVER_OUTPUT_BYTES => return Err(ProverError::TooMuch),
            Ok(_) => return Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(source) => return Err(ProverError::File { path, source }),
        }
    }
    Err(ProverError::NoFile { folder: folder.to_owned(), by_job, by_statement })
}

/// A started prover in a process group of its own; dropped before it has ended, all of the group
/// is killed.
struct Running {
    child: Child,
    group: Option<Pid>,
}

impl Running {
    fn start(argv: &[String]) -> Result<Self, ProverError> {
        let (program, arguments) = argv.split_first().ok_or_else(|| ProverError::Start {
            program: String::new(),
            source: io::ErrorKind::NotFound.into(),
        })?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| ProverError::Start { program: program.clone(), source })?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Self { child, group })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::debug!(%error, "the prover's process group is gone already");
        }
    }
}

async fn run_command(
    argv: &[String],
    input: String,
    deadline: Instant,
) -> Result<Vec<u8>, ProverError> {
    let mut running = Running::start(argv)?;
    let stdin = running.child.stdin.take();
    let stdout = running.child.stdout.take();
    let stderr = running.child.stderr.take();
    let work = async {
        let (written, output, said) =
            tokio::join!(feed(stdin, input), read_bounded(stdout), read_log(stderr));
        written?;
        let output = output?;
        let status = running.child.wait().await?;
        Ok::<_, ProverError>((status, output, said))
    };
    let (status, output, said) =
        timeout_at(deadline, work).await.map_err(|_| ProverError::Timeout)??;
    // It has ended by itself: there is no group left to kill.
    running.group = None;
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    for line in said.lines() {
        tracing::info!(target: "provider::prover", "{line}");
    }
    if !status.success() {
        let said = said.lines().last().unwrap_or_default().to_owned();
        return Err(ProverError::Status { status: status.to_string(), said });
    }
    Ok(output)
}

async fn feed(stdin: Option<ChildStdin>, input: String) -> io::Result<()> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    match stdin.write_all(input.as_bytes()).await {
        // A prover need not read what it does not need.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

async fn read_bounded(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, ProverError> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MAX_PROVER_OUTPUT_BYTES as u64 + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() > MAX_PROVER_OUTPUT_BYTES { Err(ProverError::TooMuch) } else { Ok(bytes) }
}

/// Keeps the beginning, and reads the rest away so that the prover is not held up.
async fn read_log(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return kept };
    let mut buffer = [0u8; 4096];
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        let room = MAX_PROVER_LOG_BYTES.saturating_sub(kept.len());
        kept.extend(buffer.iter().take(read.min(room)));
    }
    kept
}

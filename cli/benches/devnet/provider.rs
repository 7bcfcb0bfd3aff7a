//! The provider: the agent itself, in this process, with one proof made before it is asked for.
//!
//! No input of its statement is bound to the challenge, so that the proof answers every job. Proving is only
//! waited for: how long it takes is the provider's own matter and is left out of what is measured.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy_primitives::{B256, Bytes, U256, keccak256};
use assay_cli::devnet::{Devnet, demo_statement, prover_folder};
use eyre::{Context as _, Result, bail, eyre};
use proofs::{
    formats::Format,
    groth16_bn254::{Input, Statement, VerifyingKey, response_bytes},
};
use provider::{AgentConfig, AgentEvent, Check, Prover};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, process::Command, sync::mpsc, task::JoinHandle};

use crate::machine::now_us;

/// What it is called.
pub(crate) const NAME: &str = "provider";
/// Events of the agent that wait to be noted.
const EVENTS: usize = 4096;

/// What proves what, for every job.
pub(crate) struct Prepared {
    pub(crate) key: VerifyingKey,
    pub(crate) statement: Bytes,
    proof: Value,
}

impl Prepared {
    /// Has the demo's prover make a proof, and makes a statement that fixes all its inputs.
    pub(crate) async fn make() -> Result<Self> {
        let circuit = prover_folder()?;
        let path = circuit.join("verification_key.json");
        let key = Format::Snarkjs.read_key(&std::fs::read(&path)?)?;
        let ask = json!({ "bound_input": "1", "statement": demo_statement(key.id()) });
        let mut prover = Command::new("node")
            .arg(circuit.join("prove.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .wrap_err("node cannot be run")?;
        if let Some(mut stdin) = prover.stdin.take() {
            stdin.write_all(ask.to_string().as_bytes()).await?;
        }
        let output = prover.wait_with_output().await?;
        if !output.status.success() {
            bail!("the demo's prover ended with {}", output.status);
        }
        let proof: Value = serde_json::from_slice(&output.stdout)?;
        let signals: Vec<String> = serde_json::from_value(proof["publicSignals"].clone())?;
        let fixed = |signal: &String| Ok(Input::Fixed(signal.parse::<U256>()?));
        let inputs = signals.iter().map(fixed).collect::<Result<Vec<_>>>()?;
        let statement = Statement { vk_id: key.id(), inputs }.encode().into();
        Ok(Self { key, statement, proof })
    }

    /// The parts of the response to every job.
    pub(crate) fn parts(&self) -> Result<Vec<Vec<u8>>> {
        let proved = self.proof.to_string();
        let (proof, inputs) = proofs::formats::snarkjs::read_proved(proved.as_bytes())?;
        let refused = |code: proofs::Code| eyre!("{}", code.explanation());
        let statement = Statement::decode(&self.statement).map_err(refused)?;
        Ok(vec![response_bytes(&statement, &proof, &inputs).map_err(refused)?])
    }
}

/// When the provider saw a challenge, and when the first node took its answer; unix microseconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Answered {
    pub(crate) seen: u64,
    pub(crate) accepted: u64,
}

/// The running agent.
pub(crate) struct Agent {
    noted: Arc<Mutex<BTreeMap<B256, Answered>>>,
    task: JoinHandle<Result<(), provider::AgentError>>,
    _folder: TempDir,
}

impl Agent {
    /// One whose prover takes `proving`; none answers at once, from a file.
    pub(crate) fn start(
        devnet: &Devnet,
        prepared: &Prepared,
        proving: Option<Duration>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let name = format!("{}.json", keccak256(&prepared.statement));
        let proof = folder.path().join(name);
        std::fs::write(&proof, prepared.proof.to_string())?;
        let prover = match proving {
            None => Prover::Directory(PathBuf::from(folder.path())),
            Some(proving) => {
                let wait = format!("sleep {}; cat \"$0\"", proving.as_secs_f64());
                let proof = proof.to_string_lossy().into_owned();
                Prover::Command(vec!["sh".into(), "-c".into(), wait, proof])
            }
        };
        let summary = devnet.summary();
        let config = AgentConfig {
            key_file: devnet.provider(NAME)?.key_file.clone(),
            password_file: summary.password_file,
            ledger_id: summary.ledger_id,
            nodes: summary.operators.into_iter().map(|operator| operator.api).collect(),
            min_agreeing: devnet.genesis().quorums().f + 1,
            journal: folder.path().join("signed.redb"),
            prover,
            verifying_keys: Vec::new(),
            check: Check::Never,
            max_concurrent: 64,
            poll_interval_ms: 1_000,
            answer_limit_ms: 60_000,
        };
        let (events, mut heard) = mpsc::channel(EVENTS);
        let noted = Arc::new(Mutex::new(BTreeMap::new()));
        let notes = Arc::clone(&noted);
        tokio::spawn(async move {
            while let Some(event) = heard.recv().await {
                note(&mut notes.lock().unwrap_or_else(PoisonError::into_inner), &event);
            }
        });
        let task = tokio::spawn(provider::run_observed(
            config,
            Some(events),
            std::future::pending::<()>(),
        ));
        Ok(Self { noted, task, _folder: folder })
    }

    /// How a job was answered, once a node has taken the answer.
    pub(crate) fn answered(&self, job: B256) -> Option<Answered> {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get(&job).copied().filter(|answered| answered.accepted > 0)
    }

    /// # Errors
    /// When the agent has ended.
    pub(crate) fn check(&self) -> Result<()> {
        if self.task.is_finished() {
            bail!("the provider's agent has ended");
        }
        Ok(())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn note(noted: &mut BTreeMap<B256, Answered>, event: &AgentEvent) {
    let now = now_us();
    match event {
        AgentEvent::Challenged { job } => noted.entry(*job).or_default().seen = now,
        AgentEvent::Accepted { job, .. } => {
            let answered = noted.entry(*job).or_default();
            if answered.accepted == 0 {
                answered.accepted = now;
            }
        }
        AgentEvent::Failed { job, reason } => eprintln!("job {job} not answered: {reason}"),
        AgentEvent::TooLate { job, accepted } => eprintln!("job {job} too late: {accepted}"),
        AgentEvent::Conflict { job } | AgentEvent::Contradiction { job } => {
            eprintln!("job {job}: {event:?}");
        }
        AgentEvent::Signed { .. } => {}
    }
}

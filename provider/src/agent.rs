//! The agent: what nodes agree on is answered once, and sent to all.

use std::{fs, future::Future, sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes};
use keystore::{FileError, Password, web3};
use protocol::{bytes::response_digest, ecdsa::Signer, ids::JobId, response::response_hash};
use thiserror::Error;
use tokio::{
    sync::{Semaphore, mpsc},
    task::{JoinError, JoinSet, spawn_blocking},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    AgentConfig, AnswerError, Answerer, Book, Challenge, ClientError, ConfigError, Journal,
    JournalError, NodeClient, Observation, Prover, ProverError, SignedAnswer, Submission, Written,
    answer::read_keys,
    clock::{instant_of, now_ms},
    prover::prove,
    watch::{Watcher, Word},
};

const MAX_WAITING_WORDS: usize = 256;
const MAX_COMMAND_TRIES: u32 = 3;
const PROVER_PAUSE: Duration = Duration::from_secs(1);
const SUBMIT_PAUSE_FIRST: Duration = Duration::from_millis(250);
const SUBMIT_PAUSE_LONGEST: Duration = Duration::from_secs(5);
/// How long submissions on their way may take after the agent is told to stop.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// Why the agent can't start, or had to stop.
#[derive(Debug, Error)]
pub enum AgentError {
    /// A value can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The key can't be opened.
    #[error(transparent)]
    Key(#[from] FileError),
    /// The journal can't be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A node's address can't be used.
    #[error("node {node}: {source}")]
    Node {
        /// Its address.
        node: String,
        /// Why.
        source: ClientError,
    },
    /// A thread of the agent's own failed.
    #[error("the agent failed: {0}")]
    Task(#[from] JoinError),
}

/// What happened, for whoever watches; the agent logs the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// Nodes tell different things of a job; none is answered yet.
    Contradiction {
        /// The job.
        job: B256,
    },
    /// Enough nodes agree on a challenge.
    Challenged {
        /// The job.
        job: B256,
    },
    /// There is no answer, for now or for good.
    Failed {
        /// The job.
        job: B256,
        /// Why.
        reason: String,
    },
    /// A response was signed, and is durable.
    Signed {
        /// The job.
        job: B256,
        /// Its hash.
        response: B256,
    },
    /// The job was answered for another seed before, and isn't again.
    Conflict {
        /// The job.
        job: B256,
    },
    /// A node took the response.
    Accepted {
        /// The job.
        job: B256,
        /// Which node, by its place in the config.
        node: usize,
    },
    /// The deadline passed before enough nodes had the response.
    TooLate {
        /// The job.
        job: B256,
        /// How many had taken it.
        accepted: usize,
    },
}

/// Runs the agent until `shutdown` completes; then provers are killed, and submissions that are on
/// their way get a moment.
///
/// # Errors
/// When it can't start; while it runs, only when its journal fails: it signs nothing then.
pub async fn run(
    config: AgentConfig,
    shutdown: impl Future<Output = ()>,
) -> Result<(), AgentError> {
    run_observed(config, None, shutdown).await
}

/// [`run`], with what happens sent to `events` as well; events that don't fit are dropped.
///
/// # Errors
/// As [`run`].
pub async fn run_observed(
    config: AgentConfig,
    events: Option<mpsc::Sender<AgentEvent>>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), AgentError> {
    config.validate()?;
    let agent = Arc::new(Agent::new(config, events).await?);
    let (words, mut heard) = mpsc::channel(MAX_WAITING_WORDS);
    let mut watchers = JoinSet::new();
    for (node, client) in agent.nodes.iter().enumerate() {
        watchers.spawn(agent.watcher(node, client, words.clone()).run());
    }
    drop(words);
    let mut book = Book::new(agent.config.min_agreeing);
    let mut answers = JoinSet::new();
    for signed in agent.journal.unexpired(now_ms())? {
        tracing::info!(job = %signed.job_id, "sending again what was signed before");
        answers.spawn(Arc::clone(&agent).redeliver(signed));
    }
    tokio::pin!(shutdown);
    let result = loop {
        tokio::select! {
            () = &mut shutdown => break Ok(()),
            Some(word) = heard.recv() => {
                if let Some(challenge) = agent.hear(&mut book, word) {
                    answers.spawn(Arc::clone(&agent).answer(challenge));
                }
            }
            Some(ended) = answers.join_next() => match ended {
                Ok(Ended::Done) => (),
                Ok(Ended::Retry(job)) => book.reopen(job),
                Ok(Ended::JournalFailed(error)) => break Err(error.into()),
                Err(error) => break Err(error.into()),
            },
        }
    };
    agent.stop(watchers, answers).await;
    result
}

/// How the work on a job ended.
enum Ended {
    Done,
    Retry(B256),
    JournalFailed(JournalError),
}

struct Agent {
    config: AgentConfig,
    signer: Signer,
    answerer: Answerer,
    journal: Journal,
    nodes: Vec<NodeClient>,
    provers: Semaphore,
    events: Option<mpsc::Sender<AgentEvent>>,
}

impl Agent {
    async fn new(
        config: AgentConfig,
        events: Option<mpsc::Sender<AgentEvent>>,
    ) -> Result<Self, AgentError> {
        let opened = config.clone();
        let signer = spawn_blocking(move || open_key(&opened)).await??;
        let provider = signer.address();
        let keys = read_keys(&config.verifying_keys)?;
        let answerer = Answerer::new(provider, config.check, keys);
        let journal = Journal::open(&config.journal, provider, config.ledger_id)?;
        let mut nodes = Vec::new();
        for node in &config.nodes {
            let client = NodeClient::new(node, provider)
                .map_err(|source| AgentError::Node { node: node.clone(), source })?;
            nodes.push(client);
        }
        let provers = Semaphore::new(config.max_concurrent);
        tracing::info!(%provider, nodes = nodes.len(), agreeing = config.min_agreeing, "agent started");
        Ok(Self { config, signer, answerer, journal, nodes, provers, events })
    }

    fn watcher(&self, node: usize, client: &NodeClient, words: mpsc::Sender<Word>) -> Watcher {
        Watcher {
            node,
            name: self.name(node),
            client: client.clone(),
            ledger: self.config.ledger_id,
            provider: self.signer.address(),
            poll_interval: Duration::from_millis(self.config.poll_interval_ms),
            words,
        }
    }

    fn name(&self, node: usize) -> String {
        self.config.nodes.get(node).cloned().unwrap_or_default()
    }

    fn tell(&self, event: AgentEvent) {
        tracing::debug!(?event, "agent");
        if let Some(events) = &self.events {
            // Whoever watches too slowly misses some.
            let _ = events.try_send(event);
        }
    }

    /// The challenge to answer, if this word makes it agreed on.
    fn hear(&self, book: &mut Book, word: Word) -> Option<Challenge> {
        let (node, job) = (self.name(word.node), word.challenge.job_id);
        match book.observe(word.node, &word.challenge, now_ms()) {
            Observation::Agreed(agreed) => {
                tracing::info!(%job, nodes = agreed.nodes, "challenged");
                self.tell(AgentEvent::Challenged { job });
                return Some(agreed.challenge);
            }
            Observation::Contradiction { versions } => {
                tracing::warn!(%job, %node, versions, "nodes contradict each other; not answering yet");
                self.tell(AgentEvent::Contradiction { job });
            }
            Observation::AgainstAgreed => {
                tracing::warn!(%job, %node, "the node contradicts what the others agree on");
            }
            Observation::TooMany => tracing::warn!(%node, "the node shows too many challenges"),
            Observation::Waiting { agreeing, needed } => {
                tracing::debug!(%job, agreeing, needed, "waiting for more nodes");
            }
            Observation::Known => (),
        }
        None
    }

    async fn redeliver(self: Arc<Self>, signed: SignedAnswer) -> Ended {
        self.deliver(&signed).await;
        Ended::Done
    }

    async fn answer(self: Arc<Self>, challenge: Challenge) -> Ended {
        let job = challenge.job_id;
        let earlier = match self.journal.get(job) {
            Ok(earlier) => earlier,
            Err(error) => return Ended::JournalFailed(error),
        };
        if let Some(signed) = earlier {
            return self.send_earlier(&challenge, signed).await;
        }
        let limit = now_ms().saturating_add(self.config.answer_limit_ms);
        let answer_by_ms = challenge.answer_by_ms.map_or(limit, |by| by.min(limit));
        let parts = match self.prove_in_time(&challenge, instant_of(answer_by_ms)).await {
            Ok(parts) => parts,
            Err(failure) => return self.give_up(job, answer_by_ms, failure).await,
        };
        let signed = self.sign(&challenge, parts, answer_by_ms);
        let (journal, entry) = (self.journal.clone(), signed.clone());
        match spawn_blocking(move || journal.put(&entry)).await {
            Ok(Ok(Written::New)) => (),
            Ok(Ok(Written::Earlier(earlier))) => {
                return self.send_earlier(&challenge, *earlier).await;
            }
            Ok(Err(error)) => return Ended::JournalFailed(error),
            Err(error) => {
                tracing::error!(%job, %error, "the journal's thread failed; nothing is sent");
                return Ended::Done;
            }
        }
        let response = signed.hash();
        tracing::info!(%job, %response, "signed");
        self.tell(AgentEvent::Signed { job, response });
        self.deliver(&signed).await;
        Ended::Done
    }

    async fn send_earlier(&self, challenge: &Challenge, signed: SignedAnswer) -> Ended {
        let job = challenge.job_id;
        if signed.seed != challenge.seed {
            tracing::error!(
                %job, signed_for = %signed.seed, asked_for = %challenge.seed,
                "this job was answered for another seed; it is not answered twice"
            );
            self.tell(AgentEvent::Conflict { job });
            return Ended::Done;
        }
        self.deliver(&signed).await;
        Ended::Done
    }

    /// Proves and checks, again when that can help, until the deadline.
    async fn prove_in_time(
        &self,
        challenge: &Challenge,
        deadline: Instant,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let mut tries = 0;
        loop {
            let failure = match self.prove_once(challenge, deadline).await {
                Ok(parts) => return Ok(parts),
                Err(failure) => failure,
            };
            let job = challenge.job_id;
            tracing::warn!(%job, error = %failure, "no answer yet");
            self.tell(AgentEvent::Failed { job, reason: failure.to_string() });
            tries += 1;
            let again = match self.config.prover {
                // A file may still come, or be replaced.
                Prover::Directory(_) => true,
                Prover::Command(_) => tries < MAX_COMMAND_TRIES,
            };
            let next = Instant::now() + PROVER_PAUSE;
            if !again || next >= deadline {
                return Err(failure);
            }
            sleep(PROVER_PAUSE).await;
        }
    }

    async fn prove_once(
        &self,
        challenge: &Challenge,
        deadline: Instant,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let turn = timeout_at(deadline, self.provers.acquire()).await;
        let _turn = turn.map_err(|_| Failure::NoTurn)?.map_err(|_| Failure::NoTurn)?;
        let output = prove(&self.config.prover, challenge, deadline).await?;
        let parts = self.answerer.answer(challenge, &output, now_ms())?;
        if Instant::now() >= deadline { Err(Failure::NoTurn) } else { Ok(parts) }
    }

    /// A job whose proof failed well before its deadline may be agreed on again.
    async fn give_up(&self, job: B256, answer_by_ms: u64, failure: Failure) -> Ended {
        tracing::error!(%job, error = %failure, "the job is not answered");
        if now_ms() < answer_by_ms { Ended::Retry(job) } else { Ended::Done }
    }

    fn sign(&self, challenge: &Challenge, parts: Vec<Vec<u8>>, answer_by_ms: u64) -> SignedAnswer {
        let (job, hub) = (JobId(challenge.job_id), challenge.asked_by());
        let response = response_hash(&parts);
        let digest = response_digest(self.config.ledger_id, hub, job, challenge.seed, response);
        SignedAnswer {
            job_id: challenge.job_id,
            seed: challenge.seed,
            parts: parts.into_iter().map(Bytes::from).collect(),
            signature: Bytes::from(self.signer.sign(digest).to_vec()),
            answer_by_ms,
        }
    }

    /// Sends a signed response to every node, each until it takes it or the deadline passes.
    async fn deliver(&self, signed: &SignedAnswer) {
        let (job, deadline) = (signed.job_id, instant_of(signed.answer_by_ms));
        let mut sends = JoinSet::new();
        for (node, client) in self.nodes.iter().enumerate() {
            let (client, submission) = (client.clone(), Submission::from(signed));
            let name = self.name(node);
            sends.spawn(async move {
                let taken = timeout_at(deadline, submit_until_taken(&client, &submission, &name));
                (node, taken.await.is_ok())
            });
        }
        let mut accepted = 0;
        while let Some(sent) = sends.join_next().await {
            if let Ok((node, true)) = sent {
                accepted += 1;
                tracing::info!(%job, node = %self.name(node), "accepted");
                self.tell(AgentEvent::Accepted { job, node });
            }
        }
        if accepted < self.config.min_agreeing {
            tracing::error!(%job, accepted, "too late: not enough nodes took the response");
            self.tell(AgentEvent::TooLate { job, accepted });
        }
    }

    async fn stop(&self, mut watchers: JoinSet<()>, mut answers: JoinSet<Ended>) {
        tracing::info!(unfinished = answers.len(), "agent stops");
        watchers.abort_all();
        self.provers.close();
        let deadline = Instant::now() + STOP_GRACE;
        while let Ok(Some(_)) = timeout_at(deadline, answers.join_next()).await {}
        // Dropping what is left kills its provers; signed responses are sent again next time.
        answers.shutdown().await;
        watchers.shutdown().await;
    }
}

async fn submit_until_taken(client: &NodeClient, submission: &Submission, node: &str) {
    let mut pause = SUBMIT_PAUSE_FIRST;
    while let Err(error) = client.submit(submission).await {
        tracing::warn!(job = %submission.job_id, %node, %error, "not accepted yet");
        sleep(pause).await;
        pause = (pause * 2).min(SUBMIT_PAUSE_LONGEST);
    }
}

/// Why a challenge has no answer.
#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Prover(#[from] ProverError),
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error("the deadline came first")]
    NoTurn,
}

fn open_key(config: &AgentConfig) -> Result<Signer, AgentError> {
    let password = fs::read_to_string(&config.password_file).map_err(|error| ConfigError {
        key: "password_file".into(),
        reason: format!("{}: {error}", config.password_file.display()),
    })?;
    let password = Password::from_file_content(password);
    let secret = web3::Keystore::read_secret(&config.key_file, &password)?;
    Signer::from_secret(secret.expose()).ok_or_else(|| {
        let reason = "the key is no secp256k1 key".into();
        ConfigError { key: "key_file".into(), reason }.into()
    })
}

//! Nodes that say what a test tells them to, and an agent that listens to them.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, B256, U256, address, hex, keccak256};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
    routing::{get, post},
};
use futures::stream::{self, StreamExt};
use keystore::{Kdf, Password, Secret, web3};
use proofs::{
    Kind,
    formats::snarkjs,
    groth16_bn254::{Input, Statement},
};
use protocol::{
    bytes::HubAddress,
    ids::JobId,
    response::{response_hash, verify_response_signature},
};
use provider::{AgentConfig, AgentError, AgentEvent, Check, Prover, Submission, run_observed};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::{broadcast, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

pub(crate) const KEY: &str = include_str!("../fixtures/multiplier2/verification_key.json");
pub(crate) const PROOF: &str = include_str!("../fixtures/multiplier2/proof.json");
pub(crate) const PUBLIC: &str = include_str!("../fixtures/multiplier2/public.json");
pub(crate) const CHAIN_ID: u64 = 31337;
pub(crate) const HUB: Address = address!("5fbdb2315678afecb367f032d93f642f64180aa3");
const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub(crate) fn ledger() -> B256 {
    B256::repeat_byte(0x11)
}

pub(crate) fn job(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// What `snarkjs` proves: the fixture's proof.
pub(crate) fn proved() -> String {
    format!("{{\"proof\": {PROOF}, \"publicSignals\": {PUBLIC}}}")
}

/// A statement that the fixture's proof shows.
pub(crate) fn statement() -> Statement {
    let vk_id = snarkjs::read_key(KEY.as_bytes()).unwrap().id();
    Statement { vk_id, inputs: vec![Input::Fixed(U256::from(33))] }
}

pub(crate) struct Challenged {
    pub(crate) job: B256,
    pub(crate) seed: B256,
    pub(crate) answer_in_ms: u64,
}

impl Challenged {
    pub(crate) fn new(job_byte: u8) -> Self {
        Self { job: job(job_byte), seed: B256::repeat_byte(0x5e), answer_in_ms: 30_000 }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "ledger_id": ledger(),
            "job_id": self.job,
            "job_index": 7,
            "chain_id": CHAIN_ID,
            "hub": HUB,
            "kind": Kind::of_name("groth16-bn254").to_string(),
            "statement": hex::encode_prefixed(statement().encode()),
            "seed": self.seed,
            "answer_by_ms": now_ms() + self.answer_in_ms,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    StreamAndPoll,
    PollOnly,
}

struct Said {
    speaks: Speaks,
    challenges: Mutex<Vec<Value>>,
    refusals_left: Mutex<usize>,
    submissions: mpsc::UnboundedSender<Submission>,
    events: broadcast::Sender<Value>,
}

/// A node with the API that the agent uses.
pub(crate) struct Node {
    pub(crate) url: String,
    said: Arc<Said>,
    submissions: mpsc::UnboundedReceiver<Submission>,
    server: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Node {
    pub(crate) async fn start(speaks: Speaks) -> Self {
        let (sender, submissions) = mpsc::unbounded_channel();
        let said = Arc::new(Said {
            speaks,
            challenges: Mutex::default(),
            refusals_left: Mutex::default(),
            submissions: sender,
            events: broadcast::channel(64).0,
        });
        let router = Router::new()
            .route("/v1/challenges", get(poll))
            .route("/v1/challenges/stream", get(stream_challenges))
            .route("/v1/responses", post(respond))
            .with_state(Arc::clone(&said));
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, said, submissions, server }
    }

    /// Shows a challenge from now on, in polls and on the stream.
    pub(crate) fn challenge(&self, challenge: Value) {
        self.said.challenges.lock().unwrap().push(challenge.clone());
        let _ = self.said.events.send(challenge);
    }

    /// Refuses the next submissions.
    pub(crate) fn refuse(&self, times: usize) {
        *self.said.refusals_left.lock().unwrap() = times;
    }

    /// The next response that the node takes.
    pub(crate) async fn submission(&mut self) -> Submission {
        timeout(LONGEST_WAIT, self.submissions.recv()).await.expect("a submission").unwrap()
    }

    /// Responses that were taken and not yet looked at.
    pub(crate) fn taken(&mut self) -> Vec<Submission> {
        std::iter::from_fn(|| self.submissions.try_recv().ok()).collect()
    }
}

async fn poll(State(said): State<Arc<Said>>) -> Json<Vec<Value>> {
    Json(said.challenges.lock().unwrap().clone())
}

async fn stream_challenges(State(said): State<Arc<Said>>) -> Response {
    if said.speaks == Speaks::PollOnly {
        return StatusCode::NOT_FOUND.into_response();
    }
    let live = said.events.subscribe();
    let first = stream::iter(said.challenges.lock().unwrap().clone());
    let later = stream::unfold(live, |mut live| async move {
        live.recv().await.ok().map(|challenge| (challenge, live))
    });
    let events = first
        .chain(later)
        .map(|challenge| Event::default().event("challenge").json_data(challenge));
    Sse::new(events).into_response()
}

async fn respond(
    State(said): State<Arc<Said>>,
    Json(submission): Json<Submission>,
) -> (StatusCode, Json<Value>) {
    let mut refusals_left = said.refusals_left.lock().unwrap();
    if *refusals_left > 0 {
        *refusals_left -= 1;
        let body = json!({"error": "not yet", "code": "JOB_UNKNOWN"});
        return (StatusCode::NOT_FOUND, Json(body));
    }
    said.submissions.send(submission).unwrap();
    (StatusCode::ACCEPTED, Json(json!({})))
}

/// Files of one provider.
pub(crate) struct Provider {
    pub(crate) folder: TempDir,
    pub(crate) address: Address,
}

impl Provider {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secret = Secret::new([0x42; 32]);
        let address = web3::address_of(&secret).unwrap();
        let sealed = web3::Keystore::seal(&secret, &Password::from("p"), Kdf::LIGHT).unwrap();
        sealed.write(&folder.path().join("key.json")).unwrap();
        fs::write(folder.path().join("password"), "p\n").unwrap();
        fs::write(folder.path().join("verification_key.json"), KEY).unwrap();
        fs::write(folder.path().join("proved.json"), proved()).unwrap();
        Self { folder, address }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A prover that is a shell script, run in the provider's folder.
    pub(crate) fn script(&self, body: &str) -> Prover {
        let folder = self.folder.path().display();
        let script = format!("cd '{folder}' || exit 1\n{body}");
        Prover::Command(vec!["/bin/sh".into(), "-c".into(), script])
    }

    pub(crate) fn config(
        &self,
        nodes: &[&Node],
        min_agreeing: usize,
        prover: Prover,
    ) -> AgentConfig {
        AgentConfig {
            key_file: self.path("key.json"),
            password_file: self.path("password"),
            ledger_id: ledger(),
            nodes: nodes.iter().map(|node| node.url.clone()).collect(),
            min_agreeing,
            journal: self.path("signed.redb"),
            prover,
            verifying_keys: vec![self.path("verification_key.json")],
            check: Check::BeforeSigning,
            max_concurrent: 2,
            poll_interval_ms: 100,
            answer_limit_ms: 60_000,
        }
    }

    /// Requires that this provider signed what was submitted, for this challenge, and returns its
    /// response hash.
    #[track_caller]
    pub(crate) fn require_signed(&self, submission: &Submission, challenged: &Challenged) -> B256 {
        assert_eq!(submission.job_id, challenged.job);
        let parts: Vec<Vec<u8>> = submission.parts.iter().map(|part| part.to_vec()).collect();
        let response = response_hash(&parts);
        verify_response_signature(
            ledger(),
            HubAddress { chain_id: CHAIN_ID, hub: HUB },
            JobId(challenged.job),
            challenged.seed,
            response,
            submission.signature.as_ref().try_into().unwrap(),
            self.address,
        )
        .unwrap();
        response
    }
}

/// A running agent.
pub(crate) struct Agent {
    events: mpsc::Receiver<AgentEvent>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), AgentError>>,
}

impl Agent {
    pub(crate) fn start(config: AgentConfig) -> Self {
        let (sender, events) = mpsc::channel(1024);
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(run_observed(config, Some(sender), async move {
            let _ = stopped.await;
        }));
        Self { events, stop, running }
    }

    /// Waits for an event that `wanted` makes something of.
    pub(crate) async fn wait<T>(&mut self, mut wanted: impl FnMut(&AgentEvent) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("the agent runs");
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
        };
        timeout(LONGEST_WAIT, found).await.expect("the event comes")
    }

    /// Stops the agent, and returns the events that nobody waited for.
    pub(crate) async fn stop(mut self) -> Vec<AgentEvent> {
        self.stop.send(()).unwrap();
        timeout(LONGEST_WAIT, self.running).await.expect("the agent stops").unwrap().unwrap();
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

/// Whether a process is there and runs.
pub(crate) fn runs(pid: &str) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    status.is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with(['Z', 'X']))
}

pub(crate) fn statement_hash() -> B256 {
    keccak256(statement().encode())
}

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use alloy_primitives::{B256, keccak256};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use host::{HostConfig, Limits, Timeouts, Validator};
use oracle_node::{
    Archive, Command, Metrics, Sources,
    api::{Context, Respond, STREAMS_MAX, Seats, UPLOADS_MAX, router},
    config::NodeConfig,
    views::{Seen, View},
};
use protocol::{block::Block, ids::Height};
use store::{Batch, Identity, Options, Store};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, watch},
};
use tower::ServiceExt as _;

use super::block::{STATES, first_job};
use super::config::NODE;
use super::operator::running;
use super::response::genuine;
use crate::committee::{self, Committee};
use crate::seed::{Seed, plain};

const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
const STATEMENT: &[u8] = b"statement";

/// A node's API, with a host and a store of its own, before an operator that judges responses.
struct Api {
    requests: Runtime,
    router: Router,
    /// Drives the host, which nothing is asked of.
    _host: Runtime,
    _events: mpsc::Receiver<host::Event>,
    _stop: watch::Sender<bool>,
    _view: watch::Sender<Arc<View>>,
    _folder: tempfile::TempDir,
}

static API: LazyLock<Mutex<Api>> = LazyLock::new(|| Mutex::new(Api::start(STATES.answering())));

impl Api {
    fn start(committee: &'static Committee) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let driver = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let driver = driver.expect("a runtime");
        let requests = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let started = driver.block_on(host::start(host_config(committee, folder.path())));
        let (host, events) = started.expect("a host");
        let genesis = Arc::new(committee.ledger.genesis().clone());
        let store = stored(committee, folder.path());
        let operator = running(committee);
        let nobody = BTreeSet::new();
        let seen = Seen { peers: &nobody, clock_offset_ms: None, chains: Vec::new() };
        let (view_sender, view) = watch::channel(Arc::new(View::of(&operator, seen)));
        let metrics = Metrics::new(Sources {
            view: view.clone(),
            host: host.clone(),
            genesis: &genesis,
            me: operator.index(),
            config: &NodeConfig::parse(NODE).expect("a valid config"),
        });
        let (commands, mut asked) = mpsc::channel(16);
        let (stop_sender, stop) = watch::channel(false);
        requests.spawn(async move {
            while let Some(Command::Respond { response, reply }) = asked.recv().await {
                // A new operator each time, so that an input does what it does, whatever came before.
                let taken = running(committee).responded(committee.now_ms, response);
                let _ = reply.send(taken.map(drop));
            }
        });
        let router = router(Context {
            archive: Archive::new(store.clone(), Arc::clone(&genesis)),
            store,
            genesis,
            metrics: Arc::new(metrics),
            view,
            host,
            commands,
            streams: Seats::new(STREAMS_MAX),
            uploads: Seats::new(UPLOADS_MAX),
            stop,
        });
        Self {
            requests,
            router,
            _host: driver,
            _events: events,
            _stop: stop_sender,
            _view: view_sender,
            _folder: folder,
        }
    }
}

fn host_config(committee: &Committee, folder: &Path) -> HostConfig {
    let (genesis, _, networks) = committee::genesis();
    let me = genesis.members.first().expect("four members").consensus_key;
    let secret = (1..=4u8).map(|seed| [seed; 32]).find(|secret| {
        protocol::ecdsa::Signer::from_secret(secret).is_some_and(|key| key.public_key() == me)
    });
    let validator = |member: &protocol::genesis::Member| Validator {
        consensus_key: member.consensus_key,
        network_key: member.network_key,
        addresses: Vec::new(),
    };
    HostConfig {
        ledger_id: committee.ledger.state().ledger_id.0,
        network_key: networks[0],
        consensus_key: secret.expect("the first member's"),
        validators: genesis.members.iter().map(validator).collect(),
        listen: "/ip4/127.0.0.1/tcp/0".into(),
        wal_dir: folder.join("wal"),
        start_height: 1,
        // Consensus is not what is asked here.
        max_idle: Duration::from_secs(24 * 3600),
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        allow_missing_wal: true,
    }
}

fn stored(committee: &Committee, folder: &Path) -> Store {
    let state = committee.ledger.state();
    let operator = committee.signers[0].address();
    let identity = Identity { ledger_id: state.ledger_id, operator };
    let store = Store::open(&folder.join("node.redb"), identity, Options::default());
    let store = store.expect("a new store");
    let block = Block { state_digest: B256::ZERO, bundles: vec![], signatures: vec![] };
    let mut batch = Batch::new();
    batch.block(Height(1), block.encode());
    batch.certificate(Height(1), vec![1; 100]);
    batch.statement(keccak256(STATEMENT), STATEMENT.to_vec());
    store.append_blocking(batch).expect("room on the disk");
    store
}

/// A method and a path on the first line, a JSON body after it.
pub(super) fn run(input: &[u8]) {
    let api = API.lock().unwrap_or_else(PoisonError::into_inner);
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, body) = input.split_at(end);
    let Ok(line) = std::str::from_utf8(line) else { return };
    let (method, path) = line.split_once(' ').unwrap_or(("GET", line));
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let body = body.get(1..).unwrap_or_default().to_vec();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body));
    let Ok(request) = request else { return };
    let head = request.method() == Method::HEAD;
    let ready = request.uri().path() == "/ready";
    let answered = api.requests.block_on(api.router.clone().oneshot(request));
    let answer = answered.unwrap_or_else(|never| match never {});
    let status = answer.status();
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{line}");
    let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
    let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind == "text/event-stream" || head {
        return;
    }
    let read = api.requests.block_on(to_bytes(answer.into_body(), ANSWER_BYTES_MAX));
    let bytes = read.expect("an answer within its bound");
    let refused = status.is_client_error() || status.is_server_error();
    if refused && status != StatusCode::METHOD_NOT_ALLOWED && !ready {
        let error: serde_json::Value = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| panic!("{line}: {status} without JSON: {bytes:?}"));
        assert!(error["code"].is_string() && error["error"].is_string(), "{line}: {error}");
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let committee = STATES.answering();
    let response = genuine(committee, &[b"answer".to_vec()]);
    let posted = Respond {
        job_id: response.job.0,
        parts: response.parts.iter().map(alloy_primitives::hex::encode_prefixed).collect(),
        signature: alloy_primitives::hex::encode_prefixed(response.signature),
    };
    let posted = serde_json::to_string(&posted).expect("memory");
    let provider = committee.provider.address();
    let (job, hub) = (first_job(committee), committee.ledger.genesis().hubs[0].hub);
    let seed = |name: &str, text: String| plain(name, text);
    let get = |name: &str, path: String| seed(name, format!("GET {path}\n"));
    vec![
        get("health", "/health".into()),
        get("ready", "/ready".into()),
        get("metrics", "/metrics".into()),
        get("status", "/v1/status".into()),
        get("genesis", "/v1/genesis".into()),
        get("committee", "/v1/committee".into()),
        get("jobs", "/v1/jobs?from=1&limit=5&hub=0".into()),
        get("job", format!("/v1/jobs/{job}")),
        get("blocks", "/v1/blocks?from=1&limit=2".into()),
        get("block", "/v1/blocks/1".into()),
        get(
            "certificate",
            format!("/v1/certificates?chain_id=31337&hub={hub}&after={}", B256::ZERO),
        ),
        get("statement", format!("/v1/statements/{}", keccak256(STATEMENT))),
        get("challenges", format!("/v1/challenges?provider={provider}")),
        get("stream", format!("/v1/challenges/stream?provider={provider}")),
        get("response", format!("/v1/responses/{}?job={job}", response.hash())),
        get("nothing", "/v1/%2e%2e/%00".into()),
        seed("head", "HEAD /v1/status\n".into()),
        seed("respond", format!("POST /v1/responses\n{posted}")),
        seed("respond-badly", "POST /v1/responses\n{\"parts\":[".into()),
    ]
}

//! Starting, using and stopping a host.

use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_config::{ConsensusConfig, ValuePayload as ConfigPayload};
use arc_malachitebft_core_consensus::{Params as ConsensusParams, ValuePayload};
use arc_malachitebft_core_types::LinearTimeouts;
use arc_malachitebft_engine::consensus::Consensus;
use arc_malachitebft_engine::node::NodeRef;
use arc_malachitebft_engine::sync::{Params as SyncParams, Sync};
use arc_malachitebft_engine::util::events::TxEvent;
use arc_malachitebft_engine::util::output_port::OutputPort;
use arc_malachitebft_engine::wal::Wal;
use arc_malachitebft_metrics::{Metrics as EngineMetrics, Registry, SharedRegistry};
use arc_malachitebft_sync as sync;
use consensus::{ConsensusKey, LedgerContext, LedgerSigner, LedgerValidators, PublicKey};
use ractor::{Actor, SpawnErr};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::Span;

use crate::bodies::Bodies;
use crate::codec::{SYNC_BATCH, SYNC_RESPONSE_BYTES_MAX, WireCodec};
use crate::config::{HostConfig, Timeouts};
use crate::driver::{Driver, Entrance, QUESTIONS_MAX, Shared, Wake};
use crate::event::{
    Event, HostError, Metrics, PeerKey, Protocol, PublishError, RequestError, Topic,
};
use crate::network::task::{Network, parse_addresses};
use crate::network::{Command, SharedProgress, Shim, commands};
use crate::offence::Offence;
use crate::progress::Progress;
use crate::supervisor::{Alarm, Supervisor};
use crate::wal;

/// Sync requests under way.
const SYNC_PARALLEL: usize = 4;
/// Sync messages between the engine's actors.
const SYNC_PORT: usize = 256;
/// Longest wait of any round.
const ROUND_WAIT_MAX: Duration = Duration::from_secs(60);
/// How long an orderly stop may take.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

struct Inner {
    commands: mpsc::Sender<Command>,
    wake: Arc<Wake>,
    progress: SharedProgress,
    alarm: Alarm,
    node: NodeRef,
    node_task: std::sync::Mutex<Option<JoinHandle<()>>>,
    address: String,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.alarm.silence();
        self.node.get_cell().stop_children(None);
        self.node.stop(None);
    }
}

/// A running host. Clones are handles to the same one; it stops when the last is dropped.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

impl Host {
    /// Gossips a message to the operators; one's own are not heard back.
    ///
    /// # Errors
    /// [`PublishError::NoPeers`] before the first operator is connected: publish again later.
    pub async fn publish(&self, topic: Topic, bytes: Vec<u8>) -> Result<(), PublishError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Publish { topic, bytes, reply };
        self.0.commands.send(command).await.map_err(|_| PublishError::Stopped)?;
        answer.await.map_err(|_| PublishError::Stopped)?
    }

    /// Sends a request to one operator and waits for the answer, at most the request timeout.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn request(
        &self,
        peer: PeerKey,
        protocol: Protocol,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, RequestError> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Request { peer, protocol, bytes, reply };
        self.0.commands.send(command).await.map_err(|_| RequestError::Stopped)?;
        answer.await.map_err(|_| RequestError::Stopped)?
    }

    /// There is work for the block of this height: begin it here and at all operators, once the one
    /// before is stored. Nothing happens if it is under way or decided.
    pub fn wake(&self, height: u64) {
        self.0.wake.ask(height);
    }

    /// Connected operators.
    pub async fn peers(&self) -> Vec<PeerKey> {
        let (reply, answer) = oneshot::channel();
        if self.0.commands.send(Command::Peers(reply)).await.is_err() {
            return Vec::new();
        }
        answer.await.unwrap_or_default()
    }

    /// Counts an offence against an operator, for what it sent to this node directly.
    pub async fn blame(&self, peer: PeerKey, offence: Offence) {
        // A host that has stopped has no peers.
        let _ = self.0.commands.send(Command::Blame { peer, offence }).await;
    }

    /// Changes where an operator is dialed.
    ///
    /// # Errors
    /// [`HostError::Config`] if an address is no multiaddr, [`HostError::Engine`] after a stop.
    pub async fn set_addresses(
        &self,
        peer: PeerKey,
        addresses: &[String],
    ) -> Result<(), HostError> {
        let addresses = parse_addresses(addresses)?;
        let command = Command::SetAddresses { peer, addresses };
        let stopped = |_| HostError::Engine("stopped".into());
        self.0.commands.send(command).await.map_err(stopped)
    }

    /// The multiaddr this node listens on.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Counters and gauges.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.0.progress.metrics()
    }

    /// Leaves the network, so that nothing said from now on is heard, and closes the log. The files and the
    /// address may be used again afterwards.
    pub async fn stop(&self) {
        self.0.alarm.silence();
        let (reply, stopped) = oneshot::channel();
        if self.0.commands.send(Command::Stop(reply)).await.is_ok() {
            let _ = stopped.await;
        }
        let node = self.0.node.get_cell();
        node.stop_children_and_wait(None, Some(STOP_PATIENCE)).await;
        node.stop(None);
        let task = self.0.node_task.lock().ok().and_then(|mut task| task.take());
        if let Some(task) = task {
            let _ = tokio::time::timeout(STOP_PATIENCE, task).await;
        }
    }
}

fn linear(timeouts: &Timeouts) -> LinearTimeouts {
    LinearTimeouts {
        propose: timeouts.propose,
        propose_delta: timeouts.delta,
        prevote: timeouts.prevote,
        prevote_delta: timeouts.delta,
        precommit: timeouts.precommit,
        precommit_delta: timeouts.delta,
        rebroadcast: timeouts.propose + timeouts.prevote + timeouts.precommit,
        max_timeout: ROUND_WAIT_MAX,
    }
}

fn config_error(key: &'static str, reason: impl ToString) -> HostError {
    HostError::Config { key, reason: reason.to_string() }
}

fn check(config: &HostConfig) -> Result<(ConsensusKey, LedgerValidators), HostError> {
    if config.start_height == 0 {
        return Err(config_error("start_height", "the first height is 1"));
    }
    let key = ConsensusKey::from_bytes(&config.consensus_key)
        .map_err(|error| config_error("consensus_key", error))?;
    let keys = config
        .validators
        .iter()
        .map(|validator| PublicKey::from_bytes(&validator.consensus_key))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| config_error("validators", error))?;
    let own = key.public_key();
    if !keys.contains(&own) {
        let reason = format!("{} is not one of the validators", own.address());
        return Err(config_error("consensus_key", reason));
    }
    let validators =
        LedgerValidators::new(keys).map_err(|error| config_error("validators", error))?;
    Ok((key, validators))
}

/// Starts a host. Events come from the channel until the host stops.
///
/// # Errors
/// [`HostError::Config`], [`HostError::WalMissing`], [`HostError::WalCorrupt`], [`HostError::Disk`],
/// [`HostError::Listen`], or [`HostError::Engine`].
pub async fn start(config: HostConfig) -> Result<(Host, mpsc::Receiver<Event>), HostError> {
    let (key, validators) = check(&config)?;
    std::fs::create_dir_all(&config.wal_dir).map_err(|error| wal::disk(&config.wal_dir, &error))?;
    let wal_path = wal::path(&config.wal_dir);
    wal::check(&wal_path, config.start_height, config.allow_missing_wal)?;
    let bodies = Bodies::open(&config.wal_dir, &config.ledger_id, config.start_height)?;
    let bodies = Arc::new(std::sync::Mutex::new(bodies));

    let (events, receiver) = mpsc::channel(config.limits.events.max(1));
    let progress = Arc::new(Progress::default());
    progress.set_decided(config.start_height - 1);
    let alarm = Alarm::new(events.clone());

    let network =
        Network::listen(&config, validators.clone(), events.clone(), Arc::clone(&progress)).await?;
    let address = network.address();
    let (commands, requests) = commands();

    let engine = |error: SpawnErr| HostError::Engine(error.to_string());
    let supervisor =
        Supervisor { alarm: alarm.clone(), wal: wal_path.clone(), progress: Arc::clone(&progress) };
    let (node, node_task) = Actor::spawn(None, supervisor, ()).await.map_err(engine)?;

    alarm.guard(node.clone());

    let shim = Shim { commands: commands.clone(), bodies: Arc::clone(&bodies) };
    let (network_ref, _) = Actor::spawn(None, shim, ()).await.map_err(engine)?;
    network_ref.link(node.get_cell());
    tokio::spawn(network.run(requests));

    let registry = SharedRegistry::new(Registry::default(), None);
    let span = Span::current();
    let wal = Wal::spawn(
        &LedgerContext,
        WireCodec,
        wal_path,
        registry.clone(),
        span.clone(),
        node.clone(),
    )
    .await
    .map_err(engine)?;
    wal.link(node.get_cell());

    let (questions, answers) = mpsc::channel(QUESTIONS_MAX);
    let (host_ref, _) = Actor::spawn(None, Entrance(questions), ()).await.map_err(engine)?;
    host_ref.link(node.get_cell());

    let signer = LedgerSigner::new(config.ledger_id, key.clone());
    let own = key.public_key().address();
    let sync_port = Arc::new(OutputPort::with_capacity(SYNC_PORT));
    let consensus_ref = Consensus::spawn(
        LedgerContext,
        ConsensusParams {
            address: own,
            threshold_params: Default::default(),
            value_payload: ValuePayload::ProposalAndParts,
            enabled: true,
        },
        ConsensusConfig {
            value_payload: ConfigPayload::ProposalAndParts,
            ..ConsensusConfig::default()
        },
        Box::new(signer.clone()),
        Some(Box::new(signer)),
        network_ref.clone(),
        host_ref.clone(),
        wal,
        Arc::clone(&sync_port),
        EngineMetrics::register(&registry),
        TxEvent::new(),
        node.clone(),
        span.clone(),
    )
    .await
    .map_err(engine)?;
    consensus_ref.link(node.get_cell());

    let interval = config.limits.status_interval;
    let sync_ref = Sync::spawn(
        LedgerContext,
        network_ref.clone(),
        host_ref,
        consensus_ref.clone(),
        SyncParams {
            status_update_interval: interval,
            request_timeout: config.limits.request_timeout,
        },
        WireCodec,
        sync::Config {
            request_timeout: config.limits.request_timeout,
            max_request_size: 64,
            max_response_size: SYNC_RESPONSE_BYTES_MAX,
            parallel_requests: SYNC_PARALLEL,
            batch_size: SYNC_BATCH,
            ..sync::Config::default()
        },
        sync::Metrics::register(&registry, interval),
        span,
    )
    .await
    .map_err(engine)?;
    sync_ref.link(node.get_cell());
    sync_port.subscribe(sync_ref, Some);

    let wake = Arc::new(Wake::default());
    let shared = Arc::new(Shared {
        ledger_id: config.ledger_id,
        address: own,
        key,
        validators,
        events,
        alarm: alarm.clone(),
        progress: Arc::clone(&progress),
        bodies,
        network: network_ref,
        synced: 0.into(),
        stored: tokio::sync::Notify::new(),
    });
    let driver = Driver::new(
        shared,
        config.start_height,
        config.max_idle,
        config.limits.peer_wake_interval,
        linear(&config.timeouts),
        Arc::clone(&wake),
        consensus_ref,
        commands.clone(),
    );
    tokio::spawn(driver.run(answers));
    commands
        .send(Command::Begin)
        .await
        .map_err(|_| HostError::Engine("network has stopped".into()))?;

    let node_task = std::sync::Mutex::new(Some(node_task));
    let inner = Inner { commands, wake, progress, alarm, node, node_task, address };
    Ok((Host(Arc::new(inner)), receiver))
}

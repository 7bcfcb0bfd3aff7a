//! The committee of the tests, and the application behind each host.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_host::{
    Acceptance, Event, Gossip, Host, HostConfig, HostError, Limits, PeerKey, Request, StoredBlock,
    Timeouts, Validator, start,
};
use consensus::{ConsensusKey, LedgerValidators, PublicKey, verify_certificate};
use libp2p::identity::Keypair;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// No single wait of a test is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(50);
/// The ledger of the tests.
pub(crate) const LEDGER: [u8; 32] = [7; 32];

/// Secrets and folders of a committee.
pub(crate) struct Committee {
    folder: TempDir,
    pub(crate) validators: Vec<Validator>,
}

pub(crate) fn network_seed(index: usize) -> [u8; 32] {
    [index as u8 + 101; 32]
}

pub(crate) fn consensus_seed(index: usize) -> [u8; 32] {
    [index as u8 + 1; 32]
}

impl Committee {
    pub(crate) fn new(count: usize) -> Self {
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_test_writer()
            .try_init();
        let validators = (0..count)
            .map(|index| {
                let key = ConsensusKey::from_bytes(&consensus_seed(index)).unwrap();
                let mut seed = network_seed(index);
                let network = Keypair::ed25519_from_bytes(&mut seed).unwrap();
                Validator {
                    consensus_key: key.public_key().to_bytes(),
                    network_key: network.public().try_into_ed25519().unwrap().to_bytes(),
                    addresses: Vec::new(),
                }
            })
            .collect();
        Self { folder: tempfile::tempdir().unwrap(), validators }
    }

    pub(crate) fn key(&self, index: usize) -> PeerKey {
        PeerKey(self.validators[index].network_key)
    }

    pub(crate) fn wal_dir(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("node{index}"))
    }

    pub(crate) fn config(&self, index: usize) -> HostConfig {
        HostConfig {
            ledger_id: LEDGER,
            network_key: network_seed(index),
            consensus_key: consensus_seed(index),
            validators: self.validators.clone(),
            listen: "/ip4/127.0.0.1/tcp/0".into(),
            wal_dir: self.wal_dir(index),
            start_height: 1,
            max_idle: Duration::from_millis(1),
            timeouts: Timeouts { resend: Duration::from_millis(300), ..Timeouts::default() },
            limits: Limits { status_interval: Duration::from_millis(300), ..Limits::default() },
            allow_missing_wal: false,
        }
    }

    pub(crate) fn set(&self) -> LedgerValidators {
        let keys = self.validators.iter().map(|validator| &validator.consensus_key);
        LedgerValidators::new(keys.map(|key| PublicKey::from_bytes(key).unwrap())).unwrap()
    }

    /// A configuration for a committee that lacks a proposer: its heights wait less for it.
    pub(crate) fn impatient_config(&self, index: usize) -> HostConfig {
        let mut config = self.config(index);
        config.timeouts.propose = Duration::from_millis(250);
        config.timeouts.prevote = Duration::from_millis(100);
        config.timeouts.precommit = Duration::from_millis(100);
        config
    }

    /// Starts a node and tells it and the others where they are.
    pub(crate) async fn join(
        &mut self,
        index: usize,
        config: HostConfig,
        others: &[&Node],
    ) -> Node {
        self.join_with(index, config, others, Store::default()).await
    }

    pub(crate) async fn join_with(
        &mut self,
        index: usize,
        mut config: HostConfig,
        others: &[&Node],
        store: Store,
    ) -> Node {
        config.start_height = store.tip() + 1;
        config.validators.clone_from(&self.validators);
        let node = Node::start(self.set(), config, store).await.unwrap();
        let address = node.host.address().to_owned();
        self.validators[index].addresses = vec![address.clone()];
        for other in others {
            other
                .host
                .set_addresses(self.key(index), std::slice::from_ref(&address))
                .await
                .unwrap();
        }
        node
    }

    /// Starts everybody.
    pub(crate) async fn start(&mut self, configure: impl Fn(&mut HostConfig)) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        for index in 0..self.validators.len() {
            let mut config = self.config(index);
            configure(&mut config);
            let others: Vec<&Node> = nodes.iter().collect();
            let node = self.join(index, config, &others).await;
            nodes.push(node);
        }
        nodes
    }
}

/// Blocks of one application.
#[derive(Clone, Default)]
pub(crate) struct Store(Arc<Mutex<Vec<StoredBlock>>>);

impl Store {
    pub(crate) fn tip(&self) -> u64 {
        self.0.lock().unwrap().last().map_or(0, |block| block.height)
    }

    pub(crate) fn body(&self, height: u64) -> Vec<u8> {
        self.0.lock().unwrap()[height as usize - 1].body.clone()
    }
}

/// A host and its application.
pub(crate) struct Node {
    pub(crate) host: Host,
    pub(crate) store: Store,
    pub(crate) tip: watch::Receiver<u64>,
    pub(crate) peers: watch::Receiver<usize>,
    pub(crate) gossip: mpsc::Receiver<Gossip>,
    pub(crate) fatal: mpsc::Receiver<HostError>,
}

impl Node {
    pub(crate) async fn start(
        validators: LedgerValidators,
        config: HostConfig,
        store: Store,
    ) -> Result<Self, HostError> {
        Self::start_refusing(validators, config, store, u64::MAX).await
    }

    /// An application that finds every body of a height invalid.
    pub(crate) async fn start_refusing(
        validators: LedgerValidators,
        config: HostConfig,
        store: Store,
        refused_height: u64,
    ) -> Result<Self, HostError> {
        let salt = config.network_key[0];
        let (host, events) = start(config).await?;
        let (tip_sender, tip) = watch::channel(store.tip());
        let (peers_sender, peers) = watch::channel(0);
        let (gossip_sender, gossip) = mpsc::channel(16);
        let (fatal_sender, fatal) = mpsc::channel(16);
        let application = Application {
            validators,
            store: store.clone(),
            salt,
            refused_height,
            tip: tip_sender,
            peers: peers_sender,
            gossip: gossip_sender,
            fatal: fatal_sender,
        };
        tokio::spawn(application.run(events));
        Ok(Self { host, store, tip, peers, gossip, fatal })
    }

    pub(crate) async fn reach(&mut self, height: u64) {
        let reached = timeout(PATIENCE, self.tip.wait_for(|tip| *tip >= height)).await;
        reached
            .unwrap_or_else(|_| panic!("stuck at {}: {:?}", self.store.tip(), self.host.metrics()))
            .unwrap();
    }

    pub(crate) async fn connect(&mut self, count: usize) {
        timeout(PATIENCE, self.peers.wait_for(|peers| *peers >= count)).await.unwrap().unwrap();
    }
}

struct Application {
    validators: LedgerValidators,
    store: Store,
    salt: u8,
    refused_height: u64,
    tip: watch::Sender<u64>,
    peers: watch::Sender<usize>,
    gossip: mpsc::Sender<Gossip>,
    fatal: mpsc::Sender<HostError>,
}

impl Application {
    async fn run(self, mut events: mpsc::Receiver<Event>) {
        while let Some(event) = events.recv().await {
            match event {
                Event::Propose(ask) => {
                    let mut body = ask.height.to_be_bytes().to_vec();
                    body.resize(2000, self.salt);
                    let _ = ask.reply.send(body);
                }
                Event::Validate(ask) => {
                    assert_eq!(ask.height, self.store.tip() + 1, "judged out of order");
                    let right = ask.body.starts_with(&ask.height.to_be_bytes());
                    let _ = ask.reply.send(right && ask.height != self.refused_height);
                }
                Event::Decided(block) => {
                    let header =
                        verify_certificate(&self.validators, &LEDGER, &block.certificate).unwrap();
                    assert_eq!((header.height, header.block_id), (block.height, block.block_id));
                    let id = consensus::block_id(&LEDGER, block.height, &block.body);
                    assert_eq!(id.0, block.block_id);
                    assert_eq!(block.height, self.store.tip() + 1, "decided out of order");
                    self.store.0.lock().unwrap().push(StoredBlock {
                        height: block.height,
                        body: block.body,
                        certificate: block.certificate,
                    });
                    let _ = block.reply.send(());
                    self.tip.send_replace(block.height);
                }
                Event::StoredBlocks(ask) => {
                    let blocks = self.store.0.lock().unwrap();
                    let range = blocks
                        .iter()
                        .filter(|block| (ask.from..=ask.to).contains(&block.height))
                        .cloned()
                        .collect();
                    let _ = ask.reply.send(range);
                }
                Event::EarliestHeight(reply) => {
                    let _ = reply.send(1);
                }
                Event::Gossip(message) => {
                    if let Err(refused) = self.gossip.try_send(message) {
                        let _ = refused.into_inner().reply.send(Acceptance::Ignore);
                    }
                }
                Event::Request(Request { bytes, reply, .. }) => {
                    let answer = bytes.iter().rev().copied().collect();
                    let _ = reply.send((!bytes.is_empty()).then_some(answer));
                }
                Event::PeerConnected(_) => self.peers.send_modify(|peers| *peers += 1),
                Event::PeerDisconnected(_) => self.peers.send_modify(|peers| *peers -= 1),
                Event::Fatal(cause) => {
                    let _ = self.fatal.send(cause).await;
                }
            }
        }
    }
}

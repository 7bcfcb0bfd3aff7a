//! Assembly: opens what is on disk, brings the ledger to where it was, and starts everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
    time::Duration,
};

use alloy_primitives::B256;
use bindings::rpc::PrivateKeySigner;
use borsh::BorshDeserialize;
use chain::{ChainEvent, Cursor, Watcher};
use eyre::{Context as _, Result, eyre};
use host::{Host, HostConfig, Limits, Timeouts, Validator};
use operator::{JournalKey, Operator, Restored};
use protocol::{
    block::Block,
    bytes,
    ecdsa::Signer,
    genesis::{Genesis, Hub},
    ids::{Height, HubIndex, OperatorIndex},
    ledger::Ledger,
};
use store::{Batch, Identity, Store};
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc, watch},
    task::JoinSet,
};
use zeroize::Zeroizing;

use crate::{
    api,
    archive::Archive,
    config::{Chain, NodeConfig},
    core::{Changed, Core, Inputs, JOURNAL_PREFIX, Throttle, Watch, Writes},
    halt::Halt,
    keys::KeyRing,
    lookout::Lookout,
    metrics::{Metrics, Sources},
    settle::{ProvenKey, Settler, SettlerControl},
    verification::Verification,
    views::{ChainStatus, Seen, View},
};

/// Events, verdicts, commands and bodies that wait for the core.
const QUEUE: usize = 256;

/// The largest genesis file, in bytes.
const MAX_GENESIS_BYTES: u64 = 1 << 20;

/// How long tasks may take to end.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// What a person may allow at one start.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Start although the write-ahead log is gone: only when this node has certainly not voted at
    /// the next height.
    pub allow_missing_wal: bool,
    /// Ids of chains that are halted, and that this operator has looked into: they are read from the hub's first block
    /// again, and signed for.
    pub resume_chains: Vec<u64>,
}

/// Runs a node until `stop` is ready.
///
/// # Errors
/// When config, keys, genesis, store or ports cannot be used, or consensus or the disk fails.
pub async fn run(
    config: NodeConfig,
    options: Options,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let genesis = Arc::new(read_genesis(&config)?);
    let chains = chains_of(&config, &genesis)?;
    let keys = Arc::new({
        let config = config.clone();
        tokio::task::spawn_blocking(move || KeyRing::open(&config)).await??
    });
    let signer =
        Signer::from_secret(&keys.operator).ok_or_else(|| eyre!("operator key is zero"))?;
    let me = genesis
        .index_of(signer.address())
        .ok_or_else(|| eyre!("operator {} is not in the genesis' committee", signer.address()))?;
    fs::create_dir_all(&config.data_dir)
        .wrap_err_with(|| format!("config key data_dir: {}", config.data_dir.display()))?;
    let store = open_store(&config, &genesis, &signer)?;
    let halts = {
        let (store, options, chains) = (store.clone(), options.clone(), chains.clone());
        tokio::task::spawn_blocking(move || halts(&store, &options, &chains)).await??
    };
    let archive = Archive::new(store.clone(), genesis.clone());
    let ledger = {
        let (store, archive, genesis) = (store.clone(), archive.clone(), genesis.clone());
        tokio::task::spawn_blocking(move || replay(&store, &archive, &genesis)).await??
    };
    let tip = ledger.state().height;
    let restored = restore(&store, &keys, &ledger, me)?;
    let mut operator = Operator::new(
        operator::Config {
            signer,
            network_key: keys.network.clone(),
            salt_secret: keys.salt_secret(),
            entropy: Zeroizing::new(rand::random()),
        },
        ledger,
        restored,
    )?;
    for (hub, _) in halts.iter().enumerate().filter(|(_, halt)| halt.is_some()) {
        operator.halt(hub_index(hub));
    }
    let listener = TcpListener::bind(config.api.listen).await.wrap_err_with(|| {
        format!("config key api.listen: {} cannot be bound", config.api.listen)
    })?;
    let (host, host_events) =
        host::start(host_config(&config, &options, &genesis, &keys, tip)).await?;
    tracing::info!(
        operator = %me, ledger = %genesis.ledger_id(), height = %tip,
        listen = host.address(), api = %config.api.listen, "node started"
    );
    let (stopper, stopped) = watch::channel(false);
    let parts =
        Parts { config, genesis, chains, halts, keys, me, store, archive, operator, host, stopped };
    let outcome = parts.serve(listener, host_events, stopper, stop).await;
    tracing::info!("node stopped");
    outcome
}

/// What was opened and started.
struct Parts {
    config: NodeConfig,
    genesis: Arc<Genesis>,
    chains: Vec<Chain>,
    /// Of each chain, whether it is halted.
    halts: Vec<Option<Halt>>,
    keys: Arc<KeyRing>,
    me: OperatorIndex,
    store: Store,
    archive: Archive,
    operator: Operator,
    host: Host,
    stopped: watch::Receiver<bool>,
}

impl Parts {
    async fn serve(
        self,
        listener: TcpListener,
        host_events: mpsc::Receiver<host::Event>,
        stopper: watch::Sender<bool>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let statuses: Vec<ChainStatus> = self
            .chains
            .iter()
            .zip(&self.halts)
            .map(|(chain, halt)| ChainStatus::at_start(chain.chain_id, halt.as_ref()))
            .collect();
        let nobody = BTreeSet::new();
        let seen = Seen { peers: &nobody, clock_offset_ms: None, chains: statuses.clone() };
        let view = Arc::new(View::of(&self.operator, seen));
        let (view_sender, view) = watch::channel(view);
        let metrics = Arc::new(Metrics::new(Sources {
            view: view.clone(),
            host: self.host.clone(),
            genesis: &self.genesis,
            me: self.me,
            config: &self.config,
        }));
        let (commands_sender, commands) = mpsc::channel(QUEUE);
        let (verified_sender, verified) = mpsc::channel(QUEUE);
        let (fetched_sender, fetched) = mpsc::channel(QUEUE);
        let (chain_sender, chain_events) = mpsc::channel(QUEUE);
        let mut tasks = JoinSet::new();
        let lookouts: Vec<Arc<Notify>> = self.chains.iter().map(|_| Arc::default()).collect();
        self.watch_chains(&chain_sender, &lookouts, &mut tasks)?;
        let settlers = self.settle(&metrics, &mut tasks)?;
        let context = api::Context {
            view,
            archive: self.archive.clone(),
            store: self.store.clone(),
            genesis: self.genesis.clone(),
            metrics: metrics.clone(),
            host: self.host.clone(),
            commands: commands_sender,
            streams: api::Seats::new(api::STREAMS_MAX),
            uploads: api::Seats::new(api::UPLOADS_MAX),
            stop: self.stopped.clone(),
        };
        let router = api::router(context);
        tasks.spawn(api::serve(listener, router, api::Limits::default(), self.stopped.clone()));
        let core = Core {
            watch: Watch::new(&self.genesis, self.me)?,
            verification: Verification::new(&self.chains, verified_sender)?,
            operator: self.operator,
            genesis: self.genesis,
            store: self.store,
            archive: self.archive,
            keys: self.keys,
            host: self.host.clone(),
            metrics,
            view: view_sender,
            settlers,
            lookouts,
            fetched: fetched_sender,
            chains: statuses,
            peers: BTreeSet::new(),
            clock_offset_ms: None,
            changed: Changed::No,
            writes: Writes::default(),
            later: Batch::new(),
            archiving: Vec::new(),
            proposal: None,
            warnings: Throttle::new(std::time::Instant::now()),
        };
        let inputs =
            Inputs { host: host_events, chains: chain_events, verified, commands, fetched };
        let core = core.run(inputs, self.stopped);
        tokio::pin!(core);
        let outcome = tokio::select! {
            outcome = &mut core => outcome,
            () = stop => {
                tracing::info!("stopping");
                stopper.send_replace(true);
                core.await
            }
        };
        stopper.send_replace(true);
        self.host.stop().await;
        let ended = tokio::time::timeout(STOP_PATIENCE, async {
            while tasks.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
        outcome
    }

    /// Starts a watcher for each hub, from its cursor.
    fn watch_chains(
        &self,
        events: &mpsc::Sender<(HubIndex, ChainEvent)>,
        lookouts: &[Arc<Notify>],
        tasks: &mut JoinSet<()>,
    ) -> Result<()> {
        let chains = self.chains.iter().zip(&self.genesis.hubs).zip(lookouts);
        for (position, ((chain, hub), lookout)) in chains.enumerate() {
            let index = hub_index(position);
            if let Some(halt) = self.halts.get(position).copied().flatten() {
                tracing::error!(
                    chain = chain.chain_id, %halt,
                    "ALARM: nothing is read of this chain or signed for it. Find out which block is right, and start \
                     with --resume-chain {}", chain.chain_id
                );
                continue;
            }
            let cursor = match self.store.cursor(chain.chain_id)? {
                Some(bytes) => serde_json::from_slice(&bytes)
                    .wrap_err("the store's chain cursor cannot be decoded: restore a backup")?,
                None => Cursor::START,
            };
            let watcher = Watcher::new(chain.watcher(hub.start_block), cursor)?;
            let mut watcher = watcher.with_lookout(Arc::clone(lookout));
            let (events, mut stop) = (events.clone(), self.stopped.clone());
            tasks.spawn(async move {
                loop {
                    let event = tokio::select! {
                        event = watcher.next() => event,
                        _ = stop.wait_for(|stop| *stop) => None,
                    };
                    let Some(event) = event else { return };
                    if events.send((index, event)).await.is_err() {
                        return;
                    }
                }
            });
        }
        Ok(())
    }

    /// The group key with its proof of possession for a hub, as it was known before a restart.
    fn proven_before(&self, hub: HubIndex) -> Result<Option<ProvenKey>> {
        let ledger = self.operator.ledger();
        let group = ledger.group().map(|group| group.key.to_eip2537());
        let proven = self.archive.proof_of_possession(hub)?.zip(group);
        Ok(proven.and_then(|((epoch, proof), key)| {
            let current = epoch == ledger.state().epoch;
            current.then(|| ProvenKey { epoch, key: Box::new(key), proof: Box::new(proof) })
        }))
    }

    /// Starts a settler for each hub; gives the channels that hand them the proven group key.
    fn settle(
        &self,
        metrics: &Arc<Metrics>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Vec<SettlerControl>> {
        let key = PrivateKeySigner::from_bytes(&B256::from(*self.keys.operator))
            .map_err(|error| eyre!("operator key: {error}"))?;
        let mut controls = Vec::new();
        for (position, (chain, halt)) in self.chains.iter().zip(&self.halts).enumerate() {
            let (proven, proven_receiver) =
                watch::channel(self.proven_before(hub_index(position))?);
            let (halted, halted_receiver) = watch::channel(halt.is_some());
            controls.push(SettlerControl { proven, halted });
            let settler = Settler {
                chain: chain.clone(),
                policy: self.config.submitter.policy,
                submits: self.config.submitter.enabled,
                key: key.clone(),
                genesis: self.genesis.clone(),
                me: self.me,
                archive: self.archive.clone(),
                metrics: metrics.clone(),
            };
            tasks.spawn(settler.run(proven_receiver, halted_receiver, self.stopped.clone()));
            let lookout = Lookout {
                chain: chain.clone(),
                policy: self.config.submitter.policy,
                operator: key.address(),
                archive: self.archive.clone(),
                metrics: metrics.clone(),
            };
            tasks.spawn(lookout.run(self.stopped.clone()));
        }
        Ok(controls)
    }
}

fn hub_index(position: usize) -> HubIndex {
    HubIndex(u16::try_from(position).unwrap_or(u16::MAX))
}

/// Of each chain, whether it is halted, once those are lifted that the options name.
fn halts(store: &Store, options: &Options, chains: &[Chain]) -> Result<Vec<Option<Halt>>> {
    for chain_id in &options.resume_chains {
        let position = chains.iter().position(|chain| chain.chain_id == *chain_id);
        let Some(position) = position else {
            return Err(eyre!("--resume-chain {chain_id}: no hub of the genesis is on this chain"));
        };
        Halt::lift(store, *chain_id, hub_index(position))?;
    }
    chains.iter().map(|chain| Halt::read(store, chain.chain_id)).collect()
}

fn read_genesis(config: &NodeConfig) -> Result<Genesis> {
    let path = &config.genesis;
    let context = || format!("genesis {}", path.display());
    let bytes = fs::metadata(path).wrap_err_with(context)?.len();
    if bytes > MAX_GENESIS_BYTES {
        return Err(eyre!("genesis {}: {bytes} bytes is too large", path.display()));
    }
    let text = fs::read_to_string(path).wrap_err_with(context)?;
    let genesis: Genesis = serde_json::from_str(&text).wrap_err_with(context)?;
    genesis.validate().wrap_err_with(context)?;
    Ok(genesis)
}

/// The config's chains in the order of the genesis' hubs.
fn chains_of(config: &NodeConfig, genesis: &Genesis) -> Result<Vec<Chain>> {
    let of = |hub: &Hub| {
        config
            .chains
            .iter()
            .find(|chain| chain.chain_id == hub.chain_id && chain.hub == hub.hub)
            .cloned()
            .ok_or_else(|| {
                eyre!("config key chains: no entry for hub {} of chain {}", hub.hub, hub.chain_id)
            })
    };
    genesis.hubs.iter().map(of).collect()
}

fn open_store(config: &NodeConfig, genesis: &Genesis, signer: &Signer) -> Result<Store> {
    let identity = Identity { ledger_id: genesis.ledger_id(), operator: signer.address() };
    let path = config.data_dir.join("node.redb");
    Ok(Store::open(&path, identity, store::Options::default())?)
}

/// Applies every stored block, and writes archive entries that a crash lost.
fn replay(store: &Store, archive: &Archive, genesis: &Genesis) -> Result<Ledger> {
    let mut ledger = Ledger::new(genesis.clone())?;
    let archived = archive.height()?;
    for entry in store.blocks(Height(1)..)? {
        let (height, body) = entry?;
        let block = Block::decode(&body).wrap_err_with(|| format!("stored block {height}"))?;
        let id = bytes::block_id(genesis.ledger_id(), height, &body);
        let events = ledger.apply(id, &block);
        if height > archived {
            let mut batch = Batch::new();
            archive.entries(&ledger, &events)?.write(&mut batch);
            store.append_blocking(batch)?;
        }
    }
    Ok(ledger)
}

fn restore(store: &Store, keys: &KeyRing, ledger: &Ledger, me: OperatorIndex) -> Result<Restored> {
    let mut journal = BTreeMap::new();
    for (key, value) in store.records(JOURNAL_PREFIX)? {
        let name = key.get(JOURNAL_PREFIX.len()..).unwrap_or_default();
        let name = JournalKey::try_from_slice(name)
            .wrap_err("a journal key cannot be decoded: the store is of another version")?;
        journal.insert(name, value);
    }
    let share = match &ledger.state().group {
        Some(group) => keys.load_share(ledger.state().epoch, group.round, me.0)?,
        None => None,
    };
    Ok(Restored { journal, share })
}

fn host_config(
    config: &NodeConfig,
    options: &Options,
    genesis: &Genesis,
    keys: &KeyRing,
    tip: Height,
) -> HostConfig {
    HostConfig {
        ledger_id: genesis.ledger_id().0,
        network_key: keys.network.to_bytes(),
        consensus_key: *keys.consensus,
        validators: genesis
            .members
            .iter()
            .map(|member| Validator {
                consensus_key: member.consensus_key,
                network_key: member.network_key,
                addresses: member.addresses.clone(),
            })
            .collect(),
        listen: config.network.listen.clone(),
        wal_dir: config.data_dir.join("wal"),
        start_height: tip.next().0,
        max_idle: Duration::from_millis(config.network.max_idle_ms),
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        allow_missing_wal: options.allow_missing_wal,
    }
}

//! The task that owns the swarm.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use arc_malachitebft_engine::network::{Multiaddr as EngineAddress, NetworkEvent, Subscriber};
use arc_malachitebft_network::Channel as EngineChannel;
use arc_malachitebft_sync::InboundRequestId;
use consensus::{Address, BlockId, LedgerContext, LedgerValidators, PublicKey};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p::gossipsub::MessageId;
use libp2p::identity::Keypair;
use libp2p::request_response::{OutboundRequestId, ResponseChannel};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ListenError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, SwarmBuilder, noise, tcp};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{debug, warn};

use super::behaviour::{
    Behaviour, BehaviourEvent, Channels, STREAMS_PENDING_MAX, behaviour, multiplexer,
};
use super::peers::{Peers, resolve};
use super::penalties::Penalties;
use super::requests::Frame;
use super::resend::Resend;
use super::serve::Wire;
use super::votes::Votes;
use super::{Command, SharedProgress};
use crate::config::{HostConfig, Limits};
use crate::event::{Acceptance, Event, HostError, PeerKey, Protocol};
use crate::rate::Bucket;

/// How often timers are looked at.
const TICK: Duration = Duration::from_millis(50);
/// Connections are never closed for being idle.
const IDLE_CONNECTION: Duration = Duration::from_secs(365 * 24 * 3600);

/// What came of something the application or the resolver was asked.
pub(super) enum Done {
    Judged {
        id: MessageId,
        source: PeerId,
        acceptance: Acceptance,
    },
    Answered {
        peer: PeerId,
        protocol: Protocol,
        channel: ResponseChannel<Frame>,
        answer: Option<Vec<u8>>,
    },
    Resolved {
        peer: PeerId,
        addresses: Vec<Multiaddr>,
    },
}

pub(super) type Task = Pin<Box<dyn Future<Output = Done> + Send>>;

/// The swarm and what belongs to it.
pub(crate) struct Network {
    pub(super) ledger_id: [u8; 32],
    pub(super) validators: LedgerValidators,
    pub(super) limits: Limits,
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) channels: Channels,
    pub(super) peers: Peers,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) progress: SharedProgress,
    pub(super) resend: Resend,
    pub(super) nonce: u32,
    pub(super) tasks: FuturesUnordered<Task>,
    /// Gossip of each peer that the application is judging.
    pub(super) gossip_pending: HashMap<PeerId, usize>,
    pub(super) answers_pending: HashMap<PeerId, usize>,
    pub(super) requests_rate: HashMap<(PeerId, Wire), Bucket>,
    pub(super) certificates: HashMap<PeerId, Bucket>,
    pub(super) votes: Votes,
    pub(super) penalties: Penalties,
    /// Whose consensus key is whose network identity.
    pub(super) authors: BTreeMap<Address, PeerId>,
    pub(super) bodies_seen: BTreeSet<(u64, u32, BlockId)>,
    pub(super) sync_inbound: HashMap<InboundRequestId, (PeerId, ResponseChannel<Frame>)>,
    pub(super) sync_outbound: HashMap<OutboundRequestId, PeerId>,
    pub(super) status_outbound: HashMap<PeerId, OutboundRequestId>,
    pub(super) app_outbound: HashMap<(Protocol, OutboundRequestId), super::AnswerSender>,
    subscribers: Vec<Box<dyn Subscriber<NetworkEvent<LedgerContext>>>>,
    address: Multiaddr,
    begun: bool,
    /// Connections the application has not heard of yet.
    notices: BTreeMap<PeerKey, bool>,
}

impl Network {
    /// Builds the swarm and listens.
    pub(crate) async fn listen(
        config: &HostConfig,
        validators: LedgerValidators,
        events: mpsc::Sender<Event>,
        progress: SharedProgress,
    ) -> Result<Self, HostError> {
        let bad = |key: &'static str, reason: String| HostError::Config { key, reason };
        let mut seed = config.network_key;
        let keypair = Keypair::ed25519_from_bytes(&mut seed)
            .map_err(|error| bad("network_key", error.to_string()))?;
        let own = keypair
            .public()
            .try_into_ed25519()
            .map_err(|error| bad("network_key", error.to_string()))?
            .to_bytes();
        let mut peers = Peers::default();
        let mut authors = BTreeMap::new();
        for (index, validator) in config.validators.iter().enumerate() {
            if validator.network_key == own {
                continue;
            }
            let addresses = parse_addresses(&validator.addresses)?;
            let id = peers
                .add(&own, index, validator.network_key, addresses)
                .ok_or_else(|| bad("validators", "network key is no ed25519 key".into()))?;
            let key = PublicKey::from_bytes(&validator.consensus_key)
                .map_err(|error| bad("validators", error.to_string()))?;
            authors.insert(key.address(), id);
        }
        let channels = Channels::new(&config.ledger_id);
        let ids = peers.ids();
        let ledger_id = config.ledger_id;
        let limits = config.limits;
        let behaviour = behaviour(&ledger_id, &channels, &ids, &limits)
            .map_err(|reason| bad("limits", reason))?;
        let swarm = SwarmBuilder::with_existing_identity(keypair)
            .with_tokio()
            .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, multiplexer)
            .map_err(|error| bad("network_key", error.to_string()))?
            .with_behaviour(|_| behaviour)
            .map_err(|never| match never {})?
            .with_swarm_config(|swarm| {
                swarm
                    .with_idle_connection_timeout(IDLE_CONNECTION)
                    .with_max_negotiating_inbound_streams(STREAMS_PENDING_MAX)
            })
            .build();
        // As many as may be faulty.
        let faulty = validators.one_honest().saturating_sub(1);
        let mut network = Self {
            ledger_id,
            validators,
            limits,
            swarm,
            channels,
            peers,
            events,
            progress,
            resend: Resend::new(config.timeouts.resend),
            nonce: first_nonce(),
            tasks: FuturesUnordered::new(),
            gossip_pending: HashMap::new(),
            answers_pending: HashMap::new(),
            requests_rate: HashMap::new(),
            certificates: HashMap::new(),
            votes: Votes::default(),
            penalties: Penalties::new(faulty),
            authors,
            bodies_seen: BTreeSet::new(),
            sync_inbound: HashMap::new(),
            sync_outbound: HashMap::new(),
            status_outbound: HashMap::new(),
            app_outbound: HashMap::new(),
            subscribers: Vec::new(),
            address: Multiaddr::empty(),
            begun: false,
            notices: BTreeMap::new(),
        };
        network.address = network.bind(&config.listen).await?;
        Ok(network)
    }

    async fn bind(&mut self, listen: &str) -> Result<Multiaddr, HostError> {
        let fail = |reason: String| HostError::Listen { address: listen.to_owned(), reason };
        let address: Multiaddr = listen.parse().map_err(|error| fail(format!("{error}")))?;
        self.swarm.listen_on(address).map_err(|error| fail(error.to_string()))?;
        loop {
            match self.swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { address, .. } => return Ok(address),
                SwarmEvent::ListenerClosed { reason, .. } => {
                    return Err(fail(format!("{reason:?}")));
                }
                SwarmEvent::ListenerError { error, .. } => return Err(fail(error.to_string())),
                _ => {}
            }
        }
    }

    /// Where this node listens.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Runs until it is told to stop, or everybody who could tell is gone.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Stop(stopped)) => {
                        drop(self);
                        let _ = stopped.send(());
                        return;
                    }
                    Some(command) => self.obey(command),
                    None => return,
                },
                event = self.swarm.select_next_some() => self.on_swarm(event),
                Some(done) = self.tasks.next(), if !self.tasks.is_empty() => self.on_done(done),
                _ = ticks.tick() => self.on_tick(),
            }
            self.notify();
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Begin => {
                self.begun = true;
                for subscriber in &self.subscribers {
                    self.tell_address(subscriber.as_ref());
                }
            }
            Command::Subscribe(subscriber) => {
                for (_, peer) in self.peers.connected() {
                    subscriber.send(NetworkEvent::PeerConnected(peer.engine));
                }
                // Actors subscribe on their own time, which may be after the beginning.
                if self.begun {
                    self.tell_address(subscriber.as_ref());
                }
                self.subscribers.push(subscriber);
            }
            Command::Consensus { height, message } => self.publish_consensus(height, &message),
            Command::Status(status) => self.send_status(&status),
            Command::SyncRequest { peer, bytes, reply } => {
                self.send_sync_request(&peer, bytes, reply)
            }
            Command::SyncAnswer { id, bytes } => self.send_sync_answer(&id, bytes),
            Command::Publish { topic, bytes, reply } => {
                let _ = reply.send(self.publish_app(topic, bytes));
            }
            Command::Request { peer, protocol, bytes, reply } => {
                self.send_app_request(peer, protocol, bytes, reply);
            }
            Command::SetAddresses { peer, addresses } => self.peers.set_addresses(peer, addresses),
            Command::Blame { peer, offence } => self.blame_key(peer, offence),
            Command::Peers(reply) => {
                let _ = reply.send(self.peers.connected().map(|(_, peer)| peer.key).collect());
            }
            // `run` has taken it.
            Command::Stop(stopped) => drop(stopped),
        }
    }

    fn on_swarm(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(event)) => self.on_gossip(event),
            SwarmEvent::Behaviour(BehaviourEvent::Sync(event)) => self.on_sync(event),
            SwarmEvent::Behaviour(BehaviourEvent::Status(event)) => self.on_status(event),
            SwarmEvent::Behaviour(BehaviourEvent::Direct(event)) => {
                self.on_request(Protocol::Direct, event);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Fetch(event)) => {
                self.on_request(Protocol::Fetch, event);
            }
            SwarmEvent::ConnectionEstablished { peer_id, num_established, endpoint, .. } => {
                if endpoint.is_listener() {
                    self.progress.connections_inbound.add();
                }
                self.on_connections(&peer_id, usize::try_from(num_established.get()).unwrap_or(1));
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established, cause, .. } => {
                debug!(%peer_id, ?cause, "connection closed");
                self.on_connections(&peer_id, usize::try_from(num_established).unwrap_or(1));
            }
            SwarmEvent::IncomingConnectionError { error, send_back_addr, .. } => {
                if matches!(error, ListenError::Denied { .. }) {
                    self.progress.connections_refused.add();
                }
                debug!(%send_back_addr, %error, "incoming connection refused");
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                debug!(?peer_id, %error, "can't connect");
            }
            SwarmEvent::ListenerClosed { reason, .. } => warn!(?reason, "listener closed"),
            SwarmEvent::ListenerError { error, .. } => warn!(%error, "listener failed"),
            // Nothing to do for what is under way, and for libp2p's later additions.
            _ => {}
        }
    }

    fn on_connections(&mut self, id: &PeerId, count: usize) {
        let changed = self.peers.set_connections(id, count);
        let Some(peer) = self.peers.get(id).filter(|_| changed) else { return };
        let (key, engine) = (peer.key, peer.engine);
        self.progress.peers.set(self.peers.connected().count() as u64);
        self.notices.insert(key, count > 0);
        if count > 0 {
            self.emit(&NetworkEvent::PeerConnected(engine));
            self.emit(&NetworkEvent::PeerSubscribed(engine, EngineChannel::Sync));
            self.resend.hasten();
        } else {
            self.emit(&NetworkEvent::PeerDisconnected(engine));
            self.sync_inbound.retain(|_, (peer, _)| peer != id);
            self.status_outbound.remove(id);
        }
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        for (peer, addresses) in self.peers.due(now) {
            self.tasks.push(Box::pin(async move {
                Done::Resolved { peer, addresses: resolve(addresses).await }
            }));
        }
        let decided = self.progress.decided();
        for (channel, message) in self.resend.due(now, decided) {
            self.publish(channel, &message);
        }
        self.bodies_seen.retain(|(height, _, _)| *height > decided);
        self.votes.forget(decided);
        self.judge_peers(now);
    }

    fn on_done(&mut self, done: Done) {
        match done {
            Done::Judged { id, source, acceptance } => self.on_judged(&id, &source, acceptance),
            Done::Answered { peer, protocol, channel, answer } => {
                self.on_answered(peer, protocol, channel, answer);
            }
            Done::Resolved { peer, addresses } => {
                let options = DialOpts::peer_id(peer)
                    .condition(PeerCondition::DisconnectedAndNotDialing)
                    .addresses(addresses)
                    .build();
                if let Err(error) = self.swarm.dial(options) {
                    debug!(%peer, %error, "not dialed");
                }
            }
        }
    }

    /// Tells the application who has come and gone, as far as it has room.
    fn notify(&mut self) {
        while let Some((key, connected)) = self.notices.first_key_value() {
            let event =
                if *connected { Event::PeerConnected(*key) } else { Event::PeerDisconnected(*key) };
            if self.events.try_send(event).is_err() {
                return;
            }
            self.notices.pop_first();
        }
    }

    /// Consensus begins when it hears where it listens.
    fn tell_address(&self, subscriber: &dyn Subscriber<NetworkEvent<LedgerContext>>) {
        if let Ok(address) = self.address.to_string().parse::<EngineAddress>() {
            subscriber.send(NetworkEvent::Listening(address));
        }
    }

    /// Hands an event to the engine's actors.
    pub(super) fn emit(&self, event: &NetworkEvent<LedgerContext>) {
        for subscriber in &self.subscribers {
            subscriber.send(event.clone());
        }
    }

    /// Whether consensus runs, so that messages are of use.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }
}

/// Reads multiaddrs without a peer id.
pub(crate) fn parse_addresses(addresses: &[String]) -> Result<Vec<Multiaddr>, HostError> {
    addresses
        .iter()
        .map(|address| {
            address.parse().map_err(|error| HostError::Config {
                key: "validators",
                reason: format!("address {address:?}: {error}"),
            })
        })
        .collect()
}

/// A restarted node must not begin with nonces its peers still remember.
fn first_nonce() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0_u8);
    u32::try_from(random & u64::from(u32::MAX)).unwrap_or_default()
}

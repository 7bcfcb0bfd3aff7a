//! A member that has a key of the committee, and says what it likes: a bare swarm with the real protocols,
//! and with bytes of its own.
//!
//! For tests of what speaks to it. It panics where a test should fail.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, Message, ProtocolSupport, ResponseChannel};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(50);
const TOPICS: [&str; 5] = ["consensus", "bodies", "bundles", "responses", "partials"];

/// Bytes as they are on a stream; what comes is read to its end, or not at all.
#[derive(Clone, Debug)]
struct Verbatim {
    deaf: bool,
}

async fn read_all<T: AsyncRead + Unpin + Send>(io: &mut T) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.take(16 << 20).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

impl request_response::Codec for Verbatim {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        if self.deaf {
            return pending().await;
        }
        let mut length = [0; 4];
        io.read_exact(&mut length).await?;
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        io.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        if self.deaf {
            return pending().await;
        }
        read_all(io).await
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await?;
        io.flush().await
    }

    async fn write_response<T>(
        &mut self,
        protocol: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        self.write_request(protocol, io, bytes).await
    }
}

type Streams = request_response::Behaviour<Verbatim>;

#[derive(NetworkBehaviour)]
struct Behaviour {
    gossip: Toggle<gossipsub::Behaviour>,
    bare_gossip: Toggle<Streams>,
    sync: Streams,
    status: Streams,
    direct: Streams,
    fetch: Streams,
}

/// How it takes part in gossip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// As everybody does, though it says anything.
    Gossip,
    /// On streams that it writes itself, and never reads.
    Deaf,
}

/// A protocol of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Blocks by height.
    Sync,
    /// Which heights there are.
    Status,
    /// Messages for one operator.
    Direct,
    /// Bodies by hash.
    Fetch,
}

enum Act {
    Gossip { topic: String, bytes: Vec<u8> },
    Frame(Vec<u8>),
    Ask { protocol: Protocol, bytes: Vec<u8> },
    Answer(Vec<u8>),
    Freeze,
}

/// The hostile member. Its swarm ends when it is dropped.
pub struct Hostile {
    ledger: [u8; 32],
    acts: mpsc::Sender<Act>,
    connected: watch::Receiver<BTreeSet<PeerId>>,
    /// Connections that were closed on it.
    closed: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn peer_id(key: &[u8; 32]) -> PeerId {
    let key = libp2p::identity::ed25519::PublicKey::try_from_bytes(key).unwrap();
    libp2p::identity::PublicKey::from(key).to_peer_id()
}

/// The name of a topic or protocol.
fn name(ledger: &[u8; 32], what: &str) -> String {
    let hex: String = ledger.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/assay/1/{hex}/{what}")
}

/// gossip's frame that subscribes to every topic: `subscriptions = 1 { subscribe = 1, topic = 2 }`.
fn subscriptions(ledger: &[u8; 32]) -> Vec<u8> {
    let mut frame = Vec::new();
    for topic in TOPICS {
        let topic = name(ledger, topic);
        let mut subscription = vec![0x08, 1, 0x12, u8::try_from(topic.len()).unwrap()];
        subscription.extend_from_slice(topic.as_bytes());
        frame.extend([0x0a, u8::try_from(subscription.len()).unwrap()]);
        frame.extend(subscription);
    }
    let mut bytes = varint(frame.len());
    bytes.extend(frame);
    bytes
}

/// gossip's frame of messages: `publish = 2 { data = 2, topic = 4 }`.
fn publications(topic: &str, messages: &[Vec<u8>]) -> Vec<u8> {
    let field = |tag: u8, content: &[u8]| [&[tag], &varint(content.len())[..], content].concat();
    let publish =
        |data: &Vec<u8>| field(0x12, &[field(0x12, data), field(0x22, topic.as_bytes())].concat());
    let frame: Vec<u8> = messages.iter().flat_map(publish).collect();
    [varint(frame.len()), frame].concat()
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn behaviour(ledger: &[u8; 32], voice: Voice) -> Behaviour {
    // Whatever it has said before, it says again: no two messages have one id.
    let number = AtomicU64::new(0);
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(ValidationMode::None)
        .max_transmit_size(64 << 20)
        .message_id_fn(move |_| number.fetch_add(1, Ordering::Relaxed).to_string().into())
        .duplicate_cache_time(Duration::from_millis(100))
        .heartbeat_initial_delay(Duration::from_millis(50))
        .heartbeat_interval(Duration::from_millis(200))
        // Its own memory is the test's, too.
        .history_length(1)
        .history_gossip(1)
        .connection_handler_queue_len(16)
        .build()
        .unwrap();
    let mut gossip = gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, config).unwrap();
    for topic in TOPICS {
        gossip.subscribe(&IdentTopic::new(name(ledger, topic))).unwrap();
    }
    let streams = |protocol: String, deaf| {
        let protocol = StreamProtocol::try_from_owned(protocol).unwrap();
        let config = request_response::Config::default()
            .with_request_timeout(Duration::from_secs(600))
            .with_max_concurrent_streams(10_000);
        Streams::with_codec(Verbatim { deaf }, [(protocol, ProtocolSupport::Full)], config)
    };
    let deaf = voice == Voice::Deaf;
    Behaviour {
        gossip: (!deaf).then_some(gossip).into(),
        bare_gossip: deaf.then(|| streams("/meshsub/1.1.0".into(), true)).into(),
        sync: streams(name(ledger, "sync"), false),
        status: streams(name(ledger, "status"), false),
        direct: streams(name(ledger, "direct"), false),
        fetch: streams(name(ledger, "fetch"), false),
    }
}

impl Hostile {
    /// Dials these operators of a ledger with a network key's seed.
    ///
    /// # Panics
    /// When a key or an address is none.
    pub fn start(
        ledger: [u8; 32],
        mut seed: [u8; 32],
        voice: Voice,
        targets: &[([u8; 32], String)],
    ) -> Self {
        let keypair = Keypair::ed25519_from_bytes(&mut seed).unwrap();
        let swarm = SwarmBuilder::with_existing_identity(keypair)
            .with_tokio()
            .with_tcp(
                tcp::Config::default().nodelay(true),
                noise::Config::new,
                yamux::Config::default,
            )
            .unwrap()
            .with_behaviour(|_| behaviour(&ledger, voice))
            .unwrap_or_else(|never: Infallible| match never {})
            .with_swarm_config(|swarm| swarm.with_idle_connection_timeout(Duration::from_secs(600)))
            .build();
        let targets: Vec<(PeerId, Multiaddr)> =
            targets.iter().map(|(key, at)| (peer_id(key), at.parse().unwrap())).collect();
        // Few, since each may be a body of 2 MiB, and the test measures its own memory, too.
        let (acts, receiver) = mpsc::channel(4);
        let (connected_sender, connected) = watch::channel(BTreeSet::new());
        let (closed_sender, closed) = watch::channel(0);
        let run = Run {
            ledger,
            swarm,
            targets,
            connected: connected_sender,
            closed: closed_sender,
            answer: Vec::new(),
        };
        let task = tokio::spawn(run.run(receiver));
        Self { ledger, acts, connected, closed, task }
    }

    /// Waits until it is connected to this many.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn connect(&mut self, count: usize) {
        let wait = self.connected.wait_for(|connected| connected.len() >= count);
        timeout(PATIENCE, wait).await.expect("hostile member connects").unwrap();
    }

    /// Waits until this many connections were closed on it.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn closed(&mut self, count: u64) {
        let wait = self.closed.wait_for(|closed| *closed >= count);
        timeout(PATIENCE, wait).await.expect("hostile member is disconnected").unwrap();
    }

    async fn act(&self, act: Act) {
        self.acts.send(act).await.unwrap();
    }

    /// Gossips on a topic of its ledger.
    ///
    /// # Panics
    /// When its swarm has ended.
    pub async fn gossip(&self, topic: &str, bytes: Vec<u8>) {
        let topic = name(&self.ledger, topic);
        self.act(Act::Gossip { topic, bytes }).await;
    }

    /// Gossips on a topic of another ledger, which nobody has joined, on a stream of its own.
    ///
    /// # Panics
    /// When its swarm has ended.
    pub async fn gossip_elsewhere(&self, ledger: &[u8; 32], topic: &str, messages: &[Vec<u8>]) {
        self.act(Act::Frame(publications(&name(ledger, topic), messages))).await;
    }

    /// Writes on a gossip stream of its own.
    ///
    /// # Panics
    /// When its swarm has ended.
    pub async fn frame(&self, bytes: Vec<u8>) {
        self.act(Act::Frame(bytes)).await;
    }

    /// Sends a request, its length not before it, to everybody it is connected to.
    ///
    /// # Panics
    /// When its swarm has ended.
    pub async fn ask(&self, protocol: Protocol, bytes: Vec<u8>) {
        self.act(Act::Ask { protocol, bytes }).await;
    }

    /// Sends a well formed request.
    ///
    /// # Panics
    /// When its swarm has ended.
    pub async fn request(&self, protocol: Protocol, bytes: &[u8]) {
        self.ask(protocol, framed(bytes)).await;
    }

    /// Gives this answer to every request from now on, its length not before it.
    ///
    /// # Panics
    /// When its swarm has ended.
    pub async fn answer(&self, bytes: Vec<u8>) {
        self.act(Act::Answer(bytes)).await;
    }

    /// Reads and answers nothing any more; its connections stay.
    ///
    /// # Panics
    /// When its swarm has ended.
    pub async fn freeze(&self) {
        self.act(Act::Freeze).await;
    }
}

/// Bytes with their length before them.
///
/// # Panics
/// Of more than 4 GiB.
#[must_use]
pub fn framed(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

struct Run {
    ledger: [u8; 32],
    swarm: Swarm<Behaviour>,
    targets: Vec<(PeerId, Multiaddr)>,
    connected: watch::Sender<BTreeSet<PeerId>>,
    closed: watch::Sender<u64>,
    answer: Vec<u8>,
}

impl Run {
    async fn run(mut self, mut acts: mpsc::Receiver<Act>) {
        let mut redial = tokio::time::interval(Duration::from_millis(200));
        loop {
            tokio::select! {
                act = acts.recv() => match act {
                    Some(Act::Freeze) => return pending().await,
                    Some(act) => self.act(act),
                    None => return,
                },
                event = self.swarm.select_next_some() => self.on_event(event),
                _ = redial.tick() => self.dial(),
            }
        }
    }

    fn dial(&mut self) {
        for (peer, address) in &self.targets {
            if !self.swarm.is_connected(peer) {
                let options = libp2p::swarm::dial_opts::DialOpts::peer_id(*peer)
                    .addresses(vec![address.clone()])
                    .build();
                let _ = self.swarm.dial(options);
            }
        }
    }

    fn peers(&self) -> Vec<PeerId> {
        self.connected.borrow().iter().copied().collect()
    }

    fn act(&mut self, act: Act) {
        let peers = self.peers();
        let behaviour = self.swarm.behaviour_mut();
        match act {
            Act::Gossip { topic, bytes } => {
                let gossip = behaviour.gossip.as_mut().expect("it gossips");
                let topic = IdentTopic::new(topic);
                // A topic that nobody has joined is spoken on all the same.
                let _ = gossip.publish(topic, bytes);
            }
            Act::Frame(bytes) => {
                let streams = behaviour.bare_gossip.as_mut().expect("it writes its streams");
                for peer in peers {
                    streams.send_request(&peer, bytes.clone());
                }
            }
            Act::Ask { protocol, bytes } => {
                for peer in peers {
                    let bytes = bytes.clone();
                    match protocol {
                        Protocol::Sync => behaviour.sync.send_request(&peer, bytes),
                        Protocol::Status => behaviour.status.send_request(&peer, bytes),
                        Protocol::Direct => behaviour.direct.send_request(&peer, bytes),
                        Protocol::Fetch => behaviour.fetch.send_request(&peer, bytes),
                    };
                }
            }
            Act::Answer(bytes) => self.answer = bytes,
            // `run` has obeyed.
            Act::Freeze => {}
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                let frame = subscriptions(&self.ledger);
                if let Some(streams) = self.swarm.behaviour_mut().bare_gossip.as_mut() {
                    streams.send_request(&peer_id, frame);
                }
                self.connected.send_modify(|connected| {
                    connected.insert(peer_id);
                });
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.connected.send_modify(|connected| {
                    connected.remove(&peer_id);
                });
                self.closed.send_modify(|closed| *closed += 1);
            }
            SwarmEvent::Behaviour(event) => match event {
                BehaviourEvent::Status(request_response::Event::Message {
                    message: Message::Request { channel, .. },
                    ..
                }) => self.reply(Protocol::Status, channel),
                BehaviourEvent::Sync(request_response::Event::Message { message, .. }) => {
                    self.on_message(Protocol::Sync, message);
                }
                BehaviourEvent::Direct(request_response::Event::Message { message, .. }) => {
                    self.on_message(Protocol::Direct, message);
                }
                BehaviourEvent::Fetch(request_response::Event::Message { message, .. }) => {
                    self.on_message(Protocol::Fetch, message);
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn on_message(&mut self, protocol: Protocol, message: Message<Vec<u8>, Vec<u8>>) {
        match message {
            Message::Request { channel, .. } => self.reply(protocol, channel),
            // Whatever it is told.
            Message::Response { .. } => {}
        }
    }

    fn reply(&mut self, protocol: Protocol, channel: ResponseChannel<Vec<u8>>) {
        let behaviour = self.swarm.behaviour_mut();
        let _ = match protocol {
            // It lives, and says so.
            Protocol::Status => behaviour.status.send_response(channel, framed(&[])),
            Protocol::Sync => behaviour.sync.send_response(channel, self.answer.clone()),
            Protocol::Direct => behaviour.direct.send_response(channel, self.answer.clone()),
            Protocol::Fetch => behaviour.fetch.send_response(channel, self.answer.clone()),
        };
    }
}

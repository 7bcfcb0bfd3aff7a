//! The swarm's behaviours: who may connect, gossip, and the request protocols.

use std::collections::HashSet;
use std::time::Duration;

use alloy_primitives::keccak256;
use libp2p::allow_block_list::{self, AllowedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{
    self, ConfigBuilder, MessageAuthenticity, MessageId, TopicHash, ValidationMode,
    WhitelistSubscriptionFilter,
};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{PeerId, StreamProtocol, yamux};

use super::meter::{Gate, Metered};
use super::requests::Frames;
use crate::codec::SYNC_RESPONSE_BYTES_MAX;
use crate::config::{
    BODY_BYTES_MAX, GOSSIP_BYTES_MAX, Limits, REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX,
};
use crate::event::Topic;

/// Longest consensus message with its envelope, bytes.
pub(crate) const CONSENSUS_BYTES_MAX: usize = 64 * 1024;
/// Longest body message with its envelope, bytes.
pub(crate) const BODY_MESSAGE_BYTES_MAX: usize = BODY_BYTES_MAX + 1024;
/// Room for gossip's own framing, bytes.
const FRAMING_BYTES: usize = 512;
/// What a stream is read ahead by, bytes: gossipsub takes the beginning of the next frame for a part of this one,
/// and would close the stream of a peer that sends a long body and a vote right after it.
const READ_AHEAD_BYTES: usize = 64 * 1024;
/// Connections of one peer: both sides may dial at once.
const CONNECTIONS_PER_PEER_MAX: u32 = 2;
/// Connections that have not proven who they are.
const CONNECTIONS_PENDING_MAX: u32 = 64;
/// Streams of one connection, and those whose protocol is not agreed yet.
const STREAMS_MAX: usize = 256;
pub(crate) const STREAMS_PENDING_MAX: usize = 32;
/// Messages queued for one peer. Each is a copy, and one that does not read holds them all.
const PEER_QUEUE_MAX: usize = 512;
/// How long a message may wait there. Short ones would call peers slow when this machine is.
const SEND_PATIENCE: Duration = Duration::from_secs(10);
/// Messages in one frame; gossipsub itself sends one.
const FRAME_MESSAGES_MAX: usize = 64;
/// How long a message id is remembered: longer than a message travels, and short, since every message that a
/// peer may send is remembered.
const DUPLICATE_CACHE: Duration = Duration::from_secs(20);

/// A gossip topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Consensus,
    Bodies,
    App(Topic),
}

/// How many there are.
pub(crate) const CHANNELS: usize = 5;

impl Channel {
    /// All, in the order of their [`Channel::index`].
    pub(crate) const ALL: [Self; CHANNELS] = [
        Self::Consensus,
        Self::Bodies,
        Self::App(Topic::Bundles),
        Self::App(Topic::Responses),
        Self::App(Topic::Partials),
    ];

    /// Its place among all.
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Consensus => 0,
            Self::Bodies => 1,
            Self::App(Topic::Bundles) => 2,
            Self::App(Topic::Responses) => 3,
            Self::App(Topic::Partials) => 4,
        }
    }

    /// The end of the topic's name, and its name in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Consensus => "consensus",
            Self::Bodies => "bodies",
            Self::App(Topic::Bundles) => "bundles",
            Self::App(Topic::Responses) => "responses",
            Self::App(Topic::Partials) => "partials",
        }
    }

    /// Its longest message, bytes.
    pub(crate) fn bytes_max(self) -> usize {
        match self {
            Self::Consensus => CONSENSUS_BYTES_MAX,
            Self::Bodies => BODY_MESSAGE_BYTES_MAX,
            Self::App(_) => GOSSIP_BYTES_MAX,
        }
    }
}

/// Topic hashes of one ledger, in the channels' order.
#[derive(Clone, Debug)]
pub(crate) struct Channels([TopicHash; CHANNELS]);

fn name(ledger_id: &[u8; 32], what: &str) -> String {
    format!("/assay/1/{}/{what}", crate::event::hex(ledger_id))
}

impl Channels {
    pub(crate) fn new(ledger_id: &[u8; 32]) -> Self {
        let hash = |what| gossipsub::IdentTopic::new(name(ledger_id, what)).hash();
        Self(Channel::ALL.map(|channel| hash(channel.name())))
    }

    pub(crate) fn channel(&self, topic: &TopicHash) -> Option<Channel> {
        let place = self.0.iter().position(|hash| hash == topic)?;
        Channel::ALL.get(place).copied()
    }

    pub(crate) fn topic(&self, channel: Channel) -> TopicHash {
        let [consensus, bodies, bundles, responses, partials] = &self.0;
        match channel {
            Channel::Consensus => consensus,
            Channel::Bodies => bodies,
            Channel::App(Topic::Bundles) => bundles,
            Channel::App(Topic::Responses) => responses,
            Channel::App(Topic::Partials) => partials,
        }
        .clone()
    }
}

/// Everything the swarm does.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) allowed: allow_block_list::Behaviour<AllowedPeers>,
    pub(crate) limits: connection_limits::Behaviour,
    pub(crate) gossip: Metered,
    pub(crate) sync: request_response::Behaviour<Frames>,
    pub(crate) status: request_response::Behaviour<Frames>,
    pub(crate) direct: request_response::Behaviour<Frames>,
    pub(crate) fetch: request_response::Behaviour<Frames>,
}

/// Builds the behaviours of a node that talks to `peers` only.
pub(crate) fn behaviour(
    ledger_id: &[u8; 32],
    channels: &Channels,
    peers: &[PeerId],
    limits: &Limits,
) -> Result<Behaviour, String> {
    let mut allowed = allow_block_list::Behaviour::<AllowedPeers>::default();
    for peer in peers {
        allowed.allow_peer(*peer);
    }
    let connections = ConnectionLimits::default()
        .with_max_pending_incoming(Some(CONNECTIONS_PENDING_MAX))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX));
    let protocol = |what: &str, request_bytes_max: usize, response_bytes_max: usize| {
        let name = StreamProtocol::try_from_owned(name(ledger_id, what))
            .map_err(|error| error.to_string())?;
        let config = request_response::Config::default()
            .with_request_timeout(limits.request_timeout)
            .with_max_concurrent_streams(limits.requests_per_peer);
        Ok::<_, String>(request_response::Behaviour::with_codec(
            Frames { request_bytes_max, response_bytes_max },
            [(name, ProtocolSupport::Full)],
            config,
        ))
    };
    Ok(Behaviour {
        allowed,
        limits: connection_limits::Behaviour::new(connections),
        // And this node.
        gossip: gossip(channels, peers.len().saturating_add(1))?,
        sync: protocol("sync", 64, SYNC_RESPONSE_BYTES_MAX + FRAMING_BYTES)?,
        status: protocol("status", 64, 0)?,
        direct: protocol("direct", REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX + 1)?,
        fetch: protocol("fetch", REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX + 1)?,
    })
}

fn gossip(channels: &Channels, members: usize) -> Result<Metered, String> {
    let mut builder = ConfigBuilder::default();
    builder
        // The gate validates, and tells whose fault it is; gossipsub would only drop.
        .validation_mode(ValidationMode::None)
        .validate_messages()
        .message_id_fn(|message| {
            let mut content = message.topic.as_str().as_bytes().to_vec();
            content.push(0);
            content.extend_from_slice(&message.data);
            MessageId::from(keccak256(&content).0)
        })
        .flood_publish(true)
        .mesh_outbound_min(2)
        .mesh_n_low(5)
        .mesh_n(8)
        .mesh_n_high(12)
        .heartbeat_interval(Duration::from_secs(1))
        .heartbeat_initial_delay(Duration::from_millis(200))
        .duplicate_cache_time(DUPLICATE_CACHE)
        .connection_handler_queue_len(PEER_QUEUE_MAX)
        .publish_queue_duration(SEND_PATIENCE)
        .forward_queue_duration(SEND_PATIENCE)
        .max_publish_messages(FRAME_MESSAGES_MAX)
        .max_transmit_size(BODY_MESSAGE_BYTES_MAX + FRAMING_BYTES + READ_AHEAD_BYTES);
    let config = builder.build().map_err(|error| error.to_string())?;
    let topics: HashSet<TopicHash> =
        Channel::ALL.iter().map(|channel| channels.topic(*channel)).collect();
    let gate = Gate::new(channels.clone(), members);
    let mut gossip = gossipsub::Behaviour::new_with_subscription_filter_and_transform(
        MessageAuthenticity::Anonymous,
        config,
        WhitelistSubscriptionFilter(topics),
        gate.clone(),
    )
    .map_err(ToString::to_string)?;
    for channel in Channel::ALL {
        let topic = gossipsub::IdentTopic::new(channels.topic(channel).as_str());
        gossip.subscribe(&topic).map_err(|error| error.to_string())?;
    }
    Ok(Metered::new(gossip, gate))
}

/// How streams share a connection.
pub(crate) fn multiplexer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(STREAMS_MAX);
    config
}

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
use libp2p::{PeerId, StreamProtocol};

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
/// Connections of one peer: both sides may dial at once.
const CONNECTIONS_PER_PEER_MAX: u32 = 2;
/// Connections that have not proven who they are.
const CONNECTIONS_PENDING_MAX: u32 = 64;
/// Messages queued for one peer.
const PEER_QUEUE_MAX: usize = 4096;
/// How long a message id is remembered.
const DUPLICATE_CACHE: Duration = Duration::from_secs(60);

/// A gossip topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Consensus,
    Bodies,
    App(Topic),
}

const CHANNELS: [(Channel, &str, usize); 5] = [
    (Channel::Consensus, "consensus", CONSENSUS_BYTES_MAX),
    (Channel::Bodies, "bodies", BODY_MESSAGE_BYTES_MAX),
    (Channel::App(Topic::Bundles), "bundles", GOSSIP_BYTES_MAX),
    (Channel::App(Topic::Responses), "responses", GOSSIP_BYTES_MAX),
    (Channel::App(Topic::Partials), "partials", GOSSIP_BYTES_MAX),
];

/// Topic hashes of one ledger.
#[derive(Clone, Debug)]
pub(crate) struct Channels(Vec<(Channel, TopicHash, usize)>);

fn name(ledger_id: &[u8; 32], what: &str) -> String {
    format!("/assay/1/{}/{what}", crate::event::hex(ledger_id))
}

impl Channels {
    pub(crate) fn new(ledger_id: &[u8; 32]) -> Self {
        let hash = |what| gossipsub::IdentTopic::new(name(ledger_id, what)).hash();
        Self(CHANNELS.iter().map(|(channel, what, max)| (*channel, hash(what), *max)).collect())
    }

    pub(crate) fn channel(&self, topic: &TopicHash) -> Option<Channel> {
        self.0.iter().find(|(_, hash, _)| hash == topic).map(|(channel, _, _)| *channel)
    }

    pub(crate) fn topic(&self, channel: Channel) -> Option<TopicHash> {
        self.0.iter().find(|(known, _, _)| *known == channel).map(|(_, hash, _)| hash.clone())
    }
}

/// Everything the swarm does.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) allowed: allow_block_list::Behaviour<AllowedPeers>,
    pub(crate) limits: connection_limits::Behaviour,
    pub(crate) gossip:
        gossipsub::Behaviour<gossipsub::IdentityTransform, WhitelistSubscriptionFilter>,
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
        gossip: gossip(channels)?,
        sync: protocol("sync", 64, SYNC_RESPONSE_BYTES_MAX + FRAMING_BYTES)?,
        status: protocol("status", 64, 0)?,
        direct: protocol("direct", REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX + 1)?,
        fetch: protocol("fetch", REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX + 1)?,
    })
}

fn gossip(
    channels: &Channels,
) -> Result<gossipsub::Behaviour<gossipsub::IdentityTransform, WhitelistSubscriptionFilter>, String>
{
    let mut builder = ConfigBuilder::default();
    builder
        .validation_mode(ValidationMode::Anonymous)
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
        .max_transmit_size(BODY_MESSAGE_BYTES_MAX + FRAMING_BYTES);
    for (_, hash, max) in &channels.0 {
        builder.max_transmit_size_for_topic(*max + FRAMING_BYTES, hash.clone());
    }
    let config = builder.build().map_err(|error| error.to_string())?;
    let topics: HashSet<TopicHash> = channels.0.iter().map(|(_, hash, _)| hash.clone()).collect();
    let mut gossip = gossipsub::Behaviour::new_with_subscription_filter(
        MessageAuthenticity::Anonymous,
        config,
        WhitelistSubscriptionFilter(topics),
    )
    .map_err(ToString::to_string)?;
    for (_, hash, _) in &channels.0 {
        let topic = gossipsub::IdentTopic::new(hash.as_str());
        gossip.subscribe(&topic).map_err(|error| error.to_string())?;
    }
    Ok(gossip)
}

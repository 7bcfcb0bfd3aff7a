//! What comes over gossip is measured here, before gossip keeps or hashes any of it.
//!
//! gossipsub puts what it reads into its caches before it asks anybody, a topic it does not know included. So
//! its behaviour is wrapped: [`Metered`] knows which peer is speaking, and [`Gate`], which gossipsub asks for
//! every message, refuses topics of other ledgers, what is too long, and what is more than the peer may send.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::gossipsub::{
    self, DataTransform, Message, RawMessage, TopicHash, WhitelistSubscriptionFilter,
};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::behaviour::{CHANNELS, Channel, Channels};
use super::streams::{Counted, StreamEvent};
use super::votes::{AGAIN, FRESH};
use crate::offence::Offence;
use crate::rate::{Bucket, Rate};

/// gossipsub, asking the gate.
pub(crate) type Gossip = gossipsub::Behaviour<Gate, WhitelistSubscriptionFilter>;

/// How much a peer may send, its own and that of others that it passes on.
#[derive(Clone, Copy, Debug)]
struct Rates {
    /// Frames, whatever is in them: each message comes in one, and what keeps the mesh in others.
    frames: Rate,
    /// Messages on each channel, and bytes of them.
    channels: [(Rate, Rate); CHANNELS],
}

impl Rates {
    /// Those in a committee of so many. An honest peer passes on whatever members have signed, within their own rates: the
    /// sum of these is what it must be allowed, or some members could make honest peers refuse each other.
    fn new(members: usize) -> Self {
        let members = u64::try_from(members).unwrap_or(u64::MAX);
        let passed_on = Rate {
            per_second: members.saturating_mul(FRESH.per_second + AGAIN.per_second),
            burst: members.saturating_mul(FRESH.burst + AGAIN.burst),
        };
        Self {
            frames: Rate {
                per_second: passed_on.per_second.saturating_add(9_000),
                burst: passed_on.burst.saturating_add(18_000),
            },
            channels: Channel::ALL.map(|channel| rates(channel, passed_on)),
        }
    }
}

/// Messages and bytes on a channel. What is not of consensus is several times what a committee of 31 says in its busiest
/// second.
fn rates(channel: Channel, passed_on: Rate) -> (Rate, Rate) {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    let rate = |per_second, burst| Rate { per_second, burst };
    use crate::event::Topic::{Bundles, Partials, Responses};
    match channel {
        Channel::Consensus => {
            // Certificates and wishes beside votes and proposals.
            let (per_second, burst) =
                (passed_on.per_second.saturating_add(1_000), passed_on.burst.saturating_add(2_000));
            let bytes = |messages: u64| messages.saturating_mul(KIB);
            (rate(per_second, burst), rate(bytes(per_second), bytes(burst)))
        }
        Channel::Bodies => (rate(400, 800), rate(32 * MIB, 64 * MIB)),
        Channel::App(Bundles) => (rate(500, 2_000), rate(8 * MIB, 16 * MIB)),
        Channel::App(Responses) => (rate(500, 2_000), rate(8 * MIB, 16 * MIB)),
        Channel::App(Partials) => (rate(1_000, 4_000), rate(MIB, 4 * MIB)),
    }
}

/// What one peer may still send.
#[derive(Debug)]
struct Allowance {
    frames: Bucket,
    channels: [(Bucket, Bucket); CHANNELS],
}

impl Allowance {
    fn new(rates: &Rates, now: Instant) -> Self {
        let channels = rates
            .channels
            .map(|(messages, bytes)| (Bucket::new(messages, now), Bucket::new(bytes, now)));
        Self { frames: Bucket::new(rates.frames, now), channels }
    }
}

/// What was refused since it was last asked for.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) offences: BTreeMap<(PeerId, Offence), u64>,
    pub(crate) limited: [u64; CHANNELS],
}

#[derive(Debug)]
struct Meter {
    channels: Channels,
    rates: Rates,
    speaking: Option<PeerId>,
    /// Of operators only, since only they can connect; kept when they go.
    allowances: BTreeMap<PeerId, Allowance>,
    tally: Tally,
}

impl Meter {
    fn blame(&mut self, offence: Offence) {
        if let Some(peer) = self.speaking {
            *self.tally.offences.entry((peer, offence)).or_default() += 1;
        }
    }

    fn frame(&mut self, peer: PeerId, now: Instant) {
        self.speaking = Some(peer);
        let fresh = || Allowance::new(&self.rates, now);
        let allowance = self.allowances.entry(peer).or_insert_with(fresh);
        if !allowance.frames.take(1, now) {
            self.blame(Offence::Flood);
        }
    }

    fn admit(&mut self, raw: &RawMessage, now: Instant) -> Result<(), Offence> {
        let Some(channel) = self.channels.channel(&raw.topic) else {
            return Err(Offence::UnknownTopic);
        };
        if raw.data.len() > channel.bytes_max() {
            return Err(Offence::Oversized);
        }
        // Messages carry their own signatures; gossip's would only make two of one message.
        if raw.signature.is_some() || raw.key.is_some() {
            return Err(Offence::Malformed);
        }
        let Some(peer) = self.speaking else { return Ok(()) };
        let fresh = || Allowance::new(&self.rates, now);
        let allowance = self.allowances.entry(peer).or_insert_with(fresh);
        let Some((messages, bytes)) = allowance.channels.get_mut(channel.index()) else {
            return Ok(());
        };
        if messages.take(1, now) && bytes.take(raw.data.len() as u64, now) {
            return Ok(());
        }
        if let Some(limited) = self.tally.limited.get_mut(channel.index()) {
            *limited += 1;
        }
        Err(Offence::Flood)
    }
}

/// What gossipsub asks about each message.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Mutex<Meter>>);

impl Gate {
    /// For the topics of a ledger with so many members.
    pub(crate) fn new(channels: Channels, members: usize) -> Self {
        let (rates, allowances) = (Rates::new(members), BTreeMap::new());
        let meter = Meter { channels, rates, speaking: None, allowances, tally: Tally::default() };
        Self(Arc::new(Mutex::new(meter)))
    }

    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DataTransform for Gate {
    fn inbound_transform(&self, raw: RawMessage) -> io::Result<Message> {
        let mut meter = self.meter();
        if let Err(offence) = meter.admit(&raw, Instant::now()) {
            meter.blame(offence);
            return Err(io::Error::new(io::ErrorKind::InvalidData, offence.name()));
        }
        let RawMessage { source, data, sequence_number, topic, .. } = raw;
        Ok(Message { source, data, sequence_number, topic })
    }

    fn outbound_transform(&self, _: &TopicHash, data: Vec<u8>) -> io::Result<Vec<u8>> {
        Ok(data)
    }
}

/// gossipsub, and who is speaking.
pub(crate) struct Metered {
    pub(crate) gossip: Gossip,
    gate: Gate,
}

impl Metered {
    pub(crate) fn new(gossip: Gossip, gate: Gate) -> Self {
        Self { gossip, gate }
    }

    /// What was refused since the last call.
    pub(crate) fn take_tally(&self) -> Tally {
        std::mem::take(&mut self.gate.meter().tally)
    }
}

impl NetworkBehaviour for Metered {
    type ConnectionHandler = Counted<THandler<Gossip>>;
    type ToSwarm = gossipsub::Event;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.gossip.handle_pending_inbound_connection(connection, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.gossip
            .handle_established_inbound_connection(connection, peer, local, remote)
            .map(Counted::new)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.gossip.handle_pending_outbound_connection(connection, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.gossip
            .handle_established_outbound_connection(connection, peer, address, role, port)
            .map(Counted::new)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.gossip.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {
            StreamEvent::Inner(event) => {
                self.gate.meter().frame(peer, Instant::now());
                self.gossip.on_connection_handler_event(peer, connection, event);
                self.gate.meter().speaking = None;
            }
            StreamEvent::OpenedAgain => {
                let mut meter = self.gate.meter();
                meter.speaking = Some(peer);
                meter.blame(Offence::BrokenStream);
                meter.speaking = None;
            }
        }
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.gossip.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use consensus::Address;

    use super::*;
    use crate::event::Topic;
    use crate::network::votes::{Votes, digest};

    const LEDGER: [u8; 32] = [1; 32];

    fn message(ledger: &[u8; 32], channel: Channel, bytes: usize) -> RawMessage {
        RawMessage {
            source: None,
            data: vec![0; bytes],
            sequence_number: None,
            topic: Channels::new(ledger).topic(channel),
            signature: None,
            key: None,
            validated: false,
        }
    }

    #[test]
    fn message_of_another_ledger_too_long_or_signed_is_refused() {
        let (now, peer) = (Instant::now(), PeerId::random());
        let gate = Gate::new(Channels::new(&LEDGER), 4);
        let mut meter = gate.meter();
        meter.frame(peer, now);
        for channel in Channel::ALL {
            let most = channel.bytes_max();
            assert_eq!(meter.admit(&message(&LEDGER, channel, most), now), Ok(()));
            let long = meter.admit(&message(&LEDGER, channel, most + 1), now);
            assert_eq!(long, Err(Offence::Oversized));
            let foreign = meter.admit(&message(&[2; 32], channel, 1), now);
            assert_eq!(foreign, Err(Offence::UnknownTopic));
            let mut signed = message(&LEDGER, channel, 1);
            signed.signature = Some(vec![1]);
            assert_eq!(meter.admit(&signed, now), Err(Offence::Malformed));
        }
    }

    #[test]
    fn peer_that_floods_one_topic_keeps_the_others_and_takes_nothing_from_others() {
        let (now, loud, calm) = (Instant::now(), PeerId::random(), PeerId::random());
        let gate = Gate::new(Channels::new(&LEDGER), 4);
        let mut meter = gate.meter();
        for topic in [Topic::Bundles, Topic::Responses, Topic::Partials] {
            let channel = Channel::App(topic);
            meter.frame(loud, now);
            let (rate, _) = meter.rates.channels[channel.index()];
            for _ in 0..rate.burst {
                assert_eq!(meter.admit(&message(&LEDGER, channel, 8), now), Ok(()));
            }
            let over = meter.admit(&message(&LEDGER, channel, 8), now);
            assert_eq!(over, Err(Offence::Flood));
            let later = now + Duration::from_secs(1);
            assert_eq!(meter.admit(&message(&LEDGER, channel, 8), later), Ok(()));
            meter.frame(calm, now);
            assert_eq!(meter.admit(&message(&LEDGER, channel, 8), now), Ok(()));
        }
        assert_eq!(meter.tally.limited, [0, 0, 1, 1, 1]);
        meter.frame(loud, now);
        assert_eq!(meter.admit(&message(&LEDGER, Channel::Consensus, 8), now), Ok(()));
    }

    #[test]
    fn what_all_members_may_say_an_honest_peer_may_pass_on() {
        for members in [4, 7, 31, 100] {
            let (mut now, peer) = (Instant::now(), PeerId::random());
            let gate = Gate::new(Channels::new(&LEDGER), members);
            let mut meter = gate.meter();
            let mut votes = Votes::default();
            let authors: Vec<Address> =
                (0..members).map(|author| Address([author as u8; 20])).collect();
            let (mut accepted, mut refused, mut number) = (0, 0, 0_u64);
            // Each member signs twice as many as its rates allow, and repeats them as often as that.
            for _ in 0..80 {
                now += Duration::from_millis(250);
                for author in &authors {
                    for _ in 0..2 * FRESH.per_second / 4 {
                        number += 1;
                        let name = digest(&number.to_be_bytes());
                        let fresh = votes.hear(number, name, author, now);
                        for heard in [fresh, votes.may_repeat(author, now)] {
                            if heard {
                                meter.frame(peer, now);
                                let taken =
                                    meter.admit(&message(&LEDGER, Channel::Consensus, 400), now);
                                accepted += 1;
                                refused += u64::from(taken.is_err());
                            }
                        }
                    }
                }
                votes.forget(number);
            }
            let allowed = 20 * members as u64 * (FRESH.per_second + AGAIN.per_second);
            assert!(accepted >= allowed, "{accepted} of {allowed}");
            assert_eq!((refused, meter.tally.offences.len()), (0, 0), "{members} members");
        }
    }

    #[test]
    fn bytes_are_limited_too() {
        let (now, peer) = (Instant::now(), PeerId::random());
        let gate = Gate::new(Channels::new(&LEDGER), 4);
        let mut meter = gate.meter();
        meter.frame(peer, now);
        let most = Channel::Bodies.bytes_max();
        let taken = (0..200)
            .filter(|_| meter.admit(&message(&LEDGER, Channel::Bodies, most), now).is_ok())
            .count();
        assert_eq!(
            taken as u64,
            meter.rates.channels[Channel::Bodies.index()].1.burst / most as u64
        );
    }

    #[test]
    fn frames_without_messages_are_counted() {
        let (now, peer) = (Instant::now(), PeerId::random());
        let gate = Gate::new(Channels::new(&LEDGER), 4);
        let mut meter = gate.meter();
        for _ in 0..meter.rates.frames.burst {
            meter.frame(peer, now);
        }
        assert!(meter.tally.offences.is_empty());
        meter.frame(peer, now);
        assert_eq!(meter.tally.offences.get(&(peer, Offence::Flood)), Some(&1));
    }
}

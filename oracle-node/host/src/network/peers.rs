//! The operators: which keys may connect, where they are, and when to dial them again.

use std::collections::BTreeMap;
use std::time::Duration;

use arc_malachitebft_peer::PeerId as EnginePeerId;
use libp2p::identity::{PublicKey, ed25519};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::blame::LOGGED;
use crate::event::PeerKey;
use crate::rate::Bucket;

/// First wait before dialing again.
const DIAL_DELAY_MIN: Duration = Duration::from_millis(200);
/// Longest wait before dialing again.
const DIAL_DELAY_MAX: Duration = Duration::from_secs(10);
/// Head start of the operator with the smaller key, so that not both dial at once.
const DIAL_HEAD_START: Duration = Duration::from_secs(1);

/// One operator.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) key: PeerKey,
    pub(crate) engine: EnginePeerId,
    pub(crate) addresses: Vec<Multiaddr>,
    pub(crate) connections: usize,
    /// Its place in the committee.
    pub(crate) index: usize,
    /// What is said of its offences.
    pub(crate) logged: Bucket,
    /// Not dialed, since it would be turned away.
    refused: bool,
    dial_at: Instant,
    delay: Duration,
}

/// All operators but this one.
#[derive(Debug, Default)]
pub(crate) struct Peers(BTreeMap<PeerId, Peer>);

/// The network identity of a key.
pub(crate) fn peer_id(key: &[u8; 32]) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(key).ok()?;
    Some(PublicKey::from(key).to_peer_id())
}

/// The same identity in the engine's type.
pub(crate) fn engine_id(peer: &PeerId) -> Option<EnginePeerId> {
    EnginePeerId::from_bytes(&peer.to_bytes()).ok()
}

impl Peers {
    pub(crate) fn add(
        &mut self,
        own: &[u8; 32],
        index: usize,
        key: [u8; 32],
        addresses: Vec<Multiaddr>,
    ) -> Option<PeerId> {
        let id = peer_id(&key)?;
        let now = Instant::now();
        let peer = Peer {
            key: PeerKey(key),
            engine: engine_id(&id)?,
            addresses,
            connections: 0,
            index,
            logged: Bucket::new(LOGGED, now),
            refused: false,
            dial_at: if *own < key { now } else { now + DIAL_HEAD_START },
            delay: DIAL_DELAY_MIN,
        };
        self.0.insert(id, peer);
        Some(id)
    }

    pub(crate) fn get(&self, id: &PeerId) -> Option<&Peer> {
        self.0.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &PeerId) -> Option<&mut Peer> {
        self.0.get_mut(id)
    }

    pub(crate) fn ids(&self) -> Vec<PeerId> {
        self.0.keys().copied().collect()
    }

    /// The identity of a connected operator in libp2p's type.
    pub(crate) fn by_engine(&self, engine: &EnginePeerId) -> Option<PeerId> {
        PeerId::from_bytes(&engine.to_bytes()).ok().filter(|id| self.0.contains_key(id))
    }

    pub(crate) fn by_key(&self, key: PeerKey) -> Option<(PeerId, &Peer)> {
        self.0.iter().find(|(_, peer)| peer.key == key).map(|(id, peer)| (*id, peer))
    }

    pub(crate) fn connected(&self) -> impl Iterator<Item = (&PeerId, &Peer)> {
        self.0.iter().filter(|(_, peer)| peer.connections > 0)
    }

    /// Notes how many connections there are; true if the operator came or went.
    pub(crate) fn set_connections(&mut self, id: &PeerId, count: usize) -> bool {
        let Some(peer) = self.0.get_mut(id) else { return false };
        let before = peer.connections;
        peer.connections = count;
        if count == 0 {
            peer.dial_at = Instant::now() + peer.delay;
        } else {
            peer.delay = DIAL_DELAY_MIN;
        }
        (before == 0) != (count == 0)
    }

    pub(crate) fn set_addresses(&mut self, key: PeerKey, addresses: Vec<Multiaddr>) {
        if let Some(peer) = self.0.values_mut().find(|peer| peer.key == key) {
            peer.addresses = addresses;
            peer.dial_at = Instant::now();
            peer.delay = DIAL_DELAY_MIN;
        }
    }

    /// Dials an operator no more, or again.
    pub(crate) fn set_refused(&mut self, id: &PeerId, refused: bool) {
        if let Some(peer) = self.0.get_mut(id) {
            peer.refused = refused;
            peer.delay = DIAL_DELAY_MIN;
            peer.dial_at = Instant::now();
        }
    }

    /// Operators to dial now; each is put off for longer the next time.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let mut due = Vec::new();
        for (id, peer) in &mut self.0 {
            let away = peer.connections == 0 && !peer.refused;
            if away && peer.dial_at <= now && !peer.addresses.is_empty() {
                peer.dial_at = now + peer.delay;
                peer.delay = (peer.delay * 2).min(DIAL_DELAY_MAX);
                due.push((*id, peer.addresses.clone()));
            }
        }
        due
    }
}

/// Replaces a host name by what it resolves to now; addresses without one stay as they are.
pub(crate) async fn resolve(addresses: Vec<Multiaddr>) -> Vec<Multiaddr> {
    let mut resolved = Vec::new();
    for address in addresses {
        let mut parts = address.iter();
        match (parts.next(), parts.next()) {
            (
                Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name)),
                Some(Protocol::Tcp(port)),
            ) => {
                let Ok(found) = tokio::net::lookup_host((name.as_ref(), port)).await else {
                    continue;
                };
                resolved.extend(
                    found
                        .take(4)
                        .map(|socket| Multiaddr::from(socket.ip()).with(Protocol::Tcp(port))),
                );
            }
            _ => resolved.push(address),
        }
    }
    resolved
}

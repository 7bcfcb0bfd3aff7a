//! Where consensus is: shared between driver, network and metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::event::{GOSSIP_TOPICS, Metrics, PeerMetrics, REQUEST_PROTOCOLS};
use crate::offence::{OFFENCES, Offence};

/// A counter.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.add_many(1);
    }

    pub(crate) fn add_many(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Heights, and what was counted.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    started: AtomicU64,
    decided: AtomicU64,
    /// Highest height any operator is known to have begun or decided.
    seen: AtomicU64,
    /// Told when `seen` grows.
    pub(crate) seen_changed: Notify,
    pub(crate) round: Counter,
    pub(crate) peers: Counter,
    pub(crate) voted: Counter,
    pub(crate) synced: Counter,
    pub(crate) rounds_failed: Counter,
    pub(crate) gossip_received: Counter,
    pub(crate) gossip_dropped: Counter,
    pub(crate) messages_refused: Counter,
    pub(crate) requests_answered: Counter,
    pub(crate) requests_dropped: Counter,
    pub(crate) connections_refused: Counter,
    pub(crate) connections_inbound: Counter,
    pub(crate) equivocations: Counter,
    pub(crate) peers_judged: PeerCounters,
}

/// How peers were judged.
#[derive(Debug, Default)]
pub(crate) struct PeerCounters {
    offences: [Counter; OFFENCES],
    pub(crate) gossip_limited: [Counter; GOSSIP_TOPICS.len()],
    pub(crate) requests_limited: [Counter; REQUEST_PROTOCOLS.len()],
    pub(crate) refusals: Counter,
    pub(crate) refused: Counter,
    pub(crate) spared: Counter,
    pub(crate) past_heights: Counter,
    pub(crate) future_heights: Counter,
    pub(crate) repeated: Counter,
    pub(crate) unsent: Counter,
}

impl PeerCounters {
    pub(crate) fn offended(&self, offence: Offence, count: u64) {
        let place = Offence::ALL.iter().position(|known| *known == offence);
        if let Some(counter) = place.and_then(|place| self.offences.get(place)) {
            counter.add_many(count);
        }
    }

    fn metrics(&self) -> PeerMetrics {
        PeerMetrics {
            offences: self.offences.each_ref().map(Counter::get),
            gossip_limited: self.gossip_limited.each_ref().map(Counter::get),
            requests_limited: self.requests_limited.each_ref().map(Counter::get),
            refusals: self.refusals.get(),
            refused: self.refused.get(),
            spared: self.spared.get(),
            past_heights: self.past_heights.get(),
            future_heights: self.future_heights.get(),
            repeated: self.repeated.get(),
            unsent: self.unsent.get(),
        }
    }
}

impl Progress {
    /// Height under way, or the one before the first.
    pub(crate) fn started(&self) -> u64 {
        self.started.load(Ordering::Acquire)
    }

    pub(crate) fn set_started(&self, height: u64) {
        self.started.store(height, Ordering::Release);
    }

    /// Last height the application has stored.
    pub(crate) fn decided(&self) -> u64 {
        self.decided.load(Ordering::Acquire)
    }

    pub(crate) fn set_decided(&self, height: u64) {
        self.decided.store(height, Ordering::Release);
    }

    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
    }

    pub(crate) fn see(&self, height: u64) {
        if self.seen.fetch_max(height, Ordering::AcqRel) < height {
            self.seen_changed.notify_one();
        }
    }

    pub(crate) fn metrics(&self) -> Metrics {
        Metrics {
            height: self.decided(),
            round: u32::try_from(self.round.get()).unwrap_or(u32::MAX),
            peers: self.peers.get(),
            decided: self.voted.get(),
            synced: self.synced.get(),
            rounds_failed: self.rounds_failed.get(),
            gossip_received: self.gossip_received.get(),
            gossip_dropped: self.gossip_dropped.get(),
            messages_refused: self.messages_refused.get(),
            requests_answered: self.requests_answered.get(),
            requests_dropped: self.requests_dropped.get(),
            connections_refused: self.connections_refused.get(),
            connections_inbound: self.connections_inbound.get(),
            equivocations: self.equivocations.get(),
            peers_judged: self.peers_judged.metrics(),
        }
    }
}

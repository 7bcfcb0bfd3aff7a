//! Consensus and the network, as the host counts them.

use std::fmt;

use host::Host;
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::sample::Samples;

/// Reads the host's counters.
pub(super) struct HostCollector(pub(super) Host);

impl fmt::Debug for HostCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostCollector").field(&self.0.metrics()).finish()
    }
}

impl Collector for HostCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let host = self.0.metrics();
        let mut samples = Samples(encoder);
        samples.gauge("peers", "Connected operators, without this one", host.peers)?;
        samples.gauge("round", "Round under way at the current height", host.round.into())?;
        for (name, help, value) in [
            ("heights_decided", "Heights decided by voting", host.decided),
            ("heights_synced", "Heights taken over from others", host.synced),
            ("rounds_failed", "Consensus rounds that failed", host.rounds_failed),
            ("gossip_received", "Gossip passed to the operator", host.gossip_received),
            ("gossip_dropped", "Gossip dropped because the node was busy", host.gossip_dropped),
            ("messages_refused", "Messages refused as malformed or wrong", host.messages_refused),
            ("requests_answered", "Requests answered", host.requests_answered),
            (
                "requests_dropped",
                "Requests dropped because the node was busy",
                host.requests_dropped,
            ),
            (
                "connections_refused",
                "Connections refused: the key is no operator's, or one refused for offences",
                host.connections_refused,
            ),
            (
                "connections_inbound",
                "Connections that operators made to this node",
                host.connections_inbound,
            ),
            ("equivocations", "Conflicting votes or proposals seen", host.equivocations),
        ] {
            samples.counter(name, help, value)?;
        }
        Ok(())
    }
}

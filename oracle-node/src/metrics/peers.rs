//! What peers did wrong, and what followed: see the table in the documentation's page on peers.

use std::fmt;

use host::{GOSSIP_TOPICS, Host, Offence, REQUEST_PROTOCOLS};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::sample::Samples;

/// Reads how the host has judged its peers.
pub(super) struct PeersCollector(pub(super) Host);

impl fmt::Debug for PeersCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PeersCollector").field(&self.0.metrics().peers_judged).finish()
    }
}

impl Collector for PeersCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let peers = self.0.metrics().peers_judged;
        let mut samples = Samples(encoder);
        samples.counters(
            "peer_offences",
            "Offences of operators, by kind",
            Offence::ALL
                .iter()
                .map(|offence| (vec![("offence", offence.name().into())], peers.count(*offence))),
        )?;
        samples.counters(
            "gossip_limited",
            "Gossip dropped because an operator sent more than it may",
            GOSSIP_TOPICS
                .iter()
                .zip(peers.gossip_limited)
                .map(|(topic, count)| (vec![("topic", (*topic).into())], count)),
        )?;
        samples.counters(
            "requests_limited",
            "Requests dropped because an operator sent more than it may",
            REQUEST_PROTOCOLS
                .iter()
                .zip(peers.requests_limited)
                .map(|(protocol, count)| (vec![("protocol", (*protocol).into())], count)),
        )?;
        samples.gauge("peers_refused", "Operators refused for offences now", peers.refused)?;
        for (name, help, value) in [
            (
                "peer_refusals",
                "Times that an operator was disconnected and refused for a while",
                peers.refusals,
            ),
            (
                "peer_refusals_spared",
                "Times that an operator was not refused because as many as may be faulty were",
                peers.spared,
            ),
            ("past_heights", "Messages of consensus for decided heights", peers.past_heights),
            ("future_heights", "Messages of consensus too far ahead", peers.future_heights),
            ("votes_repeated", "Votes and proposals heard again", peers.repeated),
            (
                "messages_unsent",
                "Messages for operators dropped because they do not read",
                peers.unsent,
            ),
        ] {
            samples.counter(name, help, value)?;
        }
        Ok(())
    }
}

//! Gossip: what is published, and what is taken from others.
//!
//! A message of consensus is passed on when [`super::consensus`] says so, one of the application when the
//! application does.

use libp2p::PeerId;
use libp2p::gossipsub::{self, MessageAcceptance, MessageId};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::debug;

use super::behaviour::Channel;
use super::envelope::{Message, with_nonce};
use super::task::{Done, Network};
use crate::config::GOSSIP_BYTES_MAX;
use crate::event::{Acceptance, Event, Gossip, PublishError, Topic};
use crate::offence::Offence;

impl Network {
    /// Publishes a message of consensus, and keeps it for sending again.
    pub(super) fn publish_consensus(&mut self, height: u64, message: &Message) {
        let channel = match message {
            Message::Body(_) => Channel::Bodies,
            Message::Consensus(_) | Message::Liveness(_) | Message::Wake(_) => Channel::Consensus,
        };
        let bytes = message.encode();
        let sent = self.publish(channel, &bytes);
        // The engine itself repeats liveness messages.
        if !matches!(message, Message::Liveness(_)) {
            self.resend.keep(height, channel, bytes);
        }
        if !sent {
            self.resend.hasten();
        }
    }

    /// Publishes under a fresh nonce; false if nobody can have got it.
    pub(super) fn publish(&mut self, channel: Channel, message: &[u8]) -> bool {
        let topic = self.channels.topic(channel);
        self.nonce = self.nonce.wrapping_add(1);
        let bytes = with_nonce(self.nonce, message);
        match self.swarm.behaviour_mut().gossip.gossip.publish(topic, bytes) {
            Ok(_) => true,
            Err(error) => {
                debug!(?channel, %error, "not published");
                false
            }
        }
    }

    /// Publishes for the application.
    pub(super) fn publish_app(&mut self, topic: Topic, bytes: Vec<u8>) -> Result<(), PublishError> {
        if bytes.len() > GOSSIP_BYTES_MAX {
            return Err(PublishError::TooLong(bytes.len()));
        }
        let topic = self.channels.topic(Channel::App(topic));
        match self.swarm.behaviour_mut().gossip.gossip.publish(topic, bytes) {
            Ok(_) | Err(gossipsub::PublishError::Duplicate) => Ok(()),
            Err(gossipsub::PublishError::NoPeersSubscribedToTopic) => Err(PublishError::NoPeers),
            Err(error) => {
                debug!(%error, "not published");
                Err(PublishError::Busy)
            }
        }
    }

    pub(super) fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source, message_id, message } => {
                let judged = match self.channels.channel(&message.topic) {
                    Some(Channel::App(topic)) => {
                        self.ask_app(topic, propagation_source, message_id, message.data);
                        return;
                    }
                    Some(Channel::Consensus | Channel::Bodies) => {
                        self.on_consensus(&propagation_source, &message.data)
                    }
                    None => Acceptance::Reject(Offence::UnknownTopic),
                };
                self.report(&message_id, &propagation_source, judged);
            }
            gossipsub::Event::Subscribed { .. } => self.resend.hasten(),
            gossipsub::Event::SlowPeer { peer_id, failed_messages } => {
                let unsent = failed_messages.priority + failed_messages.non_priority;
                self.progress.peers_judged.unsent.add_many(unsent as u64);
                self.blame(&peer_id, Offence::SlowReader);
            }
            gossipsub::Event::Unsubscribed { .. }
            | gossipsub::Event::GossipsubNotSupported { .. } => {}
        }
    }

    fn report(&mut self, id: &MessageId, source: &PeerId, acceptance: Acceptance) {
        let acceptance = match acceptance {
            Acceptance::Accept => MessageAcceptance::Accept,
            Acceptance::Ignore => MessageAcceptance::Ignore,
            Acceptance::Reject(offence) => {
                self.progress.messages_refused.add();
                self.blame(source, offence);
                MessageAcceptance::Reject
            }
        };
        let gossip = &mut self.swarm.behaviour_mut().gossip.gossip;
        gossip.report_message_validation_result(id, source, acceptance);
    }

    fn ask_app(&mut self, topic: Topic, source: PeerId, id: MessageId, bytes: Vec<u8>) {
        let Some(peer) = self.peers.get(&source) else {
            return self.report(&id, &source, Acceptance::Ignore);
        };
        let (reply, answer) = oneshot::channel();
        let event = Event::Gossip(Gossip { topic, from: peer.key, bytes, reply });
        let pending = self.gossip_pending.values().sum::<usize>();
        let of_peer = self.gossip_pending.entry(source).or_default();
        if pending >= self.limits.gossip_pending
            || *of_peer >= self.limits.gossip_pending_per_peer
            || self.events.try_send(event).is_err()
        {
            self.progress.gossip_dropped.add();
            return self.report(&id, &source, Acceptance::Ignore);
        }
        self.progress.gossip_received.add();
        *of_peer += 1;
        let patience = self.limits.answer_timeout;
        self.tasks.push(Box::pin(async move {
            let acceptance = match timeout(patience, answer).await {
                Ok(Ok(acceptance)) => acceptance,
                Ok(Err(_)) | Err(_) => Acceptance::Ignore,
            };
            Done::Judged { id, source, acceptance }
        }));
    }

    pub(super) fn on_judged(&mut self, id: &MessageId, source: &PeerId, acceptance: Acceptance) {
        if let Some(pending) = self.gossip_pending.get_mut(source) {
            *pending = pending.saturating_sub(1);
        }
        self.report(id, source, acceptance);
    }
}

//! Gossip: what is published, and what is taken from others.
//!
//! A message of consensus is passed on when it is well formed, about a height near ours, and by a member
//! for its role; the engine checks the signatures of votes, this module those of bodies. A message of the
//! application is passed on when the application says so.

use std::time::Duration;

use arc_malachitebft_core_consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_core_types::{Round, Validator as _};
use arc_malachitebft_engine::network::NetworkEvent;
use arc_malachitebft_engine::util::streaming::{StreamContent, StreamId, StreamMessage};
use consensus::ProposalPart;
use libp2p::PeerId;
use libp2p::gossipsub::{self, MessageAcceptance, MessageId};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::behaviour::Channel;
use super::envelope::{Message, with_nonce};
use super::task::{Done, Network};
use crate::config::GOSSIP_BYTES_MAX;
use crate::event::{Acceptance, Event, Gossip, PublishError, Topic};

/// Heights ahead of ours whose messages are taken; the engine keeps as many.
const HEIGHTS_AHEAD_MAX: u64 = 8;
/// Heights ahead of ours whose bodies are taken.
const BODY_HEIGHTS_AHEAD_MAX: u64 = 2;
/// Rounds ahead of ours whose bodies are taken; the engine looks as far.
const BODY_ROUNDS_AHEAD_MAX: u64 = 10;
/// Consensus messages taken from one peer in a second, own and passed on.
const CONSENSUS_MESSAGES_PER_SECOND_MAX: u32 = 2000;
/// Bodies of one proposer for one round: two prove that it is faulty, more prove nothing else.
const BODIES_PER_ROUND_MAX: usize = 2;

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
        let Some(topic) = self.channels.topic(channel) else { return false };
        self.nonce = self.nonce.wrapping_add(1);
        let bytes = with_nonce(self.nonce, message);
        match self.swarm.behaviour_mut().gossip.publish(topic, bytes) {
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
        let topic = self.channels.topic(Channel::App(topic)).ok_or(PublishError::NoPeers)?;
        match self.swarm.behaviour_mut().gossip.publish(topic, bytes) {
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
                    None => Acceptance::Reject,
                };
                self.report(&message_id, &propagation_source, judged);
            }
            gossipsub::Event::Subscribed { .. } => self.resend.hasten(),
            gossipsub::Event::SlowPeer { peer_id, .. } => debug!(%peer_id, "peer is slow"),
            gossipsub::Event::Unsubscribed { .. }
            | gossipsub::Event::GossipsubNotSupported { .. } => {}
        }
    }

    fn report(&mut self, id: &MessageId, source: &PeerId, acceptance: Acceptance) {
        let acceptance = match acceptance {
            Acceptance::Accept => MessageAcceptance::Accept,
            Acceptance::Ignore => MessageAcceptance::Ignore,
            Acceptance::Reject => {
                self.progress.messages_refused.add();
                MessageAcceptance::Reject
            }
        };
        self.swarm.behaviour_mut().gossip.report_message_validation_result(id, source, acceptance);
    }

    fn ask_app(&mut self, topic: Topic, source: PeerId, id: MessageId, bytes: Vec<u8>) {
        let Some(peer) = self.peers.get(&source) else {
            return self.report(&id, &source, Acceptance::Ignore);
        };
        let (reply, answer) = oneshot::channel();
        let event = Event::Gossip(Gossip { topic, from: peer.key, bytes, reply });
        if self.gossip_pending >= self.limits.gossip_pending || self.events.try_send(event).is_err()
        {
            self.progress.gossip_dropped.add();
            return self.report(&id, &source, Acceptance::Ignore);
        }
        self.progress.gossip_received.add();
        self.gossip_pending += 1;
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
        self.gossip_pending = self.gossip_pending.saturating_sub(1);
        self.report(id, source, acceptance);
    }

    fn on_consensus(&mut self, source: &PeerId, bytes: &[u8]) -> Acceptance {
        let Some(engine) = self.peers.get(source).map(|peer| peer.engine) else {
            return Acceptance::Ignore;
        };
        if !self.has_begun() || !self.within_rate(source) {
            return Acceptance::Ignore;
        }
        match Message::decode(bytes) {
            None => Acceptance::Reject,
            Some(Message::Wake(height)) => self.near(height, HEIGHTS_AHEAD_MAX),
            Some(Message::Consensus(message)) => {
                let height = message.height().0;
                let validator = match &message {
                    SignedConsensusMsg::Vote(vote) => vote.message.validator,
                    SignedConsensusMsg::Proposal(proposal) => proposal.message.proposer,
                };
                if self.validators.key(&validator).is_none() {
                    return Acceptance::Reject;
                }
                let acceptance = self.near(height, HEIGHTS_AHEAD_MAX);
                if acceptance == Acceptance::Accept {
                    self.emit(&match message {
                        SignedConsensusMsg::Vote(vote) => NetworkEvent::Vote(engine, vote),
                        SignedConsensusMsg::Proposal(proposal) => {
                            NetworkEvent::Proposal(engine, proposal)
                        }
                    });
                }
                acceptance
            }
            Some(Message::Liveness(message)) => {
                let acceptance = self.near(super::liveness_height(&message), HEIGHTS_AHEAD_MAX);
                if acceptance == Acceptance::Accept {
                    self.emit(&match message {
                        LivenessMsg::Vote(vote) => NetworkEvent::Vote(engine, vote),
                        LivenessMsg::PolkaCertificate(certificate) => {
                            NetworkEvent::PolkaCertificate(engine, certificate)
                        }
                        LivenessMsg::SkipRoundCertificate(certificate) => {
                            NetworkEvent::RoundCertificate(engine, certificate)
                        }
                    });
                }
                acceptance
            }
            Some(Message::Body(part)) => {
                let acceptance = self.judge_body(&part);
                if acceptance == Acceptance::Accept {
                    self.emit(&NetworkEvent::ProposalPart(engine, None, stream(part)));
                }
                acceptance
            }
        }
    }

    /// The engine takes what it is given into an unbounded queue, so how fast that is has a bound.
    fn within_rate(&mut self, source: &PeerId) -> bool {
        let now = Instant::now();
        let (since, count) = self.consensus_rate.entry(*source).or_insert((now, 0));
        if now.duration_since(*since) >= Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= CONSENSUS_MESSAGES_PER_SECOND_MAX
    }

    /// Whether a height is under way or soon to be; such a one ends idling.
    fn near(&self, height: u64, ahead: u64) -> Acceptance {
        let decided = self.progress.decided();
        if height <= decided || height > decided.saturating_add(ahead) {
            return Acceptance::Ignore;
        }
        self.progress.see(height);
        Acceptance::Accept
    }

    fn judge_body(&mut self, part: &ProposalPart) -> Acceptance {
        let round = part.round.as_u32().unwrap_or(u32::MAX);
        let proposer = self.validators.proposer(part.height, Round::new(round));
        if *proposer.address() != part.proposer {
            return Acceptance::Reject;
        }
        let under_way = part.height.0 == self.progress.started();
        let own_round = if under_way { self.progress.round.get() } else { 0 };
        if u64::from(round) > own_round + BODY_ROUNDS_AHEAD_MAX {
            return Acceptance::Ignore;
        }
        let id = part.block_id(&self.ledger_id);
        if !proposer.public_key().verify(&part.digest(&self.ledger_id, id), &part.signature) {
            return Acceptance::Reject;
        }
        let acceptance = self.near(part.height.0, BODY_HEIGHTS_AHEAD_MAX);
        if acceptance == Acceptance::Accept {
            let known = (part.height.0, round, id);
            let of_round = self
                .bodies_seen
                .iter()
                .filter(|(height, seen, _)| (*height, *seen) == (part.height.0, round))
                .count();
            if self.bodies_seen.contains(&known) || of_round >= BODIES_PER_ROUND_MAX {
                return Acceptance::Ignore;
            }
            self.bodies_seen.insert(known);
        }
        acceptance
    }
}

/// A whole body as the engine's stream of one message.
pub(crate) fn stream(part: ProposalPart) -> StreamMessage<ProposalPart> {
    let mut id = part.height.0.to_be_bytes().to_vec();
    id.extend_from_slice(&part.round.as_u32().unwrap_or(u32::MAX).to_be_bytes());
    StreamMessage::new(StreamId::new(id.into()), 0, StreamContent::Data(part))
}

//! Messages of consensus, judged before they are passed on and given to the engine.
//!
//! What is refused here is refused by every honest operator: it is malformed, of nobody who may say it, or
//! not signed by whom it names. What depends on the height that a node has reached is ignored.

use arc_malachitebft_core_consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_core_types::{Round, SignedMessage, Validator as _};
use arc_malachitebft_engine::network::NetworkEvent;
use arc_malachitebft_engine::util::streaming::{StreamContent, StreamId, StreamMessage};
use consensus::{Height, LedgerContext, ProposalPart, Vote};
use libp2p::PeerId;
use tokio::time::Instant;

use super::behaviour::Channel;
use super::envelope::Message;
use super::liveness_height;
use super::task::Network;
use super::votes::digest;
use crate::event::Acceptance;
use crate::offence::Offence;
use crate::rate::{Bucket, Rate};
use crate::statements::{self, Stage};

/// Heights ahead of ours whose messages are taken; the engine keeps as many.
const HEIGHTS_AHEAD_MAX: u64 = 8;
/// Heights ahead of ours whose bodies are taken.
const BODY_HEIGHTS_AHEAD_MAX: u64 = 2;
/// Rounds ahead of ours whose bodies are taken; the engine looks as far.
const BODY_ROUNDS_AHEAD_MAX: u64 = 10;
/// Bodies of one proposer for one round: two prove that it is faulty, more prove nothing else.
const BODIES_PER_ROUND_MAX: usize = 2;
/// Certificates of one peer: each holds a quorum's signatures, and is sent only when a round fails.
const CERTIFICATES: Rate = Rate { per_second: 16, burst: 64 };

type Signed<T> = SignedMessage<LedgerContext, T>;

impl Network {
    /// Judges a message of consensus; what is accepted goes to the engine.
    pub(super) fn on_consensus(&mut self, source: &PeerId, bytes: &[u8]) -> Acceptance {
        let Some(engine) = self.peers.get(source).map(|peer| peer.engine) else {
            return Acceptance::Ignore;
        };
        if !self.has_begun() {
            return Acceptance::Ignore;
        }
        let Some((_nonce, content)) = bytes.split_first_chunk::<4>() else {
            return Acceptance::Reject(Offence::Malformed);
        };
        let Some(message) = Message::decode(bytes) else {
            return Acceptance::Reject(Offence::Malformed);
        };
        statements::tell(Stage::Heard, &message);
        let (acceptance, event) = match message {
            Message::Wake(height) => return self.judge_wake(height),
            Message::Consensus(SignedConsensusMsg::Vote(vote))
            | Message::Liveness(LivenessMsg::Vote(vote)) => {
                (self.judge_vote(content, &vote), NetworkEvent::Vote(engine, vote))
            }
            Message::Consensus(SignedConsensusMsg::Proposal(signed)) => {
                let proposal = &signed.message;
                let proposer = *self.validators.proposer(proposal.height, proposal.round).address();
                if proposer != proposal.proposer {
                    return Acceptance::Reject(Offence::NotMember);
                }
                let (height, hash) = (proposal.height, proposal.digest(&self.ledger_id));
                let acceptance =
                    self.judge_signed(content, height, &proposer, &hash, &signed.signature);
                (acceptance, NetworkEvent::Proposal(engine, signed))
            }
            Message::Liveness(message) => {
                let height = liveness_height(&message);
                let (votes, event): (Vec<_>, _) = match message {
                    LivenessMsg::PolkaCertificate(it) => (
                        it.votes(&LedgerContext).collect(),
                        NetworkEvent::PolkaCertificate(engine, it),
                    ),
                    LivenessMsg::SkipRoundCertificate(it) => (
                        it.votes(&LedgerContext).collect(),
                        NetworkEvent::RoundCertificate(engine, it),
                    ),
                    LivenessMsg::Vote(vote) => {
                        (vec![vote.clone()], NetworkEvent::Vote(engine, vote))
                    }
                };
                (self.judge_certificate(source, height, &votes), event)
            }
            Message::Body(part) => {
                let acceptance = self.judge_body(&part);
                (acceptance, NetworkEvent::ProposalPart(engine, None, stream(part)))
            }
        };
        if acceptance == Acceptance::Accept {
            self.emit(&event);
        }
        acceptance
    }

    /// Whether a height is under way or soon to be.
    fn is_near(&self, height: u64, ahead: u64) -> bool {
        let decided = self.progress.decided();
        let counters = &self.progress.peers_judged;
        if height <= decided {
            counters.past_heights.add();
        } else if height > decided.saturating_add(ahead) {
            counters.future_heights.add();
        }
        height > decided && height <= decided.saturating_add(ahead)
    }

    /// One that says nothing new is not passed on, since anybody can make more of them.
    fn judge_wake(&self, height: u64) -> Acceptance {
        if !self.is_near(height, HEIGHTS_AHEAD_MAX) || height <= self.progress.seen() {
            return Acceptance::Ignore;
        }
        self.progress.see(height);
        Acceptance::Accept
    }

    fn judge_vote(&mut self, content: &[u8], signed: &Signed<Vote>) -> Acceptance {
        let vote = &signed.message;
        let hash = vote.digest(&self.ledger_id);
        self.judge_signed(content, vote.height, &vote.validator, &hash, &signed.signature)
    }

    fn judge_signed(
        &mut self,
        content: &[u8],
        height: Height,
        author: &consensus::Address,
        hash: &[u8; 32],
        signature: &consensus::Signature,
    ) -> Acceptance {
        let Some(key) = self.validators.key(author) else {
            return Acceptance::Reject(Offence::NotMember);
        };
        if !self.is_near(height.0, HEIGHTS_AHEAD_MAX) {
            return Acceptance::Ignore;
        }
        let (name, now) = (digest(content), Instant::now());
        if self.votes.has_heard(height.0, &name) {
            self.progress.peers_judged.repeated.add();
            let may = self.votes.may_repeat(author, now);
            return if may { Acceptance::Accept } else { self.limited() };
        }
        if !key.verify(hash, signature) {
            return Acceptance::Reject(Offence::BadSignature);
        }
        if !self.votes.hear(height.0, name, author, now) {
            return self.limited();
        }
        self.progress.see(height.0);
        Acceptance::Accept
    }

    fn limited(&self) -> Acceptance {
        let limited = &self.progress.peers_judged.gossip_limited;
        if let Some(counter) = limited.get(Channel::Consensus.index()) {
            counter.add();
        }
        Acceptance::Ignore
    }

    fn judge_certificate(
        &mut self,
        source: &PeerId,
        height: u64,
        votes: &[Signed<Vote>],
    ) -> Acceptance {
        if !self.is_near(height, HEIGHTS_AHEAD_MAX) {
            return Acceptance::Ignore;
        }
        let now = Instant::now();
        let bucket =
            self.certificates.entry(*source).or_insert_with(|| Bucket::new(CERTIFICATES, now));
        if !bucket.take(1, now) {
            return self.limited();
        }
        for Signed { message, signature } in votes {
            let Some(key) = self.validators.key(&message.validator) else {
                return Acceptance::Reject(Offence::NotMember);
            };
            if !key.verify(&message.digest(&self.ledger_id), signature) {
                return Acceptance::Reject(Offence::BadSignature);
            }
        }
        self.progress.see(height);
        Acceptance::Accept
    }

    fn judge_body(&mut self, part: &ProposalPart) -> Acceptance {
        let round = part.round.as_u32().unwrap_or(u32::MAX);
        let proposer = self.validators.proposer(part.height, Round::new(round));
        if *proposer.address() != part.proposer {
            return Acceptance::Reject(Offence::NotMember);
        }
        let under_way = part.height.0 == self.progress.started();
        let own_round = if under_way { self.progress.round.get() } else { 0 };
        if !self.is_near(part.height.0, BODY_HEIGHTS_AHEAD_MAX)
            || u64::from(round) > own_round + BODY_ROUNDS_AHEAD_MAX
        {
            return Acceptance::Ignore;
        }
        let id = part.block_id(&self.ledger_id);
        let known = (part.height.0, round, id);
        if self.bodies_seen.contains(&known) {
            return Acceptance::Ignore;
        }
        // The signature covers the id, so a body that is not the signed one has a bad signature.
        if !proposer.public_key().verify(&part.digest(&self.ledger_id, id), &part.signature) {
            return Acceptance::Reject(Offence::BadSignature);
        }
        statements::tell_body(Stage::Heard, part.proposer, part.height, part.round, id);
        self.progress.see(part.height.0);
        let of_round = self
            .bodies_seen
            .iter()
            .filter(|(height, seen, _)| (*height, *seen) == (part.height.0, round))
            .count();
        if of_round > 0
            && let Some(author) = self.authors.get(&part.proposer).copied()
        {
            self.blame(&author, Offence::TwoBodies);
        }
        if of_round >= BODIES_PER_ROUND_MAX {
            return Acceptance::Ignore;
        }
        self.bodies_seen.insert(known);
        Acceptance::Accept
    }
}

/// A whole body as the engine's stream of one message.
pub(crate) fn stream(part: ProposalPart) -> StreamMessage<ProposalPart> {
    let mut id = part.height.0.to_be_bytes().to_vec();
    id.extend_from_slice(&part.round.as_u32().unwrap_or(u32::MAX).to_be_bytes());
    StreamMessage::new(StreamId::new(id.into()), 0, StreamContent::Data(part))
}

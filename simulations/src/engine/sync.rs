//! What comes from other members: messages judged as the node's host judges them, and decided
//! blocks taken over by a node that lags.

use std::{collections::BTreeMap, sync::Arc};

use arc_malachitebft_core_consensus::{
    Input, LivenessMsg, PeerId, ProposedValue, SignedConsensusMsg,
};
use arc_malachitebft_core_types::{
    ExtendedCommitCertificate, Height as _, Round, SignedVote, Validator as _, Validity,
    ValueOrigin, ValueResponse, VoteExtensions,
};
use consensus::{Address, Height, LedgerContext, ProposalPart, Vote, block_id};

use super::{Action, Application, Body, DecidedBlock, Engine, Message, Timer, Verdict};

/// Heights ahead of ours whose messages are taken; the core keeps as many.
const HEIGHTS_AHEAD_MAX: u64 = 8;
/// Heights ahead of ours whose bodies are taken.
const BODY_HEIGHTS_AHEAD_MAX: u64 = 2;
/// Rounds ahead of ours whose bodies are taken.
const BODY_ROUNDS_AHEAD_MAX: u32 = 10;
/// Blocks in one answer.
pub(crate) const BLOCKS_MAX: usize = 8;

/// What others have, and what was asked of whom.
#[derive(Debug, Default)]
pub(super) struct Sync {
    tips: BTreeMap<usize, u64>,
    question: u64,
    asked: Option<usize>,
    blocks: BTreeMap<u64, (usize, DecidedBlock)>,
    /// Whose block the core is looking at.
    source: Option<usize>,
}

impl Sync {
    /// The question was not answered: its addressee is not asked again before it shows up.
    pub(super) fn give_up(&mut self) {
        if let Some(peer) = self.asked.take() {
            self.tips.remove(&peer);
        }
    }

    /// The core refused a block: its source is not asked again before it shows up.
    pub(super) fn refused(&mut self) {
        if let Some(peer) = self.source.take() {
            self.tips.remove(&peer);
        }
        self.blocks.clear();
    }
}

impl Engine {
    /// A message from a member.
    pub fn received(
        &mut self,
        now_ms: u64,
        from: usize,
        message: &Message,
        application: &dyn Application,
    ) -> Vec<Action> {
        if self.is_halted() {
            return Vec::new();
        }
        match message {
            Message::Wake(height) => {
                if self.is_near(*height, HEIGHTS_AHEAD_MAX) {
                    self.see(now_ms, *height, application);
                }
            }
            Message::Consensus(SignedConsensusMsg::Vote(vote))
            | Message::Liveness(LivenessMsg::Vote(vote)) => {
                if self.may_be(vote) {
                    self.see(now_ms, vote.message.height.0, application);
                    self.feed(now_ms, Input::Vote(vote.clone()), application);
                }
            }
            Message::Consensus(SignedConsensusMsg::Proposal(signed)) => {
                let proposal = &signed.message;
                let validators = &self.setup.validators;
                let proposer = *validators.proposer(proposal.height, proposal.round).address();
                let (keys, key) = (&self.setup.keys, validators.key(&proposer));
                if proposer == proposal.proposer
                    && self.is_near(proposal.height.0, HEIGHTS_AHEAD_MAX)
                    && key.is_some_and(|key| keys.verify_proposal(proposal, key, &signed.signature))
                {
                    self.see(now_ms, proposal.height.0, application);
                    self.feed(now_ms, Input::Proposal(signed.clone()), application);
                }
            }
            Message::Liveness(LivenessMsg::PolkaCertificate(certificate)) => {
                let votes = certificate.votes(&LedgerContext);
                if votes.into_iter().all(|vote| self.may_be(&vote)) {
                    self.see(now_ms, certificate.height.0, application);
                    let input = Input::PolkaCertificate(certificate.clone());
                    self.feed(now_ms, input, application);
                }
            }
            Message::Liveness(LivenessMsg::SkipRoundCertificate(certificate)) => {
                let votes = certificate.votes(&LedgerContext);
                if votes.into_iter().all(|vote| self.may_be(&vote)) {
                    self.see(now_ms, certificate.height.0, application);
                    let input = Input::RoundCertificate(certificate.clone());
                    self.feed(now_ms, input, application);
                }
            }
            Message::Body(part) => self.judge_part(now_ms, part, application),
            Message::Status(tip) => {
                self.sync.tips.insert(from, *tip);
                self.see(now_ms, (*tip).min(self.decided + HEIGHTS_AHEAD_MAX), application);
                self.ask_for_blocks(now_ms);
            }
            Message::Ask { question, from: height } => {
                let (question, height) = (*question, *height);
                self.actions.push(Action::Answer { to: from, question, from: height });
            }
            Message::Blocks { question, blocks } => {
                self.take_blocks(now_ms, from, *question, blocks, application);
            }
        }
        std::mem::take(&mut self.actions)
    }

    fn is_near(&self, height: u64, ahead: u64) -> bool {
        height > self.decided && height <= self.decided.saturating_add(ahead)
    }

    fn see(&mut self, now_ms: u64, height: u64, application: &dyn Application) {
        if height > self.seen {
            self.seen = height;
            self.start_next(now_ms, application);
        }
    }

    fn signed(
        &self,
        author: &Address,
        digest: &[u8; 32],
        signature: &consensus::Signature,
    ) -> bool {
        let keys = &self.setup.keys;
        let key = self.setup.validators.key(author);
        key.is_some_and(|key| keys.verify(author, key, digest, signature))
    }

    fn may_be(&self, signed: &SignedVote<LedgerContext>) -> bool {
        let vote: &Vote = &signed.message;
        let (keys, key) = (&self.setup.keys, self.setup.validators.key(&vote.validator));
        self.is_near(vote.height.0, HEIGHTS_AHEAD_MAX)
            && key.is_some_and(|key| keys.verify_vote(vote, key, &signed.signature))
    }

    fn judge_part(&mut self, now_ms: u64, part: &ProposalPart, application: &dyn Application) {
        let Some(round) = part.round.as_u32() else { return };
        let proposer = *self.setup.validators.proposer(part.height, Round::new(round)).address();
        let own_round = if part.height.0 == self.height() { self.round() } else { 0 };
        if proposer != part.proposer
            || !self.is_near(part.height.0, BODY_HEIGHTS_AHEAD_MAX)
            || round > own_round.saturating_add(BODY_ROUNDS_AHEAD_MAX)
        {
            return;
        }
        let id = part.block_id(&self.setup.ledger_id);
        if !self.signed(&proposer, &part.digest(&self.setup.ledger_id, id), &part.signature) {
            return;
        }
        self.see(now_ms, part.height.0, application);
        self.on_part(now_ms, part.clone(), application);
    }

    /// Asks for what others have and this node lacks.
    pub(super) fn ask_for_blocks(&mut self, now_ms: u64) {
        let next = self.decided + 1;
        let held = self.sync.blocks.last_key_value().map_or(0, |(height, _)| *height);
        if self.sync.asked.is_some() || held >= next {
            return;
        }
        let Some((&peer, _)) = self.sync.tips.iter().max_by_key(|(_, tip)| **tip) else { return };
        if self.sync.tips.get(&peer).is_none_or(|tip| *tip < next) {
            return;
        }
        self.sync.question += 1;
        self.sync.asked = Some(peer);
        let ask = Message::Ask { question: self.sync.question, from: next };
        self.actions.push(Action::Send(peer, Arc::new(ask)));
        self.set_timer(Timer::Ask, now_ms + self.setup.timeouts.ask_ms);
    }

    fn take_blocks(
        &mut self,
        now_ms: u64,
        from: usize,
        question: u64,
        blocks: &[DecidedBlock],
        application: &dyn Application,
    ) {
        if self.sync.asked != Some(from) || self.sync.question != question {
            return;
        }
        self.sync.asked = None;
        self.clear_timer(Timer::Ask);
        if blocks.is_empty() {
            self.sync.tips.remove(&from);
        }
        for block in blocks.iter().take(BLOCKS_MAX) {
            self.sync.blocks.insert(block.certificate.height.0, (from, block.clone()));
        }
        self.pump(now_ms, application);
        self.ask_for_blocks(now_ms);
    }

    /// Gives the core the decided block of the height under way, if it is here.
    pub(super) fn pump(&mut self, now_ms: u64, application: &dyn Application) {
        let height = self.height();
        self.sync.blocks.retain(|held, _| *held >= height);
        if self.is_waiting() || self.state.height().as_u64() != height {
            return;
        }
        let Some((source, block)) = self.sync.blocks.remove(&height) else { return };
        self.sync.source = Some(source);
        let certificate = ExtendedCommitCertificate::from_commit_certificate_and_extensions(
            block.certificate,
            VoteExtensions::default(),
        );
        let value = ValueResponse::new(peer_id(source), block.body, certificate);
        self.feed(now_ms, Input::SyncValueResponse(value), application);
    }

    /// A block whose certificate holds.
    pub(super) fn take_synced(&mut self, value: &ValueResponse<LedgerContext>, proposer: Address) {
        let certificate = &value.certificate;
        let Height(height) = certificate.height;
        let id = block_id(&self.setup.ledger_id, height, &value.value_bytes);
        if id != certificate.value_id {
            return self.sync.refused();
        }
        let round = certificate.round.as_u32().unwrap_or_default();
        let body =
            Body { round, bytes: value.value_bytes.clone(), verdict: Verdict::Unknown, own: false };
        if self.body(&id).is_none() && !self.keep(height, id, body) {
            return;
        }
        self.synced = self.synced.max(height);
        let proposed = ProposedValue {
            height: certificate.height,
            round: certificate.round,
            valid_round: Round::Nil,
            proposer,
            value: id,
            validity: Validity::Valid,
        };
        self.inputs.push_back(Input::ProposedValue(proposed, ValueOrigin::Sync));
    }
}

/// A peer's name for the core, which only hands it back.
fn peer_id(place: usize) -> PeerId {
    let [high, low] = u16::try_from(place).unwrap_or(u16::MAX).to_be_bytes();
    // An identity multihash of two bytes.
    PeerId::from_bytes(&[0, 2, high, low]).expect("two bytes are short enough for a name")
}

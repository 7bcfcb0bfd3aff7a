//! What consensus asks for, carried out in order.

use std::sync::Arc;

use arc_malachitebft_core_consensus::SignedConsensusMsg;
use protocol::{block::Block, ids::Height};

use super::{Own, Payload, World, index};
use crate::{
    engine::{Action, DecidedBlock, Message},
    trace::Event,
};

/// Blocks in one answer.
const BLOCKS_MAX: usize = 8;

impl World<'_> {
    /// Carries out actions, up to a crash.
    pub(super) fn act(&mut self, place: usize, actions: Vec<Action>) {
        for action in actions {
            if !self.is_up(place) {
                return;
            }
            self.act_one(place, action);
        }
    }

    fn act_one(&mut self, place: usize, action: Action) {
        match action {
            Action::ResetWal(height) => {
                if let Some(disk) = self.burn(place) {
                    disk.wal.reset(height);
                }
            }
            Action::Append(height, entry) => {
                if let Some(disk) = self.burn(place) {
                    disk.wal.append(height, *entry);
                }
            }
            Action::SyncWal => {
                if let Some(disk) = self.burn(place) {
                    disk.wal.sync();
                    self.disk_lag(place);
                }
            }
            Action::StartBodies(height) => {
                if let Some(disk) = self.burn(place) {
                    disk.bodies.start(height);
                }
            }
            Action::KeepBody(height, id, body) => {
                if let Some(disk) = self.burn(place) {
                    disk.bodies.start(height);
                    disk.bodies.keep(height, id, body);
                }
            }
            Action::Broadcast(message) => {
                self.tell_round(place, &message);
                let others = (0..self.members.len()).filter(|to| *to != place).collect();
                self.say(place, others, Payload::Consensus(message));
            }
            Action::Send(to, message) => self.say(place, vec![to], Payload::Consensus(message)),
            Action::SetTimer { timer, generation, at_ms } => {
                self.own_later(place, at_ms, Own::Timer(timer, generation));
            }
            Action::Propose { height, round, patience_ms } => {
                self.want_proposal(place, height, round, patience_ms);
            }
            Action::Answer { to, question, from } => {
                self.answer_question(place, to, question, from)
            }
            Action::Decided(block) => self.decided(place, block),
            Action::Equivocated(height, members) => {
                let what = format!("height {height}: conflicting votes of {members:?}");
                self.tell_warning(place, what);
            }
            Action::Halted(reason) => self.tell_warning(place, format!("halted: {reason}")),
        }
    }

    fn tell_round(&mut self, place: usize, message: &Message) {
        // A proposal is what a round begins with, as far as others can tell.
        let Message::Consensus(SignedConsensusMsg::Proposal(signed)) = message else { return };
        let proposal = &signed.message;
        let event = Event::Round {
            at: index(place),
            height: Height(proposal.height.0),
            round: proposal.round.as_u32().unwrap_or_default(),
            proposer: index(place),
        };
        self.tracer.tell(event);
    }

    fn answer_question(&mut self, place: usize, to: usize, question: u64, from: u64) {
        let Some(member) = self.members.get(place) else { return };
        let skip = usize::try_from(from.saturating_sub(1)).unwrap_or(usize::MAX);
        let blocks: Vec<DecidedBlock> =
            member.disk.blocks.iter().skip(skip).take(BLOCKS_MAX).cloned().collect();
        let answer = Message::Blocks { question, blocks: Arc::new(blocks) };
        self.say(place, vec![to], Payload::Consensus(Arc::new(answer)));
    }

    /// A block is final: it is applied, stored with what follows, and consensus goes on.
    fn decided(&mut self, place: usize, decided: DecidedBlock) {
        let (now, unix) = (self.now_ms, self.unix_ms());
        let id = decided.certificate.value_id.0.into();
        let height = decided.certificate.height.0;
        let Ok(block) = Block::decode(&decided.body) else { return };
        self.tell_decided(&decided, &block);
        let Some(process) = self.process(place) else { return };
        process.proposal = None;
        let effects = process.operator.decided(unix, id, &block);
        let state = process.operator.ledger().state();
        let (applied, time) = (state.height, state.time);
        let state_digest = process.operator.ledger().digest();
        let by = index(place);
        self.tracer.tell(Event::Applied { by, height: applied, id, state_digest, time });
        self.carry_out_with(place, effects, Some(decided));
        if !self.is_up(place) {
            return;
        }
        self.checkpoint(place);
        let actions =
            self.consensus(place, |engine, operator| engine.stored(now, height, operator));
        self.act(place, actions);
    }

    fn checkpoint(&mut self, place: usize) {
        let Some(member) = self.members.get_mut(place) else { return };
        let Some(process) = &member.process else { return };
        let ledger = process.operator.ledger();
        if member.disk.checkpoint.is_none() && ledger.group().is_some() {
            member.disk.checkpoint = Some((member.disk.blocks.len(), ledger.clone()));
        }
    }
}

//! Proposes two blocks for one round, a half of the members each, and votes for both; as a voter, it
//! tells every second member that it votes for nil.

use std::sync::Arc;

use arc_malachitebft_core_consensus::SignedConsensusMsg;
use arc_malachitebft_core_types::{NilOrVal, Round};
use consensus::{BlockId, LedgerContext, Proposal, ProposalPart, Vote, block_id, body_digest};
use protocol::block::Block;

use super::{Act, Adversary, Outgoing};
use crate::{engine::Message, scenario, world::Payload};

type Signed = SignedConsensusMsg<LedgerContext>;

/// The second block of a round.
struct Twin {
    height: u64,
    round: Round,
    id: BlockId,
}

pub(super) struct EquivocateConsensus {
    of: scenario::Adversary,
    twin: Option<Twin>,
}

impl EquivocateConsensus {
    pub(super) fn new(of: scenario::Adversary) -> Self {
        Self { of, twin: None }
    }

    /// The other body of this round: without the last bundle, or nothing but the state's digest.
    fn other_part(&mut self, act: &Act<'_>, part: &ProposalPart) -> Option<ProposalPart> {
        let mut block = Block::decode(&part.body).ok()?;
        if block.bundles.pop().is_none() {
            block.signatures.pop()?;
        }
        let ledger_id = act.operator.ledger().state().ledger_id.0;
        let body = bytes::Bytes::from(block.encode());
        let (height, round) = (part.height.0, part.round);
        let id = block_id(&ledger_id, height, &body);
        let digest = body_digest(&ledger_id, height, round, part.valid_round, id);
        let signature = act.consensus_keys().sign_digest(&digest);
        self.twin = Some(Twin { height, round, id });
        Some(ProposalPart { body, signature, ..part.clone() })
    }

    fn other(&mut self, act: &Act<'_>, message: &Message) -> Option<Message> {
        match message {
            Message::Body(part) => self.other_part(act, part).map(Message::Body),
            Message::Consensus(Signed::Proposal(signed)) => {
                let twin = self.twin.as_ref()?;
                let proposal = &signed.message;
                if (twin.height, twin.round) != (proposal.height.0, proposal.round) {
                    return None;
                }
                let other = Proposal { block: twin.id, ..proposal.clone() };
                let signed = act.consensus_keys().sign_proposal(other);
                Some(Message::Consensus(Signed::Proposal(signed)))
            }
            Message::Consensus(Signed::Vote(signed)) => {
                let vote = &signed.message;
                let twin = self.twin.as_ref();
                let twin = twin.filter(|it| (it.height, it.round) == (vote.height.0, vote.round));
                let block = twin.map_or(NilOrVal::Nil, |twin| NilOrVal::Val(twin.id));
                if block == vote.block {
                    return None;
                }
                let signed = act.consensus_keys().sign_vote(Vote { block, ..vote.clone() });
                Some(Message::Consensus(Signed::Vote(signed)))
            }
            Message::Liveness(_)
            | Message::Wake(_)
            | Message::Status(_)
            | Message::Ask { .. }
            | Message::Blocks { .. } => None,
        }
    }
}

impl Adversary for EquivocateConsensus {
    fn say(&mut self, act: &mut Act<'_>, outgoing: Outgoing) -> Vec<Outgoing> {
        let Payload::Consensus(message) = &outgoing.payload else { return vec![outgoing] };
        let Some(other) = self.other(act, message) else { return vec![outgoing] };
        if !act.takes(&self.of) {
            return vec![outgoing];
        }
        let (these, those) = outgoing.halves();
        let delay_ms = outgoing.delay_ms;
        let other = Payload::Consensus(Arc::new(other));
        vec![
            Outgoing { to: these, payload: outgoing.payload, delay_ms },
            Outgoing { to: those, payload: other, delay_ms },
        ]
    }
}

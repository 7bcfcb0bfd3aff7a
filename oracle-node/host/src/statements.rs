//! Consensus' statements in the log, one event each on the target `statements`: what this node
//! voted and proposed (`sent`, before anybody hears it), and what it heard of others. Two digests
//! of one operator, kind and place are a contradiction.

use std::fmt::Display;

use arc_malachitebft_core_consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_core_types::{NilOrVal, Round, VoteType};
use consensus::{Address, BlockId, Height, LedgerContext, Proposal, Vote};
use tracing::debug;

use crate::network::Message;

/// How far a statement has come: `sent` by this node, or `heard` from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Sent,
    Heard,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Heard => "heard",
        }
    }
}

/// Tells what a message of consensus says. Bodies have [`tell_body`]; certificates are others'
/// votes again.
pub(crate) fn tell(stage: Stage, message: &Message) {
    match message {
        Message::Consensus(SignedConsensusMsg::Vote(vote)) => tell_vote(stage, &vote.message),
        Message::Consensus(SignedConsensusMsg::Proposal(proposal)) => {
            tell_proposal(stage, &proposal.message);
        }
        Message::Liveness(LivenessMsg::<LedgerContext>::Vote(vote)) => {
            tell_vote(stage, &vote.message);
        }
        Message::Liveness(
            LivenessMsg::PolkaCertificate(_) | LivenessMsg::SkipRoundCertificate(_),
        )
        | Message::Body(_)
        | Message::Wake(_) => {}
    }
}

fn tell_vote(stage: Stage, vote: &Vote) {
    let kind = match vote.step {
        VoteType::Prevote => "prevote",
        VoteType::Precommit => "precommit",
    };
    match vote.block {
        NilOrVal::Val(id) => said(stage, vote.validator, kind, vote.height, vote.round, &id),
        NilOrVal::Nil => said(stage, vote.validator, kind, vote.height, vote.round, &"nil"),
    }
}

fn tell_proposal(stage: Stage, proposal: &Proposal) {
    let Proposal { height, round, block, proposer, .. } = proposal;
    said(stage, *proposer, "proposal", *height, *round, block);
}

/// Tells of a body that a proposer signed.
pub(crate) fn tell_body(
    stage: Stage,
    proposer: Address,
    height: Height,
    round: Round,
    block: BlockId,
) {
    said(stage, proposer, "body", height, round, &block);
}

fn said(
    stage: Stage,
    operator: Address,
    kind: &str,
    height: Height,
    round: Round,
    digest: &dyn Display,
) {
    let (stage, height, round) = (stage.name(), height.0, round.as_i64());
    debug!(
        target: "statements",
        stage, %operator, kind, place = format_args!("{height}/{round}"), %digest, "said"
    );
}

//! What members' consensus says to each other.

use std::{fmt, sync::Arc};

use arc_malachitebft_core_consensus::{LivenessMsg, SignedConsensusMsg};
use arc_malachitebft_core_types::CommitCertificate;
use bytes::Bytes;
use consensus::{LedgerContext, ProposalPart, wire::Wire};

/// A block with the certificate of its decision.
#[derive(Clone, Debug)]
pub struct DecidedBlock {
    /// The quorum's precommits.
    pub certificate: CommitCertificate<LedgerContext>,
    /// The block's bytes.
    pub body: Bytes,
}

/// A message between two members' hosts.
#[derive(Clone, Debug)]
pub enum Message {
    /// A vote or a proposal.
    Consensus(SignedConsensusMsg<LedgerContext>),
    /// A certificate, or a vote said again.
    Liveness(LivenessMsg<LedgerContext>),
    /// The body of a proposal.
    Body(ProposalPart),
    /// There is work for the block of this height.
    Wake(u64),
    /// The last height that its sender has stored.
    Status(u64),
    /// Asks for decided blocks from a height on.
    Ask {
        /// Which of the asker's questions this is.
        question: u64,
        /// The first height wanted.
        from: u64,
    },
    /// Decided blocks from the height that was asked for on; perhaps none.
    Blocks {
        /// Which question this answers.
        question: u64,
        /// The blocks.
        blocks: Arc<Vec<DecidedBlock>>,
    },
}

/// Bytes of a height, a number or a kind.
const WORD_BYTES: usize = 8;

impl Message {
    /// The bytes that it has on the wire.
    pub fn wire_bytes(&self) -> usize {
        match self {
            Self::Consensus(message) => message.to_wire().len(),
            Self::Liveness(message) => message.to_wire().len(),
            Self::Body(part) => part.to_wire().len(),
            Self::Wake(_) | Self::Status(_) => WORD_BYTES,
            Self::Ask { .. } => 2 * WORD_BYTES,
            Self::Blocks { blocks, .. } => {
                let bytes = |block: &DecidedBlock| {
                    let signatures = block.certificate.commit_signatures.len();
                    block.body.len() + 6 * WORD_BYTES + signatures * (20 + 64)
                };
                WORD_BYTES + blocks.iter().map(bytes).sum::<usize>()
            }
        }
    }

    /// What it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Consensus(SignedConsensusMsg::Vote(_)) => "vote",
            Self::Consensus(SignedConsensusMsg::Proposal(_)) => "proposal",
            Self::Liveness(LivenessMsg::Vote(_)) => "vote-again",
            Self::Liveness(LivenessMsg::PolkaCertificate(_)) => "polka",
            Self::Liveness(LivenessMsg::SkipRoundCertificate(_)) => "round-certificate",
            Self::Body(_) => "body",
            Self::Wake(_) => "wake",
            Self::Status(_) => "status",
            Self::Ask { .. } => "ask",
            Self::Blocks { .. } => "blocks",
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

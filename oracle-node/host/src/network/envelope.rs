//! What surrounds a consensus message on its gossip topic: a nonce and a kind.
//!
//! `nonce u32 ‖ kind u8 ‖ payload`, integers big-endian.

use arc_malachitebft_core_consensus::{LivenessMsg, SignedConsensusMsg};
use consensus::wire::Wire;
use consensus::{LedgerContext, ProposalPart};

const CONSENSUS: u8 = 0;
const LIVENESS: u8 = 1;
const WAKE: u8 = 2;
const BODY: u8 = 3;

/// A message on the topics of consensus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Consensus(SignedConsensusMsg<LedgerContext>),
    Liveness(LivenessMsg<LedgerContext>),
    /// There is work for this height.
    Wake(u64),
    Body(ProposalPart),
}

impl Message {
    /// Kind and payload; a nonce goes before them.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (kind, payload) = match self {
            Self::Consensus(message) => (CONSENSUS, message.to_wire()),
            Self::Liveness(message) => (LIVENESS, message.to_wire()),
            Self::Wake(height) => (WAKE, height.to_be_bytes().to_vec()),
            Self::Body(part) => (BODY, part.to_wire()),
        };
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&payload);
        bytes
    }

    /// Reads a message with its nonce.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (_nonce, rest) = bytes.split_first_chunk::<4>()?;
        let (kind, payload) = rest.split_first()?;
        match *kind {
            CONSENSUS => Wire::from_wire(payload).ok().map(Self::Consensus),
            LIVENESS => Wire::from_wire(payload).ok().map(Self::Liveness),
            WAKE => payload.try_into().ok().map(|height| Self::Wake(u64::from_be_bytes(height))),
            BODY => Wire::from_wire(payload).ok().map(Self::Body),
            _ => None,
        }
    }
}

/// An encoded message as it is sent.
pub(crate) fn with_nonce(nonce: u32, message: &[u8]) -> Vec<u8> {
    let mut bytes = nonce.to_be_bytes().to_vec();
    bytes.extend_from_slice(message);
    bytes
}

//! The one encoding of everything consensus sends or writes: borsh, strict and bounded.

use arc_malachitebft_core_consensus::{LivenessMsg, ProposedValue, SignedConsensusMsg};
use arc_malachitebft_core_types::{
    NilOrVal, PolkaCertificate, PolkaSignature, Round, RoundCertificate, RoundCertificateType,
    RoundSignature, SignedProposal, SignedVote, Validity, VoteType,
};
use borsh::io::{Error, ErrorKind, Read, Result as IoResult, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

use crate::block::{BlockId, Height};
use crate::context::LedgerContext;
use crate::keys::Signature;
use crate::messages::{Proposal, ProposalPart, Vote};
use crate::validators::{Address, VALIDATORS_MAX};

/// Longest body of a block, bytes.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Highest round that is read; far beyond what timeouts let a height reach.
pub const ROUND_MAX: u32 = 1 << 24;
/// Longest vote, proposal or proposed value, bytes.
pub const MESSAGE_BYTES_MAX: usize = 512;
/// Longest certificate, bytes: two votes of every validator.
pub const CERTIFICATE_BYTES_MAX: usize = 64 + VALIDATORS_MAX * 2 * 128;

/// Why bytes are refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Longer than any valid encoding.
    #[error("{length} bytes, at most {max} are allowed")]
    TooLong {
        /// Bytes received.
        length: usize,
        /// Most allowed.
        max: usize,
    },
    /// Not the canonical encoding of a value.
    #[error("malformed: {0}")]
    Malformed(String),
}

/// A value with one canonical encoding.
pub trait Wire: Sized {
    /// Longest encoding, bytes.
    const BYTES_MAX: usize;

    /// The encoding.
    fn to_wire(&self) -> Vec<u8>;

    /// Reads a canonical encoding.
    ///
    /// # Errors
    /// If the bytes are too long or anything but the encoding of a valid value.
    fn from_wire(bytes: &[u8]) -> Result<Self, WireError>;
}

fn encode(value: &impl BorshSerialize) -> Vec<u8> {
    borsh::to_vec(value).expect("writing to memory does not fail")
}

fn decode<T: BorshDeserialize>(bytes: &[u8], max: usize) -> Result<T, WireError> {
    if bytes.len() > max {
        return Err(WireError::TooLong { length: bytes.len(), max });
    }
    borsh::from_slice(bytes).map_err(|error| WireError::Malformed(error.to_string()))
}

fn malformed(reason: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, reason)
}

impl BorshSerialize for Signature {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        writer.write_all(&self.to_bytes())
    }
}

impl BorshDeserialize for Signature {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        let bytes = <[u8; 64]>::deserialize_reader(reader)?;
        Self::from_bytes(&bytes).map_err(|_| malformed("signature is not canonical"))
    }
}

/// A round that is defined.
#[derive(Clone, Copy)]
struct SomeRound(Round);

impl BorshSerialize for SomeRound {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        self.0.as_u32().ok_or_else(|| malformed("round is undefined"))?.serialize(writer)
    }
}

impl BorshDeserialize for SomeRound {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        match u32::deserialize_reader(reader)? {
            round if round <= ROUND_MAX => Ok(Self(Round::new(round))),
            _ => Err(malformed("round is out of range")),
        }
    }
}

/// A round, or none.
#[derive(Clone, Copy)]
struct AnyRound(Round);

impl BorshSerialize for AnyRound {
    fn serialize<W: Write>(&self, writer: &mut W) -> IoResult<()> {
        self.0.as_u32().serialize(writer)
    }
}

impl BorshDeserialize for AnyRound {
    fn deserialize_reader<R: Read>(reader: &mut R) -> IoResult<Self> {
        match Option::<u32>::deserialize_reader(reader)? {
            None => Ok(Self(Round::Nil)),
            Some(round) if round <= ROUND_MAX => Ok(Self(Round::new(round))),
            Some(_) => Err(malformed("round is out of range")),
        }
    }
}

fn step_from(precommit: bool) -> VoteType {
    if precommit { VoteType::Precommit } else { VoteType::Prevote }
}

fn block_from(block: Option<BlockId>) -> NilOrVal<BlockId> {
    block.map_or(NilOrVal::Nil, NilOrVal::Val)
}

fn block_into(block: NilOrVal<BlockId>) -> Option<BlockId> {
    match block {
        NilOrVal::Nil => None,
        NilOrVal::Val(id) => Some(id),
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct VoteBytes {
    precommit: bool,
    height: Height,
    round: SomeRound,
    block: Option<BlockId>,
    validator: Address,
    signature: Signature,
}

impl From<&SignedVote<LedgerContext>> for VoteBytes {
    fn from(vote: &SignedVote<LedgerContext>) -> Self {
        Self {
            precommit: vote.message.step == VoteType::Precommit,
            height: vote.message.height,
            round: SomeRound(vote.message.round),
            block: block_into(vote.message.block),
            validator: vote.message.validator,
            signature: vote.signature,
        }
    }
}

impl From<VoteBytes> for SignedVote<LedgerContext> {
    fn from(bytes: VoteBytes) -> Self {
        let vote = Vote {
            step: step_from(bytes.precommit),
            height: bytes.height,
            round: bytes.round.0,
            block: block_from(bytes.block),
            validator: bytes.validator,
        };
        Self::new(vote, bytes.signature)
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct ProposalBytes {
    height: Height,
    round: SomeRound,
    block: BlockId,
    valid_round: AnyRound,
    proposer: Address,
    signature: Signature,
}

impl From<&SignedProposal<LedgerContext>> for ProposalBytes {
    fn from(proposal: &SignedProposal<LedgerContext>) -> Self {
        Self {
            height: proposal.message.height,
            round: SomeRound(proposal.message.round),
            block: proposal.message.block,
            valid_round: AnyRound(proposal.message.valid_round),
            proposer: proposal.message.proposer,
            signature: proposal.signature,
        }
    }
}

impl From<ProposalBytes> for SignedProposal<LedgerContext> {
    fn from(bytes: ProposalBytes) -> Self {
        let proposal = Proposal {
            height: bytes.height,
            round: bytes.round.0,
            block: bytes.block,
            valid_round: bytes.valid_round.0,
            proposer: bytes.proposer,
        };
        Self::new(proposal, bytes.signature)
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
enum ConsensusBytes {
    Vote(VoteBytes),
    Proposal(ProposalBytes),
}

impl Wire for SignedConsensusMsg<LedgerContext> {
    const BYTES_MAX: usize = MESSAGE_BYTES_MAX;

    fn to_wire(&self) -> Vec<u8> {
        encode(&match self {
            Self::Vote(vote) => ConsensusBytes::Vote(vote.into()),
            Self::Proposal(proposal) => ConsensusBytes::Proposal(proposal.into()),
        })
    }

    fn from_wire(bytes: &[u8]) -> Result<Self, WireError> {
        Ok(match decode(bytes, Self::BYTES_MAX)? {
            ConsensusBytes::Vote(vote) => Self::Vote(vote.into()),
            ConsensusBytes::Proposal(proposal) => Self::Proposal(proposal.into()),
        })
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct PolkaBytes {
    height: Height,
    round: SomeRound,
    block: BlockId,
    signatures: Vec<(Address, Signature)>,
}

impl From<&PolkaCertificate<LedgerContext>> for PolkaBytes {
    fn from(certificate: &PolkaCertificate<LedgerContext>) -> Self {
        Self {
            height: certificate.height,
            round: SomeRound(certificate.round),
            block: certificate.value_id,
            signatures: certificate
                .polka_signatures
                .iter()
                .map(|entry| (entry.address, entry.signature))
                .collect(),
        }
    }
}

impl From<PolkaBytes> for PolkaCertificate<LedgerContext> {
    fn from(bytes: PolkaBytes) -> Self {
        Self {
            height: bytes.height,
            round: bytes.round.0,
            value_id: bytes.block,
            polka_signatures: bytes
                .signatures
                .into_iter()
                .map(|(address, signature)| PolkaSignature::new(address, signature))
                .collect(),
        }
    }
}

impl Wire for PolkaCertificate<LedgerContext> {
    const BYTES_MAX: usize = CERTIFICATE_BYTES_MAX;

    fn to_wire(&self) -> Vec<u8> {
        encode(&PolkaBytes::from(self))
    }

    fn from_wire(bytes: &[u8]) -> Result<Self, WireError> {
        decode::<PolkaBytes>(bytes, Self::BYTES_MAX).map(Into::into)
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct RoundSignatureBytes {
    precommit: bool,
    block: Option<BlockId>,
    validator: Address,
    signature: Signature,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct RoundBytes {
    height: Height,
    round: SomeRound,
    skip: bool,
    signatures: Vec<RoundSignatureBytes>,
}

impl From<&RoundCertificate<LedgerContext>> for RoundBytes {
    fn from(certificate: &RoundCertificate<LedgerContext>) -> Self {
        Self {
            height: certificate.height,
            round: SomeRound(certificate.round),
            skip: certificate.cert_type == RoundCertificateType::Skip,
            signatures: certificate
                .round_signatures
                .iter()
                .map(|entry| RoundSignatureBytes {
                    precommit: entry.vote_type == VoteType::Precommit,
                    block: block_into(entry.value_id),
                    validator: entry.address,
                    signature: entry.signature,
                })
                .collect(),
        }
    }
}

impl From<RoundBytes> for RoundCertificate<LedgerContext> {
    fn from(bytes: RoundBytes) -> Self {
        Self {
            height: bytes.height,
            round: bytes.round.0,
            cert_type: if bytes.skip {
                RoundCertificateType::Skip
            } else {
                RoundCertificateType::Precommit
            },
            round_signatures: bytes
                .signatures
                .into_iter()
                .map(|entry| {
                    RoundSignature::new(
                        step_from(entry.precommit),
                        block_from(entry.block),
                        entry.validator,
                        entry.signature,
                    )
                })
                .collect(),
        }
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
enum LivenessBytes {
    Vote(VoteBytes),
    Polka(PolkaBytes),
    Round(RoundBytes),
}

impl Wire for LivenessMsg<LedgerContext> {
    const BYTES_MAX: usize = CERTIFICATE_BYTES_MAX;

    fn to_wire(&self) -> Vec<u8> {
        encode(&match self {
            Self::Vote(vote) => LivenessBytes::Vote(vote.into()),
            Self::PolkaCertificate(certificate) => LivenessBytes::Polka(certificate.into()),
            Self::SkipRoundCertificate(certificate) => LivenessBytes::Round(certificate.into()),
        })
    }

    fn from_wire(bytes: &[u8]) -> Result<Self, WireError> {
        Ok(match decode(bytes, Self::BYTES_MAX)? {
            LivenessBytes::Vote(vote) => Self::Vote(vote.into()),
            LivenessBytes::Polka(certificate) => Self::PolkaCertificate(certificate.into()),
            LivenessBytes::Round(certificate) => Self::SkipRoundCertificate(certificate.into()),
        })
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct PartBytes {
    height: Height,
    round: SomeRound,
    valid_round: AnyRound,
    proposer: Address,
    signature: Signature,
    body: Vec<u8>,
}

impl Wire for ProposalPart {
    const BYTES_MAX: usize = BODY_BYTES_MAX + MESSAGE_BYTES_MAX;

    fn to_wire(&self) -> Vec<u8> {
        encode(&PartBytes {
            height: self.height,
            round: SomeRound(self.round),
            valid_round: AnyRound(self.valid_round),
            proposer: self.proposer,
            signature: self.signature,
            body: self.body.to_vec(),
        })
    }

    fn from_wire(bytes: &[u8]) -> Result<Self, WireError> {
        let part: PartBytes = decode(bytes, Self::BYTES_MAX)?;
        if part.body.len() > BODY_BYTES_MAX {
            return Err(WireError::TooLong { length: part.body.len(), max: BODY_BYTES_MAX });
        }
        Ok(Self {
            height: part.height,
            round: part.round.0,
            valid_round: part.valid_round.0,
            proposer: part.proposer,
            body: part.body.into(),
            signature: part.signature,
        })
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct ProposedBytes {
    height: Height,
    round: SomeRound,
    valid_round: AnyRound,
    proposer: Address,
    block: BlockId,
    valid: bool,
}

impl Wire for ProposedValue<LedgerContext> {
    const BYTES_MAX: usize = MESSAGE_BYTES_MAX;

    fn to_wire(&self) -> Vec<u8> {
        encode(&ProposedBytes {
            height: self.height,
            round: SomeRound(self.round),
            valid_round: AnyRound(self.valid_round),
            proposer: self.proposer,
            block: self.value,
            valid: self.validity.to_bool(),
        })
    }

    fn from_wire(bytes: &[u8]) -> Result<Self, WireError> {
        let value: ProposedBytes = decode(bytes, Self::BYTES_MAX)?;
        Ok(Self {
            height: value.height,
            round: value.round.0,
            valid_round: value.valid_round.0,
            proposer: value.proposer,
            value: value.block,
            validity: Validity::from_bool(value.valid),
        })
    }
}

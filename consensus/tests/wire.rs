//! Encodings: round trips, and what decoding refuses.

use arc_malachitebft_core_consensus::{LivenessMsg, ProposedValue, SignedConsensusMsg};
use arc_malachitebft_core_types::{
    NilOrVal, PolkaCertificate, PolkaSignature, Round, RoundCertificate, RoundCertificateType,
    RoundSignature, SignedProposal, SignedVote, Validity, VoteType,
};
use assay_consensus::wire::{BODY_BYTES_MAX, ROUND_MAX, Wire, WireError};
use assay_consensus::{
    Address, BlockId, ConsensusKey, Height, LedgerContext, Proposal, ProposalPart, Signature, Vote,
};

fn signature() -> Signature {
    ConsensusKey::from_bytes(&[3; 32]).unwrap().sign(&[4; 32]).unwrap()
}

fn vote(round: u32, block: NilOrVal<BlockId>) -> SignedVote<LedgerContext> {
    let vote = Vote {
        step: VoteType::Precommit,
        height: Height(5),
        round: Round::new(round),
        block,
        validator: Address([6; 20]),
    };
    SignedVote::new(vote, signature())
}

fn part(body: Vec<u8>) -> ProposalPart {
    ProposalPart {
        height: Height(5),
        round: Round::new(1),
        valid_round: Round::new(0),
        proposer: Address([6; 20]),
        body: body.into(),
        signature: signature(),
    }
}

/// Encodes, decodes, and checks that no other bytes are taken for the same.
fn check<T: Wire + PartialEq + std::fmt::Debug>(value: &T) {
    let bytes = value.to_wire();
    assert!(bytes.len() <= T::BYTES_MAX);
    assert_eq!(T::from_wire(&bytes).as_ref(), Ok(value));
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(T::from_wire(&longer).is_err());
    for length in 0..bytes.len() {
        assert!(T::from_wire(&bytes[..length]).is_err());
    }
    // Flipped bits are refused or mean something else, and never panic.
    for position in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[position] ^= 0x81;
        assert_ne!(T::from_wire(&flipped).as_ref(), Ok(value));
    }
}

#[test]
fn messages_come_back_as_they_were() {
    check(&SignedConsensusMsg::Vote(vote(0, NilOrVal::Nil)));
    check(&SignedConsensusMsg::Vote(vote(ROUND_MAX, NilOrVal::Val(BlockId([7; 32])))));
    let proposal = Proposal {
        height: Height(u64::MAX),
        round: Round::new(2),
        block: BlockId([8; 32]),
        valid_round: Round::Nil,
        proposer: Address([1; 20]),
    };
    check(&SignedConsensusMsg::Proposal(SignedProposal::new(proposal, signature())));
    check(&part(vec![1, 2, 3]));
    check(&ProposedValue::<LedgerContext> {
        height: Height(5),
        round: Round::new(1),
        valid_round: Round::Nil,
        proposer: Address([6; 20]),
        value: BlockId([2; 32]),
        validity: Validity::Invalid,
    });
}

#[test]
fn certificates_come_back_as_they_were() {
    let polka = PolkaCertificate {
        height: Height(5),
        round: Round::new(1),
        value_id: BlockId([2; 32]),
        polka_signatures: vec![PolkaSignature::new(Address([6; 20]), signature()); 3],
    };
    check(&polka);
    check(&LivenessMsg::PolkaCertificate(polka));
    check(&LivenessMsg::Vote(vote(3, NilOrVal::Nil)));
    for cert_type in [RoundCertificateType::Skip, RoundCertificateType::Precommit] {
        let entry =
            RoundSignature::new(VoteType::Prevote, NilOrVal::Nil, Address([6; 20]), signature());
        check(&LivenessMsg::SkipRoundCertificate(RoundCertificate {
            height: Height(5),
            round: Round::new(1),
            cert_type,
            round_signatures: vec![entry; 2],
        }));
    }
}

#[test]
fn round_out_of_range_is_refused() {
    let bytes = SignedConsensusMsg::Vote(vote(ROUND_MAX + 1, NilOrVal::Nil)).to_wire();
    let read = SignedConsensusMsg::<LedgerContext>::from_wire(&bytes);
    assert!(matches!(read, Err(WireError::Malformed(_))));
}

#[test]
fn longest_body_is_taken_and_a_longer_one_refused() {
    let longest = part(vec![9; BODY_BYTES_MAX]);
    assert_eq!(ProposalPart::from_wire(&longest.to_wire()).as_ref(), Ok(&longest));
    let longer = part(vec![9; BODY_BYTES_MAX + 1]).to_wire();
    assert!(matches!(ProposalPart::from_wire(&longer), Err(WireError::TooLong { .. })));
}

#[test]
fn announced_length_allocates_nothing() {
    // A polka certificate that claims 2^32 - 1 signatures.
    let mut bytes = vec![0; 8 + 4 + 32];
    bytes.extend_from_slice(&[0xff; 4]);
    assert!(PolkaCertificate::<LedgerContext>::from_wire(&bytes).is_err());
}
